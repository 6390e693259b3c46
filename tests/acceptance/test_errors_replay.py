"""What an operator does with `errors`: look, mend, and let the record be processed again, once."""

import asyncio
import json
from typing import Any

import pytest
from support.broker import Broker
from support.stack import until

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]


def listed(stack: Any, *options: str) -> list[dict[str, Any]]:
    ended = stack.run("errors", "list", "--json", *options)
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


async def test_a_record_that_cannot_be_read_is_shown_as_it_came(stack: Any, kafka: str) -> None:
    async with Broker(kafka) as broker:
        await broker.send("template", b'{"uuid": ', "a-key")

    def unreadable() -> list[dict[str, Any]]:
        return [one for one in listed(stack) if one["code"] == "invalid_message"]

    def both_boxes_refused_it() -> list[dict[str, Any]]:
        found = unreadable()
        boxes = {one["component"] for one in found}
        return found if boxes == {"template-parser", "deployment-tracker"} else []

    [first, second] = await asyncio.to_thread(until, both_boxes_refused_it, 60, "both are kept")
    shown = stack.run("errors", "show", first["id"])
    assert json.loads(shown.stdout)["record"] == '{"uuid": '
    assert "template-parser" in stack.run("errors", "list").stdout
    done = stack.run("errors", "replay", "--code", "invalid_message")
    assert (done.returncode, done.stdout.count("was sent again")) == (0, 1), done.stderr

    def refused_again() -> bool:
        return len(unreadable()) == 4

    await asyncio.to_thread(until, refused_again, 60, "it is refused again")
    replayed = {one["id"] for one in unreadable() if one["replayed"]}
    assert replayed == {first["id"], second["id"]}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "0-999999"], "no error 0-999999"),
        (["replay", "0-999999"], "no error 0-999999"),
        (["show", "seven"], "partition-offset"),
        (["replay"], "either the ids"),
        (["replay", "0-1", "--code", "internal"], "either the ids"),
    ],
)
def test_a_wrong_choice_is_refused_with_the_reason(stack: Any, words: list[str], says: str) -> None:
    ended = stack.run("errors", *words)
    assert ended.returncode != 0
    assert says in ended.stderr
