"""A small federation whose requests are ranked by the real chain, one after the other, and whose outcomes
teach it: what a run of the whole line would write into `training`, without clouds and in no time."""

import heapq
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import numpy as np
from support.events import uuid_number
from support.lifecycle import T0

from paas_stream.ranking import chain, fitting, models, training, training_rows
from paas_stream.ranking.chain import RankingPolicy
from paas_stream.ranking.fitting import Rows
from paas_stream.ranking.history import ProviderHistory, day_of, outcome, summary
from paas_stream.ranking.models import Model
from paas_stream.ranking.rates import Memory
from paas_stream.ranking.training import TrainingRow
from paas_stream.records import (
    Candidate,
    DeploymentResult,
    Inference,
    ModelPart,
    Operation,
    RankedProviders,
    Target,
    Training,
)
from paas_stream.records.feeder import row_key

POLICY = RankingPolicy(min_attempts=20, failure_cost_s=300.0, exhausted_s=7200.0)
SITES = ("site-a", "site-b", "site-c")
REGION = "r"


@dataclass(frozen=True)
class Asked:
    """A request, and how an attempt at each site would end."""

    at: float  # seconds since the epoch
    uuid: str
    ends: Mapping[str, tuple[bool, float]]  # by site: success, and seconds that it takes
    usage: Mapping[str, float] = field(default_factory=dict)  # vCPUs, of 100
    template: str = "vm"

    @property
    def message(self) -> Inference:
        """What the selector would send."""
        providers = tuple(
            Candidate(
                provider_name=site,
                region_name=REGION,
                vcpus_requ=2,
                vcpus_quota=100,
                vcpus_usage=self.usage.get(site, 0.0),
                target=Target(type="dummy", endpoint=f"https://{site}:5000/v3", project="p"),
            )
            for site in self.ends
        )
        return Inference(
            uuid=self.uuid,
            template_name=self.template,
            submission_time=moment(self.at),
            user_group="demo",
            providers=providers,
        )


@dataclass
class Played:
    """What came of it."""

    rankings: dict[str, RankedProviders] = field(default_factory=dict)  # by uuid
    records: list[Training] = field(default_factory=list)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def play(requests: Iterable[Asked], model: Model | None = None) -> Played:
    """Requests are ranked when they come, and each attempt's end is remembered when it is told."""
    made, memory = Played(), dict[str, ProviderHistory]()
    serial = count()
    events: list[tuple[float, int, Asked, int]] = [
        (one.at, next(serial), one, 0) for one in requests
    ]
    heapq.heapify(events)
    rows: dict[str, TrainingRow] = {}
    while events:
        now, _, asked, attempt = heapq.heappop(events)
        if attempt == 0:
            today = day_of(now)
            sites = {site: summary(one, today) for site, one in memory.items()}
            known = Memory(sites).at(now)
            ranked = chain.rank(asked.message, known, moment(now), POLICY, model)
            made.rankings[asked.uuid] = ranked
            row, _ = training.step(TrainingRow(), ranked)
            rows[asked.uuid] = row or TrainingRow()
        else:
            _told(made, memory, rows, asked, attempt, now)
        order = [one.provider_name for one in made.rankings[asked.uuid].ranked_providers]
        if attempt < len(order) and not (attempt and asked.ends[order[attempt - 1]][0]):
            took = asked.ends[order[attempt]][1]
            heapq.heappush(events, (now + took, next(serial), asked, attempt + 1))
    return made


def _told(
    made: Played,
    memory: dict[str, ProviderHistory],
    rows: dict[str, TrainingRow],
    asked: Asked,
    attempt: int,
    now: float,
) -> None:
    site = made.rankings[asked.uuid].ranked_providers[attempt - 1].provider_name
    success, took = asked.ends[site]
    result = DeploymentResult(
        uuid=asked.uuid,
        timestamp=moment(now),
        kind="attempt",
        operation=Operation.CREATE,
        attempt=attempt,
        provider_name=site,
        region_name=REGION,
        success=success,
        failure=None if success else "failed",
        started_at=moment(now - took),
        ended_at=moment(now),
    )
    row, records = training.step(rows[asked.uuid], result)
    rows[asked.uuid] = row or TrainingRow()
    for one in records:
        made.records.append(one)
        key = row_key(one.provider_name, one.region_name)
        known = memory.get(key, ProviderHistory())
        offset = len(made.records)
        memory[key] = known.counted(one.key, offset, now, outcome(one, now))


def requests(number: int, seed: int, begin: float = T0, every_s: float = 600.0) -> list[Asked]:
    """Random ones: site-a is quick and fails when it is full, site-b is slow and sure, site-c fails."""
    chance = np.random.default_rng(seed)
    made = []
    for place in range(number):
        full = chance.uniform(0, 100)
        ends = {
            "site-a": (
                bool(chance.random() < (0.95 if full < 60 else 0.25)),
                chance.uniform(90, 150),
            ),
            "site-b": (bool(chance.random() < 0.9), chance.uniform(500, 900)),
            "site-c": (bool(chance.random() < 0.4), chance.uniform(100, 400)),
        }
        usage = {"site-a": full, "site-b": 20.0, "site-c": 10.0}
        template = "vm" if chance.random() < 0.7 else "cluster"
        uuid = uuid_number(seed * 100_000 + place)
        made.append(Asked(begin + place * every_s, uuid, ends, usage, template))
    return made


def records(number: int = 400, seed: int = 1) -> list[Training]:
    """Training records of so many requests."""
    return play(requests(number, seed)).records


def rows(number: int = 400, seed: int = 1) -> Rows:
    """The same as rows."""
    return training_rows.read(records(number, seed)).rows


def model(
    learned: Rows, seed: int = 1, now: datetime | None = None, live: Model | None = None
) -> tuple[Model, list[ModelPart]]:
    """A model made of these rows, and its records."""
    fit = fitting.fit(learned, seed, POLICY.failure_cost_s)
    card = models.card_of(
        fit,
        learned,
        seed=seed,
        failure_cost_s=POLICY.failure_cost_s,
        now=now or moment(math.floor(T0)),
        live=live,
    )
    return Model(card, fit.model), models.pack(card, fit.model)
