"""What one can watch while two workers run: event streams, components, metrics."""

import json
from collections.abc import Iterator
from itertools import takewhile
from threading import Thread
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from support.sse import Told, stream
from support.stack import Stack, Worker, until

from paas_stream.client import Client

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

INTERVAL_S = 1.0  # between two heartbeats


@pytest.fixture(scope="module")
def stack(
    kafka: str, im: str, clean_topics: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Two workers, with quick heartbeats and comments on quiet streams."""
    made = Stack(kafka, im, tmp_path_factory.mktemp("watching"))
    quick = {"PAAS_HEARTBEAT_INTERVAL_S": str(INTERVAL_S), "PAAS_WEB_KEEP_ALIVE_S": "1"}
    try:
        for worker in made.workers:
            worker.start(**quick)
        for worker in made.workers:
            worker.wait_ready()
        made.worker.wait_ready()  # the second may have taken partitions over meanwhile
        yield made
    finally:
        made.close()


@pytest.fixture
def here_and_there(stack: Any) -> tuple[str, Worker, Worker]:
    """A new deployment, the worker that has it, and the other one."""
    uuid = stack.submit()
    for owner, other in (stack.workers, reversed(stack.workers)):
        if stack.has(owner, uuid):
            return uuid, owner, other
    raise AssertionError(f"no worker has {uuid}")


def events_url(worker: Worker, uuid: str) -> str:
    return f"{worker.url}/deployments/{uuid}/events"


def until_end(events: Iterator[Told]) -> list[Told]:
    return list(takewhile(lambda one: one.event != "end", events))


def entries(events: list[Told]) -> list[str]:
    return [one.data["id"] for one in events if one.event == "message"]


def test_a_stream_tells_the_whole_timeline_once_by_either_worker(here_and_there) -> None:
    uuid, owner, other = here_and_there
    told = {}
    for worker in (other, owner):
        with stream(events_url(worker, uuid), until="final") as events:
            told[worker.name] = until_end(events)
    assert entries(told[owner.name]) == entries(told[other.name])
    for all_told in told.values():
        statuses = [one.data["status"] for one in all_told if one.event == "status"]
        assert statuses[-1] == "CREATE_COMPLETE"
        assert len(set(entries(all_told))) == len(entries(all_told)) >= 8
    listed = [one["id"] for one in Client(owner.url).events(uuid)]
    assert sorted(listed) == sorted(entries(told[owner.name]))


def test_an_interrupted_stream_goes_on_at_the_other_worker(here_and_there) -> None:
    uuid, owner, other = here_and_there
    first: list[Told] = []
    with stream(events_url(owner, uuid)) as events:
        while len(entries(first)) < 3:
            first.append(next(events))
    bookmark = next(one.id for one in reversed(first) if one.id is not None)
    with stream(events_url(other, uuid), bookmark, until="final") as events:
        rest = until_end(events)
    with stream(events_url(owner, uuid), until="final") as events:
        whole = until_end(events)
    assert entries(first) + entries(rest) == entries(whole)


def test_a_stream_stays_open_until_the_deployment_is_deleted(stack, here_and_there) -> None:
    uuid, _, other = here_and_there
    stack.settled(uuid)
    with stream(events_url(other, uuid)) as events:
        while next(events).event != "status":
            pass  # what has been told so far
        Client(other.url).delete(uuid)
        rest = until_end(events)
    assert [one.data["status"] for one in rest if one.event == "status"] == [
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
    ]


def test_leaving_a_forwarded_stream_leaves_the_owner_too(stack, here_and_there) -> None:
    uuid, *workers = here_and_there
    stack.settled(uuid)
    with stream(events_url(workers[1], uuid)) as events:
        next(events)
        until(lambda: open_streams(workers) == [1.0, 1.0], 10, "both have a stream")
    until(lambda: open_streams(workers) == [0.0, 0.0], 10, "both are rid of it")


def metric_values(worker: Worker, name: str, **labels: str) -> list[float]:
    text = requests.get(f"{worker.url}/metrics", timeout=30).text
    return [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


def open_streams(workers: list[Worker]) -> list[float]:
    return [sum(metric_values(worker, "paas_stream_event_streams")) for worker in workers]


def test_metrics_tell_what_has_been_done(stack) -> None:
    uuid = stack.submit()
    stack.settled(uuid)

    def total(name: str, **labels: str) -> float:
        return sum(sum(metric_values(worker, name, **labels)) for worker in stack.workers)

    count = "paas_stream_event_duration_seconds_count"
    for component in ("template-parser", "provider-selector", "ai-ranker", "im-dispatcher"):
        assert total(count, component=component) >= 1
        assert total("paas_stream_events_total", component=component) >= 1
    assert total("paas_stream_deployments", status="CREATE_COMPLETE") >= 1
    assert total("paas_stream_step_duration_seconds_count", step="rank", status="end") >= 1
    assert total("paas_stream_im_call_duration_seconds_count", operation="create") >= 1
    route = {"method": "POST", "route": "/deployments", "status": "201"}
    assert total("paas_stream_http_request_duration_seconds_count", **route) >= 1
    assert total("paas_stream_ready") == 2
    assert total("paas_stream_providers", state="current") >= 2
    until(lambda: total("paas_stream_lag_records") == 0, 15, "everything is handled")


def states(worker: Worker) -> dict[str, dict[str, str]]:
    """The state of each component by worker, as one worker knows it."""
    answer = requests.get(f"{worker.url}/components", timeout=30)
    if answer.status_code == 503:
        return {}
    return {
        one["component"]: {each["worker"]: each["state"] for each in one["instances"]}
        for one in answer.json()["components"]
    }


def summary(worker: Worker) -> set[tuple[str, int]]:
    """The states of the components as a whole, with how many of their instances are alive."""
    answer = requests.get(f"{worker.url}/components", timeout=30)
    return {(one["state"], one["alive"]) for one in answer.json().get("components", ())}


def test_components_tell_of_both_workers(stack) -> None:
    both = {"worker-0": "alive", "worker-1": "alive"}
    for worker in stack.workers:
        until(
            lambda worker=worker: all(
                found == both for found in (states(worker) or {"": {}}).values()
            ),
            20,
            f"{worker.name} has heard of all",
        )


def test_a_killed_worker_is_late_and_who_watched_its_deployments_misses_nothing(stack) -> None:
    killed = stack.workers[1]
    uuid = next(uuid for uuid in iter(stack.submit, None) if stack.has(killed, uuid))
    watched: list[str] = []
    watching = Thread(
        target=lambda: watched.extend(one["id"] for one in stack.client.watch(uuid)), daemon=True
    )
    watching.start()
    stack.settled(uuid)
    killed.kill9()
    late = {"worker-0": "alive", "worker-1": "late"}
    until(lambda: states(stack.worker).get("ai-ranker") == late, 60, "the killed one is late")
    one_is_alive = {("alive", 1)}  # its boxes send their heartbeats one after the other
    until(lambda: summary(stack.worker) == one_is_alive, 60, "each component is alive once")
    until(lambda: stack.worker.is_ready, 60, "the first worker has all partitions")
    stack.client.delete(uuid)
    watching.join(60)
    assert not watching.is_alive()
    assert len(watched) == len(set(watched))
    assert set(watched) == {one["id"] for one in stack.client.events(uuid)}


def test_a_worker_that_stops_ends_its_streams_and_says_that_it_stops(stack) -> None:
    uuid = stack.submit()
    stack.settled(uuid)
    with stream(events_url(stack.worker, uuid)) as events:
        next(events)
        stack.worker.sigterm()
        assert "end" not in [one.event for one in events]
    assert stack.worker.wait_exit(30) == 0
    stopped = stack.run("topics", "tail", "component-status", "--no-follow").stdout
    said = [json.loads(line)["value"] for line in stopped.splitlines()]
    assert {one["component"] for one in said if one["status"] == "stopped"} == {
        one["component"] for one in said
    }
