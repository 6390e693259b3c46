"""The parts of `docs/ranking.md` that are made: the features and the figures, between marks."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from paas_stream.ranking.features import FEATURES
from paas_stream.ranking.simulation.scenarios import BY_NAME

PAGE, RESULTS = "ranking.md", "ranking/results.json"


def write(results: dict[str, Any], docs: Path) -> None:
    """Keep the figures, and put them into the page."""
    (docs / "ranking").mkdir(exist_ok=True)
    (docs / RESULTS).write_text(json.dumps(results, indent=1) + "\n")
    file = docs / PAGE
    file.write_text(filled(file.read_text(), results))


def filled(text: str, results: dict[str, Any]) -> str:
    """The page with its made parts."""
    for name, part in (("features", features()), ("figures", text_of(results))):
        begin, end = f"<!-- {name}: made -->\n", f"<!-- {name}: end -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = before + begin + part + end + after
    return text


def features() -> str:
    """The table of the features."""
    head = ("feature", "unit", "from", "why")
    return _table(head, [(f"`{f.name}`", f.unit, f.source, f.why) for f in FEATURES])


def text_of(results: dict[str, Any]) -> str:
    """All tables of figures, Markdown."""
    return "\n".join(_parts(results))


def _parts(results: dict[str, Any]) -> Iterator[str]:
    made, ours, reference = results["scenarios"], results["ours"], results["reference"]
    if made:
        yield f"### {ours}, against {reference}\n"
        yield _table(
            (
                "scenario",
                "seeds",
                "sooner, s",
                "95 %",
                "first try, points",
                "95 %",
                "regret, s",
                "theirs",
            ),
            [_against(name, one, ours, reference) for name, one in made.items()],
        )
        if costs := _costs(made):
            yield "### What the cost of a failed attempt does\n"
            yield _table(
                ("order", "time, s", "first try, %", "regret, s", "NDCG@1", "Brier"), costs
            )
    for name, one in made.items():
        yield f"### {name}: {BY_NAME[name].about} ({one['seeds']} seeds)\n"
        yield _table(
            (
                "order",
                "time, s",
                "sooner, s (95 %)",
                "first try, %",
                "regret, s",
                "NDCG@1",
                "Brier",
            ),
            [_line(policy, known) for policy, known in one["policies"].items()],
        )
    for policy, counts in results["dropped"].items():
        known = [count for count in counts if count is not None]
        if known:
            late = sum(count > 20 for count in known)
            yield (
                f"Begins to fail, {policy}: in {len(known)} of {len(counts)} federations the site was "
                f"first before; it was no longer so after {median(known):g} outcomes (median), "
                f"{max(known)} at most, more than 20 in {late}.\n"
            )


def _against(name: str, one: dict[str, Any], ours: str, reference: str) -> tuple[str, ...]:
    known = one["policies"][ours]
    sooner, first = known["gains"]["etts_s"], known["gains"]["first_try"]
    return (
        name,
        str(one["seeds"]),
        f"{sooner[0]:.0f}",
        f"{sooner[1]:.0f} to {sooner[2]:.0f}",
        f"{100 * first[0]:+.1f}",
        f"{100 * first[1]:+.1f} to {100 * first[2]:+.1f}",
        f"{known['regret_s']:.0f}",
        f"{one['policies'][reference]['regret_s']:.0f}",
    )


def _costs(made: dict[str, Any]) -> list[tuple[str, ...]]:
    """Means over the scenarios that have all orders."""
    full = [one["policies"] for name, one in made.items() if not BY_NAME[name].closed]
    if not full:
        return []
    return [
        (policy, *_numbers({key: _mean([one[policy][key] for one in full]) for key in _KEYS}))
        for policy in full[0]
    ]


_KEYS = ("etts_s", "first_try", "regret_s", "ndcg", "brier")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _numbers(known: dict[str, float]) -> tuple[str, str, str, str, str]:
    brier = known["brier"]
    return (
        f"{known['etts_s']:.0f}",
        f"{100 * known['first_try']:.1f}",
        f"{known['regret_s']:.0f}",
        f"{known['ndcg']:.3f}",
        "-" if brier != brier else f"{brier:.3f}",
    )


def _line(policy: str, known: dict[str, Any]) -> tuple[str, ...]:
    time_s, first, *others = _numbers(known)
    mean, low, high = known["gains"]["etts_s"]
    return (policy, time_s, f"{mean:.0f} ({low:.0f} to {high:.0f})", first, *others)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
