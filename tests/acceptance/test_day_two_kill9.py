"""kill -9 while an update, a stop, a start or a reconfigure is under way, and a restart.

Each deployment is brought to a point of its own, which a held call on the IM marks; then the worker
is killed once. Afterwards each has what was asked for, exactly the machines that belong to it, one
report of the end, and can be deleted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from support.deployed import SETTLED_S, Deployment, template
from support.fault_proxy import Fault
from support.stack import Stack, Worker, until

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

REACHED_S = 30
MANY = 40  # a worker that has half of all deployments has one of so many


@dataclass(frozen=True)
class Operation:
    """What is done, from how many machines on, and what there is in the end."""

    name: str
    count: int
    begin: Callable[[Deployment], object]
    machines: list[str]
    states: list[str]
    kept: slice  # of the resources of before
    step: str = "action"  # of the timeline
    ends: int = 1


@dataclass(frozen=True)
class Point:
    """An operation, and the call on the IM at which it is held."""

    operation: Operation
    name: str
    method: str
    path: str  # below the infrastructure
    how: str

    def __str__(self) -> str:
        return f"{self.operation.name}, {self.name}"


def _first(what: str) -> Callable[[Deployment], object]:
    return lambda made: made.act(made.rids()[0], what)


GROW = Operation(
    "add",
    1,
    lambda made: made.put(template(2)),
    ["0", "1"],
    ["STARTED", "STARTED"],
    slice(0, 1),
    "update",
)
SWAP = Operation(
    "remove the first",
    2,
    lambda made: made.put(template(1, removals=made.rids()[:1])),
    ["1"],
    ["STARTED"],
    slice(1, 2),
    "update",
)
STOP = Operation("stop", 1, _first("stop"), ["0"], ["STOPPED"], slice(0, 1))
START = Operation("start", 1, _first("start"), ["0"], ["STARTED"], slice(0, 1), ends=2)
CONFIGURE = Operation(
    "reconfigure",
    2,
    lambda made: made.act(None, "reconfigure"),
    ["0", "1"],
    ["STARTED", "STARTED"],
    slice(0, 2),
)
CONFIGURE_ONE = Operation(
    "reconfigure one", 2, _first("reconfigure"), ["0", "1"], ["STARTED"] * 2, slice(0, 2)
)

POINTS = [
    Point(GROW, "before what is there is read", "GET", "$", "before"),
    Point(GROW, "before the IM is asked", "POST", "$", "before"),
    Point(GROW, "before the reply", "POST", "$", "after"),
    Point(GROW, "while the machine is made", "GET", "/state$", "before"),
    Point(GROW, "while the new machine is read", "GET", "/vms/1$", "before"),
    Point(SWAP, "before the IM is asked", "DELETE", "/vms/0$", "before"),
    Point(SWAP, "before the reply", "DELETE", "/vms/0$", "after"),
    Point(SWAP, "between the machine and the template", "POST", "$", "before"),
    Point(SWAP, "while the IM is at work", "GET", "/state$", "before"),
    Point(STOP, "before the IM is asked", "PUT", "/vms/0/stop$", "before"),
    Point(STOP, "before the reply", "PUT", "/vms/0/stop$", "after"),
    Point(STOP, "while the IM is at work", "GET", "/vms/0/state$", "before"),
    Point(STOP, "while the machine is read", "GET", "/vms/0$", "before"),
    Point(START, "before the IM is asked", "PUT", "/vms/0/start$", "before"),
    Point(START, "before the reply", "PUT", "/vms/0/start$", "after"),
    Point(START, "while the IM is at work", "GET", "/vms/0/state$", "before"),
    Point(CONFIGURE, "before the IM is asked", "PUT", "/reconfigure$", "before"),
    Point(CONFIGURE, "before the reply", "PUT", "/reconfigure$", "after"),
    Point(CONFIGURE, "while the IM is at work", "GET", "/state$", "before"),
    Point(CONFIGURE_ONE, "before the reply", "PUT", r"/reconfigure\?vm_list=0$", "after"),
]
TAKEN_OVER = [POINTS[2], POINTS[6], POINTS[10], POINTS[17]]


@pytest.fixture(scope="module")
def stack(
    kafka: str, im: str, clean_topics: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """All held calls together must not keep the others from the IM."""
    made = Stack(kafka, im, tmp_path_factory.mktemp("day_two_kill9"))
    for worker in made.workers:
        worker.environment |= {"PAAS_IM_CONCURRENCY": "60", "PAAS_IM_PER_PROVIDER": "60"}
    try:
        made.worker.run()
        yield made
    finally:
        made.close()


class Held:
    """One deployment at one point."""

    def __init__(self, point: Point, made: Deployment) -> None:
        self.point = point
        self.made = made
        self.rids = made.rids()

    def begin(self) -> None:
        """Begin the operation; the point is reached soon."""
        path = f"^/infrastructures/{self.made.physical}{self.point.path}"
        # again and again: a call that is held is given up after a time, and comes again
        self.fault: Fault = self.made.stack.proxy.fault(
            self.point.method, path, self.point.how, times=1000
        )
        answer = self.point.operation.begin(self.made)
        assert getattr(answer, "status_code", 0) == 202, getattr(answer, "text", "")

    def ends(self) -> None:
        """Wait for the end; then everything is as it was asked for."""
        wanted, made = self.point.operation, self.made
        until(lambda: len(made.ended(wanted.step)) >= wanted.ends, SETTLED_S, f"{self.point} ends")
        made.shows(*wanted.states)
        assert made.ended(wanted.step) == ["end"] * wanted.ends
        status = "UPDATE_COMPLETE" if wanted.step == "update" else "CREATE_COMPLETE"
        assert made.get().json()["status"] == status
        assert sorted(made.vms()) == wanted.machines
        assert made.rids()[: len(self.rids[wanted.kept])] == self.rids[wanted.kept]
        made.stack.keeps(made.uuid, made.physical)


def brought_to(points: list[Point], deployments: list[Deployment]) -> list[Held]:
    """Each deployment is held at its point."""
    for point, made in zip(points, deployments, strict=True):
        made.created()
        if point.operation is START:
            made.act(made.rids()[0], "stop")
    for point, made in zip(points, deployments, strict=True):
        if point.operation is START:
            made.shows("STOPPED")
    found = [Held(point, made) for point, made in zip(points, deployments, strict=True)]
    for one in found:
        one.begin()
    for one in found:
        assert one.fault.reached.wait(REACHED_S), f"{one.point} is reached"
    return found


@pytest.fixture(scope="module")
def killed(stack: Stack) -> dict[str, Held]:
    """All points are reached, the worker is killed, and it has started again."""
    made = brought_to(POINTS, [Deployment(stack, point.operation.count) for point in POINTS])
    stack.worker.kill9()
    let_go(stack, made)
    stack.worker.run()
    return {str(one.point): one for one in made}


def let_go(stack: Stack, made: list[Held]) -> None:
    """What was held before the IM never reaches it."""
    for one in made:
        one.fault.drop()
    stack.proxy.clear()


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_what_was_under_way_ends_as_it_was_asked_for(killed: dict[str, Held], point: Point) -> None:
    killed[str(point)].ends()


def test_all_of_them_can_be_deleted(killed: dict[str, Held]) -> None:
    are_deleted([one.made for one in killed.values()])


def are_deleted(made: list[Deployment]) -> None:
    for one in made:
        assert one.delete().status_code == 204
    for one in made:
        one.until("DELETE_COMPLETE")
        one.stack.keeps(one.uuid)


def test_another_worker_ends_what_the_killed_one_has_begun(stack: Stack) -> None:
    killed, other = stack.workers
    other.run()
    killed.wait_ready()
    made = brought_to(TAKEN_OVER, [of_worker(stack, killed, one) for one in TAKEN_OVER])
    killed.kill9()
    let_go(stack, made)
    for one in made:
        one.made.at(other)
    until(
        lambda: all(stack.has(other, one.made.uuid) for one in made),
        SETTLED_S,
        "the other worker has all of them",
    )
    for one in made:
        one.ends()
    are_deleted([one.made for one in made])


def of_worker(stack: Stack, worker: Worker, point: Point) -> Deployment:
    """A deployment that this worker has: every second one or so."""
    for _ in range(MANY):
        made = Deployment(stack, point.operation.count)
        if stack.has(worker, made.uuid):
            return made
    raise AssertionError(f"{worker.name} has none of {MANY} deployments")
