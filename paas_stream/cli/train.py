"""`paas-stream train`: a new model for the AI-ranker, from what became of past attempts."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.text import Text

from paas_stream.cli import mlflow_run, model_records
from paas_stream.cli.output import columns, out
from paas_stream.clients import mlflow_runs
from paas_stream.clients.mlflow_runs import NotLoggedError
from paas_stream.errors import ConfigurationError, InvalidMessageError, PermanentError
from paas_stream.ranking import drift, features, fitting, models, promotion, schedule, training_rows
from paas_stream.ranking.boosters import ModelError
from paas_stream.ranking.fitting import Rows, TooFewRowsError
from paas_stream.ranking.models import Model
from paas_stream.ranking.shelf import Shelf
from paas_stream.ranking.training_rows import Read
from paas_stream.records import ModelCard, ModelPart, Training
from paas_stream.records.models import Judged
from paas_stream.settings import Settings, get_settings
from paas_stream.topics import TRAINING

COMPONENT = "ai-ranker-training"
NOTHING_DUE = 3  # exit status: there is too little to learn from, or no model is due
NOT_LOGGED = 4  # exit status: all was done, and MLflow has not taken the run
_SHOWN = 10  # features


@dataclass(frozen=True)
class Found:
    """What there is to learn from, and the models that are there."""

    read: Read
    unreadable: int  # records that are no training records
    end: int  # offset of `training`
    shelf: Shelf
    live: Model | None
    live_fault: str  # why the live model cannot be compared with

    @property
    def passed_over(self) -> dict[str, int]:
        """Records that nothing can be learned from, by the reason."""
        read = self.read
        return {
            "without an outcome": read.no_outcome,
            "without features": read.without_features,
            "of other features": read.other_features,
            "with broken features": read.broken_features,
            "of requests still to come": read.not_yet,
            "unreadable": self.unreadable,
        }


@dataclass(frozen=True)
class Trained:
    """A new model, and what speaks against it."""

    card: ModelCard
    parts: dict[str, bytes]
    records: list[ModelPart]
    objections: list[str]


@click.command()
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of chance.")
@click.option("--dry-run", is_flag=True, help="Publish nothing.")
@click.option("--promote/--no-promote", default=True, help="Make it live if nothing is against it.")
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write card (JSON) and boosters (UBJSON) into a folder of this one.",
)
@click.option("--mlflow", "is_logged", is_flag=True, help="Then log the run with MLflow.")
@click.option("--if-due", is_flag=True, help="Only when enough is new, or has changed.")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
@click.pass_context
def train(
    context: click.Context,
    seed: int,
    dry_run: bool,
    promote: bool,
    folder: Path | None,
    is_logged: bool,
    if_due: bool,
    as_json: bool,
) -> None:
    """Train the AI-ranker's model on past attempts.

    They are read from the topic `training`, and the model is published to `models`. It becomes live
    when it is not worse than the live one, or than the rates when there is none to compare with.
    Exit status 3 when there are too few attempts, or, with --if-due, when no model is due; 4 when all
    was done, except that MLflow has not taken the run.
    """
    if is_logged and not if_due:  # what is scheduled makes its model all the same
        mlflow_runs.check()
    settings = get_settings()
    found = model_records.run(look(settings), settings)
    why = due(found, settings) if if_due else "asked for"
    if why is None:
        click.echo("no model is due", err=True)
        context.exit(NOTHING_DUE)
    try:
        made = trained(found, settings, seed)
    except TooFewRowsError as exc:
        click.echo(f"paas-stream: {exc.message}{_passed(found)}", err=True)
        context.exit(NOTHING_DUE)
    if folder is not None:
        write(folder / made.card.version, made)
    is_promoted = promote and not made.objections and not dry_run
    if not dry_run:
        records = [*made.records, *([live_record(made, found.shelf)] if is_promoted else [])]
        model_records.run(model_records.send(settings, records), settings)
        _clear(settings, found.shelf, records)
    told = {
        "version": made.card.version,
        "why": why,
        "published": not dry_run,
        "live": is_promoted,
        "objections": made.objections,
        "rows": len(found.read.rows),
        "passedOver": found.passed_over,
        "card": made.card.model_dump(mode="json"),
    }
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        for line in lines(found, made, told):
            out.print(line)
    if is_logged:
        tags = {"published": not dry_run, "live": is_promoted}
        try:
            run = mlflow_run.log(made.card, made.parts, tags, settings.trainer.mlflow_timeout_s)
        except (ConfigurationError, NotLoggedError) as exc:
            click.echo(f"paas-stream: {exc.message}", err=True)
            context.exit(NOT_LOGGED)
        if not as_json:
            out.print(f"logged with MLflow as run {run}")


async def look(settings: Settings) -> Found:
    """Read both topics. Raises as `model_records.last_of_each` does."""
    kept = await model_records.last_of_each(settings, TRAINING, settings.trainer.rows)
    records, unreadable = [], 0
    for value in kept.values:
        try:
            records.append(Training.decode(value))
        except InvalidMessageError:
            unreadable += 1
    shelf = await model_records.shelf(settings)
    live, fault = None, ""
    if shelf.live_version is not None:
        try:
            live = shelf.model(shelf.live_version)
        except ModelError as exc:
            fault = f"the live model {shelf.live_version} cannot be compared with: {exc.message}"
    read = training_rows.read(records, time.time())
    return Found(read, unreadable, kept.end, shelf, live, fault)


def due(found: Found, settings: Settings) -> str | None:
    """Why a new model is due, in words; None: it is not."""
    cards = [one for one in found.shelf.cards() if one.features_schema == features.SCHEMA]
    if not cards:
        return "there is no model yet"
    rows = found.read.rows
    new = len(rows) - int(np.searchsorted(rows.asked_at, cards[0].data_to.timestamp(), "right"))
    moved = None if found.live is None else drift.drift(found.live, rows)
    return schedule.reason(new, settings.trainer.new_rows, moved)


def trained(found: Found, settings: Settings, seed: int) -> Trained:
    """A model from these rows. Raises TooFewRowsError."""
    rows: Rows = found.read.rows
    cost = settings.ranker.failure_cost_s
    fit = fitting.fit(rows, seed, cost)
    card = models.card_of(
        fit,
        rows,
        seed=seed,
        failure_cost_s=cost,
        now=datetime.now(UTC),
        live=found.live,
        read_to=found.end,
    )
    records = models.pack(card, fit.model)
    return Trained(card, fit.model.parts(), records, promotion.objections(card))


def live_record(made: Trained, shelf: Shelf) -> ModelPart:
    """What makes it live."""
    before = shelf.live_version or ""
    return ModelPart(version=made.card.version, part="live", previous=before, by=COMPONENT)


def write(folder: Path, made: Trained) -> None:
    """The model as files. Raises PermanentError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "card.json").write_text(made.card.model_dump_json(indent=2) + "\n")
        for name, content in made.parts.items():
            (folder / f"{name}.ubj").write_bytes(content)
    except OSError as exc:
        raise PermanentError(f"{folder} cannot be written: {exc.strerror}") from exc


