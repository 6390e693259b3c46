"""Rally scheduler: runs `rally` against each OpenStack site in turn, where `rally` messages are made.

One run at a time. When a site is due follows from the newest report that is known of it, so that a
restart runs nothing earlier. What a run finds goes into the reports' directory, and from there the
way of all reports.
"""

import asyncio
import logging
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from faust.types import TP

from agents.provider_configuration import federation
from paas_stream import topics
from paas_stream.app import app
from paas_stream.clients.rally import TASK, RallyProgram
from paas_stream.durable.agents import deliver_error, error_record
from paas_stream.selection import rally_schedule
from paas_stream.selection.health import KEPT_DAYS
from paas_stream.selection.rally_schedule import Place, place_of
from paas_stream.selection.readings import Site
from paas_stream.told import Told
from tables import health

COMPONENT = "rally"
_DAY_S = 24 * 3600.0

log = logging.getLogger(__name__)

_box = app.boxes.box(COMPONENT)


@dataclass
class Runs:
    """What this worker has tried."""

    program: RallyProgram | None
    interval_s: float
    tried: dict[Place, float] = field(default_factory=dict)  # epoch seconds
    told: defaultdict[Place, Told] = field(default_factory=lambda: defaultdict(Told))
    running: asyncio.Task[None] | None = None

    def due(self, now: float) -> Site | None:
        """The site to be tested at `now` (epoch seconds)."""
        sites = tuple(rally_schedule.tested(federation().sites()))
        last = {place: self._last(place) for place in map(place_of, sites)}
        return rally_schedule.due(sites, last, now, self.interval_s)

    def _last(self, place: Place) -> float:
        known = health.last_report(*place)
        reported = 0.0 if known is None else known.at.timestamp()
        return max(reported, self.tried.get(place, 0.0))


def _runs() -> Runs:
    settings = app.settings.rally
    if settings.command is None or settings.dir is None:
        return Runs(None, settings.run_interval_s)
    program = RallyProgram(
        command=settings.command,
        task=settings.task or TASK,
        reports=settings.dir,
        timeout_s=settings.run_timeout_s,
        login_timeout_s=app.settings.feeder.call_timeout_s,
        kept_s=KEPT_DAYS * _DAY_S,
    )
    return Runs(program, settings.run_interval_s)


runs = _runs()


@app.timer(interval=1.0)
async def rally_runs() -> None:
    """Begin the next run. Never raises: an error in a timer ends the worker."""
    if runs.program is None or runs.running is not None or not app.readiness.tables_ready:
        return
    topic = TP(topics.TOPICS[topics.RALLY].broker_name(app.settings), 0)
    if topic not in app.consumer.assignment():
        return
    site = runs.due(time.time())
    if site is not None:
        runs.tried[place_of(site)] = time.time()
        runs.running = asyncio.create_task(_run(runs.program, site))
        runs.running.add_done_callback(_ended)


def _ended(_: asyncio.Task[None]) -> None:
    runs.running = None


async def _run(program: RallyProgram, site: Site) -> None:
    """One run. Never raises; a fault is told once, for as long as it is the same one."""
    place = place_of(site)
    try:
        with _box.work(f"test {site.name}"):
            name = site.project.credentials or ""
            login = await asyncio.to_thread(federation().credentials, name)
            report = await program.run(site, login)
        log.info("Rally has tested %s: %s", site.name, report)
        runs.told[place].forget()
    except Exception as exc:
        if runs.told[place].is_news(exc):
            log.exception("Rally could not test %s", site.name)
            await deliver_error(app, error_record(COMPONENT, "run", exc, None, None, None))


@app.on_before_shutdown.connect(weak=False)
async def close(*_: Any, **__: Any) -> None:
    """A run that is cancelled takes its processes with it."""
    if runs.running is not None:
        runs.running.cancel()
        await asyncio.wait({runs.running}, timeout=app.settings.feeder.call_timeout_s)
