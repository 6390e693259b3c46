"""What was asked for, against what is there in the end: the book that is kept outside the system."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from chaos.wanted import ACTED, PROVIDERS, UPDATED, Story, Wanted

from paas_stream import topics

GONE = "GONE"  # the status of a deployment that the service does not know
_LIVE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_FAILED"}
_AT_REST = _LIVE | {"CREATE_FAILED", "DELETE_COMPLETE", "DELETE_FAILED", GONE}
_MOVING = {"CREATING", "CONFIGURING", "STARTING", "STOPPING", "DELETING"}  # states of resources

# What a timeline tells of each deployment that has come so far, in this order.
_LINE = (
    ("rest-api", "request", "end"),
    ("template-parser", "validate", "end"),
    ("provider-selector", "select", "end"),
    ("ai-ranker", "rank", "end"),
    ("im-dispatcher", "accepted", "end"),
    ("im-dispatcher", "create", "end"),
)
_REFUSED = (
    ("rest-api", "request", "end"),
    ("template-parser", "validate", "end"),
    ("provider-selector", "select", "failed"),
)


class Breach(StrEnum):
    """What a violation is counted as."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    ORPHANED = "orphaned"
    STUCK = "stuck"


@dataclass(frozen=True)
class Violation:
    """One line of the report."""

    breach: Breach
    what: str  # a uuid, an infrastructure, a partition
    why: str


