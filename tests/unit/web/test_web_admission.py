"""How many POSTs are let in, and what the others are told."""

import pytest

from paas_stream.web_settings import WebSettings
from web import admission
from web.admission import FIRST_BOX, Admission
from web.faults import ApiError


@pytest.fixture
def backlog(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many records wait for each box."""
    made: dict[str, int] = {}
    monkeypatch.setattr(admission, "lags", lambda app: made)
    return made


def refusal(it: Admission) -> ApiError:
    with pytest.raises(ApiError) as refused, it.one():
        raise AssertionError("it was let in")
    return refused.value


def test_one_too_many_is_503_and_the_place_is_given_back(backlog: dict[str, int]) -> None:
    it = Admission(WebSettings(posts=2))
    with it.one():
        with it.one():
            refused = refusal(it)
            assert (refused.status, refused.retry_after_s) == (503, 1)
            assert it.under_way == 2
        with it.one():
            pass
    assert it.under_way == 0


def test_one_that_fails_gives_its_place_back(backlog: dict[str, int]) -> None:
    it = Admission(WebSettings(posts=1))
    with pytest.raises(ApiError, match="broken"), it.one():
        raise ApiError(400, "broken")
    with it.one():
        assert it.under_way == 1


def test_nothing_is_let_in_while_as_much_as_may_wait_waits(backlog: dict[str, int]) -> None:
    it = Admission(WebSettings(backlog=5))
    backlog |= {FIRST_BOX: 5, "ai-ranker": 100}
    refused = refusal(it)
    assert (refused.status, refused.retry_after_s) == (503, 30)
    assert it.under_way == 0


def test_the_backlog_of_other_boxes_does_not_matter(backlog: dict[str, int]) -> None:
    backlog |= {FIRST_BOX: 4, "ai-ranker": 100}
    with Admission(WebSettings(backlog=5)).one():
        pass
