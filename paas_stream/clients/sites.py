"""Reads the sites whose API is read, each kind with its own client, in threads of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Thread

from paas_stream.clients.site_calls import Calls
from paas_stream.errors import TemporaryError
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.provider_schema import KubernetesProvider, OpenStackProvider
from paas_stream.selection.readings import Reading, Site

# Blocks; the number is the time-out of each call in seconds.
Read = Callable[[Site, Credentials | None, float, Calls], Reading]


def _read_kubernetes(
    site: Site, credentials: Credentials | None, timeout_s: float, calls: Calls
) -> Reading:
    # Imported with the first such site: the client takes 0.4 s and 35 MiB, and most have none.
    from paas_stream.clients import kubernetes_site

    return kubernetes_site.read(site, credentials, timeout_s, calls)


def _read_openstack(
    site: Site, credentials: Credentials | None, timeout_s: float, calls: Calls
) -> Reading:
    from paas_stream.clients import openstack_site  # the SDK takes long, too

    return openstack_site.read(site, credentials, timeout_s, calls)


_READERS: dict[type, Read] = {
    KubernetesProvider: _read_kubernetes,
    OpenStackProvider: _read_openstack,
}


class SiteReader:
    """A bounded number of readings at a time, each in a thread of its own.

    A site that hangs keeps its thread until its call ends, but no more than that: its turn is over with
    the time-out, and the next site gets a new thread.
    """

    def __init__(self, concurrency: int, timeout_s: float, call_timeout_s: float) -> None:
        """`timeout_s`: of a whole reading; `call_timeout_s`: of each call in it."""
        self._slots = asyncio.Semaphore(concurrency)
        self._timeout_s, self._call_timeout_s = timeout_s, call_timeout_s
        self._threads: dict[tuple[str, str, str], Calls] = {}  # by site

    def is_reading(self, site: Site) -> bool:
        """Whether a thread still reads it: for longer than a reading's time-out where the site hangs."""
        return site.key in self._threads

    async def read(self, site: Site, credentials: Credentials | None) -> Reading:
        """What the site offers now: what was read of it in time, and of all else why not.

        Not to be called while the site is being read. Raises TemporaryError when nothing was read.
        """
        reader = _READERS[type(site.provider)]
        too_late = f"not read within {self._timeout_s:g} s"
        async with self._slots:
            calls = Calls()
            read = partial(reader, site, credentials, self._call_timeout_s, calls)
            future = asyncio.wrap_future(self._begun(site, calls, read))
            try:
                await asyncio.wait({future}, timeout=self._timeout_s)
            finally:
                so_far = calls.end(too_late)
                future.cancel()  # unless it is done
        found = so_far if future.cancelled() else future.result()
        if not found.parts:
            code = "provider_timeout" if future.cancelled() else "provider_unreachable"
            raise TemporaryError(f"nothing could be read: {found.fault or too_late}", code=code)
        return found

    def _begun(self, site: Site, calls: Calls, read: Callable[[], Reading]) -> Future[Reading]:
        future: Future[Reading] = Future()
        future.set_running_or_notify_cancel()  # it goes on whatever becomes of those who wait

        def run() -> None:
            try:
                found = read()
            except BaseException as exc:  # noqa: BLE001 - it is raised where the reading is awaited
                outcome = partial(future.set_exception, exc)
            else:
                outcome = partial(future.set_result, found)
            self._threads.pop(site.key, None)
            outcome()

        self._threads[site.key] = calls
        # a daemon: a site that hangs does not hold up the end of the worker
        Thread(target=run, name=f"site {site.name}", daemon=True).start()
        return future

    def close(self) -> None:
        """Ask nothing more; a call that is under way ends by its time-out, or with the process."""
        for calls in list(self._threads.values()):
            calls.end("")