@dataclass
class Facts:
    """What was found when everything had come to rest."""

    statuses: Mapping[str, str] = field(default_factory=dict)  # by uuid
    physical: Mapping[str, str | None] = field(default_factory=dict)  # infrastructure by uuid
    timelines: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    infrastructures: Mapping[str, str | None] = field(default_factory=dict)  # uuid by id, of the IM
    machines: Mapping[str, int] = field(
        default_factory=dict
    )  # by id of the infrastructure, of the IM
    resources: Mapping[str, Sequence[str]] = field(default_factory=dict)  # states by uuid
    errors: Mapping[str, set[str]] = field(default_factory=dict)  # codes by uuid, of topic `errors`
    behind: Mapping[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    """Partitions whose committed offset is not their end: (committed, end)."""
    refused: set[tuple[str, int]] = field(default_factory=set)
    """Attempts (uuid, number) whose create the proxy answered with 500."""
    changes_refused: set[str] = field(default_factory=set)  # deployments, likewise
    im_killed: Sequence[float] = ()
    """When the IM was killed, in seconds since the epoch: it forgets machines that it works on."""
    clocks_s: float = 0.0  # clocks may have differed by so much


def violations(wishes: Sequence[Wanted], facts: Facts) -> list[Violation]:
    """Everything that is not as it was asked for."""
    return [
        *(one for wish in wishes for one in _of_wish(wish, facts)),
        *_of_im(wishes, facts),
        *(
            Violation(Breach.LOST, f"{topic}/{number}", f"handled up to {at} of {end}")
            for (topic, number), (at, end) in facts.behind.items()
        ),
    ]


def _of_wish(wish: Wanted, facts: Facts) -> Iterator[Violation]:
    uuid = wish.uuid
    if uuid is None or (wish.is_deleted and not wish.delete_accepted):
        yield Violation(Breach.LOST, wish.key, f"{wish.story}: the service never took the request")
        return
    status = facts.statuses.get(uuid, GONE)
    if status not in _AT_REST:
        yield Violation(Breach.STUCK, uuid, f"{wish.story}: is still {status}")
        return
    wanted = _wanted(wish, facts)
    if status not in wanted:
        text = f"{wish.story}: {status} instead of {' or '.join(sorted(wanted))}"
        yield Violation(Breach.LOST, uuid, f"{text}; {_last(facts, uuid)}")
        return
    yield from _of_timeline(wish, uuid, status, facts)
    yield from _of_changes(wish, uuid, status, facts)
    if status == "CREATE_FAILED" and not facts.errors.get(uuid) and wish.story is Story.REFUSED:
        yield Violation(Breach.LOST, uuid, "its failure is not in `errors`")


def _wanted(wish: Wanted, facts: Facts) -> set[str]:
    if wish.is_deleted:
        return {"DELETE_COMPLETE", GONE}
    if wish.story is Story.REFUSED:
        return {"CREATE_FAILED"}
    reachable = PROVIDERS - (1 if wish.story is Story.FAIL_OVER else 0)
    failed = _explained(wish.uuid or "", facts)
    good = {"CREATE_COMPLETE"}
    if wish.story in UPDATED:
        good = {"UPDATE_COMPLETE"} | ({"UPDATE_FAILED"} if _may_fail(wish, facts) else set())
    return good | ({"CREATE_FAILED"} if len(failed) >= reachable else set())


def _may_fail(wish: Wanted, facts: Facts) -> bool:
    """Whether a fault of the IM explains that an update or an action has failed.

    What the IM forgot when it was killed shows itself much later, so that any kill explains it.
    """
    return bool(facts.im_killed) or wish.uuid in facts.changes_refused


def _of_changes(wish: Wanted, uuid: str, status: str, facts: Facts) -> Iterator[Violation]:
    """Updates and actions: each has ended once, and the machines are those that were wanted."""
    if status not in _LIVE:
        return
    states = facts.resources.get(uuid, ())
    if moving := _MOVING.intersection(states):
        yield Violation(Breach.STUCK, uuid, f"{wish.story}: a resource is {' and '.join(moving)}")
    step = "update" if wish.story in UPDATED else "action"
    ends = [
        one["status"]
        for one in facts.timelines.get(uuid, ())
        if (one["component"], one["step"]) == ("im-dispatcher", step) and one["status"] != "begin"
    ]
    # one update ends those that were merged with it
    least = min(wish.changes, 1) if wish.story in UPDATED else wish.changes
    if len(ends) < least:
        yield Violation(Breach.LOST, uuid, f"{wish.story}: {len(ends)} of {least} {step}s ended")
    if len(ends) > wish.tried:
        text = f"{wish.story}: {len(ends)} {step}s ended, {wish.tried} were asked for"
        yield Violation(Breach.DUPLICATED, uuid, text)
    if wish.story in ACTED and "failed" in ends and not _may_fail(wish, facts):
        yield Violation(Breach.LOST, uuid, f"{wish.story}: it failed; {_last(facts, uuid)}")
    least, most = wish.machines, wish.machines
    if status == "UPDATE_FAILED":
        least, most = min(wish.before, wish.machines), max(wish.before, wish.machines)
    there = facts.machines.get(facts.physical.get(uuid) or "")
    for what, number in (("the IM has", there), ("resources:", len(states))):
        if number is not None and not least <= number <= most:
            breach = Breach.LOST if number < least else Breach.DUPLICATED
            text = f"{wish.story}: {what} {number} machines instead of {most}"
            yield Violation(breach, uuid, text)


def _explained(uuid: str, facts: Facts) -> set[int]:
    """Attempts that a fault of the IM has made fail: their create was refused, or it was killed."""
    events = facts.timelines.get(uuid, ())
    begun = _moments(events, "begin")
    ended = _moments(events, "failed")
    return {number for one, number in facts.refused if one == uuid} | {
        number
        for number in begun.keys() & ended.keys()
        for killed in facts.im_killed
        if begun[number] - facts.clocks_s <= killed <= ended[number] + facts.clocks_s
    }


def _moments(events: Sequence[Mapping[str, Any]], status: str) -> dict[int, float]:
    return {
        one["attempt"]: _seconds(one)
        for one in events
        if (one["step"], one["status"]) == ("attempt", status)
    }


def _seconds(event: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()


def _of_timeline(wish: Wanted, uuid: str, status: str, facts: Facts) -> Iterator[Violation]:
    events = facts.timelines.get(uuid, ())
    if status == GONE:
        return
    steps = [(one["component"], one["step"], one["status"]) for one in events]
    if status in _LIVE:
        expected = _LINE
    elif wish.story is Story.REFUSED:
        expected = _REFUSED
    else:
        expected = _LINE[:1]
    for missing in [step for step in expected if step not in steps]:
        yield Violation(Breach.LOST, uuid, f"{wish.story}: its timeline lacks {' '.join(missing)}")
    if status == "DELETE_COMPLETE" and ("im-dispatcher", "delete", "end") not in steps:
        yield Violation(Breach.LOST, uuid, "its timeline lacks the end of the delete")
    if wish.story is Story.FAIL_OVER and ("im-dispatcher", "attempt", "failed") not in steps:
        yield Violation(Breach.LOST, uuid, "its timeline lacks the failed attempt")
    told = Counter(
        (*step, one.get("attempt"))
        for step, one in zip(steps, events, strict=True)
        if step == _LINE[0]
        or (one["id"].startswith(topics.DEPLOYMENT_RESULTS) and step[1] not in ("update", "action"))
    )
    for step, number in told.items():
        if number > 1:
            text = f"{wish.story}: its timeline tells {number} times {' '.join(map(str, step))}"
            yield Violation(Breach.DUPLICATED, uuid, text)
    moments = {step: _seconds(one) for step, one in reversed(list(zip(steps, events, strict=True)))}
    known = [step for step in expected if step in moments]
    for early, late in itertools.pairwise(known):
        if moments[late] < moments[early] - facts.clocks_s:
            yield Violation(Breach.LOST, uuid, f"{late} is told before {early}")


def _of_im(wishes: Sequence[Wanted], facts: Facts) -> Iterator[Violation]:
    live = {
        facts.physical[uuid]: uuid
        for uuid, status in facts.statuses.items()
        if status in _LIVE and facts.physical.get(uuid)
    }
    for wish in wishes:
        if facts.statuses.get(wish.uuid or "") in _LIVE:
            physical = facts.physical.get(wish.uuid or "")
            if physical not in facts.infrastructures:
                text = f"its infrastructure {physical} is not in the IM"
                yield Violation(Breach.LOST, wish.uuid or "", text)
    for one, uuid in facts.infrastructures.items():
        if one in live:
            continue
        if uuid in live.values():
            text = f"beside {facts.physical[uuid or '']} of {uuid}"
            yield Violation(Breach.DUPLICATED, one, text)
        else:
            status = facts.statuses.get(uuid or "", GONE)
            yield Violation(Breach.ORPHANED, one, f"of {uuid}, which is {status}")


def _last(facts: Facts, uuid: str) -> str:
    events = facts.timelines.get(uuid, ())
    return events[-1]["message"] if events else "no timeline"
