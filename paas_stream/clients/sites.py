"""Reads the sites whose API is read, each kind with its own client, in threads of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from paas_stream.errors import TemporaryError
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.provider_schema import KubernetesProvider, OpenStackProvider
from paas_stream.selection.readings import Reading, Site

Read = Callable[[Site, Credentials | None, float], Reading]


def _read_kubernetes(site: Site, credentials: Credentials | None, timeout_s: float) -> Reading:
    # Imported with the first such site: the client takes 0.4 s and 35 MiB, and most have none.
    from paas_stream.clients import kubernetes_site

    return kubernetes_site.read(site, credentials, timeout_s)


def _read_openstack(site: Site, credentials: Credentials | None, timeout_s: float) -> Reading:
    from paas_stream.clients import openstack_site  # the SDK takes long, too

    return openstack_site.read(site, credentials, timeout_s)


_READERS: dict[type, tuple[str, Read]] = {
    KubernetesProvider: ("kubernetes", _read_kubernetes),
    OpenStackProvider: ("openstack", _read_openstack),
}


def kind_of(site: Site) -> str | None:
    """The provider's type; None: sites of this kind are not read."""
    known = _READERS.get(type(site.provider))
    return None if known is None else known[0]


class SiteReader:
    """A bounded number of readings at a time."""

    def __init__(self, concurrency: int, timeout_s: float, call_timeout_s: float) -> None:
        """`timeout_s`: of a whole reading; `call_timeout_s`: of each call in it."""
        self._threads = ThreadPoolExecutor(concurrency, "site")
        self._slots = asyncio.Semaphore(concurrency)
        self._timeout_s, self._call_timeout_s = timeout_s, call_timeout_s

    async def read(self, site: Site, credentials: Credentials | None) -> Reading:
        """What the site offers now. Raises TemporaryError when nothing could be read in time."""
        _, reader = _READERS[type(site.provider)]
        loop = asyncio.get_running_loop()
        async with self._slots:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await loop.run_in_executor(
                        self._threads, reader, site, credentials, self._call_timeout_s
                    )
            except TimeoutError as exc:
                text = f"it was not read within {self._timeout_s:g} s"
                raise TemporaryError(text, code="provider_timeout") from exc

    def close(self) -> None:
        """Read no more; what runs ends by its time-outs."""
        self._threads.shutdown(wait=False, cancel_futures=True)
