"""Which changes of a deployment its callback target is told, and how long that is tried."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.lifecycle import (
    T0,
    TRACKER_POLICY,
    UUID,
    at,
    command,
    ranked,
    steps,
    template,
    validated,
)

from paas_stream.lifecycle import callbacks, deployment
from paas_stream.lifecycle.backoff import Backoff
from paas_stream.lifecycle.callbacks import PENDING_MOST, CallbackPolicy, Outcome, Tell
from paas_stream.lifecycle.deployment import DeploymentRow
from paas_stream.records import DeploymentResult, ErrorRecord, Message, TrackerEvent

POLICY = CallbackPolicy(
    lease_s=30.0, margin_s=5.0, tries=6, max_age_s=3600.0, backoff=Backoff(4.0, 600.0)
)

LATE_S = 0.1  # how long after its moment a tick is made


def result(kind: str, moment: float, **fields: Any) -> DeploymentResult:
    """The message for `deployment-results`."""
    return DeploymentResult.model_validate(
        {"uuid": UUID, "timestamp": at(moment), "kind": kind, **fields}
    )


def accepted(number: int = 1) -> DeploymentResult:
    """The IM has accepted an attempt."""
    place = {"provider_name": f"p{number}", "infrastructure_id": f"inf-{number}"}
    return result("accepted", T0 + 10 * number, attempt=number, **place)


CREATED = result(
    "final", T0 + 30, success=True, attempt=1, infrastructure_id="inf-1", outputs="sealed"
)
FAILED = result("final", T0 + 30, success=False, reason="no provider was good enough")
DELETE = command("delete", T0 + 40)


def deleted(success: bool = True, asked: float = T0 + 40) -> DeploymentResult:
    """A delete has ended."""
    return result(
        "final", asked + 9, operation="delete", success=success, reason="why", started_at=at(asked)
    )


def a_tick(moment: float) -> TrackerEvent:
    """A tick that was made at this moment."""
    return TrackerEvent(uuid=UUID, event="tick", timestamp=at(moment))


ERROR = ErrorRecord(
    uuid=UUID,
    timestamp=at(T0 + 5),
    component="template-parser",
    step="validate",
    code="invalid",
    message="it is no template",
)


class Teller:
    """Steps through the tracker's machines as the agent does; the receiver takes all, or none."""

    def __init__(self, policy: CallbackPolicy = POLICY, *, answers: bool = True) -> None:
        self.policy = policy
        self.answers = answers
        self.row: DeploymentRow | None = None
        self.now = T0
        self.said: list[Message] = []
        self.told: list[Tell] = []  # all that were issued
        self.outcomes: list[Outcome] = []

    def feed(self, *events: Message, after_s: float = 0.0) -> None:
        self.now += after_s
        for event in events:
            known = self.row
            fresh = known or DeploymentRow(UUID, first_seen=self.now, updated=self.now)
            stepped = deployment.step(fresh, event, self.now, TRACKER_POLICY).row
            assert stepped is not None
            told = callbacks.follow(known, stepped, event, self.now, self.policy)
            self.row = told.row
            self.said += told.messages
            self.told += told.effects
            self.outcomes += told.outcomes
            if self.answers and told.effects:
                self.reply("delivered")

    def reply(self, outcome: str, *, after_s: float = 0.1, issue: int = 0, **fields: Any) -> None:
        """What became of the last call, or of an earlier issue of it."""
        last = self.told[-1]
        event = TrackerEvent.model_validate(
            {
                "uuid": UUID,
                "event": "callback",
                "number": last.number,
                "issue": issue or last.issue,
                "outcome": outcome,
                **fields,
            }
        )
        self.feed(event, after_s=after_s)

    def tick(self) -> None:
        """To the next moment that is armed."""
        due = self.armed()
        assert due is not None
        self.now = due + LATE_S
        self.feed(a_tick(self.now))

    def armed(self) -> float | None:
        assert self.row is not None
        return min(
            (one for one in callbacks.moments(self.row, self.now) if one > self.now), default=None
        )

    def statuses(self) -> list[str]:
        return [one.resource["status"] for one in self.told]

    def timeline(self) -> list[tuple[str, str]]:
        return [(one.status, one.message) for one in steps(self.said) if one.step == "callback"]


def statuses(*events: Message) -> list[str]:
    it = Teller()
    it.feed(*events)
    return it.statuses()


HAPPY = [template(), validated(), ranked(), accepted(), CREATED]
TOLD = ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


