"""What is known of a site at any moment of a reading, whichever client reads it."""

from collections.abc import Callable, Mapping
from threading import Event, Thread
from typing import Any

import pytest

from paas_stream.clients.site_calls import Call, Calls

Rows = Mapping[str, tuple[Any, ...]]


class RefusedError(Exception):
    """What the client of a test raises."""


def call(ask: Callable[[], Rows], *parts: str) -> Call:
    return Call(parts, ask)


def refused() -> Rows:
    raise RefusedError("403")


def said(exc: Exception) -> str:
    return f"said {exc}"


def test_a_call_that_is_refused_costs_its_parts_only() -> None:
    asked = (
        call(refused, "quotas/compute", "quotas/block-storage"),
        call(lambda: {"flavors": (1,)}, "flavors"),
    )
    found = Calls().make(asked, (RefusedError,), said)
    assert found.parts == {"flavors": (1,)}
    assert found.faults == dict.fromkeys(("quotas/compute", "quotas/block-storage"), "said 403")


@pytest.mark.parametrize("fault", [ValueError, TypeError, KeyError, AttributeError, OverflowError])
def test_an_answer_that_is_none_is_not_known(fault: type[Exception]) -> None:
    def ask() -> Rows:
        raise fault("wrong")

    found = Calls().make((call(ask, "flavors"),), (RefusedError,), said)
    assert found.faults["flavors"] == (f"an answer that cannot be understood ({fault.__name__})")


def test_what_the_client_never_raises_ends_the_reading() -> None:
    def ask() -> Rows:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError):
        Calls().make((call(ask, "flavors"),), (RefusedError,), said)


def test_what_is_read_when_time_is_up_stays_and_nothing_more_is_asked() -> None:
    hangs, goes_on = Event(), Event()
    asked: list[str] = []

    def hang() -> Rows:
        hangs.set()
        assert goes_on.wait(10)
        return {"networks": (2,)}

    def later() -> Rows:
        asked.append("later")
        return {}

    calls = Calls()
    questions = (
        call(lambda: {"flavors": (1,)}, "flavors"),
        call(refused, "images"),
        call(hang, "networks"),
        call(later, "quotas/compute"),
    )
    thread = Thread(target=calls.make, args=(questions, (RefusedError,), said))
    thread.start()
    assert hangs.wait(10)
    found = calls.end("too late")
    goes_on.set()
    thread.join(10)
    assert found.parts == {"flavors": (1,)}
    assert found.faults == {
        "images": "said 403",
        "networks": "too late",
        "quotas/compute": "too late",
    }
    assert asked == []


def test_the_projects_name_is_in_every_reading_once_it_is_known() -> None:
    calls = Calls()
    assert calls.end("too late").project_name is None
    calls.project_name = "physics"
    assert calls.end("too late").project_name == "physics"
    assert Calls().make((), (RefusedError,), said).project_name is None
    assert calls.make((), (RefusedError,), said).project_name == "physics"


def test_before_the_first_call_nothing_is_known() -> None:
    assert Calls().end("too late").fault is None
