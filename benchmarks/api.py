"""How fast the REST API answers: `python benchmarks/api.py` (about ten minutes).

For each number of stored deployments (see stored.py) a worker answers, one load after the other: GET by
uuid, each for the first time; GET by uuid, the same 500 again and again, as clients poll; the first page
of the list; POST (each goes through the whole line, with an IM that answers at once). The load comes
from a process of its own. The baseline is a bare aiohttp server that answers the two polled GETs with the
same bytes, measured before and after the worker with the same load; a ratio is the worker's requests per
second to the mean of those two.

The last line is JSON, for the largest number of deployments.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parent))

from stand import ROOT, Stand, free_port
from stored import TEMPLATE_TEXT, one_stored, until_listed

from paas_stream.local.processes import port_is_free

NUMBERS = (1_000, 100_000)
CONNECTIONS = 16
SECONDS = 10.0
UUIDS = 10_000  # that are looked at, at most
POLLED = 500  # of these are asked for again and again, the others once
_MARGIN_S = 90.0  # a load that has not ended this long after its time has failed
_START_S = 30.0
_LOOK_S = 0.1


async def load(url: str, method: str, paths: list[str], **plan: Any) -> dict[str, Any]:
    """One run of the load; its figures."""
    plan |= {"url": url, "method": method, "paths": paths}
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "benchmarks" / "api_load.py"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(plan["seconds"] + _MARGIN_S):
            told, _ = await program.communicate(json.dumps(plan).encode())
    except TimeoutError:
        program.kill()
        raise
    if program.returncode:
        raise SystemExit(f"the load ended with {program.returncode}")
    return dict(json.loads(told))


@contextmanager
def bare(folder: Path, one: bytes, page: bytes) -> Iterator[str]:
    """The baseline's URL, while it runs."""
    port, files = free_port(), (folder / "one.json", folder / "page.json")
    for file, body in zip(files, (one, page), strict=True):
        file.write_bytes(body)
    words = [sys.executable, str(ROOT / "benchmarks" / "bare_api.py"), str(port), *map(str, files)]
    program = subprocess.Popen(words)  # noqa: S603 - our own program
    try:
        until = time.monotonic() + _START_S
        while port_is_free(port):
            if time.monotonic() > until:
                raise SystemExit("the baseline did not start")
            time.sleep(_LOOK_S)
        yield f"http://127.0.0.1:{port}"
    finally:
        program.terminate()
        program.wait(30)


async def bodies(url: str, uuid: str) -> tuple[bytes, bytes, list[str]]:
    """The worker's answers to both GETs, and the uuids that it has, as many as are asked for."""
    uuids: list[str] = []
    async with aiohttp.ClientSession(url, raise_for_status=True) as session:
        async with session.get(f"/deployments/{uuid}") as answer:
            one = await answer.read()
        async with session.get("/deployments") as answer:
            page = await answer.read()
        number, pages = 0, 1
        while number < pages and len(uuids) < UUIDS:
            async with session.get(f"/deployments?size=1000&page={number}") as answer:
                found = await answer.json()
            uuids += [entry["uuid"] for entry in found["content"]]
            number, pages = number + 1, found["page"]["totalPages"]
    return one, page, uuids[:UUIDS]


async def measure(stand: Stand, uuid: str, given: argparse.Namespace) -> dict[str, Any]:
    """All figures for what is stored now."""
    one, page, uuids = await bodies(stand.url, uuid)
    plan = {"connections": given.connections, "seconds": given.seconds}
    ones = [f"/deployments/{known}" for known in uuids]
    gets = {"get": ones[:POLLED], "list": ["/deployments"]}
    figures: dict[str, dict[str, Any]] = {}
    baseline: dict[str, list[float]] = {name: [] for name in gets}
    cold = await load(stand.url, "GET", ones[POLLED:] or ones, **plan | {"once": True})
    print(f"  get, each for the first time: {cold}", flush=True)
    with bare(stand.folder, one, page) as url:
        for part in ("before", "worker", "after"):
            for name, paths in gets.items():
                target = stand.url if part == "worker" else url
                found = await load(target, "GET", paths, **plan)
                print(f"  {name} {part}: {found}", flush=True)
                if part == "worker":
                    figures[name] = found
                else:
                    baseline[name].append(found["rps"])
    body = {"template": TEMPLATE_TEXT, "userGroup": "demo"}
    figures["post"] = await load(stand.url, "POST", ["/deployments"], body=body, **plan)
    print(f"  post worker: {figures['post']}", flush=True)
    ratios = {
        f"{name}_ratio": round(figures[name]["rps"] / (sum(rates) / len(rates)), 3)
        for name, rates in baseline.items()
    }
    rates = {f"{name}_rps": found["rps"] for name, found in figures.items()}
    slow = {f"{name}_p99_ms": found["p99_ms"] for name, found in figures.items()}
    others = {f"{name}_others": found["others"] for name, found in figures.items()}
    rates["get_cold_rps"] = cold["rps"]
    return rates | ratios | slow | {name: told for name, told in others.items() if told}


async def main() -> int:
    """Run it and print the result; 1 when a GET was answered with anything but 200."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--numbers", type=int, nargs="+", default=list(NUMBERS))
    options.add_argument("--connections", type=int, default=CONNECTIONS)
    options.add_argument("--seconds", type=float, default=SECONDS, help="of each of the loads")
    given = options.parse_args()
    result: dict[str, Any] = {}
    async with one_stored() as stored:
        stand = stored.stand
        for count in sorted(given.numbers):
            await stored.grow(count)
            await stand.start_worker()
            await until_listed(stand, count)
            print(f"{count} deployments", flush=True)
            result = await measure(stand, stored.uuid, given) | {"deployments": count}
            print(result, flush=True)
            stand.stop("worker")
    print(json.dumps(result))
    return 1 if {"get_others", "list_others"} & result.keys() else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
