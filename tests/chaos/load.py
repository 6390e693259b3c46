"""A user who posts deployments, changes and deletes some of them, at whichever worker answers."""

import asyncio
import time
from typing import Any

import aiohttp
from chaos.cluster import Cluster
from chaos.wanted import ACTED, PROVIDER_MIN, UPDATE_MIN, UPDATED, Story, Wanted, template

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
            "template": template(wish.before),
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
        if wish.story in UPDATED + ACTED:
            await self._change(wish, wish.uuid)
        if wish.is_deleted:
            # 404: gone already; 409: it is being deleted, since an answer was lost
            await self._call("DELETE", f"/deployments/{wish.uuid}", {204, 404, 409})
            wish.delete_accepted = True

    async def _change(self, wish: Wanted, uuid: str) -> None:
        """What is done with a deployment that exists; nothing when its create has failed."""
        if await self._at_rest(uuid) != "CREATE_COMPLETE":
            return
        rids = await self._machines(uuid, wish.before)
        match wish.story:
            case Story.GROW:
                await self._update(wish, uuid, template(wish.machines))
            case Story.SHRINK:
                await self._update(wish, uuid, template(wish.machines, rids[:1]))
            case Story.POWER:
                await self._act(wish, f"/deployments/{uuid}/resources/{rids[0]}", "stop")
                if await self._quiet(uuid, rids[0]) == "STOPPED":
                    await self._act(wish, f"/deployments/{uuid}/resources/{rids[0]}", "start")
            case Story.CONFIGURE:
                await self._act(wish, f"/deployments/{uuid}", "reconfigure")

    async def _update(self, wish: Wanted, uuid: str, text: str) -> None:
        """One that was accepted though its answer was lost may be refused: what it names is leaving."""
        body = {"template": text, "timeoutMins": UPDATE_MIN}
        before = wish.tried
        status, answer = await self._call(
            "PUT", f"/deployments/{uuid}", {202, 400}, wish=wish, json=body
        )
        if status == 400 and wish.tried == before + 1:
            raise UnansweredError(f"the update is refused: {answer}")
        wish.changes += 1

    async def _act(self, wish: Wanted, place: str, what: str) -> None:
        """One that was accepted though its answer was lost may be refused: it is under way, or done."""
        before = wish.tried
        status, answer = await self._call(
            "POST", f"{place}/actions", {202, 409}, wish=wish, json={"type": what}
        )
        if status == 409 and wish.tried == before + 1:
            raise UnansweredError(f"{what} is refused: {answer}")
        wish.changes += 1

    async def _machines(self, uuid: str, number: int) -> list[str]:
        """The resources, once all have their machines."""
        while True:
            _, page = await self._call("GET", f"/deployments/{uuid}/resources", {200})
            found = [one["uuid"] for one in page["content"] if one.get("physicalId")]
            if len(found) == number:
                return found
            await asyncio.sleep(1.0)

    async def _quiet(self, uuid: str, rid: str) -> str:
        """The state of a resource when nothing is done with it."""
        while True:
            _, found = await self._call("GET", f"/deployments/{uuid}/resources/{rid}", {200})
            if found["state"] in ("STARTED", "STOPPED", "ERROR"):
                return str(found["state"])
            await asyncio.sleep(1.0)

    async def _at_rest(self, uuid: str) -> str:
        while True:
            _, found = await self._call("GET", f"/deployments/{uuid}", {200})
            if not found["status"].endswith("IN_PROGRESS"):
                return str(found["status"])
            await asyncio.sleep(1.0)

    async def _call(
        self, method: str, path: str, good: set[int], wish: Wanted | None = None, **options: Any
    ) -> tuple[int, Any]:
        """One request, at one worker after the other until it is answered; as clients are told to.

        A change is counted at its `wish`, as often as it is sent.
        """
        deadline = time.monotonic() + GIVE_UP_S
        last: object = None
        while time.monotonic() < deadline:
            self._turn += 1
            url = self._urls[self._turn % len(self._urls)] + path
            if wish is not None:
                wish.tried += 1
            try:
                async with self._session.request(method, url, **options) as answer:
                    text = await answer.text()
                    if answer.status in good:
                        return answer.status, await answer.json() if text else None
                    last = f"{answer.status} {text[:300]}"
                    again = answer.status == 409 and answer.headers.get("Retry-After") == "0"
                    gone = answer.status == 404 and method == "GET"
                    if not (answer.status == 503 or again or gone):
                        break
            except (aiohttp.ClientError, TimeoutError) as exc:
                last = repr(exc)
            await asyncio.sleep(_AGAIN_S)
        raise UnansweredError(f"{method} {path}: {last}")
