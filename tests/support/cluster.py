"""An emulator of the Kubernetes API (kmock) on loopback, in a thread of its own.

It is no API server: nothing is checked, nobody needs a login, and quotas bound nothing. What it answers
has the form of the real one.
"""

import asyncio
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from kmock import KubernetesEmulator, Server
from kubernetes import client
from support.ports import free_port

START_S = 30.0


class Cluster:
    """`with Cluster() as cluster:`; `cluster.url` is where it answers."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._loop = asyncio.new_event_loop()
        self._emulator: Any = None
        self._is_up = threading.Event()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._is_up.wait(START_S):
            raise TimeoutError("the emulator did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(START_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        async with KubernetesEmulator() as emulator, Server(emulator, port=self.port):
            emulator.resources.load_bundled()
            self._emulator = emulator
            self._is_up.set()
            await self._over.wait()

    def refuse(self, path: str, status: int, message: str) -> None:
        """Answer GETs of this path with an error from now on."""
        self._loop.call_soon_threadsafe(self._refuse, path, status, message)

    def _refuse(self, path: str, status: int, message: str) -> None:
        self._emulator[f"get {path}"] << status << {"kind": "Status", "message": message}

    def add_quota(
        self,
        namespace: str,
        name: str,
        hard: Mapping[str, str],
        used: Mapping[str, str],
        **spec: Any,
    ) -> None:
        """Create a ResourceQuota with its status, which a real cluster's controller would write."""
        body = {
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"hard": dict(hard), **spec},
            "status": {"hard": dict(hard), "used": dict(used)},
        }
        with client.ApiClient(client.Configuration(host=self.url)) as api:
            client.CoreV1Api(api).create_namespaced_resource_quota(namespace, body)

    def add_storage_class(self, name: str, *, is_default: bool = False) -> None:
        """Create a StorageClass."""
        metadata: dict[str, Any] = {"name": name}
        if is_default:
            note = "storageclass.kubernetes.io/is-default-class"
            metadata["annotations"] = {note: "true"}
        body = {"metadata": metadata, "provisioner": "csi.example.org"}
        with client.ApiClient(client.Configuration(host=self.url)) as api:
            client.StorageV1Api(api).create_storage_class(body)
