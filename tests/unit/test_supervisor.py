"""What `paas-stream up` keeps running: when a program is started, again, later, or never again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from paas_stream.errors import PaasError
from paas_stream.local import supervisor
from paas_stream.local.supervisor import MOST_DELAY_S, STEADY_S, Kept, Worker
from paas_stream.settings import ImSettings, KafkaSettings, Settings, StateSettings
from paas_stream.web_settings import WebSettings

BEGIN = 5000.0
REFUSED = "the worker ends with code 78 (REFUSED): topic template has 4 partitions"


@dataclass
class Program:
    """A program that runs for as long as a test wants."""

    running: bool = False
    starts: list[float] = field(default_factory=list)
    says: list[str] = field(default_factory=list)
    refusal: str | None = None
    fault: str | None = None
    now: float = BEGIN
    kept: Kept = field(init=False)

    def __post_init__(self) -> None:
        self.kept = Kept("it", self.start, lambda: self.running, self.stop, lambda: self.refusal)

    def start(self) -> None:
        self.starts.append(self.now)
        if self.fault:
            raise PaasError(self.fault)
        self.running = True

    def stop(self) -> None:
        self.running = False

    def look(self, after_s: float = 0.0) -> None:
        self.now += after_s
        self.kept.look(self.now, self.says.append)

    def ends_after(self, seconds: float) -> float:
        """Let it run for so long, and look until it runs again; how long that took."""
        self.look(seconds)
        self.running = False
        ended = self.now
        self.look()
        while not self.running:
            self.look(0.5)
        return self.now - ended


def settings(folder: Path, kafka: str | None = None, im: str | None = None) -> Settings:
    return Settings(
        state=StateSettings(dir=folder),
        kafka=KafkaSettings(url=kafka),
        im=ImSettings(url=im),
        web=WebSettings(port=7000),
    )


# -- starts


def test_a_program_is_started_at_the_first_look_and_left_alone_while_it_runs() -> None:
    program = Program()
    for _ in range(5):
        program.look(0.3)
    assert program.starts == [BEGIN + 0.3]
    assert program.says == []


def test_a_program_that_runs_already_is_not_started() -> None:
    program = Program(running=True)
    program.look()
    assert program.starts == []


@pytest.mark.parametrize(
    ("ran_for", "delays"),
    [
        pytest.param([0.3] * 8, [1, 2, 4, 8, 16, 30, 30, 30], id="doubled, 30 s at most"),
        pytest.param([0.3, 0.3, STEADY_S, 0.3], [1, 2, 1, 2], id="from 1 s after a good minute"),
        pytest.param([0.3, STEADY_S - 1, 0.3], [1, 2, 4], id="a minute less a second is not good"),
        pytest.param([3600.0], [1], id="the first end"),
    ],
)
def test_a_program_that_ends_is_started_again_after_a_delay(
    ran_for: list[float], delays: list[float]
) -> None:
    program = Program()
    program.look()
    assert [program.ends_after(seconds) for seconds in ran_for] == delays
    assert program.says == [
        f"it has ended; it is started again in {delay} s" for delay in delays
    ], "each end is told once"


def test_a_program_that_cannot_be_started_is_tried_again_and_the_reason_is_told() -> None:
    program = Program(fault="port 7000 is taken")
    for _ in range(100):
        program.look(1.0)
    assert program.says[0] == "it was not started: port 7000 is taken"
    waits = [after - before for before, after in pairwise(program.starts)]
    assert max(waits) <= MOST_DELAY_S + 2
    program.fault = None
    program.look(MOST_DELAY_S)
    assert program.running


# -- refusals


def test_a_program_that_refuses_its_topics_is_not_started_again() -> None:
    program = Program()
    program.look()
    program.running, program.refusal = False, REFUSED
    with pytest.raises(PaasError, match=r"it refuses to start: .*4 partitions"):
        program.look(1.0)
    assert len(program.starts) == 1


def test_a_refusal_of_an_earlier_run_does_not_hinder_the_first_start() -> None:
    program = Program(refusal=REFUSED)
    program.look()
    assert program.running


def test_a_worker_that_refused_says_so_at_the_end_of_its_log(tmp_path: Path) -> None:
    worker = Worker(settings(tmp_path), 1)
    assert worker.refused() is None
    worker.process.directory.mkdir(parents=True)
    worker.process.log_file.write_text(f"starting\n{REFUSED}\n")
    assert worker.refused() == REFUSED
    worker.process.log_file.write_text(f"{REFUSED}\n" + "a later run\n" * 5)
    assert worker.refused() is None


# -- which programs


@pytest.mark.parametrize(
    ("kafka", "im", "names"),
    [
        (None, None, ["Kafka", "IM", "worker-0", "worker-1"]),
        ("broker:9092", None, ["IM", "worker-0", "worker-1"]),
        (None, "http://im:8800", ["Kafka", "worker-0", "worker-1"]),
        ("broker:9092", "http://im:8800", ["worker-0", "worker-1"]),
    ],
)
def test_services_that_are_elsewhere_are_not_started_here(
    tmp_path: Path, kafka: str | None, im: str | None, names: list[str]
) -> None:
    found = supervisor.programs(settings(tmp_path, kafka, im), 2)
    assert [one.name for one in found] == names


def test_each_worker_has_a_name_a_port_and_a_folder_of_its_own(tmp_path: Path) -> None:
    given = settings(tmp_path)
    workers = [Worker(given, number) for number in range(3)]
    assert [one.port for one in workers] == [7000, 7001, 7002]
    assert len({one.process.directory for one in workers}) == 3
    launch = workers[2]._launch()
    assert launch.environment["PAAS_WEB_WORKER"] == "worker-2"
    assert launch.environment["PAAS_WEB_PORT"] == "7002"
    assert launch.environment["PAAS_STATE_DIR"] == str(tmp_path)
    assert launch.ports == {7002: "PAAS_WEB_PORT"}


# -- all of them


class Stage:
    """Programs under `supervise`, which is stopped when `until` holds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *programs: Program) -> None:
        self.says: list[str] = []
        self.until: Callable[[], bool] = lambda: True
        for number, program in enumerate(programs):
            program.kept.name = f"p{number}"
        monkeypatch.setattr(supervisor, "programs", lambda *_: [one.kept for one in programs])
        monkeypatch.setattr(supervisor, "_LOOK_S", 0.0)
        monkeypatch.setattr(supervisor, "_until_signal", self._signalled)
        self._given = settings(Path("nowhere"))

    def _signalled(self) -> "Stage":
        return self

    def __enter__(self) -> Callable[[], bool]:
        return lambda: self.until()

    def __exit__(self, *_: object) -> None: ...

    def run(self) -> list[str]:
        supervisor.supervise(self._given, 1, self.says.append)
        return self.says


def test_programs_are_started_in_their_order_and_stopped_the_other_way_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs = [Program(), Program(), Program()]
    stage = Stage(monkeypatch, *programs)
    stage.until = lambda: all(one.running for one in programs)
    says = stage.run()
    assert [one for one in says if "started" in one] == [f"p{n} is being started" for n in range(3)]
    assert [one for one in says if "stopped" in one] == [
        f"p{n} is being stopped" for n in (2, 1, 0)
    ]
    assert not any(one.running for one in programs)


def test_a_refusal_stops_all_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    service, worker = Program(), Program()

    def refuse() -> None:
        worker.refusal = REFUSED

    worker.kept.start = refuse
    stage = Stage(monkeypatch, service, worker)
    stage.until = lambda: False
    with pytest.raises(PaasError, match="p1 refuses to start"):
        stage.run()
    assert not service.running


def test_a_program_that_cannot_be_stopped_does_not_keep_the_others_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service, stuck = Program(), Program()

    def fail() -> None:
        raise PaasError("p1 (pid 7) could not be stopped")

    stuck.kept.stop = fail
    stage = Stage(monkeypatch, service, stuck)
    stage.until = lambda: stuck.running
    assert "p1 (pid 7) could not be stopped" in stage.run()
    assert not service.running
