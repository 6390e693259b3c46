"""Worker processes for the template parser: a template may hang or crash one of them, nothing else.

Used by the template parser's agent and by the REST API, each with a pool of its own. Workers come
from a fork server, never from a fork of this process: it has threads, and tables that a fork would
share.
"""

import asyncio
import contextlib
import multiprocessing
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pebble

from paas_stream.errors import InvalidTemplateError, ParserBusyError, ParserTimeoutError
from paas_stream.settings import ParserSettings
from paas_stream.tosca import worker
from paas_stream.tosca.options import Options
from paas_stream.tosca.owner_key import OwnerKey
from paas_stream.tosca.validated import Refused, Validated

Task = Callable[[str, Mapping[str, Any], Options, float], Any]  # of a worker process
STOPPING = "the template parser is stopping"
TRIVIAL = """
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template: {node_templates: {node: {type: tosca.nodes.Compute}}}
"""


class ParserPool:
    """Validates templates in worker processes, with limits on time, memory and waiting.

    A worker that passes a limit is ended and replaced; the next template is served.
    """

    def __init__(self, settings: ParserSettings) -> None:
        self._settings = settings
        self._options = Options.of(settings)
        self._pool: Any = None
        self._starting = asyncio.Lock()
        self._closed = False
        self._pending = 0  # templates waiting or being validated
        self._under_way: set[asyncio.Future[Any]] = set()

    @property
    def load(self) -> dict[str, int]:
        """Templates that are being validated (`busy`), and those that wait for a worker process."""
        busy = min(self._pending, self._settings.workers)
        return {"busy": busy, "waiting": self._pending - busy}

    async def warm(self) -> None:
        """Start the workers and let one of them parse, so that the first template does not wait."""
        await self.validate(TRIVIAL, {})

    async def validate(
        self, text: str, inputs: Mapping[str, Any], owner_key: OwnerKey | None = None
    ) -> Validated:
        """Validate a template; see `template.validate`.

        Raises InvalidTemplateError with all faults, ParserTimeoutError when the time or the memory
        limit was reached, and ParserBusyError when too many templates wait or the pool is closed.
        """
        task = partial(worker.run, owner_key=owner_key)
        made: Validated = await self._answer(task, text, inputs)
        return made

    async def inspect(self, text: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Describe a template; see `inspection.inspect`. Raises as `validate` does."""
        made: dict[str, Any] = await self._answer(worker.inspect, text, inputs)
        return made

    async def _answer(self, task: Task, text: str, inputs: Mapping[str, Any]) -> Any:
        """What a task makes of a template; errors as in `validate`."""
        if self._closed:
            raise ParserBusyError(STOPPING)
        if self._pending >= self._settings.workers + self._settings.queue:
            raise ParserBusyError(
                f"{self._pending} templates wait for the template parser",
                delay_s=self._settings.timeout_s,
            )
        self._pending += 1
        try:
            result = await self._run(task, text, inputs)
        finally:
            self._pending -= 1
        if isinstance(result, Refused):
            raise InvalidTemplateError(result.faults)
        return result

    async def close(self, timeout_s: float = 5.0) -> None:
        """End the workers; templates under way get `timeout_s` seconds, new ones are refused."""
        self._closed = True
        async with self._starting:
            pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(_end, pool, timeout_s)
        for future in self._under_way:
            if not future.done():  # pebble leaves these without an answer
                future.set_exception(ParserBusyError(STOPPING))

    async def _run(self, task: Task, text: str, inputs: Mapping[str, Any]) -> Any:
        settings = self._settings
        try:
            return await self._attempt(task, text, inputs)
        except TimeoutError as exc:
            raise ParserTimeoutError(
                f"the template was not parsed within {settings.timeout_s:g} s"
            ) from exc
        except MemoryError as exc:
            raise ParserTimeoutError(
                f"the template needs more than {settings.memory_mib} MiB to parse"
            ) from exc
        except (pebble.ProcessExpired, RuntimeError) as exc:
            raise ParserTimeoutError("the template parser broke down on the template") from exc

    async def _attempt(self, task: Task, text: str, inputs: Mapping[str, Any]) -> Any:
        """Schedule a template; once more when the pool was found broken, which is not its fault."""
        try:
            return await self._schedule(task, text, inputs)
        except RuntimeError:
            return await self._schedule(task, text, inputs)

    async def _schedule(self, task: Task, text: str, inputs: Mapping[str, Any]) -> Any:
        settings = self._settings
        pool = await self._started()
        future = pool.schedule(
            task,
            args=(text, inputs, self._options, 2 * settings.timeout_s + 5),
            timeout=settings.timeout_s,
        )
        answer: asyncio.Future[Any] = asyncio.wrap_future(future)
        self._under_way.add(answer)
        try:
            return await answer
        finally:
            self._under_way.discard(answer)

    async def _started(self) -> Any:
        """The pool, made anew when there is none or when it is broken.

        pebble gives a pool up when a worker ends while no template is under way.
        """
        async with self._starting:
            if self._closed:
                raise ParserBusyError(STOPPING)
            if self._pool is not None and not self._pool.active:
                broken, self._pool = self._pool, None
                await asyncio.to_thread(_end, broken, 0.0)
            if self._pool is None:
                self._pool = await asyncio.to_thread(_start, self._settings)
            return self._pool


def _start(settings: ParserSettings) -> Any:
    """A pool whose worker processes are started. Blocks until they are."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([worker.INSPECTION])
    pool = pebble.ProcessPool(
        max_workers=settings.workers,
        initializer=worker.start,
        initargs=(settings.memory_mib,),
        context=context,
    )
    if not pool.active:  # asking starts it
        raise ParserBusyError("the worker processes of the template parser do not start")
    return pool


def _end(pool: Any, timeout_s: float) -> None:
    """Wait for what is under way, then end the processes. Blocks."""
    pool.close()
    with contextlib.suppress(TimeoutError):
        pool.join(timeout_s)
        return
    pool.stop()
    pool.join()
