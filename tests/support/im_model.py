"""A model of the Infrastructure Manager, for the state machines of a deployment.

Creates finish late, replies are lost, deletes fail or come undone, machines are stopped or deleted by
somebody else.
"""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from support import lifecycle as make

from paas_stream.lifecycle.attempt import Effect, Outcome
from paas_stream.lifecycle.job import JobKind
from paas_stream.records import DispatchEvent, Machine

STARTING = "starting"  # here: the IM shows a machine or container, and calls it pending


@dataclass
class Infrastructure:
    """One infrastructure in the IM."""

    id: str
    attempt: int  # the user that it belongs to
    states: list[str]  # the last one lasts
    stubborn: int = 0  # deletes that are refused before one is accepted
    undeletable: bool = False  # not even by force
    resurrects: int = 0  # deletes that come undone
    came_back: bool = False  # long after its delete, when nobody looked for it any more
    machines: dict[str, str] = field(default_factory=lambda: {"0": "node"})  # id -> node
    power: dict[str, str] = field(default_factory=dict)  # id -> stopped
    made: int = 1  # machines so far


@dataclass
class Im:
    """The IM: effects are carried out as `agents.im_effects` does it, all at once."""

    infrastructures: dict[str, Infrastructure] = field(default_factory=dict)
    late: list[tuple[float, Infrastructure]] = field(default_factory=list)
    deleted: list[Infrastructure] = field(default_factory=list)
    stolen: set[str] = field(default_factory=set)  # ids that somebody else has deleted
    serial: Any = field(default_factory=lambda: count(1))

    def advance(self, now: float) -> None:
        """Let creates finish that were slower than their reply, and deletes come undone."""
        for due, one in list(self.late):
            if due <= now:
                self.late.remove((due, one))
                self.infrastructures[one.id] = one

    def of(self, attempt: int) -> list[Infrastructure]:
        """What an attempt's user has."""
        return [one for one in self.infrastructures.values() if one.attempt == attempt]

    def new(self, attempt: int, states: list[str], **traits: Any) -> Infrastructure:
        """One that is not there yet."""
        return Infrastructure(f"inf-{next(self.serial)}", attempt, list(states), **traits)

    def perform(
        self, effect: Effect, how: str, now: float, states: list[str], traits: dict[str, Any]
    ) -> DispatchEvent | None:
        """Carry out an effect. `how`: ok, fault, lost (done, but the reply is lost), late (a create
        that is done after its reply was given up), refused, template (refused), paused."""
        if how == "fault":
            return make.answer(effect, Outcome.FAULT, message="connection refused")
        result = getattr(self, f"_{effect.kind.value}")(effect, how, now, states, traits)
        if how in ("lost", "late") and result is not None:
            return make.answer(effect, Outcome.FAULT, message="the IM did not answer in time")
        return result

    def _hold(self, effect: Effect, how: str, *_: Any) -> DispatchEvent:
        if how == "refused":
            return make.answer(effect, Outcome.REFUSED, message="no room")
        return make.answer(effect, Outcome.GRANTED)

    def _create(
        self, effect: Effect, how: str, now: float, states: list[str], traits: dict[str, Any]
    ) -> DispatchEvent:
        found = tuple(one.id for one in self.of(effect.attempt))
        if found:
            return make.answer(effect, Outcome.CREATED, infrastructures=found[:1])
        match how:
            case "refused":
                return make.answer(effect, Outcome.REFUSED, message="no quota")
            case "template":
                return make.answer(effect, Outcome.REFUSED_TEMPLATE, message="Error parsing")
            case "paused":
                return make.answer(effect, Outcome.PAUSED, retry_after_s=100.0)
        made = self.new(effect.attempt, states, **traits)
        if how == "late":
            self.late.append((now + 300.0, made))
        else:
            self.infrastructures[made.id] = made
        return make.answer(effect, Outcome.CREATED, infrastructures=(made.id,))

    def _read(self, effect: Effect, *_: Any) -> DispatchEvent:
        one = self.infrastructures.get(effect.infrastructures[0])
        if one is None:
            return make.answer(effect, Outcome.GONE)
        found = tuple(
            Machine(id=id_, node=node, state=one.power.get(id_, "configured"))
            for id_, node in one.machines.items()
        )
        return make.answer(effect, Outcome.READ, machine_list=found, outputs="sealed")

    def _change(self, effect: Effect, how: str, *_: Any) -> DispatchEvent:
        one, job = self.infrastructures.get(effect.infrastructures[0]), effect.job
        assert job is not None
        if one is None:
            return make.answer(effect, Outcome.GONE)
        if how == "refused":
            return make.answer(effect, Outcome.REFUSED, message="no quota")
        if job.machine is not None:
            if job.machine not in one.machines:
                return make.answer(effect, Outcome.REFUSED, message="Invalid VM ID")
            one.power[job.machine] = "stopped" if job.kind is JobKind.STOP else "configured"
            return make.answer(effect, Outcome.CHANGED)
        for id_ in job.removals:
            one.machines.pop(id_, None)
        for node, wanted in (job.wanted or {}).items():
            for _ in range(list(one.machines.values()).count(node), wanted):
                one.machines[str(one.made)] = node
                one.made += 1
        return make.answer(effect, Outcome.CHANGED)

    def _poll(self, effect: Effect, *_: Any) -> DispatchEvent | None:
        one = self.infrastructures.get(effect.infrastructures[0])
        if one is None:
            return make.answer(effect, Outcome.GONE)
        if effect.job is not None and effect.job.machine is not None:
            state = one.power.get(effect.job.machine, "configured")
            known = (effect.known_state, effect.known_fault)
            if known == (state, False):
                return None
            return make.answer(effect, Outcome.STATE, state=state, machines=1)
        state = one.states.pop(0) if len(one.states) > 1 else one.states[0]
        machines = 0 if state == "pending" else 1
        state = "pending" if state == STARTING else state
        known = (effect.known_state, effect.known_machines, effect.known_fault)
        if known == (state, machines > 0, False):
            return None
        return make.answer(effect, Outcome.STATE, state=state, machines=machines)

    def _confirm(self, effect: Effect, how: str, *_: Any) -> DispatchEvent:
        known = effect.infrastructures[0]
        found = self.of(effect.attempt)
        strays = [one for one in found if one.id != known]
        left = tuple(one.id for one in strays if not self._deleted(one, force=False))
        if known not in [one.id for one in found]:
            return make.answer(effect, Outcome.GONE)
        if how == "refused":  # by the cluster
            return make.answer(effect, Outcome.REFUSED, message="no Service", infrastructures=left)
        return make.answer(effect, Outcome.CONFIRMED, outputs="sealed", infrastructures=left)

    def _clean(self, effect: Effect, how: str, now: float, *_: Any) -> DispatchEvent:
        found = self.of(effect.attempt)
        for one in found:
            if not self._deleted(one, force=effect.force):
                return make.answer(effect, Outcome.FAULT, message="400 the cloud is unreachable")
            if one.resurrects:
                one.resurrects -= 1
                self.late.append((now + 1.0, one))
        return make.answer(effect, Outcome.CLEAN, infrastructures=tuple(one.id for one in found))

    def _recheck(self, effect: Effect, *_: Any) -> DispatchEvent:
        left = tuple(one.id for one in self.of(effect.attempt))
        return make.answer(effect, Outcome.LEFT if left else Outcome.CLEAN, infrastructures=left)

    def _inspect(self, effect: Effect, *_: Any) -> DispatchEvent | None:
        known = effect.infrastructures[:1]
        found = tuple(one.id for one in self.of(effect.attempt))
        strays = tuple(one for one in found if one not in known)
        if strays:
            return make.answer(effect, Outcome.LEFT, infrastructures=strays)
        if known and known[0] not in found:
            return None if effect.known_fault else make.answer(effect, Outcome.GONE)
        return make.answer(effect, Outcome.CONFIRMED) if effect.known_fault else None

    def come_back(self, which: int) -> None:
        """What was deleted is there again: it was never written down that it is not."""
        one = self.deleted.pop(which % len(self.deleted))
        one.came_back = True
        self.infrastructures[one.id] = one

    def steal(self, which: int) -> None:
        """Somebody else deletes one."""
        one = list(self.infrastructures.values())[which % len(self.infrastructures)]
        del self.infrastructures[one.id]
        self.stolen.add(one.id)

    def _deleted(self, one: Infrastructure, *, force: bool) -> bool:
        if one.undeletable:
            return False
        if one.stubborn and not force:
            one.stubborn -= 1
            return False
        del self.infrastructures[one.id]
        if not one.resurrects:
            self.deleted.append(one)
        return True
