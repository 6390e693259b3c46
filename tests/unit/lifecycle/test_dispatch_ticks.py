"""Properties of the dispatcher's machine over random stories: it never spins, and order is free."""

from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.lifecycle import (
    POLICY,
    T0,
    Dispatcher,
    answer,
    command,
    ranked,
    tick,
    validated,
)

from paas_stream.lifecycle import dispatch
from paas_stream.lifecycle.attempt import Effect, EffectKind, Outcome

OUTCOMES = {
    EffectKind.CREATE: [
        Outcome.CREATED,
        Outcome.REFUSED,
        Outcome.REFUSED_TEMPLATE,
        Outcome.PAUSED,
        Outcome.FAULT,
    ],
    EffectKind.CONFIRM: [Outcome.CONFIRMED, Outcome.GONE, Outcome.FAULT],
    EffectKind.CLEAN: [Outcome.CLEAN, Outcome.LEFT, Outcome.FAULT],
    EffectKind.RECHECK: [Outcome.CLEAN, Outcome.LEFT, Outcome.FAULT],
    EffectKind.POLL: [Outcome.STATE, Outcome.STATE, Outcome.GONE, Outcome.FAULT],
}
STATES = st.sampled_from(
    ["pending", "running", "unknown", "failed", "unconfigured", "configured", "stopped"]
)
PLAYED = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
STORIES = st.lists(
    st.tuples(
        st.sampled_from(["answer"] * 6 + ["poll", "poll", "tick", "time", "command"]),
        st.integers(0, 9),
        STATES,
        st.sampled_from([0.0, 0.3, 7.0, 65.0, 130.0, 4000.0]),
    ),
    max_size=40,
)


def play(it: Dispatcher, story: list[tuple[str, int, str, float]], asked: list[Effect]) -> None:
    """One random story; `asked` are the effects that may still be answered."""
    for what, number, state, seconds in story:
        if it.row is None:
            return
        match what:
            case "answer" if asked:
                reply(it, asked.pop(number % len(asked)), number, state)
            case "poll" if it.polls():
                reply(it, it.polls()[-1], number, state)
            case "tick" if it.armed() is not None:
                it.tick()
            case "time":
                it.feed(tick(), seconds)
            case "command":
                name = ["cancel", "delete", "delete", "forget"][number % 4]
                it.feed(command(name, it.now, force=number > 6))
            case _:
                continue
        asked += it.effects


def reply(it: Dispatcher, effect: Effect, number: int, state: str) -> None:
    outcomes = OUTCOMES[effect.kind]
    outcome = outcomes[number % len(outcomes)]
    fields = {
        "infrastructures": ("inf-1",) if outcome in (Outcome.CREATED, Outcome.LEFT) else (),
        "state": state if outcome is Outcome.STATE else None,
        "machines": number % 2,
        "retry_after_s": 100.0 if outcome is Outcome.PAUSED else None,
    }
    it.feed(answer(effect, outcome, **fields), 0.1)


@given(
    providers=st.integers(0, 3),
    story=STORIES,
    keep_last=st.booleans(),
    most=st.sampled_from([None, 1, 2]),
)
@settings(PLAYED, max_examples=150)
def test_it_never_spins(
    providers: int, story: list[tuple[str, int, str, float]], keep_last: bool, most: int | None
) -> None:
    """Wherever a story leads, what is armed lies ahead, and few ticks in a row change nothing."""
    it = Dispatcher()
    it.feed(validated(max_providers=most, keep_last=keep_last))
    it.feed(ranked(providers))
    play(it, story, list(it.effects))
    idle, ticks, begun = 0, 0, it.now
    while it.row is not None and (due := it.armed()) is not None and ticks < 300:
        ticks += 1
        assert due > it.now
        before = it.row
        it.tick()
        idle = 0 if it.row != before or it.effects else idle + 1
        assert idle <= 2 * (len(before.attempts) + 1)
    # nothing is ever answered: effects are issued again, though not faster than their leases last
    lease_s = POLICY.call_s + POLICY.margin_s
    assert ticks <= 30 + 4 * (it.now - begun) / lease_s


