"""Both workers of a deployment die and are replaced: what comes again comes in another order.

Broker, IM, workers and time are `support.dispatch_world`; the state machines are the real ones.
"""

import pytest
from support import lifecycle as make
from support.dispatch_world import World

from paas_stream.lifecycle.attempt import Phase
from paas_stream.lifecycle.deployment import Status
from paas_stream.records import Operation


@pytest.fixture
def world() -> World:
    """A deployment that may take 400 s, with two providers; both halves have come."""
    world = World(overall_s=400.0)
    world.send(make.validated(overall_s=400.0), make.ranked(2))
    return world


def ends(world: World) -> list[bool | None]:
    """What the dispatcher has told of the create, each end once."""
    told = [
        one.success
        for one in world.results
        if one.kind == "final" and one.operation is Operation.CREATE
    ]
    return list(dict.fromkeys(told))


def dispatcher_handles(world: World, *topics: str) -> None:
    """All that stands in these topics now, one topic after the other."""
    for topic in topics:
        while topic in world.pending(world.dispatcher):
            world.handle(world.dispatcher, topic)


class TestACancelAfterAnOutage:
    """Both have lost their last second, and come back after the overall time-out."""

    @pytest.fixture
    def world(self, world: World) -> World:
        world.settle()
        assert world.last_status is Status.CREATE_COMPLETE
        world.crash(world.tracker, back=2)
        world.crash(world.dispatcher, back=3)
        assert world.tracker.row.create_end is None
        assert [one.phase for one in world.dispatcher.row.attempts] == [Phase.POLLING]
        world.advance(500.0)
        world.handle(world.tracker, "tracker-events")
        assert [one.command for one in world.log["commands"]] == ["cancel"]  # type: ignore[attr-defined]
        return world

    @pytest.mark.parametrize(
        "first", [("commands",), ("dispatch-events",), ("validated", "ranked", "commands")]
    )
    def test_does_not_take_back_what_was_told_as_created(
        self, world: World, first: tuple[str, ...]
    ) -> None:
        dispatcher_handles(world, *first)
        world.settle()
        assert world.last_status is Status.CREATE_COMPLETE
        assert list(world.im.infrastructures) == [world.tracker.row.physical_id]
        assert ends(world) == [True]


class TestACancelThatWasActedUpon:
    @pytest.mark.parametrize("back", [1, 2, 3, 9])
    @pytest.mark.parametrize("first", ["commands", "dispatch-events"])
    def test_ends_the_create_again_whatever_comes_first_the_second_time(
        self, world: World, first: str, back: int
    ) -> None:
        dispatcher_handles(world, "validated", "ranked", "dispatch-events")
        world.finish(0, "ok", ["pending"])
        dispatcher_handles(world, "dispatch-events")
        world.send(make.command("cancel", world.now))
        dispatcher_handles(world, "commands", "dispatch-events")
        world.crash(world.dispatcher, back)
        dispatcher_handles(world, first)
        world.settle()
        assert world.last_status is Status.CREATE_FAILED
        assert world.im.infrastructures == {}
        assert ends(world) == [False]

    def test_by_force_ends_it_again_also_when_a_success_was_on_its_way(self, world: World) -> None:
        dispatcher_handles(world, "validated", "ranked", "dispatch-events")
        while Phase.CONFIRMING not in [one.phase for one in world.dispatcher.row.attempts]:
            world.advance(1.0)
            world.finish(0, "ok", ["configured"])
            dispatcher_handles(world, "dispatch-events")
        world.send(make.command("cancel", world.now, force=True))
        dispatcher_handles(world, "commands")
        world.finish(0, "ok", ["configured"])
        dispatcher_handles(world, "dispatch-events")
        while world.running:
            world.finish(0, "ok", ["configured"])
            dispatcher_handles(world, "dispatch-events")
        assert ends(world) == [False]
        world.crash(world.dispatcher, back=9)
        dispatcher_handles(world, "dispatch-events", "commands")
        world.settle()
        assert world.last_status is Status.CREATE_FAILED
        assert world.im.infrastructures == {}
        assert ends(world) == [False]

    def test_before_there_was_a_template_ends_it_again_when_the_row_is_lost(
        self, world: World
    ) -> None:
        world.send(make.command("cancel", world.now))
        dispatcher_handles(world, "commands", "dispatch-events")
        assert ends(world) == [False]
        world.crash(world.dispatcher, back=9)
        assert world.dispatcher.row is None
        dispatcher_handles(world, "dispatch-events", "validated", "ranked")
        assert world.running == []
        world.settle()
        assert world.last_status is Status.CREATE_FAILED
        assert ends(world) == [False]
