"""Looks at what the IM has made in a Kubernetes cluster.

The IM tells that a container is pending or failed, and not why; it calls a deployment configured whose
volume, file, service or ingress the cluster has refused; and after a change it looks at any of the pods,
which may be one of before (measured on IM 2.0.0). So the cluster itself is asked, with the login that the
IM has. Nothing is changed there.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from paas_stream.clients.cluster_access import Access, Workload

T = TypeVar("T")

# The client blocks. A cluster that hangs holds a thread for the time of its calls, and no other pool.
_THREADS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="cluster")


async def why_not_running(access: Access, one: Workload) -> str | None:
    """What the cluster says of a container that does not run; None: nothing that tells.

    Raises TemporaryError when the cluster cannot be asked.
    """

    def ask() -> str | None:
        # Imported with the first such provider: the client takes 0.4 s and 35 MiB, and most have none.
        from paas_stream.clients import workloads

        return workloads.asked(access, lambda api: workloads.why_not_running(api, access, one))

    return await _in_thread(ask)


async def is_rolling_out(access: Access, one: Workload) -> bool:
    """Whether pods of before a change still run, or the new ones do not yet.

    Raises TemporaryError when the cluster cannot be asked.
    """

    def ask() -> bool:
        from paas_stream.clients import workloads  # as above

        return workloads.asked(access, lambda api: workloads.is_rolling_out(api, access, one))

    return await _in_thread(ask)


async def missing(access: Access, one: Workload) -> tuple[str, ...]:
    """What the cluster lacks of a workload, in sentences.

    Raises TemporaryError when the cluster cannot be asked.
    """

    def ask() -> tuple[str, ...]:
        from paas_stream.clients import workloads  # as above

        return workloads.asked(access, lambda api: tuple(workloads.missing(api, access, one)))

    return await _in_thread(ask)


async def left(access: Access, one: Workload, mounts: int) -> tuple[str, ...] | None:
    """What the cluster still has of a workload whose Deployment is gone; None: it is not.

    `mounts`: how many volumes and files it has had at most.

    Raises TemporaryError when the cluster cannot be asked.
    """

    def ask() -> tuple[str, ...] | None:
        from paas_stream.clients import workloads  # as above

        return workloads.asked(access, lambda api: workloads.left(api, access, one, mounts))

    return await _in_thread(ask)


async def _in_thread(ask: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, ask)