@given(
    providers=st.integers(0, 3),
    story=STORIES,
    most=st.sampled_from([None, 1, 2]),
)
@settings(PLAYED, max_examples=150)
def test_it_comes_to_an_end_when_every_effect_is_answered(
    providers: int, story: list[tuple[str, int, str, float]], most: int | None
) -> None:
    it = Dispatcher()
    it.feed(validated(max_providers=most))
    it.feed(ranked(providers))
    play(it, story, list(it.effects))
    good = {
        EffectKind.CREATE: Outcome.REFUSED,
        EffectKind.CONFIRM: Outcome.CONFIRMED,
        EffectKind.CLEAN: Outcome.CLEAN,
        EffectKind.RECHECK: Outcome.CLEAN,
    }
    for _ in range(200):
        if it.effects:
            it.reply(it.effects[0], good[it.effects[0].kind], 0.0)
        elif it.row is None or it.armed() is None:
            break
        else:
            it.tick()
    if it.row is not None:
        assert it.armed() is None
        assert it.row.final is not None
        assert len(it.row.attempts) <= min(providers, most or providers)


@given(story=STORIES, keep_last=st.booleans())
@settings(PLAYED, max_examples=100)
def test_a_step_is_a_function_of_row_event_and_time(
    story: list[tuple[str, int, str, float]], keep_last: bool
) -> None:
    one, two = Dispatcher(), Dispatcher()
    for it in (one, two):
        it.feed(validated(keep_last=keep_last))
        it.feed(ranked(2))
        play(it, story, list(it.effects))
    assert one.row == two.row
    assert [m.model_dump() for m in one.said] == [m.model_dump() for m in two.said]


def test_polls_and_moments_of_a_row_that_knows_nothing_are_none() -> None:
    row = dispatch.DispatchRow(validated().uuid)
    assert list(dispatch.polls(row)) == []
    assert dispatch.moments(row, POLICY) == []


class TestAnyOrder:
    """Events of different topics may come in any order; those of one topic keep theirs."""

    def run(self, order: tuple[str, ...], after: tuple[str, ...]) -> Dispatcher:
        """Feed in this order; the IM refuses the first provider and takes the second.

        Effects are answered as soon as they are issued, or (`after`) once all events have come.
        """
        events = {
            "template": validated(),
            "ranking": ranked(2),
            "cancel": command("cancel", T0 + 3, reason="late"),
            "revoke": command("cancel", T0 + 3, force=True, reason="late"),
            "delete": command("delete", T0 + 4),
            "delete again": command("delete", T0 + 5),
            "tick": tick(),
        }
        it = Dispatcher()
        waiting: list[Effect] = []
        for name in order:
            it.feed(events[name], 0.5)
            waiting += it.effects
            if name not in after:
                self.answer_all(it, waiting)
        self.answer_all(it, waiting)
        while it.row is not None and it.armed() is not None:
            it.tick()
            self.answer_all(it, list(it.effects))
        return it

    def answer_all(self, it: Dispatcher, waiting: list[Effect]) -> None:
        while waiting:
            effect = waiting.pop(0)
            match effect.kind:
                case EffectKind.CREATE if effect.attempt == 1:
                    it.reply(effect, Outcome.REFUSED, message="no quota")
                case EffectKind.CREATE:
                    it.reply(effect, Outcome.CREATED, infrastructures=("inf",))
                case EffectKind.CONFIRM:
                    it.reply(effect, Outcome.CONFIRMED, outputs="sealed")
                case _:
                    it.reply(effect, Outcome.CLEAN)
            waiting += it.effects
            for poll in it.polls():
                it.state(poll, "configured")
                waiting += it.effects

    @pytest.mark.parametrize("slow", [False, True], ids=["answered at once", "answered later"])
    @pytest.mark.parametrize(
        ("names", "final"),
        [
            (("template", "ranking", "tick"), "created"),
            (("template", "ranking", "delete", "tick"), "deleted"),
            (("template", "ranking", "delete", "delete again"), "deleted"),
            (("template", "ranking", "cancel", "delete"), "deleted"),
            (("template", "ranking", "revoke", "tick"), "failed"),
            (("template", "ranking", "revoke", "delete"), "deleted"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
    )
    def test_leads_to_the_same_end(self, names: tuple[str, ...], final: str, slow: bool) -> None:
        for order in permutations(names):
            it = self.run(order, after=names if slow else ())
            assert it.row is not None
            assert it.row.final == final, order
            kept = [one for one in it.row.attempts if one.phase == "succeeded"]
            assert len(kept) == (1 if final == "created" else 0), order
            assert {one.phase.value for one in it.row.attempts} <= {"clean", "succeeded"}
            told = it.finals()[-1]
            assert told.success is (final != "failed")

    def test_a_soft_cancel_is_the_one_that_may_be_too_late(self) -> None:
        ends = {
            self.run(order, ()).finals()[-1].success
            for order in permutations(("template", "ranking", "cancel"))
        }
        assert ends == {True, False}
