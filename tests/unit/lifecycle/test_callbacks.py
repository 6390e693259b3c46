"""Which changes of a deployment its callback target is told, and how long that is tried."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.lifecycle import T0, UUID, at, command, ranked, template, update, validated
from support.teller import LATE_S, POLICY, Teller, a_tick

from paas_stream.lifecycle.callbacks import PENDING_MOST, Outcome, Tell
from paas_stream.records import DeploymentResult, ErrorRecord, Message


def result(kind: str, moment: float, **fields: Any) -> DeploymentResult:
    """The message for `deployment-results`."""
    return DeploymentResult.model_validate(
        {"uuid": UUID, "timestamp": at(moment), "kind": kind, **fields}
    )


def accepted(number: int = 1) -> DeploymentResult:
    """The IM has accepted an attempt."""
    place = {"provider_name": f"p{number}", "infrastructure_id": f"inf-{number}"}
    return result("accepted", T0 + 10 * number, attempt=number, **place)


def attempt_failed(number: int) -> DeploymentResult:
    """An attempt has failed, and there may be another one."""
    place = {"provider_name": f"p{number}", "region_name": "r", "reason": "no quota"}
    return result("attempt", T0 + 10 * number + 5, success=False, attempt=number, **place)


CREATED = result(
    "final", T0 + 30, success=True, attempt=1, infrastructure_id="inf-1", outputs="sealed"
)
FAILED = result("final", T0 + 30, success=False, reason="no provider was good enough")
DELETE = command("delete", T0 + 40)
UPDATE = update(2, 2, T0 + 40, (), 600.0).request_message


def updated(success: bool) -> DeploymentResult:
    """The update has ended."""
    return result("final", T0 + 50, operation="update", revision=2, success=success, reason="why")


def deleted(success: bool = True, asked: float = T0 + 40) -> DeploymentResult:
    """A delete has ended."""
    return result(
        "final", asked + 9, operation="delete", success=success, reason="why", started_at=at(asked)
    )


ERROR = ErrorRecord(
    uuid=UUID,
    timestamp=at(T0 + 5),
    component="template-parser",
    step="validate",
    code="invalid",
    message="it is no template",
)


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
            pytest.param(
                [template(), accepted(1), attempt_failed(1), accepted(2), CREATED],
                ["CREATE_IN_PROGRESS"] * 3 + ["CREATE_COMPLETE"],
                id="of each attempt that fails",
            ),
            pytest.param([*HAPPY, UPDATE], TOLD, id="not that an update was asked for"),
            pytest.param(
                [*HAPPY, UPDATE, updated(True)], [*TOLD, "UPDATE_COMPLETE"], id="of an update"
            ),
            pytest.param(
                [*HAPPY, UPDATE, updated(False)], [*TOLD, "UPDATE_FAILED"], id="of a failed update"
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
        once = [template(), attempt_failed(1), accepted(2), CREATED, UPDATE, updated(False)]
        twice = [event for event in [*once, DELETE, deleted()] for _ in range(2)]
        ends = ["CREATE_COMPLETE", "UPDATE_FAILED", "DELETE_COMPLETE"]
        assert statuses(*twice) == ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", *ends]

    def test_where_and_why_an_attempt_has_failed(self) -> None:
        it = Teller()
        it.feed(template(), accepted(1), attempt_failed(1), attempt_failed(1))
        assert [one.resource.get("statusReason") for one in it.told] == [
            None,
            "Attempt 1 at p1 (r) has failed: no quota",
        ]

    def test_nothing_of_attempts_once_a_delete_is_asked_for(self) -> None:
        assert statuses(template(), DELETE, attempt_failed(1), deleted()) == ["DELETE_COMPLETE"]

    def test_nothing_new_by_a_late_event(self) -> None:
        late = [accepted(2), attempt_failed(2), ERROR, FAILED]
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


class TestACall:
    @pytest.mark.parametrize(
        ("url", "host"),
        [
            ("https://Client.example.org/told?by=us", "client.example.org"),
            ("https://user:word@client.example.org:8443/", "client.example.org:8443"),
            ("https://[2001:DB8::1]/", "[2001:db8::1]"),
        ],
    )
    def test_shares_its_places_with_those_of_its_host(self, url: str, host: str) -> None:
        assert Tell(UUID, 1, 1, url, {}, None).host == host
