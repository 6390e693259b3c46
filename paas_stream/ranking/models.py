"""A ranking model as it travels: a card and three parts, checked before it is asked anything."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from pydantic import ValidationError

from paas_stream.ranking import boosters, features, fitting
from paas_stream.ranking.boosters import PARTS, Boosters, Guess, ModelError, Scale
from paas_stream.ranking.fitting import Fit, Rows
from paas_stream.records.models import Judged, ModelCard, ModelPart, Spread

BINS = 10
NEW_LEAST = 30  # attempts that are new to the live model, or it is not compared with
AHEAD_MOST = timedelta(minutes=5)  # of the clock of one machine before that of another
_NAME_MAX = 100  # characters of a version that are told


@dataclass(frozen=True)
class Model:
    """A model that may be asked."""

    card: ModelCard
    boosters: Boosters


def card_of(
    fit: Fit,
    rows: Rows,
    *,
    seed: int,
    failure_cost_s: float,
    now: datetime,
    live: Model | None = None,
    read_to: int = 0,
) -> ModelCard:
    """The card of a model that was fitted on these rows (earliest first).

    `read_to` is the offset of `training` up to which they were read.
    """
    import xgboost

    parts = fit.model.parts()
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in parts.items()}
    name = hashlib.sha256("".join(digests[part] for part in PARTS).encode()).hexdigest()[:8]
    last = fit.judged_rows
    times = rows.asked_at
    live_judged, beside = _compared(fit, live, failure_cost_s)
    return ModelCard(
        version=f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z-{name}",
        created_at=now,
        features_schema=features.SCHEMA,
        features=features.NAMES,
        rows=len(rows),
        data_from=datetime.fromtimestamp(float(times.min()), now.tzinfo),
        data_to=datetime.fromtimestamp(float(times.max()), now.tzinfo),
        seed=seed,
        failure_cost_s=failure_cost_s,
        rounds=fit.rounds,
        scale=tuple(fit.model.scale),
        judged=_judged(fit.judged),
        rates=_judged(fitting.judge(rates_of(last), last, failure_cost_s)),
        live_version=None if live is None else live.card.version,
        live=live_judged,
        beside_live=beside,
        importance=_importance(fit.model, last),
        spreads=tuple(_spread(place, rows) for place in range(len(features.NAMES))),
        sha256=digests,
        library=f"xgboost {xgboost.__version__}",
        read_to=read_to,
    )


def _compared(
    fit: Fit, live: Model | None, failure_cost_s: float
) -> tuple[Judged | None, Judged | None]:
    """How the live model and this one did on attempts that neither has seen; None: too few."""
    if live is None:
        return None, None
    last = fit.judged_rows
    seen = int(np.searchsorted(last.asked_at, live.card.data_to.timestamp(), side="right"))
    new = last.part(seen, len(last))
    if len(new) < NEW_LEAST:
        return None, None
    by_live = fitting.judge(live.boosters.guesses(new.x), new, failure_cost_s)
    return _judged(by_live), _judged(fitting.judge(fit.guesses[seen:], new, failure_cost_s))


def rates_of(rows: Rows) -> list[Guess]:
    """What rates expected of these attempts: their estimate is among the features."""
    place = features.NAMES.index
    p = rows.x[:, place("rate_success")].astype(float)
    success = np.expm1(rows.x[:, place("rate_success_s")].astype(float))
    failure = np.expm1(rows.x[:, place("rate_failure_s")].astype(float))
    return [
        Guess(*each) for each in zip(p.tolist(), success.tolist(), failure.tolist(), strict=True)
    ]


def _judged(found: fitting.Judged) -> Judged:
    took = found.time_to_success_s
    return Judged(
        rows=found.rows,
        brier=found.brier,
        log_loss=found.log_loss,
        time_to_success_s=None if np.isnan(took) else took,
    )


def _importance(model: Boosters, rows: Rows) -> dict[str, float]:
    """The mean share that each feature has in what the probability goes by."""
    sizes = np.abs(model.contributions(rows.x)).mean(axis=0)
    whole = float(sizes.sum()) or 1.0
    found = {
        name: round(float(size) / whole, 4)
        for name, size in zip(features.NAMES, sizes, strict=True)
    }
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def _spread(place: int, rows: Rows) -> Spread:
    values = rows.x[:, place].astype(float)
    known = values[~np.isnan(values)]
    name, missing = features.NAMES[place], float(np.isnan(values).mean())
    if not len(known):
        return Spread(name=name, missing=1.0)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    return Spread(
        name=name, edges=tuple(edges), shares=tuple(shares(known, edges)), missing=missing
    )


def shares(values: "np.typing.NDArray[np.float64]", edges: "np.typing.ArrayLike") -> list[float]:
    """The share of the values in each bin; a value at an edge is in the lower one."""
    places = np.searchsorted(edges, values, side="left")
    counts = np.bincount(places, minlength=len(np.asarray(edges)) + 1)
    return [float(count) / len(values) for count in counts]


def pack(card: ModelCard, model: Boosters) -> list[ModelPart]:
    """The records of a model; the card comes last: with it, all of it is there."""
    made = [
        ModelPart.of_bytes(card.version, name, content) for name, content in model.parts().items()
    ]
    text = card.model_dump_json()
    return [*made, ModelPart(version=card.version, part="card", content=text)]


def read_card(parts: Mapping[str, ModelPart]) -> ModelCard:
    """The card among the records of a model by part. Raises ModelError."""
    if "card" not in parts:
        raise ModelError("its card is missing")
    try:
        card = ModelCard.model_validate_json(parts["card"].content)
    except ValidationError as exc:
        raise ModelError("its card cannot be read") from exc
    if card.version != parts["card"].version:
        raise ModelError(f"its card is that of {card.version[:_NAME_MAX]}")
    return card


def unpack(parts: Mapping[str, ModelPart]) -> Model:
    """A model from its records by part, ready to be asked.

    Raises ModelError, with a sentence, for one that is broken, not whole, or of other features.
    """
    card = read_card(parts)
    if card.features_schema != features.SCHEMA or card.features != features.NAMES:
        raise ModelError(
            f"it was made from other features ({card.features_schema}, "
            f"{features.SCHEMA} are served)"
        )
    content: dict[str, bytes] = {}
    for name in PARTS:
        if name not in parts:
            raise ModelError(f"its part {name} is missing")
        try:
            content[name] = parts[name].data
        except ValueError as exc:
            raise ModelError(f"its part {name} cannot be read") from exc
        if hashlib.sha256(content[name]).hexdigest() != card.sha256.get(name):
            raise ModelError(f"its part {name} is not what its card says")
    return Model(card, boosters.load(content, Scale(*card.scale)))


def check_newer(card: ModelCard, live: ModelCard | None, now: datetime) -> None:
    """Raises ModelError when a model is older than the one that is live, or dated later than now.

    If such a one were live, all that are made after it would be older than it, for as long as the clock
    was ahead.
    """
    if card.created_at > now + AHEAD_MOST:
        raise ModelError(
            f"{card.version} was made at {card.created_at:%Y-%m-%d %H:%M} (UTC), which is still to "
            "come: the clock that dated it is ahead"
        )
    if live is not None and card.created_at < live.created_at:
        raise ModelError(
            f"{card.version} is older than {live.version}, which is live: only a rollback goes back"
        )
