"""Plots of the comparison, one for each measure, as SVG."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
mpl.rcParams["svg.hashsalt"] = "ranking"  # the same figures give the same file
mpl.rcParams["svg.fonttype"] = "none"  # text stays text, and the files small

from matplotlib import pyplot as plt  # noqa: E402

MEASURES = {
    "etts_s": "expected time to success, s",
    "first_try": "success of the first attempt",
    "regret_s": "regret against the oracle, s",
    "ndcg": "NDCG@1",
    "brier": "Brier score",
}


def write(results: dict[str, Any], folder: Path) -> None:
    """All plots."""
    folder.mkdir(exist_ok=True)
    ours, reference = results["ours"], results["reference"]
    shown = [ours, "rates only", reference, f"{reference.split(',')[0]} as coded"]
    shown += ["old rule-based ranker", "SLA order", "random"]
    for measure, label in MEASURES.items():
        _bars(results, measure, label, shown, folder / f"{measure}.svg")
    _cold_start(results, shown[:4], folder / "cold_start.svg")
    _costs(results, folder / "failure_cost.svg")


def _bars(results: dict[str, Any], measure: str, label: str, shown: list[str], file: Path) -> None:
    made = results["scenarios"]
    figure, axes = plt.subplots(figsize=(9, 3.6))
    width = 0.8 / len(shown)
    for number, policy in enumerate(shown):
        values = [one["policies"][policy][measure] for one in made.values()]
        if any(value == value for value in values):
            places = [place + number * width for place in range(len(values))]
            axes.bar(places, values, width, label=policy)
    axes.set_xticks([place + 0.4 - width / 2 for place in range(len(made))], list(made))
    axes.tick_params(axis="x", labelsize=7)
    axes.set_ylabel(label)
    axes.legend(fontsize=6, ncols=4)
    _save(figure, file)


def _cold_start(results: dict[str, Any], shown: list[str], file: Path) -> None:
    curves = results["scenarios"].get("closed-loop", {}).get("by_rows", {})
    if not curves:
        return
    figure, axes = plt.subplots(figsize=(6, 3.4))
    edges = [f"{number}+" for number in results["rows"]]
    for policy in shown:
        axes.plot(edges, [value or float("nan") for value in curves[policy]], "o-", label=policy)
    axes.set_xlabel("attempts known")
    axes.set_ylabel("regret against the oracle, s")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7)
    _save(figure, file)


def _costs(results: dict[str, Any], file: Path) -> None:
    figure, axes = plt.subplots(figsize=(6, 3.4))
    for name, one in results["scenarios"].items():
        lines = [
            (known["first_try"], known["regret_s"])
            for policy, known in one["policies"].items()
            if policy.startswith("expected time")
        ]
        if len(lines) > 1:
            axes.plot(*zip(*lines, strict=True), "o-", markersize=3, label=name)
    axes.set_xlabel("success of the first attempt (cost of a failed attempt grows to the right)")
    axes.set_ylabel("regret against the oracle, s")
    axes.legend(fontsize=6)
    _save(figure, file)


def _save(figure: Any, file: Path) -> None:
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
    # the library leaves blanks at the ends of lines
    file.write_text("\n".join(line.rstrip() for line in file.read_text().splitlines()) + "\n")
