"""What the dispatcher does with the machines of a deployment: start, stop, reconfigure."""

import pytest
from support import lifecycle as make
from support.lifecycle import Dispatcher, command

from paas_stream.lifecycle.attempt import Effect, EffectKind, Outcome, Phase
from paas_stream.lifecycle.job import QUEUE, JobKind
from paas_stream.records import DeploymentResult, Machine, Operation


def machines(count: int) -> list[Machine]:
    return [Machine(id=str(number), node="node", state="configured") for number in range(count)]


@pytest.fixture
def it() -> Dispatcher:
    """A deployment of one machine that is there."""
    made = Dispatcher()
    made.succeed(made.start(1))
    return made


def ended(it: Dispatcher, operation: Operation = Operation.ACTION) -> list[DeploymentResult]:
    return [one for one in it.finals() if one.operation is operation]


class TestActions:
    def ask(self, it: Dispatcher, what: str, machine: str | None = "0", after: float = 0.0) -> None:
        one = command(what, it.now + after).model_copy(update={"machine": machine})
        it.feed(one)

    @pytest.mark.parametrize(("what", "state"), [("stop", "stopped"), ("start", "configured")])
    def test_end_when_the_machine_is_in_that_state(
        self, it: Dispatcher, what: str, state: str
    ) -> None:
        self.ask(it, what)
        change = it.only(EffectKind.CHANGE)
        assert change.job is not None
        assert (change.job.kind.value, change.job.machine) == (what, "0")
        it.reply(change, Outcome.CHANGED)
        it.state(it.polls()[-1], state)
        it.read(*machines(1))
        (final,) = ended(it)
        assert (final.success, final.machine) == (True, "0")

    @pytest.mark.parametrize(
        ("what", "time_s"),
        [("stop", make.POLICY.action_s), ("reconfigure", make.POLICY.reconfigure_s)],
    )
    def test_end_after_their_time_and_the_deployment_stays(
        self, it: Dispatcher, what: str, time_s: float
    ) -> None:
        self.ask(it, what)
        it.reply(it.only(), Outcome.CHANGED)
        it.tick_until(it.now + time_s - 1)
        assert ended(it) == []
        it.tick_until(it.now + 2)
        (final,) = ended(it)
        assert final.success is False
        it.read(*machines(1))
        assert it.phases() == [Phase.SUCCEEDED]

    def test_end_when_the_machine_is_there_no_more(self, it: Dispatcher) -> None:
        self.ask(it, "stop")
        it.reply(it.only(), Outcome.CHANGED)
        it.reply(it.polls()[-1], Outcome.REFUSED, message="Invalid VM ID")
        assert [one.reason for one in ended(it)] == ["Invalid VM ID"]
        it.read()
        assert it.phases() == [Phase.SUCCEEDED]

    def test_wait_for_their_turn_though_not_without_limit(self, it: Dispatcher) -> None:
        for number in range(QUEUE + 2):
            self.ask(it, "stop", after=number)
        assert it.row is not None
        assert len(it.row.jobs) == QUEUE
        assert [one.success for one in ended(it)] == [False]

    def test_a_repeated_command_is_one_job(self, it: Dispatcher) -> None:
        self.ask(it, "stop")
        self.ask(it, "stop")
        assert it.row is not None
        assert it.row.jobs == ()

    def test_one_that_comes_again_after_its_end_is_not_done_again(self, it: Dispatcher) -> None:
        """The machine may have been started since."""
        stop = command("stop", it.now).model_copy(update={"machine": "0"})
        it.feed(stop)
        it.reply(it.only(), Outcome.CHANGED)
        it.state(it.polls()[-1], "stopped")
        it.read(*machines(1))
        row = it.row
        assert it.feed(stop) == []
        assert it.row == row

    def test_that_come_again_before_the_create_has_ended_wait_for_it(self) -> None:
        """After a crash a command may come before the events that it was an answer to."""
        it = Dispatcher()
        polled = it.created(it.start(1))
        self.ask(it, "stop")
        assert ended(it) == []
        it.state(polled, "configured")
        it.reply(it.only(), Outcome.CONFIRMED, outputs="sealed")
        it.read(*machines(1))
        job = it.only(EffectKind.CHANGE).job
        assert job is not None
        assert job.kind is JobKind.STOP

    def test_of_a_create_that_fails_have_failed(self) -> None:
        it = Dispatcher()
        polled = it.created(it.start(1))
        self.ask(it, "stop")
        it.state(polled, "failed")
        it.clean()
        assert [one.success for one in ended(it)] == [False]


class TestAReconfigure:
    def begun(self, it: Dispatcher, machine: str | None = None) -> Effect:
        """The IM has taken it; the poll that follows."""
        asked = command("reconfigure", it.now).model_copy(update={"machine": machine})
        it.feed(asked)
        change = it.only(EffectKind.CHANGE)
        assert change.job is not None
        assert (change.job.kind, change.job.machine) == (JobKind.RECONFIGURE, machine)
        it.reply(change, Outcome.CHANGED)
        return it.polls()[-1]

    @pytest.mark.parametrize("machine", [None, "0"])
    def test_ends_when_all_is_configured_again(self, it: Dispatcher, machine: str | None) -> None:
        poll = self.begun(it, machine)
        it.state(poll, "running")
        assert ended(it) == []
        it.state(it.polls()[-1], "configured")
        it.read(*machines(1))
        (final,) = ended(it)
        assert (final.success, final.machine) == (True, machine)
        assert it.phases() == [Phase.SUCCEEDED]

    def test_that_fails_tells_the_end_of_the_log_and_the_deployment_stays(
        self, it: Dispatcher
    ) -> None:
        it.state(self.begun(it), "unconfigured", message="ansible: no such role")
        (final,) = ended(it)
        assert final.success is False
        assert "unconfigured: ansible: no such role" in str(final.reason)
        it.read(*machines(1))
        assert it.phases() == [Phase.SUCCEEDED]

    def test_that_a_crash_has_interrupted_is_asked_for_again(self, it: Dispatcher) -> None:
        it.feed(command("reconfigure", it.now))
        first = it.only(EffectKind.CHANGE)
        it.tick()  # nothing was heard of it, and its lease is over
        again = it.only(EffectKind.CHANGE)
        assert again.issue > first.issue
        assert again.job is not None
        assert again.job.kind is JobKind.RECONFIGURE

    def test_is_told_in_the_timeline_with_the_machines_that_it_is_of(self, it: Dispatcher) -> None:
        self.begun(it)
        texts = [one.message for one in make.steps(it.said) if one.step == "reconfigure"]
        assert texts == ["the reconfigure of all machines begins"]

    def test_is_cut_short_by_a_delete(self, it: Dispatcher) -> None:
        self.begun(it)
        it.feed(command("delete", it.now))
        it.clean()
        assert [one.success for one in ended(it, Operation.DELETE)] == [True]
        assert ended(it) == []
