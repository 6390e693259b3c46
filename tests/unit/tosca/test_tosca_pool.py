"""The pool: a template may hang, crash or swell, and the next one is served."""

import asyncio
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from paas_stream.errors import InvalidTemplateError, ParserBusyError, ParserTimeoutError
from paas_stream.settings import ParserSettings
from paas_stream.tosca import pool, vetted, worker

Text = Callable[..., str]

# A pattern that is tried in 2^33 ways before it is known not to fit.
HANGING = """
inputs:
  name: {type: string, default: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!, constraints: [pattern: (a+)+$]}
node_templates: {node: {type: tosca.nodes.Compute}}
"""


@pytest.fixture
async def parser() -> AsyncIterator[pool.ParserPool]:
    made = pool.ParserPool(ParserSettings(timeout_s=1.0, queue=2))
    await made.warm()
    yield made
    await made.close()


def pool_pids() -> set[int]:
    """The processes of all pools of this test process."""
    return {
        child.pid
        for child in multiprocessing.active_children()
        if child.pid and child.name == "pebble_pool_worker"
    }


_strangers: set[int] = set()


@pytest.fixture(autouse=True)
def strangers() -> None:
    """Pools that were there before the test: those of the application live as long as the process."""
    _strangers.clear()
    _strangers.update(pool_pids())


def worker_pids() -> list[int]:
    """The processes of this test's pool."""
    return sorted(pool_pids() - _strangers)


class TestService:
    async def test_the_result_is_that_of_the_validation(
        self, parser: pool.ParserPool, one_node: Text
    ) -> None:
        text = one_node(
            "capabilities: {host: {properties: {num_cpus: {get_input: n}}}}",
            inputs="n: {type: integer}",
        )
        made = await parser.validate(text, {"n": "3", "m": 1})
        assert made.requirements[0].cpus == 3
        assert len(made.warnings) == 1

    async def test_all_faults_travel_back(self, parser: pool.ParserPool, one_node: Text) -> None:
        text = one_node("properties: {a: 1, b: 2}", inputs="n: {type: integer}")
        with pytest.raises(InvalidTemplateError) as caught:
            await parser.validate(text, {})
        assert len(caught.value.faults) == 3
        assert str(caught.value) == "; ".join(caught.value.faults)

    async def test_templates_at_once_do_not_mix(
        self, parser: pool.ParserPool, one_node: Text
    ) -> None:
        async def count(number: int) -> int:
            body = f"capabilities: {{scalable: {{properties: {{count: {number}}}}}}}"
            return (await parser.validate(one_node(body), {})).requirements[0].count

        assert await asyncio.gather(*map(count, range(1, 4))) == [1, 2, 3]

    async def test_the_limits_of_the_settings_count(self, one_node: Text) -> None:
        small = pool.ParserPool(ParserSettings(max_bytes=400))
        with pytest.raises(InvalidTemplateError, match="at most 400"):
            await small.validate(one_node("#" * 400), {})
        await small.close()

    async def test_types_that_are_added_serve_the_next_template(
        self, tmp_path: Path, topology: Text
    ) -> None:
        made = pool.ParserPool(ParserSettings(types=tmp_path))
        text = topology("node_templates: {node: {type: my.Vm}}", "imports: [https://x.org/vm.yaml]")
        with pytest.raises(InvalidTemplateError, match="is not known here"):
            await made.validate(text, {})
        types = "{my.Vm: {derived_from: tosca.nodes.indigo.Compute}}"
        version = "tosca_definitions_version: tosca_simple_yaml_1_0"
        vetted.add(tmp_path, "https://x.org/vm.yaml", f"{version}\nnode_types: {types}".encode())
        assert await made.validate(text, {})
        await made.close()

    async def test_this_process_does_not_load_the_tosca_parser(self) -> None:
        code = "import sys, paas_stream.tosca.pool; sys.exit('toscaparser' in sys.modules)"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        )
        assert await process.wait() == 0


