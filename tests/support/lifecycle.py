"""Messages and rows for the tests of the state machines, and a driver that steps through one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from paas_stream.lifecycle import dispatch
from paas_stream.lifecycle.attempt import Attempt, Effect, EffectKind, Outcome, Phase, Policy
from paas_stream.lifecycle.backoff import Backoff
from paas_stream.lifecycle.deployment import TrackerPolicy
from paas_stream.lifecycle.dispatch_row import DispatchRow
from paas_stream.records import (
    Command,
    DeploymentResult,
    DispatchEvent,
    ErrorRecord,
    Machine,
    Message,
    Node,
    Owner,
    ProcedureStatus,
    RankedCandidate,
    RankedProviders,
    Request,
    Target,
    Template,
    TrackerEvent,
    ValidatedTemplate,
)

UUID = "6f0d4c9e-3b1a-4c55-9d7e-0a1b2c3d4e5f"
T0 = 1_800_000_000.0  # when the tests begin, seconds since the epoch
OVERALL_S = 4 * 3600.0
PROVIDER_MIN = 60

POLICY = Policy(
    call_s=40.0,
    margin_s=5.0,
    pending_s=60.0,
    starting_s=600.0,
    unknown_s=120.0,
    cleanup_beside_s=60.0,
    delete_timeout_s=3600.0,
    recheck_s=5.0,
    backoff=Backoff(1.0, 60.0),
    reconfigure_s=900.0,
)
TRACKER_POLICY = TrackerPolicy(delete_timeout_s=3600.0, retention_s=86400.0)


def at(moment: float) -> datetime:
    """Seconds since the epoch as a time of day."""
    return datetime.fromtimestamp(moment, UTC)


def request(
    *,
    max_providers: int | None = None,
    keep_last: bool = False,
    overall_s: float = OVERALL_S,
    provider_min: int = PROVIDER_MIN,
) -> Request:
    """What the user asked for at T0."""
    return Request(
        owner=Owner(issuer="https://issuer", subject="alice"),
        user_group="physics",
        max_providers=max_providers,
        deadline=at(T0 + overall_s),
        per_provider_timeout=provider_min,
        keep_last_attempt=keep_last,
    )


def template(**options: Any) -> Template:
    """The message for `template`."""
    return Template(
        uuid=UUID,
        timestamp=at(T0),
        template="tosca_definitions_version: tosca_simple_yaml_1_0",
        template_name="one machine",
        template_inputs={"cpus": 2},
        callback="https://client/hook",
        request=request(**options),
    )


def validated(**options: Any) -> ValidatedTemplate:
    """The message for `validated-templates`."""
    return ValidatedTemplate(
        uuid=UUID,
        timestamp=at(T0 + 0.1),
        template={},
        template_name="one machine",
        requirements=(),
        request=request(**options),
    )


def ranked(providers: int = 3, kind: str = "openstack") -> RankedProviders:
    """The message for `ranked-providers`: p1, p2, ..., all of one type."""
    return RankedProviders(
        uuid=UUID,
        timestamp=at(T0 + 0.3),
        ranked_providers=tuple(
            RankedCandidate(
                provider_name=f"p{place}",
                region_name="default",
                target=Target(type=kind, endpoint=f"https://p{place}:5000/v3"),
            )
            for place in range(1, providers + 1)
        ),
    )


def command(name: str, moment: float, *, force: bool = False, reason: str | None = None) -> Command:
    """The message for `deployment-commands`."""
    return Command.model_validate(
        {
            "uuid": UUID,
            "timestamp": at(moment),
            "command": name,
            "force": force,
            "reason": reason,
        }
    )


def tick() -> DispatchEvent:
    """A tick for the dispatcher."""
    return DispatchEvent(uuid=UUID, timestamp=at(T0), event="tick")


def tracker_tick(moment: float = T0) -> TrackerEvent:
    """A tick for the tracker, made at this moment."""
    return TrackerEvent(uuid=UUID, timestamp=at(moment), event="tick")


def answer(effect: Effect, outcome: Outcome, **fields: Any) -> DispatchEvent:
    """What became of an effect."""
    return DispatchEvent(
        uuid=effect.uuid,
        timestamp=at(T0),
        event="effect",
        attempt=effect.attempt,
        issue=effect.issue,
        effect=effect.kind.value,
        outcome=outcome.value,
        **fields,
    )


def an_attempt(**fields: Any) -> Attempt:
    """An attempt that has just begun, or as `fields` say."""
    begun = Attempt(
        number=1,
        candidate=0,
        provider_name="p1",
        region_name="default",
        provider_type="openstack",
        provider_endpoint="https://p1:5000/v3",
        started_at=T0,
        deadline=T0 + PROVIDER_MIN * 60,
        due=T0,
    )
    return replace(begun, **fields)


@dataclass(frozen=True)
class Update:
    """The messages of one update."""

    request_message: Template
    validated: ValidatedTemplate
    refused: ErrorRecord

    def ranked(self, provider: str | None) -> RankedProviders:
        """Its ranking, with one provider."""
        one = (
            ranked(1)
            .ranked_providers[0]
            .model_copy(
                update={
                    "provider_name": provider or "none",
                    "target": Target(type="openstack", endpoint=f"https://{provider}:5000/v3"),
                }
            )
        )
        return RankedProviders(
            uuid=UUID,
            timestamp=self.validated.timestamp,
            revision=self.validated.revision,
            ranked_providers=(one,),
        )


def update(
    revision: int, count: int, moment: float, removals: tuple[str, ...], seconds: float
) -> Update:
    """An update to `count` machines, asked for at `moment`, which may take `seconds`."""
    wish = request(overall_s=moment - T0 + seconds)
    asked = template().model_copy(
        update={
            "timestamp": at(moment),
            "operation": "update",
            "revision": revision,
            "removals": removals,
            "request": wish,
        }
    )
    node = Node(name="node", types=("tosca.nodes.Compute",), count=count, has_machines=True)
    accepted = validated().model_copy(
        update={
            "timestamp": at(moment + 0.1),
            "revision": revision,
            "template": {"count": count},
            "nodes": (node,),
            "removals": removals,
            "request": wish,
        }
    )
    refused = ErrorRecord(
        uuid=UUID,
        timestamp=at(moment + 0.2),
        component="provider-selector",
        step="select",
        code="no_provider",
        message="no room for it",
        revision=revision,
    )
    return Update(asked, accepted, refused)


class Dispatcher:
    """Steps through the dispatcher's machine as the agent does: one row, one clock, no broker."""

    def __init__(self, policy: Policy = POLICY, *, has_room: bool = True) -> None:
        """`has_room`: each request for room is granted at once; otherwise the test answers it."""
        self.policy = policy
        self.has_room = has_room
        self.row: DispatchRow | None = DispatchRow(UUID)
        self.now = T0 + 1.0
        self.said: list[Message] = []
        self.effects: list[Effect] = []  # issued by the last step

    def feed(self, event: Any, after_s: float = 0.0) -> list[Message]:
        """One event, some time later; what the step says."""
        self.now += after_s
        if isinstance(event, DispatchEvent) and event.event == "tick":
            event = event.model_copy(update={"timestamp": at(self.now)})
        row = self.row or DispatchRow(UUID)
        transition = dispatch.step(row, event, self.now, self.policy)
        self.row = transition.row
        self.said += transition.messages
        self.effects = list(transition.effects)
        told = list(transition.messages)
        for effect in transition.effects:
            if effect.kind is EffectKind.HOLD and self.has_room:
                rest = [one for one in self.effects if one is not effect]
                granted = answer(effect, Outcome.GRANTED)
                told += self.feed(granted.model_copy(update={"timestamp": at(self.now)}))
                self.effects = rest + self.effects
        for back in [one for one in transition.messages if isinstance(one, DispatchEvent)]:
            told += self.feed(back)
        return told

    def start(self, providers: int = 3, **options: Any) -> Effect:
        """Template and ranking; the first CREATE."""
        self.feed(validated(**options))
        self.feed(ranked(providers))
        return self.only()

    def only(self, kind: EffectKind | None = None) -> Effect:
        """The one effect that the last step has issued."""
        assert len(self.effects) == 1, self.effects
        if kind is not None:
            assert self.effects[0].kind is kind
        return self.effects[0]

    def reply(self, effect: Effect, outcome: Outcome, after_s: float = 0.1, **fields: Any) -> None:
        """The answer to an effect."""
        told = answer(effect, outcome, **fields)
        self.feed(told.model_copy(update={"timestamp": at(self.now + after_s)}), after_s)

    def tick(self) -> None:
        """Let time pass to the next moment that is armed, and tick."""
        due = self.armed()
        assert due is not None, "nothing is armed"
        self.now = due
        self.feed(tick())

    def run_to(self, kind: EffectKind) -> Effect:
        """Tick until an effect of this kind is issued."""
        while not (found := [one for one in self.effects if one.kind is kind]):
            self.tick()
        return found[0]

    def tick_until(self, moment: float) -> None:
        """All ticks that are armed until a moment, and that moment itself."""
        while (due := self.armed()) is not None and due <= moment:
            self.tick()
        self.now = max(self.now, moment)

    def armed(self) -> float | None:
        """The moment of the next tick."""
        assert self.row is not None
        moments = dispatch.moments(self.row, self.policy, self.now)
        return min((one for one in moments if one > self.now), default=None)

    def polls(self) -> list[Effect]:
        """The polls that repeat in memory."""
        assert self.row is not None
        return list(dispatch.polls(self.row))

    def attempt(self, number: int = 1) -> Attempt:
        """One attempt of the row."""
        assert self.row is not None
        found = self.row.attempt(number)
        assert found is not None
        return found

    def created(self, effect: Effect, infrastructure: str = "inf-1") -> Effect:
        """The IM accepts; the poll that begins."""
        self.reply(effect, Outcome.CREATED, infrastructures=(infrastructure,))
        return self.polls()[-1]

    def state(self, effect: Effect, state: str, machines: int = 1, **fields: Any) -> None:
        """A poll brings news."""
        self.reply(effect, Outcome.STATE, state=state, machines=machines, **fields)

    def succeed(self, effect: Effect, infrastructure: str = "inf-1") -> None:
        """From a CREATE to the confirmation."""
        self.state(self.created(effect, infrastructure), "configured")
        self.reply(self.only(EffectKind.CONFIRM), Outcome.CONFIRMED, outputs="sealed")
        self.read(Machine(id="0", node="node", state="configured"))

    def read(self, *machines: Machine) -> None:
        """The READ that was issued finds these machines."""
        self.reply(
            self.only(EffectKind.READ), Outcome.READ, machine_list=machines, outputs="sealed"
        )

    def refuse(self, effect: Effect, message: str = "no quota") -> None:
        """The IM refuses a CREATE; the clean-up finds nothing."""
        self.reply(effect, Outcome.REFUSED, message=message)
        self.clean()

    def clean(self) -> None:
        """The CLEAN that was issued finds nothing left."""
        self.reply(self.only(EffectKind.CLEAN), Outcome.CLEAN)

    def look(self) -> int:
        """Look at what was cleaned until its last look, none of which finds anything; how many."""
        looks = 0
        while self.armed() is not None:
            self.tick()
            self.reply(self.only(EffectKind.RECHECK), Outcome.CLEAN)
            looks += 1
        return looks

    def finals(self) -> list[DeploymentResult]:
        """All final results so far."""
        return finals(self.said)

    def final(self) -> DeploymentResult:
        """The only final result."""
        (found,) = self.finals()
        return found

    def orphans(self) -> list[ErrorRecord]:
        """All reports of orphans so far."""
        return [one for one in self.said if isinstance(one, ErrorRecord)]

    def phases(self) -> list[Phase]:
        """What each attempt is at."""
        assert self.row is not None
        return [one.phase for one in self.row.attempts]


def finals(messages: Iterable[Message]) -> list[DeploymentResult]:
    """The final results among messages."""
    return [one for one in messages if isinstance(one, DeploymentResult) and one.kind == "final"]


def steps(messages: Iterable[Message]) -> list[ProcedureStatus]:
    """The entries for the timeline among messages."""
    return [one for one in messages if isinstance(one, ProcedureStatus)]
