"""What is remembered of the attempts at one provider and region: bounded, and each counted once.

The outcomes of 30 days are tallied by day (UTC) and template, so that windows of 1, 7 and 30 days can
be read off, and what is too old falls out by itself. The last outcomes are kept one by one besides:
they are how a provider that begins to fail is noticed within hours, whatever the month was like.
"""

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import NamedTuple

from paas_stream.clocks import not_ahead
from paas_stream.records import AttemptStatus, Training

DAY_S = 86400
WINDOW_DAYS = 30
RECENT = 20  # outcomes kept one by one
KEYS = 100  # attempts known by name, so that one that is told twice counts once
NAME_MAX = 100  # characters of a template's name
MAX_TEMPLATES = 40  # per day; further ones are tallied together
OTHERS = ""  # stands for the templates that found no room


class Tally(NamedTuple):
    """Counts, and the seconds that the attempts took in all."""

    successes: int = 0
    failures: int = 0
    success_s: float = 0.0
    failure_s: float = 0.0

    @property
    def attempts(self) -> int:
        """Successes and failures."""
        return self.successes + self.failures

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(
            self.successes + other.successes,
            self.failures + other.failures,
            self.success_s + other.success_s,
            self.failure_s + other.failure_s,
        )


NONE = Tally()


def total(tallies: Iterable[Tally]) -> Tally:
    """All together."""
    found = NONE
    for one in tallies:
        found = found.plus(one)
    return found


class Outcome(NamedTuple):
    """How one attempt, or several that were told of together, ended."""

    at: float  # seconds since the epoch
    template: str
    tally: Tally


def outcome(training: Training, received_at: float) -> Outcome | None:
    """What a training row says about its provider; None: nothing.

    Aborted attempts say nothing about the provider. The moment is the end of the attempt, and not later
    than that of the record (`received_at`).
    """
    success = training.status is AttemptStatus.COMPLETE
    failures = training.n_failures
    if training.status is AttemptStatus.FAILED:
        failures = max(failures, 1)
    elif not success:
        return None
    ended = training.ended_at or training.timestamp
    tally = Tally(
        successes=int(success),
        failures=failures,
        success_s=training.completion_time_s if success else 0.0,
        failure_s=training.tot_failure_time_s if failures else 0.0,
    )
    name = training.template_name[:NAME_MAX]
    return Outcome(not_ahead(ended.timestamp(), received_at), name, tally)


def day_of(moment: float) -> int:
    """The number of the day (UTC), from 1970-01-01."""
    return int(moment // DAY_S)


@dataclass(frozen=True)
class ProviderHistory:
    """One row of `provider_history`. It is never deleted: there is one per provider and region."""

    days: dict[int, dict[str, Tally]] = field(default_factory=dict)  # by day and template
    recent: tuple[Outcome, ...] = ()  # the last ones, oldest first
    keys: tuple[str, ...] = ()  # uuid/attempt of the last ones counted, oldest first
    offset: int = -1  # highest offset of `training` applied
    newest: float = 0.0  # newest time of a record applied, seconds since the epoch

    def has_counted(self, key: str, offset: int, recorded_at: float) -> bool:
        """Whether an attempt was counted before.

        A replayed record has an offset that was applied. If the topic is made anew its offsets begin
        again, with later times. An attempt that was sent a second time is known by its name.
        """
        replayed = offset <= self.offset and recorded_at <= self.newest
        return replayed or key in self.keys

    def counted(
        self, key: str, offset: int, recorded_at: float, found: Outcome | None
    ) -> "ProviderHistory":
        """This history once the record was applied."""
        marked = replace(
            self,
            keys=(*self.keys, key)[-KEYS:],
            offset=offset if recorded_at > self.newest else max(offset, self.offset),
            newest=max(recorded_at, self.newest),
        )
        return marked if found is None else marked._with(found)

    def _with(self, found: Outcome) -> "ProviderHistory":
        day = day_of(found.at)
        latest = max(day, *self.days) if self.days else day
        days = {number: known for number, known in self.days.items() if _within(number, latest)}
        if _within(day, latest):
            templates = dict(days.get(day, {}))
            full = len(templates) >= MAX_TEMPLATES and found.template not in templates
            name = OTHERS if full else found.template
            templates[name] = templates.get(name, NONE).plus(found.tally)
            days[day] = templates
        recent = list(self.recent)
        insort(recent, found, key=lambda one: one.at)
        return replace(self, days=days, recent=tuple(recent[-RECENT:]))


@dataclass(frozen=True)
class Summary:
    """What a history says on one day."""

    templates: dict[str, Tally]  # of the window
    overall: Tally
    recent_templates: dict[str, Tally]  # of these, the last ones
    recent: Tally
    of_days: tuple[Tally, Tally] = (NONE, NONE)  # of today, and of seven days
    failing: dict[str, int] = field(
        default_factory=dict
    )  # failures since the last success, see `_run`
    last_at: float | None = None  # end of the last outcome, seconds since the epoch

    @property
    def failures_in_a_row(self) -> int:
        """At the end of the last ones."""
        return sum(self.failing.values())

    def of(self, template: str) -> Tally:
        """The outcomes of one template."""
        return self.templates.get(template, NONE)

    def recent_of(self, template: str) -> Tally:
        """Those of one template among the last ones."""
        return self.recent_templates.get(template, NONE)


def summary(history: ProviderHistory, today: int) -> Summary:
    """What counts on the day `today` (see `day_of`): the last 30 days, that one included."""
    templates = _sums(
        (name, tally)
        for day, known in history.days.items()
        if _within(day, today)
        for name, tally in known.items()
    )
    last = [one for one in history.recent if _within(day_of(one.at), today)]
    recent = _sums((one.template, one.tally) for one in last)
    of_days = tuple(
        total(
            tally
            for day, known in history.days.items()
            if today - days < day <= today
            for tally in known.values()
        )
        for days in (1, 7)
    )
    return Summary(
        templates,
        total(templates.values()),
        recent,
        total(recent.values()),
        (of_days[0], of_days[1]),
        {name: tally.failures for name, tally in _run(history, last, today).items()},
        last[-1].at if last else None,
    )


def _run(history: ProviderHistory, last: list[Outcome], today: int) -> dict[str, Tally]:
    """What failed since the last success, by template.

    One that is longer than the last ones kept goes on by the day, back to the day of the last success.
    All failures of that day are taken for part of it: which of them came before is not remembered.
    """
    failed = list(takewhile(lambda one: not one.tally.successes, reversed(last)))
    if len(failed) < RECENT:
        return _sums((one.template, one.tally) for one in failed)
    days: list[dict[str, Tally]] = []
    for day in sorted((day for day in history.days if _within(day, today)), reverse=True):
        days.append(history.days[day])
        if any(tally.successes for tally in history.days[day].values()):
            break
    return _sums(one for known in days for one in known.items())


def _sums(tallies: Iterable[tuple[str, Tally]]) -> dict[str, Tally]:
    found: dict[str, Tally] = {}
    for name, tally in tallies:
        found[name] = found.get(name, NONE).plus(tally)
    return found


def _within(day: int, today: int) -> bool:
    return day > today - WINDOW_DAYS
