"""The ledger finds nothing where all is right, and every thing that is planted."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from chaos.ledger import Breach, Facts, violations
from chaos.wanted import Story, Wanted

U = "00000000-0000-4000-8000-00000000000"
KEEP, OVER, DELETED, REFUSED, GROWN, SHRUNK, POWERED = (f"{U}{number}" for number in range(7))

INFRASTRUCTURES = {
    "inf-keep": KEEP,
    "inf-over": OVER,
    "inf-grown": GROWN,
    "inf-shrunk": SHRUNK,
    "inf-powered": POWERED,
}


def event(component: str, step: str, status: str, number: int, **fields: Any) -> dict[str, Any]:
    results = ("accepted", "create", "attempt", "update", "action")
    topic = "deployment-results" if step in results else "x"
    return {
        "id": f"{topic}:{component}/{step}/{status}/{number}/{fields.get('attempt')}",
        "time": f"2026-01-01T00:00:{number:02}.000+00:00",
        "component": component,
        "step": step,
        "status": status,
        "message": "",
        **fields,
    }


def line(*, failed_first: bool = False) -> list[dict[str, Any]]:
    """The timeline of a deployment that succeeds."""
    steps = [
        ("rest-api", "request", "end"),
        ("template-parser", "validate", "end"),
        ("provider-selector", "select", "end"),
        ("ai-ranker", "rank", "end"),
    ]
    told = [event(*step, number) for number, step in enumerate(steps)]
    attempts = [1, 2] if failed_first else [1]
    for attempt in attempts:
        last = attempt == attempts[-1]
        number = 10 * attempt
        told.append(event("im-dispatcher", "attempt", "begin", number, attempt=attempt))
        if last:
            told.append(event("im-dispatcher", "accepted", "end", number + 1, attempt=attempt))
        end = "end" if last else "failed"
        told.append(event("im-dispatcher", "attempt", end, number + 2, attempt=attempt))
    return [*told, event("im-dispatcher", "create", "end", 40, attempt=attempts[-1])]


def line_and(step: str, *ends: int) -> list[dict[str, Any]]:
    """The timeline of one that succeeds, and then the ends of this step."""
    return [*line(), *(event("im-dispatcher", step, "end", number) for number in ends)]


def wish(uuid: str, story: Story) -> Wanted:
    deleted = story is Story.DELETE
    changes = {Story.GROW: 1, Story.SHRINK: 1, Story.POWER: 2}.get(story, 0)
    return Wanted(
        uuid,
        story,
        0.0,
        uuid=uuid,
        accepted_at=0.0,
        delete_accepted=deleted,
        changes=changes,
        tried=changes,
    )


WISHES = [
    wish(KEEP, Story.KEEP),
    wish(OVER, Story.FAIL_OVER),
    wish(DELETED, Story.DELETE),
    wish(REFUSED, Story.REFUSED),
    wish(GROWN, Story.GROW),
    wish(SHRUNK, Story.SHRINK),
    wish(POWERED, Story.POWER),
]


@pytest.fixture
def facts() -> Facts:
    """What is there when all went as it was asked for."""
    refused = [
        *line()[:2],
        event("provider-selector", "select", "failed", 5),
    ]
    return deepcopy(
        Facts(
            statuses={
                KEEP: "CREATE_COMPLETE",
                OVER: "CREATE_COMPLETE",
                DELETED: "DELETE_COMPLETE",
                REFUSED: "CREATE_FAILED",
                GROWN: "UPDATE_COMPLETE",
                SHRUNK: "UPDATE_COMPLETE",
                POWERED: "CREATE_COMPLETE",
            },
            physical={uuid: one for one, uuid in INFRASTRUCTURES.items()}
            | dict.fromkeys((DELETED, REFUSED)),
            timelines={
                KEEP: line(),
                OVER: line(failed_first=True),
                DELETED: line_and("delete", 50),
                REFUSED: refused,
                GROWN: line_and("update", 50),
                SHRUNK: line_and("update", 50),
                POWERED: line_and("action", 50, 55),
            },
            infrastructures=INFRASTRUCTURES,
            machines=dict.fromkeys(INFRASTRUCTURES, 1) | {"inf-grown": 2},
            resources={uuid: ["STARTED"] for uuid in INFRASTRUCTURES.values()}
            | {GROWN: ["STARTED"] * 2},
            errors={REFUSED: {"no_provider"}},
            clocks_s=0.0,
        )
    )


def test_nothing_is_found_where_all_is_right(facts: Facts) -> None:
    assert violations(WISHES, facts) == []


Plant = Callable[[Any], Any]  # puts something wrong into the facts


def status(uuid: str, told: str) -> Plant:
    return lambda f: f.statuses.update({uuid: told})


def infrastructure_of(uuid: str | None) -> Plant:
    """One more, of this deployment."""
    return lambda f: f.infrastructures.update({"inf-more": uuid})


def machines_of(infrastructure: str, count: int) -> Plant:
    return lambda f: f.machines.update({infrastructure: count})


PLANTED: dict[str, tuple[Breach, Plant]] = {
    "a deployment that is gone": (Breach.LOST, lambda f: f.statuses.pop(KEEP)),
    "a wrong final state": (Breach.LOST, status(KEEP, "CREATE_FAILED")),
    "a deployment that was refused and is there": (Breach.LOST, status(REFUSED, "CREATE_COMPLETE")),
    "a delete that failed": (Breach.LOST, status(DELETED, "DELETE_FAILED")),
    "one in progress for ever": (Breach.STUCK, status(KEEP, "CREATE_IN_PROGRESS")),
    "a delete in progress for ever": (Breach.STUCK, status(DELETED, "DELETE_IN_PROGRESS")),
    "a second infrastructure": (Breach.DUPLICATED, infrastructure_of(KEEP)),
    "what a failed attempt has left": (Breach.ORPHANED, infrastructure_of(REFUSED)),
    "what a delete has left": (Breach.ORPHANED, infrastructure_of(DELETED)),
    "an infrastructure of nobody": (Breach.ORPHANED, infrastructure_of(None)),
    "an infrastructure that is lacking": (
        Breach.LOST,
        lambda f: f.infrastructures.pop("inf-keep"),
    ),
    "a step that is lacking": (Breach.LOST, lambda f: f.timelines[KEEP].pop(2)),
    "a failed attempt that is not told": (
        Breach.LOST,
        lambda f: f.timelines.update({OVER: line()}),
    ),
    "the end of a delete that is not told": (Breach.LOST, lambda f: f.timelines[DELETED].pop()),
    "a result that is told twice": (
        Breach.DUPLICATED,
        lambda f: f.timelines[KEEP].append(f.timelines[KEEP][-1]),
    ),
    "a request that is told twice": (
        Breach.DUPLICATED,
        lambda f: f.timelines[KEEP].append(f.timelines[KEEP][0]),
    ),
    "steps in another order": (
        Breach.LOST,
        lambda f: f.timelines[KEEP][1].update(time="2026-01-01T00:00:59.000+00:00"),
    ),
    "an update that was never done": (Breach.LOST, status(GROWN, "CREATE_COMPLETE")),
    "an update that failed without a reason": (Breach.LOST, status(GROWN, "UPDATE_FAILED")),
    "an update in progress for ever": (Breach.STUCK, status(GROWN, "UPDATE_IN_PROGRESS")),
    "a machine that is lacking": (Breach.LOST, machines_of("inf-grown", 1)),
    "a machine too many": (Breach.DUPLICATED, machines_of("inf-grown", 3)),
    "a machine that was to go": (Breach.DUPLICATED, machines_of("inf-shrunk", 2)),
    "a machine that nobody wanted": (Breach.DUPLICATED, machines_of("inf-keep", 2)),
    "a resource that is lacking": (Breach.LOST, lambda f: f.resources[GROWN].pop()),
    "a resource too many": (Breach.DUPLICATED, lambda f: f.resources[SHRUNK].append("STARTED")),
    "an action in progress for ever": (
        Breach.STUCK,
        lambda f: f.resources.update({POWERED: ["STOPPING"]}),
    ),
    "an action whose end is not told": (Breach.LOST, lambda f: f.timelines[POWERED].pop()),
    "an action that was done twice": (
        Breach.DUPLICATED,
        lambda f: f.timelines[POWERED].append(event("im-dispatcher", "action", "end", 58)),
    ),
    "an action that failed without a reason": (
        Breach.LOST,
        lambda f: f.timelines[POWERED][-1].update(status="failed"),
    ),
    "an error that is not in `errors`": (Breach.LOST, lambda f: f.errors.clear()),
    "an offset that was not handled": (
        Breach.LOST,
        lambda f: f.behind.update({("template", 0): (3, 4)}),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found(name: str, facts: Facts) -> None:
    breach, plant = PLANTED[name]
    plant(facts)
    assert breach in {one.breach for one in violations(WISHES, facts)}


def test_a_request_that_was_never_taken_is_lost(facts: Facts) -> None:
    never = Wanted("key", Story.KEEP, 0.0)
    (found,) = violations([*WISHES, never], facts)
    assert found.breach is Breach.LOST


@pytest.mark.parametrize("machines", [1, 2])
def test_an_update_may_fail_half_way_where_a_fault_of_the_im_explains_it(
    machines: int, facts: Facts
) -> None:
    facts.statuses.update({GROWN: "UPDATE_FAILED"})  # type: ignore[attr-defined]
    facts.machines.update({"inf-grown": machines})  # type: ignore[attr-defined]
    facts.changes_refused.add(GROWN)
    assert violations(WISHES, facts) == []
    facts.machines.update({"inf-grown": 3})  # type: ignore[attr-defined]
    assert [one.breach for one in violations(WISHES, facts)] == [Breach.DUPLICATED]


@pytest.mark.parametrize(
    ("killed", "is_right"),
    [((12.0,), False), ((10.0, 20.0), True), ((), False)],
)
def test_a_create_may_fail_only_where_faults_of_the_im_explain_every_attempt(
    killed: tuple[float, ...], *, is_right: bool, facts: Facts
) -> None:
    begin = 1767225600.0  # 2026-01-01T00:00:00Z
    facts.im_killed = [begin + moment + 1.0 for moment in killed]
    facts.statuses.update({KEEP: "CREATE_FAILED"})  # type: ignore[attr-defined]
    facts.infrastructures.pop("inf-keep")  # type: ignore[attr-defined]
    facts.timelines[KEEP][4:] = [  # type: ignore[index]
        event("im-dispatcher", "attempt", status, 10 * attempt + after, attempt=attempt)
        for attempt in (1, 2)
        for status, after in (("begin", 0), ("failed", 5))
    ]
    assert (violations(WISHES, facts) == []) is is_right