def _clear(settings: Settings, shelf: Shelf, records: list[ModelPart]) -> None:
    """Delete what is older than the models that are kept."""
    for one in records:
        shelf.put(one)
    surplus = list(shelf.surplus())
    if surplus:
        model_records.run(model_records.send(settings, surplus), settings)


def _passed(found: Found) -> str:
    parts = [f"{number} {why}" for why, number in found.passed_over.items() if number]
    return f" (passed over: {', '.join(parts)})" if parts else ""


def lines(found: Found, made: Trained, told: dict[str, Any]) -> Iterator[Text | str]:
    """What came of it, in words."""
    card = made.card
    yield Text(f"{card.version}: from {card.rows} attempts{_passed(found)}", style="bold")
    yield f"requests from {card.data_from:%Y-%m-%d %H:%M} to {card.data_to:%Y-%m-%d %H:%M} (UTC)"
    if found.live_fault:
        yield Text(found.live_fault, style="yellow")
    yield from compared(card)
    for one in made.objections:
        yield Text(f"against it: {one}", style="yellow")
    if not told["published"]:
        yield "nothing was published"
    elif told["live"]:
        yield Text("published, and live from now on", style="green")
    else:
        yield f"published; `paas-stream models promote {card.version}` makes it live"


def compared(card: ModelCard) -> Iterator[Text | str]:
    """How it did against the others, and what it goes by."""
    judged = [("this model", card.judged), ("rates", card.rates)]
    if card.live is not None and card.beside_live is not None:
        judged.append((f"live then: {card.live_version}", card.live))
        judged.append(("this model, of the same", card.beside_live))
    yield from table(("", "attempts", "Brier", "log loss", "time to success"), map(_judged, judged))
    shares = list(card.importance.items())[:_SHOWN]
    yield from table(("feature", "share"), ((name, f"{100 * x:.1f} %") for name, x in shares))


def table(head: tuple[str, ...], rows: Any) -> Iterator[Text | str]:
    """A table with a head."""
    first, *others = columns([head, *rows])
    yield Text(first, style="bold")
    yield from others


def _judged(named: tuple[str, Judged]) -> tuple[str, ...]:
    name, one = named
    took = "-" if one.time_to_success_s is None else f"{one.time_to_success_s:.0f} s"
    return name, str(one.rows), f"{one.brier:.4f}", f"{one.log_loss:.4f}", took
