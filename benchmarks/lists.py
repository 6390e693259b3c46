"""How long `GET /deployments` takes among very many deployments, and what keeping them in order costs.

One worker's view behind a real HTTP server in this process; without Kafka, since a list reads nothing
but memory. Wall clock of a request as its client sees it, and the processor time of the index.

    python benchmarks/lists.py [--rows N] [--runs N]

The last line is JSON.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
import time
import uuid as uuids
from dataclasses import replace

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from paas_stream.lifecycle.deployment import DeploymentRow, Ending

T0 = 1_800_000_000.0
QUERIES = {
    "first_page": "",
    "page_100": "?page=100&size=10",
    "last_page": "?page={last}&size=10",
    "without_deleted": "?excludedStatus=DELETE_COMPLETE",
    "of_a_group": "?userGroup=group-7",
    "group_without_deleted": "?userGroup=group-7&excludedStatus=DELETE_COMPLETE",
    "provider_without_deleted": "?provider=site-7&excludedStatus=DELETE_COMPLETE",
    "by_updated": "?sort=updatedAt,DESC",
    "text": "?q=quota",
    "size_1000": "?size=1000",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=100_000, help="deployments")
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as state:
        os.environ["PAAS_STATE_DIR"] = state
        print(json.dumps(asyncio.run(measure(arguments.rows, arguments.runs))))


def row(number: int, chance: random.Random) -> DeploymentRow:
    """A deployment; half of them are deleted, as after weeks of use."""
    created = T0 + number + chance.random()
    made = DeploymentRow(
        str(uuids.UUID(int=chance.getrandbits(128), version=4)),
        first_seen=created,
        updated=created + 300,
        created=created,
        issuer="https://issuer.example.org",
        subject=f"user-{chance.randrange(1000)}",
        user_group=f"group-{chance.randrange(50)}",
        template_name=f"template-{chance.randrange(40)}",
        parameters={"cpus": 2, "memory": "4 GB"},
    )
    end = chance.random()
    if end < 0.1:
        reason = "Every provider has failed: site-a: no quota is left; site-b: it does not answer"
        return replace(made, create_end=Ending(False, created + 300, reason))
    made = replace(
        made,
        create_end=Ending(True, created + 300),
        provider_name=f"site-{chance.randrange(20)}",
        physical_id=made.uuid,
    )
    if end < 0.6:
        gone = Ending(True, created + 900, asked=created + 600)
        return replace(made, delete_since=created + 600, delete_end=gone, updated=created + 900)
    return made


async def measure(rows: int, runs: int) -> dict[str, float]:
    """Figures by name, milliseconds unless the name says otherwise."""
    from tables import deployments as tables  # settings are read at import
    from web import deployments as view
    from web import owners

    chance = random.Random(7)  # noqa: S311 - no secret
    stored = [row(number, chance) for number in range(rows)]
    begun = time.process_time()
    await tables.listing.fill(stored)
    figures = {"deployments": rows, "fill_s": round(time.process_time() - begun, 2)}
    changed = [
        replace(one, updated=one.updated + 1) for one in chance.sample(stored, min(rows, 5000))
    ]
    begun = time.process_time()
    for one in changed:
        tables.listing.put(one)
    figures["put_us"] = round((time.process_time() - begun) / len(changed) * 1e6, 1)

    view.check_ready = lambda: None
    owners.others = set
    made = view.Deployments(view.app, view.app.web)
    app = web.Application()
    app.router.add_get("/deployments", made.get)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        for name, query in QUERIES.items():
            url = server.make_url("/deployments" + query.format(last=(rows - 1) // 10))
            await once(session, str(url))
            begun = time.process_time()
            times = [await once(session, str(url)) for _ in range(runs)]
            figures[f"{name}_cpu_ms"] = round((time.process_time() - begun) / runs * 1e3, 1)
            figures[f"{name}_ms"] = round(statistics.median(times), 1)
            figures[f"{name}_worst_ms"] = round(max(times), 1)
            cpu = figures[f"{name}_cpu_ms"]
            median, worst = statistics.median(times), max(times)
            print(f"{name:>24}  median {median:7.1f}  worst {worst:7.1f}  processor {cpu:6.1f} ms")
    return figures


async def once(session: aiohttp.ClientSession, url: str) -> float:
    """Milliseconds of one request."""
    begun = time.perf_counter()
    async with session.get(url) as answer:
        await answer.read()
        if answer.status != 200:
            raise SystemExit(f"{url}: {answer.status} {await answer.text()}")
    return (time.perf_counter() - begun) * 1e3


if __name__ == "__main__":
    main()
