"""How fast templates are validated on one core, beside the TOSCA parser alone.

Both get the same templates with the same type definitions. The baseline is the parser as it comes,
with the types in a local file; the template parser does all of its checks. The two take turns, and
CPU time is measured, so that other work on the machine counts little.

    python benchmarks/parser.py [FOLDER] [--rounds N]

FOLDER holds templates (`*.yaml`, `*.yml`); the default are real templates where they are at hand,
else the examples of the project. The last line is JSON.
"""

import argparse
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from toscaparser.tosca_template import ToscaTemplate

from paas_stream.errors import InvalidTemplateError
from paas_stream.tosca import template, types, vetted, worker

HERE = Path(__file__).parent
CORPUS = HERE.parents[1] / "shared" / "data" / "tosca"
EXAMPLES = HERE.parent / "examples"

Run = Callable[[], bool]


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    logging.disable(logging.CRITICAL)
    worker.prepare()  # as in the processes that parse
    files = _templates(arguments.folder)
    if not files:
        raise SystemExit(f"there is no template in {arguments.folder}")
    with tempfile.TemporaryDirectory() as folder:
        runs = {name: _runs(text, name, Path(folder)) for name, text in files.items()}
        verdicts = {name: [run() for run in pair] for name, pair in runs.items()}  # warms up too
        ours, stock = _measure(runs, arguments.rounds)
    _show(verdicts, ours, stock)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    default = CORPUS if CORPUS.is_dir() else EXAMPLES
    parser.add_argument("folder", nargs="?", type=Path, default=default)
    parser.add_argument("--rounds", type=int, default=10, help="times that each one is parsed")
    return parser.parse_args()


def _templates(folder: Path) -> dict[str, str]:
    """The templates in a folder, by name."""
    found = {}
    for file in sorted(folder.rglob("*.y*ml")):
        text = file.read_text("utf-8")
        if "topology_template:" in text:
            found[str(file.relative_to(folder))] = text
    return found


def _runs(text: str, name: str, folder: Path) -> tuple[Run, Run]:
    """The template parser and the baseline on one template; each says whether it is accepted."""
    definitions = folder / "types.yaml"
    if not definitions.exists():
        version = {"tosca_definitions_version": "tosca_simple_yaml_1_0"}
        definitions.write_text(yaml.safe_dump(version | types.shipped()))
    tree = yaml.safe_load(text)
    tree["imports"] = [{"types": vetted.SHIPPED_NAMES[1]}]
    file = folder / f"{name.replace('/', '-')}.yaml"
    file.write_text(yaml.safe_dump(tree, sort_keys=False))
    local = {vetted.SHIPPED_NAMES[1]: str(definitions)}

    def ours() -> bool:
        try:
            template.validate(text, {})
        except InvalidTemplateError:
            return False
        return True

    def stock() -> bool:
        try:
            ToscaTemplate(str(file), local_defs=local)
        except Exception:  # noqa: BLE001 - it ends with whatever a template provokes
            return False
        return True

    return ours, stock


def _measure(
    runs: dict[str, tuple[Run, Run]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Milliseconds of CPU time of every run."""
    ours: dict[str, list[float]] = {name: [] for name in runs}
    stock: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, pair in runs.items():
            for run, times in zip(pair, (ours[name], stock[name]), strict=True):
                began = time.process_time()
                run()
                times.append(1000 * (time.process_time() - began))
    return ours, stock


def _show(
    verdicts: dict[str, list[bool]],
    ours: dict[str, list[float]],
    stock: dict[str, list[float]],
) -> None:
    width = max(map(len, verdicts))
    print(f"{'template':<{width}}  {'ours ms':>8}  {'stock ms':>8}  ours      stock")
    for name, accepted in verdicts.items():
        said = ["accepted" if one else "refused" for one in accepted]
        print(
            f"{name:<{width}}  {statistics.median(ours[name]):8.1f}  "
            f"{statistics.median(stock[name]):8.1f}  {said[0]:<8}  {said[1]}"
        )
    mine, theirs = (sorted(t for times in side.values() for t in times) for side in (ours, stock))
    rate, baseline = (1000 * len(times) / sum(times) for times in (mine, theirs))
    figures = {
        "templates_per_s": round(rate, 1),
        "p50_ms": round(statistics.median(mine), 1),
        "p95_ms": round(_percentile(mine, 0.95), 1),
        "baseline_templates_per_s": round(baseline, 1),
        "baseline_p95_ms": round(_percentile(theirs, 0.95), 1),
        "ratio": round(rate / baseline, 1),
    }
    print(json.dumps(figures))


def _percentile(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


if __name__ == "__main__":
    main()
