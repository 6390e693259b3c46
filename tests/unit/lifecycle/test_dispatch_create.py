"""How the dispatcher gets from ranked providers to one infrastructure."""

import pytest
from support.lifecycle import (
    OVERALL_S,
    POLICY,
    PROVIDER_MIN,
    T0,
    Dispatcher,
    command,
    ranked,
    steps,
    tick,
    validated,
)

from paas_stream.lifecycle import dispatch
from paas_stream.lifecycle.attempt import EffectKind, Outcome, Phase
from paas_stream.lifecycle.dispatch_row import Final
from paas_stream.records import DeploymentResult


@pytest.fixture
def it() -> Dispatcher:
    return Dispatcher()


class TestTheJoin:
    @pytest.mark.parametrize("first", ["template", "ranking"])
    def test_nothing_begins_before_template_and_ranking_are_there(
        self, it: Dispatcher, first: str
    ) -> None:
        events = [validated(), ranked()]
        one, two = events if first == "template" else reversed(events)
        it.feed(one)
        assert it.effects == []
        assert it.armed() is None
        it.feed(two)
        assert it.only().kind is EffectKind.CREATE
        assert it.only().candidate == 0

    def test_a_second_template_or_ranking_changes_nothing(self, it: Dispatcher) -> None:
        it.start(3)
        row = it.row
        for event in (validated(max_providers=1), ranked(1), validated(), ranked(3)):
            assert it.feed(event) == []
            assert it.effects == []
        assert it.row == row

    def test_without_any_provider_it_fails_at_once_and_says_so(self, it: Dispatcher) -> None:
        it.feed(validated())
        it.feed(ranked(0))
        assert it.final().success is False
        assert it.final().reason == "No provider can host the template"

    def test_a_template_that_comes_after_the_overall_time_out_fails_with_the_next_tick(
        self, it: Dispatcher
    ) -> None:
        it.now = T0 + OVERALL_S + 1
        it.feed(validated())
        it.feed(ranked())
        it.tick()
        assert it.attempt().failure == "timeout"
        it.run_to(EffectKind.CLEAN)
        it.clean()
        assert "overall time-out has passed" in (it.final().reason or "")


