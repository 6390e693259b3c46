"""How long the provider selector takes for one template among very many providers.

All providers differ, each has 20 flavors and 20 images, and all that are open to the user's group
can host the template: nothing is left out early. CPU time of this process is measured, so that
other work on the machine counts little; the best and the median of the runs are told.

    python benchmarks/selector.py [--rows N] [--runs N]

The last line is JSON.
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
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    print(f"{'open to the group':>17}  {'best ms':>8}  {'median ms':>9}")
    for name, every in (("500_open", max(arguments.rows // 500, 1)), ("all_open", 1)):
        catalog = Catalog(
            row(i, GROUP if i % every == 0 else f"g{i % 50}") for i in range(arguments.rows)
        )
        times = [measure(catalog) for _ in range(arguments.runs)]
        best, median = min(times), statistics.median(times)
        print(f"{len(list(catalog.of_group(GROUP))):>17}  {best:8.1f}  {median:9.1f}")
        figures |= {f"{name}_best_ms": round(best, 1), f"{name}_median_ms": round(median, 1)}
    print(json.dumps(figures))


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
