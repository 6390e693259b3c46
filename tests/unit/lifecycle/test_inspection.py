"""What is at rest is compared with the IM: nothing deleted comes back unseen, nothing vanishes unsaid."""

import pytest
from support.lifecycle import POLICY, UUID, Dispatcher, command, steps

from paas_stream.lifecycle.attempt import RESURRECTIONS, Effect, EffectKind, Outcome, Phase
from paas_stream.lifecycle.inspection import difference, inspections, lost_machines, strays
from paas_stream.records import Machine


@pytest.fixture
def it() -> Dispatcher:
    return Dispatcher()


def inspection(it: Dispatcher) -> Effect:
    assert it.row is not None
    (found,) = inspections(it.row)
    assert found.kind is EffectKind.INSPECT
    return found


def cleaned(it: Dispatcher) -> None:
    """One attempt, refused, cleaned and looked at for the last time."""
    it.refuse(it.start(1))
    it.tick()
    it.reply(it.only(EffectKind.RECHECK), Outcome.CLEAN)
    assert it.phases() == [Phase.CLEAN]


def test_what_comes_back_after_the_last_look_is_deleted_again(it: Dispatcher) -> None:
    cleaned(it)
    it.reply(inspection(it), Outcome.LEFT, infrastructures=("inf-1",))
    assert it.phases() == [Phase.CLEANING]
    assert "inf-1" in steps(it.said)[-1].message
    it.clean()
    it.look()
    assert it.phases() == [Phase.CLEAN]
    assert len(it.finals()) == 1, "the deployment's end is told once"


def test_what_has_vanished_is_reported_once_and_the_deployment_stays(it: Dispatcher) -> None:
    it.succeed(it.start(1))
    it.reply(inspection(it), Outcome.GONE)
    it.reply(inspection(it), Outcome.GONE)
    (error,) = it.orphans()
    assert (error.code, error.retriable) == ("vanished", True)
    assert "inf-1" in error.message
    assert it.phases() == [Phase.SUCCEEDED]
    assert len(it.finals()) == 1


def test_what_has_vanished_and_is_there_again_may_vanish_again(it: Dispatcher) -> None:
    it.succeed(it.start(1))
    for _ in range(2):
        it.reply(inspection(it), Outcome.GONE)
        assert inspection(it).known_fault
        it.reply(inspection(it), Outcome.CONFIRMED)
        assert not inspection(it).known_fault
    assert len(it.orphans()) == 2


class TestMachines:
    @pytest.fixture
    def it(self, it: Dispatcher) -> Dispatcher:
        it.succeed(it.start(1))
        assert inspection(it).machines == ("0",)
        return it

    def test_that_the_im_has_lost_are_told_once_and_read_again(self, it: Dispatcher) -> None:
        said = lost_machines(inspection(it), ())
        it.reply(inspection(it), Outcome.CHANGED, message=said)
        it.read()
        (error,) = it.orphans()
        assert (error.code, error.retriable) == ("vanished", True)
        assert "inf-1" in error.message
        assert error.message.endswith("is not whole: the IM has lost 1 of 1 machines: 0")
        assert inspection(it).machines == ()
        assert it.phases() == [Phase.SUCCEEDED]
        assert len(it.finals()) == 1

    def test_that_nobody_has_read_yet_are_read(self, it: Dispatcher) -> None:
        assert lost_machines(inspection(it), ("0", "1")) is None
        it.reply(inspection(it), Outcome.CHANGED)
        it.read(*(Machine(id=one, node="node", state="configured") for one in "01"))
        assert it.orphans() == []
        assert inspection(it).machines == ("0", "1")

    def test_of_many_ten_are_named(self) -> None:
        effect = Effect(UUID, 1, 1, EffectKind.INSPECT, 0, machines=tuple(map(str, range(12))))
        said = lost_machines(effect, ("0",))
        assert said == ("the IM has lost 11 of 12 machines: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...")


def test_what_a_success_has_besides_is_deleted(it: Dispatcher) -> None:
    it.succeed(it.start(1))
    it.reply(inspection(it), Outcome.LEFT, infrastructures=("inf-2",))
    confirm = it.only(EffectKind.CONFIRM)
    assert confirm.infrastructures == ("inf-1",)
    it.reply(confirm, Outcome.CONFIRMED, outputs="sealed")
    assert it.phases() == [Phase.SUCCEEDED]
    assert it.orphans() == []


def test_what_is_beside_a_success_after_each_delete_is_reported_once_and_left_alone(
    it: Dispatcher,
) -> None:
    it.succeed(it.start(1))
    for _ in range(RESURRECTIONS):
        it.reply(inspection(it), Outcome.LEFT, infrastructures=("inf-2",))
        it.reply(it.only(EffectKind.CONFIRM), Outcome.CONFIRMED, outputs="sealed")
        while it.row is not None and not list(inspections(it.row)):
            it.tick()
            it.reply(it.only(EffectKind.CONFIRM), Outcome.CONFIRMED, outputs="sealed")
    assert it.orphans() == []
    it.reply(inspection(it), Outcome.LEFT, infrastructures=("inf-2",))
    (orphan,) = it.orphans()
    assert "inf-2" in orphan.message
    assert it.row is not None
    assert list(inspections(it.row)) == []
    assert it.phases() == [Phase.SUCCEEDED]


def test_what_is_under_way_is_not_inspected(it: Dispatcher) -> None:
    create = it.start(1)
    assert it.row is not None
    assert list(inspections(it.row)) == []
    it.created(create)
    assert list(inspections(it.row)) == []


def test_an_inspection_that_ends_too_late_changes_nothing(it: Dispatcher) -> None:
    it.succeed(it.start(1))
    late = inspection(it)
    it.feed(command("delete", it.now + 1.0))
    assert it.phases() == [Phase.CLEANING]
    before = it.row
    it.reply(late, Outcome.GONE)
    assert it.row == before


def test_an_operator_may_ask_for_it(it: Dispatcher) -> None:
    cleaned(it)
    it.feed(command("inspect", it.now))
    assert it.only().kind is EffectKind.INSPECT
    assert it.row is not None
    assert it.armed() is None or it.armed() > it.now + POLICY.recheck_s, "it is asked for once"


@pytest.mark.parametrize(
    ("known", "has_vanished", "found", "outcome"),
    [
        (("inf-1",), False, ("inf-1",), None),
        (("inf-1",), False, (), Outcome.GONE),
        (("inf-1",), True, (), None),
        (("inf-1",), True, ("inf-1",), Outcome.CONFIRMED),
        (("inf-1",), False, ("inf-1", "inf-2"), Outcome.LEFT),
        (("inf-1",), True, ("inf-2",), Outcome.LEFT),
        ((), False, (), None),
        ((), False, ("inf-2",), Outcome.LEFT),
    ],
)
def test_only_what_differs_from_the_row_is_told(
    known: tuple[str, ...], has_vanished: bool, found: tuple[str, ...], outcome: Outcome | None
) -> None:
    effect = Effect(UUID, 1, 1, EffectKind.INSPECT, 0, known, known_fault=has_vanished)
    assert difference(effect, found) == outcome
    assert strays(effect, found) == tuple(one for one in found if one != "inf-1")
