"""Workers are restarted one after the other: those that stay go on answering, and nothing is lost."""

import threading
from collections import Counter
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from support.stack import Worker, until
from urllib3.util import Retry

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(400)]


# 503 says: come again after so many seconds; connections are made once and never refused
RETRY = Retry(
    total=40, connect=0, read=0, status_forcelist=(503,), allowed_methods=None, backoff_factor=0.1
)


class Visitor(threading.Thread):
    """Asks one worker all the time, and notes every answer."""

    def __init__(self, worker: Worker, uuids: list[str], body: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self._worker = worker
        self._uuids = uuids
        self._body = body
        self._end = threading.Event()
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(max_retries=RETRY))
        self.answers: Counter[str] = Counter()
        self.accepted: list[str] = []

    def run(self) -> None:
        """Until `stop`."""
        while not self._end.wait(0.05):
            for uuid in self._uuids:
                self._ask("GET", f"/deployments/{uuid}")
            self._ask("GET", "/deployments")
            if len(self.accepted) < 3 and (made := self._ask("POST", "/deployments")):
                self.accepted.append(made["uuid"])

    def _ask(self, method: str, path: str) -> dict[str, Any] | None:
        body = self._body if method == "POST" else None
        try:
            answer = self._session.request(method, self._worker.url + path, json=body, timeout=30)
        except requests.RequestException as exc:
            self.answers[f"{method} {type(exc).__name__}"] += 1
            return None
        self.answers[f"{method} {answer.status_code}"] += 1
        return answer.json() if answer.status_code == 201 else None

    def stop(self) -> None:
        """End it."""
        self._end.set()
        self.join(120)
        assert not self.is_alive()


def owned_by_each(stack: Any) -> list[str]:
    """Deployments of which each worker owns some: two partitions, one each."""
    made = [stack.submit() for _ in range(8)]
    for uuid in made:
        stack.settled(uuid)
    return made


def test_a_rolling_restart_fails_no_request_to_the_workers_that_stay(stack: Any) -> None:
    second = stack.workers[1]
    second.run()
    until(lambda: stack.worker.is_ready and second.is_ready, 90, "both are ready")
    uuids = owned_by_each(stack)
    body = {"template": stack.example("vm"), "userGroup": "demo"}
    accepted = []
    for restarted, stays in ((second, stack.worker), (stack.worker, second)):
        visitor = Visitor(stays, uuids[:4], body)
        visitor.start()
        assert restarted.stop() == 0
        restarted.run()
        until(lambda: restarted.is_ready and stays.is_ready, 90, "both are ready again")  # noqa: B023
        visitor.stop()
        assert set(visitor.answers) <= {"GET 200", "POST 201"}, visitor.answers
        assert visitor.answers["GET 200"] > 0
        accepted += visitor.accepted
    assert accepted, "deployments were accepted meanwhile"
    for uuid in [*uuids, *accepted]:
        assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"
        stack.keeps_one(uuid)


def test_a_worker_that_stays_away_is_replaced(stack: Any) -> None:
    second = stack.workers[1]
    if not second.is_running:
        second.run()
    until(lambda: stack.worker.is_ready and second.is_ready, 90, "both are ready")
    uuids = owned_by_each(stack)
    second.kill9()

    def all_are_there() -> bool:
        url = stack.worker.url
        answers = [requests.get(f"{url}/deployments/{uuid}", timeout=30) for uuid in uuids]
        return all(one.status_code == 200 for one in answers)

    until(all_are_there, 90, "the other worker has taken over")
    after = stack.submit()
    assert stack.settled(after)["status"] == "CREATE_COMPLETE"
