"""A user who posts deployments and deletes some of them, at whichever worker answers."""

import asyncio
import time
from typing import Any

import aiohttp
from chaos.cluster import Cluster
from chaos.wanted import PROVIDER_MIN, TEMPLATE, Story, Wanted

_TIMEOUT = aiohttp.ClientTimeout(total=20)
GIVE_UP_S = 300.0  # a request that no worker has answered by then is an error of the run
_AGAIN_S = 0.5


class UnansweredError(Exception):
    """A request that no worker would answer as it should."""


class Load:
    """Carries out what is wanted."""

    def __init__(self, cluster: Cluster, wishes: list[Wanted]) -> None:
        self._urls = [f"http://127.0.0.1:{one.port}" for one in cluster.workers]
        self._turn = 0
        self.wishes = wishes
        self.refused: dict[str, str] = {}  # requests that were answered wrongly, or never

    async def run(self) -> None:
        """Post everything at its time, and wait until all that is to be deleted was asked to be."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as self._session:
            begun = time.monotonic()
            async with asyncio.TaskGroup() as group:
                for wish in self.wishes:
                    await asyncio.sleep(max(0.0, begun + wish.at - time.monotonic()))
                    group.create_task(self._carry_out(wish))

    async def _carry_out(self, wish: Wanted) -> None:
        try:
            await self._requests(wish)
        except UnansweredError as exc:
            self.refused[wish.key] = str(exc)

    async def _requests(self, wish: Wanted) -> None:
        body = {
            "template": TEMPLATE,
            "userGroup": wish.group,
            "timeoutMins": 30,
            "providerTimeoutMins": PROVIDER_MIN,
        }
        _, answer = await self._call(
            "POST", "/deployments", {200, 201}, json=body, headers={"Idempotency-Key": wish.key}
        )
        wish.uuid, wish.accepted_at = answer["uuid"], time.monotonic()
        if wish.story is Story.DELETE:
            await self._at_rest(wish.uuid)
        if wish.is_deleted:
            # 404: gone already; 409: it is being deleted, since an answer was lost
            await self._call("DELETE", f"/deployments/{wish.uuid}", {204, 404, 409})
            wish.delete_accepted = True

    async def _at_rest(self, uuid: str) -> None:
        while True:
            _, found = await self._call("GET", f"/deployments/{uuid}", {200})
            if not found["status"].endswith("IN_PROGRESS"):
                return
            await asyncio.sleep(1.0)

    async def _call(
        self, method: str, path: str, good: set[int], **options: Any
    ) -> tuple[int, Any]:
        """One request, at one worker after the other until it is answered; as clients are told to."""
        deadline = time.monotonic() + GIVE_UP_S
        last: object = None
        while time.monotonic() < deadline:
            self._turn += 1
            url = self._urls[self._turn % len(self._urls)] + path
            try:
                async with self._session.request(method, url, **options) as answer:
                    text = await answer.text()
                    if answer.status in good:
                        return answer.status, await answer.json() if text else None
                    last = f"{answer.status} {text[:300]}"
                    if answer.status != 503 and not (answer.status == 404 and method == "GET"):
                        break
            except (aiohttp.ClientError, TimeoutError) as exc:
                last = repr(exc)
            await asyncio.sleep(_AGAIN_S)
        raise UnansweredError(f"{method} {path}: {last}")