class TestTheTargetIsTold:
    @pytest.mark.parametrize(
        ("events", "told"),
        [
            pytest.param(
                [template(), validated(), ranked()], [], id="nothing before the IM has it"
            ),
            pytest.param(HAPPY, TOLD, id="of acceptance and completion"),
            pytest.param([*HAPPY, DELETE], TOLD, id="not that a delete was asked for"),
            pytest.param([*HAPPY, DELETE, deleted()], [*TOLD, "DELETE_COMPLETE"], id="of a delete"),
            pytest.param(
                [template(), accepted(1), accepted(2), FAILED],
                ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_FAILED"],
                id="of each provider that is tried, and of a failure",
            ),
            pytest.param([template(), ERROR], ["CREATE_FAILED"], id="of an error before the IM"),
            pytest.param(
                [*HAPPY, DELETE, deleted(False)], [*TOLD, "DELETE_FAILED"], id="of a failed delete"
            ),
            pytest.param(
                [
                    *HAPPY,
                    DELETE,
                    deleted(False),
                    command("delete", T0 + 60),
                    deleted(False, T0 + 60),
                    command("delete", T0 + 80),
                    deleted(True, T0 + 80),
                ],
                [*TOLD, "DELETE_FAILED", "DELETE_FAILED", "DELETE_COMPLETE"],
                id="of each delete",
            ),
        ],
    )
    def test_what_the_contract_names(self, events: Sequence[Message], told: list[str]) -> None:
        assert statuses(*events) == told

    def test_once_however_often_an_event_comes(self) -> None:
        twice = [event for event in [*HAPPY, DELETE, deleted()] for _ in range(2)]
        assert statuses(*twice) == [*TOLD, "DELETE_COMPLETE"]

    def test_nothing_new_by_a_late_event(self) -> None:
        late = [accepted(2), ERROR, FAILED]
        assert statuses(*HAPPY, DELETE, deleted(), *late) == [*TOLD, "DELETE_COMPLETE"]

    def test_nothing_when_no_url_was_given(self) -> None:
        silent = template().model_copy(update={"callback": None})
        assert statuses(silent, accepted(), CREATED) == []

    def test_the_state_that_a_get_shows_when_the_request_itself_comes_late(self) -> None:
        assert statuses(accepted(), CREATED, template()) == ["CREATE_COMPLETE"]
        assert statuses(accepted(), template(), CREATED) == TOLD

    def test_no_state_that_a_get_never_showed(self) -> None:
        assert statuses(template(), DELETE, accepted(), CREATED, deleted()) == ["DELETE_COMPLETE"]

    def test_with_the_resource_as_it_was_then(self) -> None:
        it = Teller(answers=False)
        it.feed(*HAPPY)
        first = it.told[0]
        assert (first.url, first.number, first.issue) == ("https://client/hook", 1, 1)
        assert first.resource["physicalId"] == "inf-1"
        assert first.resource["createdBy"] == {"issuer": "https://issuer", "subject": "alice"}
        assert "links" not in first.resource
        assert first.sealed_outputs is None, "there were none at that time"
        it.reply("delivered")
        assert it.told[1].resource["status"] == "CREATE_COMPLETE"
        assert it.told[1].sealed_outputs == "sealed"


class TestOneAfterTheOther:
    def test_the_next_waits_until_the_first_is_delivered(self) -> None:
        it = Teller(answers=False)
        it.feed(*HAPPY, DELETE, deleted())
        assert it.statuses() == ["CREATE_IN_PROGRESS"]
        for _ in range(3):
            it.reply("delivered")
        assert it.statuses() == [*TOLD, "DELETE_COMPLETE"]
        assert [one.number for one in it.told] == [1, 2, 3]
        assert it.armed() is None

    def test_the_next_comes_when_the_first_is_given_up(self) -> None:
        it = Teller(answers=False)
        it.feed(*HAPPY)
        it.reply("refused", message="it answered 410")
        assert it.statuses() == TOLD

    def test_more_than_can_wait_make_the_oldest_give_way(self) -> None:
        it = Teller(answers=False)
        it.feed(template(), *(accepted(number) for number in range(1, PENDING_MOST + 4)))
        assert it.row is not None
        numbers = [one.number for one in it.row.callbacks.pending]
        assert numbers == [1, *range(5, PENDING_MOST + 4)]
        assert it.outcomes == [Outcome.GIVEN_UP] * 3
        assert it.timeline()[0] == (
            "failed",
            "client is not told of CREATE_IN_PROGRESS: too many callbacks wait for it",
        )


