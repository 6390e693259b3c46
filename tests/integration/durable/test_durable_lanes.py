"""An agent with several events under way loses none of them, whatever happens to its worker."""

from collections.abc import Callable
from typing import Any

import pytest
from support.broker import Broker
from support.events import event, uuid_number
from support.waiting import wait_until

from paas_stream.topics import DISPATCH_EVENTS

pytestmark = pytest.mark.kafka

SEVERAL = {"AT_ONCE": "8", "HANDLER_S": "0.3"}


async def settled(steps: Any, broker: Broker) -> None:
    """Wait until all that was sent is handled and committed."""
    await wait_until(lambda: broker.is_handled(steps.id, steps.topic(DISPATCH_EVENTS)))


def places(entries: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Where the events of some journal entries stand."""
    return [(one["partition"], one["offset"]) for one in entries]


async def test_every_event_is_handled_though_the_worker_is_killed_with_several_under_way(
    application: Callable[[str], Any], broker: Broker
) -> None:
    steps = application("steps")
    await steps.create_topics()
    sent = await steps.send(*[event(uuid_number(number)) for number in range(60)])
    worker = steps.worker(**SEVERAL).start()
    for part in (10, 30):
        await wait_until(lambda part=part: len(steps.journal("handled")) >= part)
        worker.kill9()
        worker.start()
    await settled(steps, broker)
    assert set(places(steps.journal("handled"))) == {place[1:] for place in sent}
    whats = [entry["what"] for entry in steps.journal()]
    assert whats[: whats.index("handled")].count("begin") > 1, "several were under way"
    assert await steps.errors() == []


async def test_a_worker_that_is_asked_to_stop_finishes_all_that_it_has_begun(
    application: Callable[[str], Any],
) -> None:
    steps = application("steps")
    await steps.create_topics()
    await steps.send(*[event(uuid_number(number)) for number in range(60)])
    worker = steps.worker(**SEVERAL).start()
    await wait_until(lambda: len(steps.journal("handled")) >= 10)
    worker.sigterm()
    assert await worker.exited() == 0
    handled = places(steps.journal("handled"))
    assert sorted(handled) == sorted(places(steps.journal("begin")))
    assert len(handled) == len(set(handled))
    assert await steps.committed() == len(handled)


async def test_one_that_fails_is_in_errors_and_the_others_go_on(
    application: Callable[[str], Any], broker: Broker
) -> None:
    steps = application("steps")
    await steps.create_topics()
    words = ["", "raise", "", "raise", ""]
    events = [event(uuid_number(number), word=word) for number, word in enumerate(words)]
    await steps.send(*events)
    steps.worker(**SEVERAL).start()
    await settled(steps, broker)
    failing = {one.uuid for one, word in zip(events, words, strict=True) if word}
    assert {one["uuid"] for one in await steps.errors()} == failing
    assert {one["uuid"] for one in steps.journal("handled")} == {
        one.uuid for one in events
    } - failing


async def test_events_of_one_deployment_keep_their_order(
    application: Callable[[str], Any], broker: Broker
) -> None:
    steps, uuid = application("steps"), uuid_number(1)
    await steps.create_topics()
    sent = await steps.send(*[event(uuid) for _ in range(5)])
    steps.worker(**SEVERAL).start()
    await settled(steps, broker)
    assert places(steps.journal("handled")) == [place[1:] for place in sent]
    assert [one["count"] for one in steps.journal("handled")] == [1, 2, 3, 4, 5]