class TestOneProvider:
    def test_success_is_told_with_the_place_and_the_sealed_outputs(self, it: Dispatcher) -> None:
        it.succeed(it.start(1), "inf-7")
        final = it.final()
        assert final.success is True
        assert (final.provider_name, final.region_name) == ("p1", "default")
        assert (final.infrastructure_id, final.outputs) == ("inf-7", "sealed")
        assert it.row is not None
        assert it.row.final is Final.CREATED
        assert it.armed() is None

    def test_it_tells_accepted_attempt_final_and_what_is_there(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        results = [one for one in it.said if isinstance(one, DeploymentResult)]
        assert [one.kind for one in results] == ["accepted", "attempt", "final", "resources"]
        assert [one.success for one in results] == [None, True, True, None]
        assert {one.attempt for one in results} == {1}

    def test_every_change_of_state_is_told_once(self, it: Dispatcher) -> None:
        poll = it.created(it.start(1))
        for state, machines in [("pending", 0), ("pending", 0), ("pending", 1), ("running", 1)]:
            it.state(poll, state, machines)
        told = [one.message for one in steps(it.said) if one.step == "poll"]
        assert told == [
            "the IM reports pending, no machine yet",
            "the IM reports pending",
            "the IM reports running",
        ]

    def test_a_running_infrastructure_is_only_a_success_once_it_is_confirmed(
        self, it: Dispatcher
    ) -> None:
        it.state(it.created(it.start(1)), "configured")
        assert it.finals() == []
        assert it.only(EffectKind.CONFIRM).infrastructures == ("inf-1",)

    def test_the_poll_knows_what_is_no_news(self, it: Dispatcher) -> None:
        it.state(it.created(it.start(1)), "running", 2)
        (poll,) = it.polls()
        assert (poll.known_state, poll.known_machines, poll.known_fault) == ("running", True, False)


FAILURES = {
    "refused": "the IM refuses",
    "failed": "the IM reports failed",
    "unconfigured": "the IM reports unconfigured",
    "vanished": "it is not there at a poll",
    "vanished later": "it is not there when it is confirmed",
    "pending": "no machine",
    "unknown": "unknown for too long",
    "timeout": "its time is over",
    "provider_paused": "its breaker is open",
}


def let_fail(it: Dispatcher, how: str) -> None:
    """Let the attempt whose CREATE was just issued fail, up to the issue of its CLEAN."""
    create = it.only(EffectKind.CREATE)
    match how:
        case "refused":
            it.reply(create, Outcome.REFUSED, message="no quota")
        case "provider_paused":
            it.reply(create, Outcome.PAUSED, message="left alone", retry_after_s=100.0)
        case "failed" | "unconfigured":
            it.state(it.created(create), how, message="script failed")
        case "vanished":
            it.reply(it.created(create), Outcome.GONE)
        case "vanished later":
            it.state(it.created(create), "configured")
            it.reply(it.only(EffectKind.CONFIRM), Outcome.GONE)
        case "pending":
            it.state(it.created(create), "pending", 0)
            it.now += POLICY.pending_s
            it.feed(tick())
        case "unknown":
            it.state(it.created(create), "unknown")
            it.now += POLICY.unknown_s
            it.feed(tick())
        case "timeout":
            it.state(it.created(create), "running")
            it.now += PROVIDER_MIN * 60
            it.feed(tick())


class TestTheNextProvider:
    @pytest.mark.parametrize("how", FAILURES)
    def test_is_tried_after_a_failure_once_that_is_cleaned(self, it: Dispatcher, how: str) -> None:
        it.start(2)
        let_fail(it, how)
        assert it.phases() == [Phase.CLEANING]
        it.clean()
        assert it.phases() == [Phase.RECHECKING, Phase.CREATING]
        assert it.only(EffectKind.CREATE).candidate == 1

    @pytest.mark.parametrize("how", FAILURES)
    def test_the_failure_is_told_with_its_class_and_reason(self, it: Dispatcher, how: str) -> None:
        it.start(2)
        let_fail(it, how)
        told = [one for one in it.said if getattr(one, "kind", None) == "attempt"]
        assert [one.success for one in told] == [False]
        assert told[0].failure == how.partition(" ")[0]
        assert told[0].reason

    def test_is_the_next_in_the_ranking_until_one_succeeds(self, it: Dispatcher) -> None:
        it.start(3)
        it.refuse(it.only())
        it.refuse(it.only())
        it.succeed(it.only(), "inf-3")
        assert it.final().success is True
        assert it.final().attempt == 3
        assert it.final().provider_name == "p3"

    def test_every_failed_provider_is_named_with_its_reason(self, it: Dispatcher) -> None:
        it.start(2)
        it.refuse(it.only(), "no quota")
        it.refuse(it.only(), "bad token")
        assert it.final().success is False
        assert it.final().reason == (
            "Every provider that may be tried has failed. Attempts: "
            "1. p1 (default): no quota; 2. p2 (default): bad token"
        )

    @pytest.mark.parametrize(
        ("providers", "most", "attempts"),
        [(3, None, 3), (3, 1, 1), (3, 2, 2), (3, 3, 3), (3, 9, 3), (1, 2, 1)],
    )
    def test_is_tried_up_to_the_number_that_the_user_wants(
        self, it: Dispatcher, providers: int, most: int | None, attempts: int
    ) -> None:
        it.start(providers, max_providers=most)
        for _ in range(attempts):
            it.refuse(it.only(EffectKind.CREATE))
        assert len(it.phases()) == attempts
        assert it.final().success is False

    def test_is_not_tried_after_the_overall_time_out(self, it: Dispatcher) -> None:
        it.start(2, overall_s=600.0)
        it.reply(it.only(), Outcome.REFUSED, message="no quota", after_s=599.0)
        it.clean()
        assert len(it.phases()) == 1
        assert (it.final().reason or "").startswith("The overall time-out has passed")


class TestARefusedTemplate:
    def test_ends_it_when_two_providers_get_the_same_refusal(self, it: Dispatcher) -> None:
        it.start(3)
        for _ in range(2):
            it.reply(it.only(), Outcome.REFUSED_TEMPLATE, message="Error parsing: no type")
            it.clean()
        assert len(it.phases()) == 2
        assert it.final().reason == (
            "The Infrastructure Manager refuses the template: Error parsing: no type"
        )

    def test_does_not_end_it_when_the_refusals_differ(self, it: Dispatcher) -> None:
        it.start(3)
        for message in ("no image", "no flavor"):
            it.reply(it.only(), Outcome.REFUSED_TEMPLATE, message=message)
            it.clean()
        assert len(it.phases()) == 3

    def test_does_not_end_it_when_a_provider_refused_for_itself(self, it: Dispatcher) -> None:
        it.start(4)
        for outcome in (Outcome.REFUSED_TEMPLATE, Outcome.REFUSED, Outcome.REFUSED):
            it.reply(it.only(), outcome, message="the same words")
            it.clean()
        assert len(it.phases()) == 4


class TestTimeOuts:
    @pytest.mark.parametrize(
        ("state", "machines", "lasts_s"),
        [("pending", 0, POLICY.pending_s), ("unknown", 1, POLICY.unknown_s)],
    )
    def test_a_stuck_state_ends_exactly_when_its_time_is_over(
        self, it: Dispatcher, state: str, machines: int, lasts_s: float
    ) -> None:
        it.state(it.created(it.start(2)), state, machines)
        since = it.now
        assert it.armed() == since + lasts_s
        it.now = since + lasts_s - 0.01
        it.feed(tick())
        assert it.attempt().active
        it.tick()
        assert it.attempt().phase is Phase.CLEANING

    def test_pending_with_a_machine_may_last(self, it: Dispatcher) -> None:
        it.state(it.created(it.start(1)), "pending", 1)
        it.feed(tick(), POLICY.pending_s * 5)
        assert it.attempt().active

    def test_a_state_that_comes_back_from_unknown_begins_anew(self, it: Dispatcher) -> None:
        poll = it.created(it.start(1))
        for state in ("unknown", "running", "unknown"):
            it.state(poll, state, after_s=POLICY.unknown_s * 0.9)
        it.feed(tick(), POLICY.unknown_s * 0.9)
        assert it.attempt().active

    def test_each_provider_has_its_own_time_out(self, it: Dispatcher) -> None:
        it.start(2, provider_min=10)
        it.state(it.created(it.only()), "running")
        it.tick()
        assert it.now == it.attempt().started_at + 600.0
        it.clean()
        begun = it.now
        assert it.attempt(2).deadline == begun + 600.0

    def test_the_overall_time_out_cuts_that_of_the_last_provider(self, it: Dispatcher) -> None:
        it.start(1, overall_s=300.0, provider_min=10)
        assert it.attempt().deadline == T0 + 300.0

    def test_what_is_configured_in_time_and_confirmed_late_is_a_success(
        self, it: Dispatcher
    ) -> None:
        it.start(1, overall_s=300.0)
        it.state(it.created(it.only()), "configured", after_s=290.0)
        confirm = it.only(EffectKind.CONFIRM)
        it.feed(tick(), 20.0)
        it.reply(confirm, Outcome.CONFIRMED, outputs="sealed")
        assert it.final().success is True

    def test_what_is_configured_in_time_and_never_confirmed_fails(self, it: Dispatcher) -> None:
        it.start(1, overall_s=300.0)
        it.state(it.created(it.only()), "configured", after_s=290.0)
        it.reply(it.only(EffectKind.CONFIRM), Outcome.FAULT, message="down", after_s=20.0)
        assert it.attempt().failure == "timeout"


class TestCancel:
    @pytest.mark.parametrize("when", ["first", "creating", "polling"])
    def test_ends_the_create_and_cleans(self, it: Dispatcher, when: str) -> None:
        cancel = command("cancel", T0 + 5, reason="The overall time-out has passed")
        if when == "first":
            it.feed(cancel)
        create = None
        if when != "first":
            create = it.start(3)
        if when == "polling" and create is not None:
            it.created(create)
        it.feed(cancel)
        if when == "creating" and create is not None:
            assert it.effects == []  # the create in flight ends first
            it.reply(create, Outcome.CREATED, infrastructures=("inf-1",))
        if when != "first":
            it.clean()
        assert it.final().success is False
        assert (it.final().reason or "").startswith("The overall time-out has passed")
        it.feed(validated())
        it.feed(ranked())
        assert len(it.finals()) == 1

    def test_that_comes_after_the_success_changes_nothing(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        row = it.row
        it.feed(command("cancel", T0 + 5))
        assert it.row == row

    def test_waits_for_the_answer_when_it_is_being_confirmed(self, it: Dispatcher) -> None:
        it.state(it.created(it.start(1)), "configured")
        confirm = it.only(EffectKind.CONFIRM)
        it.feed(command("cancel", T0 + 5))
        assert it.attempt().phase is Phase.CONFIRMING
        it.reply(confirm, Outcome.CONFIRMED, outputs="sealed")
        assert it.final().success is True

    @pytest.mark.parametrize("phase", [Phase.CONFIRMING, Phase.SUCCEEDED])
    def test_by_force_takes_even_a_success_back(self, it: Dispatcher, phase: Phase) -> None:
        it.state(it.created(it.start(1)), "configured")
        confirm = it.only(EffectKind.CONFIRM)
        if phase is Phase.SUCCEEDED:
            it.reply(confirm, Outcome.CONFIRMED, outputs="sealed")
            it.read()
        it.feed(command("cancel", T0 + 5, force=True, reason="the ranker failed"))
        if phase is Phase.CONFIRMING:
            it.reply(confirm, Outcome.CONFIRMED, outputs="sealed")
        it.clean()
        assert it.finals()[-1].success is False
        assert it.finals()[-1].reason is not None
        assert it.finals()[-1].reason.startswith("the ranker failed")
        assert it.phases() == [Phase.RECHECKING]


@pytest.mark.parametrize(
    ("age_s", "interval_s"), [(0, 1.0), (5, 1.0), (10, 1.0), (50, 5.0), (300, 30.0), (9999, 30.0)]
)
def test_polls_become_rarer_with_the_age_of_the_state(age_s: float, interval_s: float) -> None:
    assert dispatch.poll_interval_s(age_s, 1.0, 30.0) == interval_s
