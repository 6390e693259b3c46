"""`simulate`: what an order of the providers is worth, in federations of which the truth is known."""

import json
from typing import Any

import click

from paas_stream.cli.output import columns, out
from paas_stream.ranking.simulation import policies, run, scenarios, summary
from paas_stream.settings import get_settings

_REFERENCE = policies.RuleBased.name


@click.command()
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Federations of each scenario; from two on there are intervals.",
)
@click.option(
    "--scenario",
    "names",
    type=click.Choice(list(scenarios.BY_NAME)),
    multiple=True,
    default=("random-logs",),
    show_default=True,
    help="Can be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def simulate(seeds: int, names: tuple[str, ...], as_json: bool) -> None:
    """Compare orders of the providers in simulated federations.

    What a failed attempt costs is PAAS_RANKER_FAILURE_COST_S, as in the service.

    The federation's present AI-ranker needs scikit-learn and is left out here:
    benchmarks/ranking/compare.py has it.
    """
    cost_s = get_settings().ranker.failure_cost_s
    found = {}
    for name in names:
        of_seeds = {
            seed: {
                one.policy: one.means()
                for one in run.run(
                    scenarios.BY_NAME[name], seed, lambda: policies.core(cost_s), cost_s
                )
            }
            for seed in range(1, seeds + 1)
        }
        found[name] = _figures(of_seeds)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for name, known in found.items():
        out.print(f"{name}: {scenarios.BY_NAME[name].about} ({seeds} seed{'s' * (seeds > 1)})")
        for line in columns(_lines(known)):
            out.print(line)
    out.print("left out, as it needs scikit-learn: the present AI-ranker (benchmarks/ranking)")


def _figures(of_seeds: summary.Seeds) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for policy, values in summary.means(of_seeds).items():
        one = summary.gains(of_seeds, policy, _REFERENCE)["etts_s"]
        known = {measure: None if value != value else value for measure, value in values.items()}
        interval = [one.low, one.high] if len(of_seeds) > 1 else None
        found[policy] = {**known, "sooner_s": one.mean, "sooner_95": interval}
    return found


def _lines(known: dict[str, Any]) -> list[tuple[str, ...]]:
    head = ("order", "time s", "first try", "regret s", "NDCG@1", "Brier")
    rows: list[tuple[str, ...]] = [(*head, f"sooner than the {_REFERENCE}, s (95 %)")]
    for policy, one in known.items():
        interval = one["sooner_95"]
        span = "" if interval is None else f" ({interval[0]:.0f} to {interval[1]:.0f})"
        rows.append(
            (
                policy,
                f"{one['etts_s']:.0f}",
                f"{100 * one['first_try']:.1f} %",
                f"{one['regret_s']:.0f}",
                f"{one['ndcg']:.3f}",
                "-" if one["brier"] is None else f"{one['brier']:.3f}",
                f"{one['sooner_s']:.0f}{span}",
            )
        )
    return rows
