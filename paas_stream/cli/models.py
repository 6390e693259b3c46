"""`paas-stream models ...`: the ranking models that are kept, and which one is live."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import click
from rich.text import Text

from paas_stream.cli import model_records, train
from paas_stream.cli.output import out
from paas_stream.clients import model_check
from paas_stream.errors import PermanentError
from paas_stream.ranking import drift as drift_
from paas_stream.ranking import models as models_
from paas_stream.ranking import promotion
from paas_stream.ranking.shelf import Shelf
from paas_stream.records import ModelCard, ModelPart
from paas_stream.records.models import Judged
from paas_stream.settings import get_settings

COMPONENT = "operator"


@click.group()
def models() -> None:
    """The ranking models that are kept, and which one is live."""


def _shelf() -> Shelf:
    settings = get_settings()
    return model_records.run(model_records.shelf(settings), settings)


def _state(shelf: Shelf, version: str) -> str:
    names = {shelf.previous_version: "before", shelf.live_version: "live"}
    return names.get(version, "-")


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(as_json: bool) -> None:
    """List the models, the newest first; `before` is what a rollback goes back to."""
    shelf = _shelf()
    cards = shelf.cards()
    if as_json:
        for card in cards:
            told = card.model_dump(mode="json", include={"version", "created_at", "rows", "judged"})
            click.echo(json.dumps(told | {"state": _state(shelf, card.version)}))
        return
    head = ("version", "state", "created", "attempts", "Brier", "time to success")
    rows = (
        (
            card.version,
            _state(shelf, card.version),
            f"{card.created_at:%Y-%m-%d %H:%M:%S}",
            str(card.rows),
            f"{card.judged.brier:.4f}",
            _seconds(card.judged),
        )
        for card in cards
    )
    for line in train.table(head, rows):
        out.print(line)


@models.command()
@click.argument("version")
@click.option("--json", "as_json", is_flag=True, help="Print the whole card as JSON.")
def show(version: str, as_json: bool) -> None:
    """Show the card of the model VERSION; `live` stands for the live one."""
    shelf = _shelf()
    card = shelf.card(_named(shelf, version))
    if as_json:
        click.echo(card.model_dump_json(indent=2))
        return
    for line in _card(card, _state(shelf, card.version)):
        out.print(line)


@models.command()
@click.argument("version")
@click.option("--force", is_flag=True, help="Whatever speaks against it, and also an older one.")
def promote(version: str, force: bool) -> None:
    """Make the model VERSION live.

    It must be whole and of the features that are served. Without --force it must also be newer than
    the live one, and not worse than what it was compared with.
    """
    shelf = _shelf()
    card = _usable(shelf, version)
    if version == shelf.live_version:
        click.echo(f"{version} is live already")
        return
    if not force:
        live = None if shelf.live_version is None else shelf.card(shelf.live_version)
        models_.check_newer(card, live, datetime.now(UTC))
        if against := promotion.objections(card):
            raise PermanentError("; ".join([*against, "--force makes it live all the same"]))
    _make_live(shelf, version, older=force)


@models.command()
def rollback() -> None:
    """Go back to the model that was live before; once more, and the other one is live again."""
    shelf = _shelf()
    before = shelf.previous_version
    if before is None:
        raise PermanentError("no other model was live before")
    _usable(shelf, before)
    _make_live(shelf, before, older=True)


def _usable(shelf: Shelf, version: str) -> ModelCard:
    """Raises ModelError for one that is not there or cannot be used."""
    asyncio.run(model_check.check(shelf.parts(version)))
    return shelf.card(version)


def _make_live(shelf: Shelf, version: str, *, older: bool) -> None:
    settings = get_settings()
    record = ModelPart(
        version=version,
        part="live",
        previous=shelf.live_version or "",
        rollback=older,
        by=COMPONENT,
    )
    model_records.run(model_records.send(settings, [record]), settings)
    before = f", {shelf.live_version} was before" if shelf.live_version else ""
    click.echo(f"{version} is live from now on{before}")


@models.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def drift(as_json: bool) -> None:
    """What has moved since the live model was made: features (PSI), and how well it expects."""
    settings = get_settings()
    found = model_records.run(train.look(settings), settings)
    if found.live is None:
        raise PermanentError(found.live_fault or "no model is live")
    now = drift_.drift(found.live, found.read.rows)
    version = found.live.card.version
    if as_json:
        told = {"version": version, "rows": now.rows, "psi": now.psi, "moved": now.moved}
        told |= {"brier": now.brier, "brierThen": now.brier_then, "isWorse": now.is_worse}
        click.echo(json.dumps(told, indent=2))
        return
    out.print(f"{version}: {now.rows} attempts since it was made")
    if now.brier is None:
        out.print("too few to say whether anything has moved")
        return
    worse = ", which is worse" if now.is_worse else ""
    out.print(f"Brier score {now.brier:.4f}, {now.brier_then:.4f} when it was made{worse}")
    rows = ((name, f"{x:.3f}", "moved" * (name in now.moved)) for name, x in now.psi.items())
    for line in train.table(("feature", "PSI", ""), rows):
        out.print(line)


def _named(shelf: Shelf, version: str) -> str:
    if version != "live":
        return version
    if shelf.live_version is None:
        raise PermanentError("no model is live")
    return shelf.live_version


def _seconds(judged: Judged) -> str:
    took = judged.time_to_success_s
    return "-" if took is None else f"{took:.0f} s"


def _card(card: ModelCard, state: str) -> Iterator[Text | str]:
    yield Text(f"{card.version} ({state})", style="bold")
    yield f"created {card.created_at:%Y-%m-%d %H:%M:%S} by {card.library}, seed {card.seed}"
    yield (
        f"from {card.rows} attempts, requests from {card.data_from:%Y-%m-%d %H:%M} "
        f"to {card.data_to:%Y-%m-%d %H:%M} (UTC)"
    )
    yield f"features {card.features_schema}, trees {card.rounds}"
    yield from train.compared(card)
    for one in promotion.objections(card):
        yield Text(f"against it: {one}", style="yellow")