class TestAFailedCall:
    @pytest.fixture
    def it(self) -> Teller:
        made = Teller(answers=False)
        made.feed(template(), FAILED)
        return made

    def test_is_made_again_later_and_later(self, it: Teller) -> None:
        waits = []
        for tries in range(1, POLICY.tries):
            it.reply("fault", message="it answered 503")
            assert len(it.told) == tries
            waits.append((it.armed() or 0.0) - it.now)
            it.tick()
            assert it.told[-1].issue == tries + 1
        for tries, wait in enumerate(waits, 1):
            full = min(600.0, 4.0 * 2 ** (tries - 1))
            assert full / 2 <= wait <= full
        it.reply("delivered")
        assert it.armed() is None
        assert it.outcomes == [Outcome.RETRIED] * (POLICY.tries - 1) + [Outcome.DELIVERED]

    def test_waits_at_least_as_long_as_the_receiver_wants(self, it: Teller) -> None:
        it.reply("fault", retry_after_s=777.0)
        assert it.armed() == it.now + 777.0

    def test_is_given_up_after_so_many_tries(self, it: Teller) -> None:
        for _ in range(POLICY.tries - 1):
            it.reply("fault", message="it answered 503")
            it.tick()
        it.reply("fault", message="it answered 503")
        assert it.armed() is None
        assert it.outcomes[-1] is Outcome.GIVEN_UP
        assert it.timeline()[-1] == (
            "failed",
            "client is not told of CREATE_FAILED: it answered 503; tried 6 times",
        )

    def test_is_given_up_when_it_has_become_too_old(self) -> None:
        it = Teller(replace(POLICY, tries=1000), answers=False)
        it.feed(template(), FAILED)
        begun = it.now
        while it.armed() is not None:
            it.reply("fault")
            if it.armed() is not None:
                it.tick()
        assert it.outcomes[-1] is Outcome.GIVEN_UP
        assert POLICY.max_age_s / 2 < it.now - begun <= POLICY.max_age_s

    def test_that_cannot_be_repaired_is_given_up_at_once(self, it: Teller) -> None:
        it.reply("refused", message="it answered 404")
        assert it.armed() is None
        assert it.timeline() == [
            ("failed", "client is not told of CREATE_FAILED: it answered 404"),
        ]

    def test_is_told_to_the_owner_at_the_first_time_and_at_the_end(self, it: Teller) -> None:
        for _ in range(3):
            it.reply("fault", message="it answered 503")
            it.tick()
        it.reply("delivered")
        (first, last) = it.timeline()
        assert first[0] == "failed"
        assert first[1].startswith(
            "client was not told of CREATE_FAILED: it answered 503; tried again in "
        )
        assert last == ("end", "client was told of CREATE_FAILED")

    def test_whose_answer_is_an_old_one_counts_once(self, it: Teller) -> None:
        it.tick()
        assert it.told[-1].issue == 2
        it.reply("fault", issue=1)
        it.reply("refused", issue=1)
        assert it.row is not None
        assert it.row.callbacks.pending[0].tries == 0
        it.reply("delivered", issue=1)
        assert it.armed() is None

    def test_does_not_show_what_the_url_may_hide(self) -> None:
        it = Teller(answers=False)
        url = "https://user:pass@client:8443/hook?token=hidden"
        it.feed(template().model_copy(update={"callback": url}), FAILED)
        it.reply("refused", message="it answered 404")
        ((_, text),) = it.timeline()
        assert text == "client is not told of CREATE_FAILED: it answered 404"


class TestACallWithoutAnswer:
    def test_is_made_again_after_its_lease_and_then_less_often(self) -> None:
        it = Teller(answers=False)
        it.feed(template(), FAILED)
        pauses = []
        for issue in range(2, 7):
            before = it.now
            it.tick()
            pauses.append(it.now - before)
            assert it.told[-1].issue == issue
        lease = POLICY.lease_s + POLICY.margin_s
        assert pauses[0] == pytest.approx(lease + LATE_S)
        assert pauses == sorted(pauses)
        assert pauses[-1] > lease

    def test_is_not_made_again_by_a_tracker_that_is_late_with_the_answer(self) -> None:
        it = Teller(answers=False)
        it.feed(template(), FAILED)
        early = a_tick(it.now + 1)
        it.feed(early, validated(), DELETE, after_s=1000.0)
        assert len(it.told) == 1
        assert it.armed() == it.now + 1, "a tick comes behind the answer"
        it.reply("delivered")
        it.feed(a_tick(it.now))
        assert len(it.told) == 1

    def test_is_given_up_when_it_has_become_too_old(self) -> None:
        it = Teller(answers=False)
        it.feed(template(), FAILED)
        while it.armed() is not None:
            it.tick()
        assert it.now - T0 >= POLICY.max_age_s
        assert it.outcomes == [Outcome.GIVEN_UP]

    def test_that_has_waited_for_too_long_is_tried_once(self) -> None:
        it = Teller(answers=False)
        it.feed(*HAPPY)
        it.now += POLICY.max_age_s + 1
        it.feed(a_tick(it.now))
        assert it.statuses() == TOLD
        it.reply("fault")
        assert it.armed() is None
