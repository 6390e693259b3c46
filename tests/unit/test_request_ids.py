"""Request ids: taken from the caller when well-formed, and in front of every line of the log."""

import asyncio
import io
import logging
import uuid

import pytest

from paas_stream import request_ids
from paas_stream.redaction import redact_handlers


@pytest.mark.parametrize(
    "given", ["a", "0af7651916cd43dd", "Root=1-67891233-abc", "a" * 128, "a/b.c:d+e@f_g"]
)
def test_a_well_formed_id_of_the_caller_is_taken(given: str) -> None:
    assert request_ids.taken(given) == given


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        " a",
        "a b",
        "a\nb",
        "a\n",
        "-a",
        "ä",
        "a%s",
        '"',
        "a" * 129,
        "<script>",
        "\x1b[31m",
    ],
)
def test_any_other_is_replaced_by_a_new_one(given: str | None) -> None:
    made, again = request_ids.taken(given), request_ids.taken(given)
    assert uuid.UUID(made).version == 4
    assert made != again


class TestALogLine:
    @pytest.fixture
    def lines(self) -> io.StringIO:
        return io.StringIO()

    @pytest.fixture
    def log(self, lines: io.StringIO) -> logging.Logger:
        made = logging.Logger("one")
        for _ in range(2):
            made.addHandler(logging.StreamHandler(lines))
        request_ids.mark_handlers(made)
        request_ids.mark_handlers(made)
        redact_handlers(made)
        return made

    def test_names_the_request_once_in_each_handler(
        self, log: logging.Logger, lines: io.StringIO
    ) -> None:
        token = request_ids.current.set("abc")
        log.warning("%s is %d %%", "x", 3)
        request_ids.current.reset(token)
        assert lines.getvalue() == "[abc] x is 3 %\n" * 2

    def test_outside_of_a_request_stays_as_it_is(
        self, log: logging.Logger, lines: io.StringIO
    ) -> None:
        log.warning("x")
        assert lines.getvalue() == "x\n" * 2

    async def test_names_its_own_request_when_several_are_under_way(
        self, log: logging.Logger, lines: io.StringIO
    ) -> None:
        async def one(name: str) -> None:
            request_ids.current.set(name)
            await asyncio.sleep(0)
            log.warning("of %s", name)

        await asyncio.gather(*(asyncio.create_task(one(name)) for name in "abc"))
        assert set(lines.getvalue().splitlines()) == {f"[{name}] of {name}" for name in "abc"}
