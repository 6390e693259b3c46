"""Lets Nova build machines that are none: conductor, scheduler and its own fake hypervisor.

They run beside the API in its process, because `fake://` messages reach nobody else. What is asked of
Keystone, Glance, Neutron and Placement is real.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

HOST = "hypervisor"
_PLACEMENT_S = 60.0
_locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)


def start() -> None:
    """Start them; Nova's API has been loaded, and so has its configuration."""
    from nova import context, objects
    from nova.compute import rpcapi as compute
    from nova.conductor import rpcapi as conductor
    from nova.objects.host_mapping import discover_hosts
    from nova.scheduler import rpcapi as scheduler
    from nova.service import Service

    _write_one_at_a_time()
    _wait_for_placement()
    objects.Service.enable_min_version_cache()
    for binary, topics in (
        ("nova-conductor", {"topic": conductor.RPC_TOPIC}),
        ("nova-scheduler", {"topic": scheduler.RPC_TOPIC}),
        ("nova-compute", {"topic": compute.RPC_TOPIC, "topic_alt": compute.RPC_TOPIC_ALT}),
    ):
        Service.create(binary=binary, **topics).start()
    discover_hosts(context.get_admin_context())


def _wait_for_placement() -> None:
    """The hypervisor tells it what it has when it starts, and not again."""
    from keystoneauth1 import exceptions
    from nova import utils

    until = time.monotonic() + _PLACEMENT_S
    while True:
        try:
            utils.get_ksa_adapter("placement").get("/")
            return
        except exceptions.ClientException:
            if time.monotonic() > until:
                raise
        time.sleep(0.2)


def _write_one_at_a_time() -> None:
    """SQLite refuses a second writer, at once when that one has read before."""
    from oslo_db.sqlalchemy import enginefacade

    scopes = enginefacade._TransactionContextManager
    unlocked = scopes._transaction_scope

    @contextmanager
    def scope(self: Any, context: Any) -> Iterator[Any]:
        if self._mode is not enginefacade._WRITER:
            with unlocked(self, context) as found:
                yield found
            return
        with _locks[str(self.reader.get_engine().url)], unlocked(self, context) as found:
            yield found

    scopes._transaction_scope = scope