class TestTrouble:
    async def test_a_template_that_hangs_is_given_up_and_the_next_one_served(
        self, parser: pool.ParserPool, topology: Text, one_node: Text
    ) -> None:
        text = topology(HANGING)
        began = time.monotonic()
        with pytest.raises(ParserTimeoutError, match="not parsed within 1 s"):
            await parser.validate(text, {})
        assert time.monotonic() - began < 10
        assert await parser.validate(one_node(), {})

    async def test_the_loop_runs_on_while_a_template_hangs(
        self, parser: pool.ParserPool, topology: Text
    ) -> None:
        text = topology(HANGING)
        task = asyncio.create_task(parser.validate(text, {}))
        longest = 0.0
        while not task.done():
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - began)
        assert isinstance(task.exception(), ParserTimeoutError)
        assert longest < 0.5

    async def test_a_template_that_needs_too_much_memory_is_given_up(
        self, parser: pool.ParserPool, topology: Text, one_node: Text
    ) -> None:
        uses = ", ".join(["{get_input: big}"] * 9000)
        text = topology(f"""
            inputs: {{big: {{type: string}}}}
            node_templates: {{node: {{type: tosca.nodes.Compute}}}}
            outputs: {{all: {{value: {{concat: [{uses}]}}}}}}
        """)
        with pytest.raises(ParserTimeoutError):
            await parser.validate(text, {"big": "x" * 200_000})
        assert await parser.validate(one_node(), {})

    async def test_a_worker_that_dies_at_work_is_replaced(
        self, parser: pool.ParserPool, topology: Text, one_node: Text
    ) -> None:
        text = topology(HANGING)
        task = asyncio.create_task(parser.validate(text, {}))
        await asyncio.sleep(0.3)
        (pid,) = worker_pids()
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ParserTimeoutError, match="broke down"):
            await task
        assert await parser.validate(one_node(), {})

    async def test_a_worker_that_dies_idle_costs_no_template(
        self, parser: pool.ParserPool, one_node: Text
    ) -> None:
        (pid,) = worker_pids()
        os.kill(pid, signal.SIGKILL)
        for _ in range(3):
            assert await parser.validate(one_node(), {})

    async def test_a_caller_that_gives_up_does_not_keep_the_worker(
        self, topology: Text, one_node: Text
    ) -> None:
        made = pool.ParserPool(ParserSettings(timeout_s=300))
        await made.warm()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(made.validate(topology(HANGING), {}), 0.2)
        assert await asyncio.wait_for(made.validate(one_node(), {}), 60)
        await made.close()


class TestQueue:
    async def test_a_full_queue_is_refused_at_once(
        self, parser: pool.ParserPool, one_node: Text
    ) -> None:
        answers: list[Any] = await asyncio.gather(
            *(parser.validate(one_node(), {}) for _ in range(5)), return_exceptions=True
        )
        busy = [answer for answer in answers if isinstance(answer, ParserBusyError)]
        assert len(busy) == 2
        assert busy[0].delay_s == 1.0
        assert await parser.validate(one_node(), {})

    async def test_a_refused_template_frees_its_place(
        self, parser: pool.ParserPool, one_node: Text
    ) -> None:
        for _ in range(5):
            with pytest.raises(InvalidTemplateError):
                await parser.validate("", {})
        assert await parser.validate(one_node(), {})


class TestClose:
    async def test_it_ends_the_processes_and_refuses_what_comes_after(self, one_node: Text) -> None:
        made = pool.ParserPool(ParserSettings())
        await made.validate(one_node(), {})
        assert worker_pids()
        await made.close()
        assert not worker_pids()
        with pytest.raises(ParserBusyError, match="stopping"):
            await made.validate(one_node(), {})

    async def test_it_does_not_wait_for_a_template_that_hangs(self, topology: Text) -> None:
        made = pool.ParserPool(ParserSettings(timeout_s=60))
        await made.warm()
        text = topology(HANGING)
        task = asyncio.create_task(made.validate(text, {}))
        await asyncio.sleep(0.3)
        began = time.monotonic()
        await made.close(timeout_s=0.2)
        assert time.monotonic() - began < 5
        assert not worker_pids()
        with pytest.raises(ParserBusyError, match="stopping"):
            await asyncio.wait_for(task, 5)

    async def test_a_pool_that_was_never_used_closes(self) -> None:
        await pool.ParserPool(ParserSettings()).close()


class TestWorker:
    def test_a_failure_of_our_own_is_told_as_a_fault_and_logged(
        self, one_node: Text, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise KeyError("bug")

        monkeypatch.setattr(f"{worker.VALIDATION}.validate", fail)
        answer = worker.run(one_node(), {}, pool.Options(), 5)
        assert isinstance(answer, pool.Refused)
        assert "KeyError" in caplog.text
        assert "KeyError" not in answer.faults[0].message
