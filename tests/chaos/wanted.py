"""What is asked for, and what is to become of it."""

import json
import random
import uuid as uuids
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_TEMPLATE = """\
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  node_templates:
    node:
      type: tosca.nodes.indigo.Compute
      capabilities:
        scalable: {properties: {count: %d, removal_list: %s}}
        host: {properties: {num_cpus: 1, mem_size: 1 GB}}
        endpoint: {properties: {network_name: PRIVATE}}
  outputs:
    address: {value: {get_attribute: [node, private_address, 0]}}
"""


def template(machines: int, removals: Sequence[str] = ()) -> str:
    """So many machines; an update takes away the resources that are named."""
    return _TEMPLATE % (machines, json.dumps(list(removals)))


class Story(StrEnum):
    """What a user does."""

    KEEP = "keep"  # create
    FAIL_OVER = "fail over"  # create where the first provider cannot be reached
    DELETE = "delete"  # create, wait for it, delete
    CANCEL = "cancel"  # create, delete at once
    REFUSED = "refused"  # create for a group whose agreement has ended
    GROW = "grow"  # create, then update from one machine to two
    SHRINK = "shrink"  # create with two machines, then update to the second one
    POWER = "power"  # create, then stop the machine and start it again
    CONFIGURE = "configure"  # create, then reconfigure


UPDATED = (Story.GROW, Story.SHRINK)
ACTED = (Story.POWER, Story.CONFIGURE)
UPDATE_MIN = 6  # minutes for an update: the same holds for it; more than clocks differ by
GROUP = {Story.FAIL_OVER: "demo-failover", Story.REFUSED: "demo-expired"}
PROVIDER_MIN = 4  # minutes for one provider: a killed IM leaves machines pending for ever
PROVIDERS = 2  # of the groups demo and demo-failover
_WEIGHTS = {
    Story.KEEP: 12,
    Story.FAIL_OVER: 3,
    Story.DELETE: 3,
    Story.CANCEL: 2,
    Story.REFUSED: 1,
    Story.GROW: 3,
    Story.SHRINK: 3,
    Story.POWER: 3,
    Story.CONFIGURE: 2,
}


@dataclass
class Wanted:
    """One deployment."""

    key: str  # Idempotency-Key
    story: Story
    at: float  # seconds after the begin
    uuid: str | None = None  # None until the service has accepted it
    accepted_at: float | None = None  # time.monotonic()
    delete_accepted: bool = False
    changes: int = 0  # updates and actions that the service has accepted for sure
    tried: int = 0  # requests for them: one whose answer was lost may have been accepted, too

    @property
    def before(self) -> int:
        """Machines at the create."""
        return 2 if self.story is Story.SHRINK else 1

    @property
    def machines(self) -> int:
        """Machines in the end."""
        return 2 if self.story is Story.GROW else 1

    @property
    def group(self) -> str:
        """The user group."""
        return GROUP.get(self.story, "demo")

    @property
    def is_deleted(self) -> bool:
        """Whether it is to be gone in the end."""
        return self.story in (Story.DELETE, Story.CANCEL)


def wanted(seed: int, deployments: int, duration_s: float) -> list[Wanted]:
    """The deployments of a run, spread evenly over `duration_s` seconds."""
    rng = random.Random(f"wanted {seed}")
    stories = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=deployments)
    for number, story in enumerate(Story):
        if number < deployments:
            stories[number] = story
    return [
        Wanted(
            key=str(uuids.UUID(int=rng.getrandbits(128), version=4)),
            story=story,
            at=duration_s * number / deployments,
        )
        for number, story in enumerate(stories)
    ]
