"""What an inspection asks the IM, and what it tells of a deployment at rest."""

import pytest
from support.containers import Im, machine, place

from agents import im_at_rest
from paas_stream.clients.im import ImGoneError
from paas_stream.lifecycle.attempt import EffectKind, Outcome


async def inspected(im: Im, *known: str, vanished: bool = False) -> tuple[str, str | None] | None:
    effect = place(EffectKind.INSPECT, machines=known, known_fault=vanished)
    found = await im_at_rest.inspect(effect, im)
    return None if found is None else (found.outcome, found.message)


async def test_all_that_is_known_is_no_news() -> None:
    assert await inspected(Im(described=[machine(0), machine(1)]), "1", "0") is None


async def test_a_machine_that_nobody_has_read_is_to_be_read() -> None:
    assert await inspected(Im()) == (Outcome.CHANGED, None)


async def test_a_machine_that_is_lost_is_named() -> None:
    told = await inspected(Im(), "0", "1")
    assert told == (Outcome.CHANGED, "the IM has lost 1 of 2 machines: 1")


@pytest.mark.parametrize("vanished", [False, True])
async def test_of_what_has_vanished_no_machines_are_asked_for(vanished: bool) -> None:
    im = Im(has=())
    im.machines = gone  # type: ignore[assignment]
    told = await inspected(im, "0", vanished=vanished)
    assert told == (None if vanished else (Outcome.GONE, None))


async def gone(*_: str) -> tuple[str, ...]:
    raise ImGoneError("the infrastructure is not in the IM")
