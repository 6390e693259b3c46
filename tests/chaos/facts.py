"""Looks at the API, the IM and the topics, until all of it is at rest."""

import asyncio
import json
import re
import time
from collections import defaultdict
from typing import Any

import aiohttp
from chaos import ledger
from chaos.cluster import Cluster
from chaos.ledger import GONE, Breach, Facts, Violation
from chaos.schedule import CLOCK_MOST_S, Kind
from chaos.wanted import Wanted
from support.broker import Broker, Position

from paas_stream import topics

_TIMEOUT = aiohttp.ClientTimeout(total=20)
_AT_ONCE = 8
_LOOK_S = 2.0
_FINAL_S = 40.0  # what is wrong for so long while nothing is in progress stays so
_UUID = re.compile(r"PAAS_DEP_UUID\W+([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class Look:
    """Asks everybody."""

    def __init__(self, cluster: Cluster, wishes: list[Wanted]) -> None:
        self._cluster = cluster
        self._wishes = wishes
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def until_right(self, limit_s: float) -> tuple[Facts, list[Violation]]:
        """Look again and again until nothing is wrong, or what is wrong stays, or `limit_s` seconds."""
        deadline = time.monotonic() + limit_s
        known: list[Violation] = []
        since = time.monotonic()
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as self._session,
            Broker(self._cluster.settings.kafka.bootstrap) as self._broker,
        ):
            while True:
                facts = await self._facts()
                wrong = ledger.violations(self._wishes, facts)
                if wrong != known:
                    known, since = wrong, time.monotonic()
                    first = f": {wrong[0].what}: {wrong[0].why}" if wrong else ""
                    print(f"{len(wrong)} things are not right yet{first}", flush=True)
                is_waiting = any(one.breach is Breach.STUCK for one in wrong)
                is_final = not is_waiting and time.monotonic() - since >= _FINAL_S
                if not wrong or is_final or time.monotonic() >= deadline:
                    return facts, wrong
                await asyncio.sleep(_LOOK_S)

    async def _facts(self) -> Facts:
        uuids = [wish.uuid for wish in self._wishes if wish.uuid is not None]
        shown = await asyncio.gather(*(self._deployment(uuid) for uuid in uuids))
        infrastructures, machines = await self._infrastructures()
        timelines = await asyncio.gather(
            *(self._get(f"/deployments/{one}/events") for one in uuids)
        )
        has_jumped = self._cluster.injected[Kind.CLOCK] > 0
        return Facts(
            statuses=dict(zip(uuids, [one["status"] for one in shown], strict=True)),
            physical=dict(zip(uuids, [one.get("physicalId") for one in shown], strict=True)),
            timelines={
                uuid: one if isinstance(one, list) else []
                for uuid, one in zip(uuids, timelines, strict=True)
            },
            infrastructures=infrastructures,
            machines=machines,
            resources=dict(zip(uuids, await self._resources(uuids), strict=True)),
            errors=await self._errors(),
            behind=await self._behind(),
            refused=self._cluster.proxy.refused,
            changes_refused=self._cluster.proxy.changes_refused,
            im_killed=self._cluster.im_killed,
            clocks_s=2 * CLOCK_MOST_S if has_jumped else 1.0,
        )

    async def _deployment(self, uuid: str) -> dict[str, Any]:
        found = await self._get(f"/deployments/{uuid}")
        return {"status": GONE} if found is None else dict(found)

    async def _get(self, path: str) -> Any:
        """The answer of the first worker that has one; None: 404."""
        async with self._slots, asyncio.timeout(120):
            while True:
                for worker in self._cluster.workers:
                    url = f"http://127.0.0.1:{worker.port}{path}"
                    try:
                        async with self._session.get(url) as answer:
                            if answer.status in (200, 404):
                                return await answer.json() if answer.status == 200 else None
                    except (aiohttp.ClientError, TimeoutError):
                        continue
                await asyncio.sleep(0.5)

    async def _resources(self, uuids: list[str]) -> list[list[str]]:
        """The states of the resources of each."""
        pages = await asyncio.gather(
            *(self._get(f"/deployments/{one}/resources?size=100") for one in uuids)
        )
        return [[one["state"] for one in page["content"]] if page else [] for page in pages]

    async def _infrastructures(self) -> tuple[dict[str, str | None], dict[str, int]]:
        """What the IM has, told by its administrator: uuid of the deployment, and machines, by id."""
        name, password = self._cluster.im.administrator()
        headers = {
            "Authorization": f"type = InfrastructureManager; username = {name}; password = {password}",
            "Accept": "application/json",
        }
        im = self._cluster.settings.im.endpoint
        async with self._session.get(f"{im}/infrastructures", headers=headers) as answer:
            listed = (await answer.json(content_type=None)).get("uri-list", [])
        ids = [one["uri"].rpartition("/")[2] for one in listed]
        owners = {one: await self._owner(one, headers) for one in ids}
        return owners, {one: await self._machines(one, headers) for one in ids}

    async def _machines(self, number: str, headers: dict[str, str]) -> int:
        im = self._cluster.settings.im.endpoint
        async with (
            self._slots,
            self._session.get(f"{im}/infrastructures/{number}", headers=headers) as answer,
        ):
            return len((await answer.json(content_type=None)).get("uri-list", []))

    async def _owner(self, number: str, headers: dict[str, str]) -> str | None:
        im = self._cluster.settings.im.endpoint
        async with (
            self._slots,
            self._session.get(f"{im}/infrastructures/{number}/tosca", headers=headers) as answer,
        ):
            found = _UUID.search(await answer.text())
        return found[1] if found else None

    async def _errors(self) -> dict[str, set[str]]:
        found: defaultdict[str, set[str]] = defaultdict(set)
        for record in await self._broker.records(topics.ERRORS):
            error = json.loads(record.value)
            if error.get("uuid"):
                found[error["uuid"]].add(error["code"])
        return found

    async def _behind(self) -> dict[tuple[str, int], tuple[int, int]]:
        names = [name for name, spec in topics.TOPICS.items() if spec.read_by]
        ends: Position = await self._broker.ends(*names)
        committed = await self._broker.committed("chaos", *names)
        return {
            place: (committed.get(place, 0), end)
            for place, end in ends.items()
            if committed.get(place, 0) < end
        }
