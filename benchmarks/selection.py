"""How long the provider selector takes for one template among very many providers.

All providers differ, each has 20 flavors and 20 images, and all that are open to the user's group
can host the template: nothing is left out early. CPU time of this process is measured, so that
other work on the machine counts little. The baseline, in the same run, is what it would cost to read
the same rows from their JSON for each template, as a selector without a projection in memory does.

    python benchmarks/selection.py [--rows N] [--eligible N] [--runs N]

The last line is JSON: `rows, eligible, p50_ms, p99_ms, all_eligible_p50_ms`, the baseline
(`decode_ms`), and how many times longer twice the providers take (`growth`, 2 is linear).
"""

import argparse
import json
import statistics
import time
from datetime import UTC, datetime, timedelta

from paas_stream.records import (
    Feeder,
    Flavor,
    Image,
    Network,
    NodeRequirement,
    Owner,
    Quota,
    Request,
)
from paas_stream.selection.catalog import Catalog
from paas_stream.selection.rows import ProviderRow
from paas_stream.selection.select import select

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GROUP = "physics"
RUNS_OF_ALL = 9
NODES = (
    NodeRequirement(
        name="front", cpus=2, memory_mib=4096, os_distribution="ubuntu", public_address=True
    ),
    NodeRequirement(
        name="workers", count=2, cpus=4, memory_mib=8192, os_distribution="ubuntu", os_version="19"
    ),
)
REQUEST = Request(
    owner=Owner(issuer="i", subject="s"),
    deadline=NOW + timedelta(hours=1),
    per_provider_timeout=1,
    user_group=GROUP,
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=10_000, help="providers, regions and projects")
    parser.add_argument("--eligible", type=int, default=500, help="of these open to the group")
    parser.add_argument("--runs", type=int, default=50)
    given = parser.parse_args()
    every = max(given.rows // given.eligible, 1)
    some = catalog(given.rows, every)
    eligible = len(list(some.of_group(GROUP)))
    times = sorted(measure(some) for _ in range(given.runs))
    half, whole = (
        statistics.median(measure(every_one) for _ in range(RUNS_OF_ALL))
        for every_one in (catalog(given.rows // 2, 1), catalog(given.rows, 1))
    )
    figures = {
        "rows": given.rows,
        "eligible": eligible,
        "p50_ms": round(statistics.median(times), 1),
        "p99_ms": round(times[min(len(times) - 1, int(len(times) * 0.99))], 1),
        "all_eligible_p50_ms": round(whole, 1),
        "decode_ms": round(decoding([one.feeder.encode() for one in some]), 1),
        "growth": round(whole / half, 2),
    }
    for name, value in figures.items():
        print(f"{name:>20}  {value:g}")
    print(json.dumps(figures))


def catalog(rows: int, every: int) -> Catalog:
    """So many providers, of which each so-many-th is open to the group."""
    return Catalog(row(i, GROUP if i % every == 0 else f"g{i % 50}") for i in range(rows))


def decoding(texts: list[bytes]) -> float:
    """CPU milliseconds of reading these messages."""
    begun = time.process_time()
    for text in texts:
        Feeder.decode(text)
    return 1000 * (time.process_time() - begun)


def row(number: int, group: str) -> ProviderRow:
    """One provider, ready to be matched as in a worker."""
    feeder = Feeder(
        provider_name=f"site-{number}",
        provider_type="openstack",
        provider_endpoint="https://site.example.org:5000/v3",
        region_name="north",
        project_id="p",
        user_group=group,
        sla_start="2025-01-01",
        sla_end="2026-12-31",
        quotas=(
            Quota(type="compute", cores=100, ram=204800, instances=50, public_ips=5),
            Quota(type="compute", usage=True, cores=number % 50, ram=20480, instances=5),
        ),
        flavors=tuple(
            Flavor(name=f"f{k}", vcpus=k, ram=2048 * k, disk=20 * k) for k in range(1, 21)
        ),
        images=tuple(
            Image(name=f"i{k}", os_distro="ubuntu" if k % 2 else "debian", os_version=f"{k}.04")
            for k in range(20)
        ),
        networks=(
            Network(name="ext", is_router_external=True),
            Network(name="net", is_shared=False),
        ),
    )
    return ProviderRow(feeder, NOW).prepare()


def measure(catalog: Catalog) -> float:
    """CPU milliseconds of one selection."""
    begun = time.process_time()
    found = select(NODES, catalog, request=REQUEST, today=NOW.date(), now=NOW, stale_s=900.0)
    taken = time.process_time() - begun
    if not found.candidates:
        raise SystemExit(f"nobody can host the template: {found.explanation(3)}")
    return 1000 * taken


if __name__ == "__main__":
    main()
