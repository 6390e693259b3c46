"""A model is looked at in a process of its own: whatever it does there, we get a sentence."""

import hashlib
import json
import os
from datetime import UTC, datetime

import pytest
from support import played

from paas_stream.clients import model_check
from paas_stream.ranking import boosters
from paas_stream.ranking.boosters import ModelError
from paas_stream.records import ModelPart


@pytest.fixture(scope="module")
def parts() -> dict[str, ModelPart]:
    _, records = played.model(played.rows(), now=datetime(2027, 6, 1, tzinfo=UTC))
    return {one.part: one for one in records}


def replaced(parts: dict[str, ModelPart], content: bytes) -> dict[str, ModelPart]:
    """Another booster in the place of the first one, and a card that says so."""
    card = json.loads(parts["card"].content)
    card["sha256"]["p"] = hashlib.sha256(content).hexdigest()
    told = parts["card"].model_copy(update={"content": json.dumps(card)})
    return parts | {"card": told, "p": ModelPart.of_bytes(card["version"], "p", content)}


async def test_a_good_one_passes(parts: dict[str, ModelPart]) -> None:
    await model_check.check(parts)


async def test_a_broken_one_is_refused_with_its_sentence(parts: dict[str, ModelPart]) -> None:
    without = {part: one for part, one in parts.items() if part != "card"}
    with pytest.raises(ModelError, match="its card is missing"):
        await model_check.check(without)


@pytest.mark.parametrize("content", [b"", b"{}", b"{not a booster}", b"{" + b"L" * 40 + b"}"])
async def test_bytes_that_are_no_booster_are_refused(
    parts: dict[str, ModelPart], content: bytes
) -> None:
    with pytest.raises(ModelError, match=r"cannot be read|has ended a process"):
        await model_check.check(replaced(parts, content))


async def test_what_ends_the_process_is_a_sentence_here(
    parts: dict[str, ModelPart], monkeypatch: pytest.MonkeyPatch
) -> None:
    dies = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    monkeypatch.setattr(model_check, "_COMMAND", (model_check._COMMAND[0], "-c", dies))
    with pytest.raises(ModelError, match="reading it has ended a process with -11"):
        await model_check.check(parts)


async def test_what_does_not_end_is_killed(
    parts: dict[str, ModelPart], monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]
) -> None:
    file = os.path.join(tmp_path, "pid")
    hangs = f"import os, time; open({file!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    monkeypatch.setattr(model_check, "_COMMAND", (model_check._COMMAND[0], "-c", hangs))
    with pytest.raises(ModelError, match="not read within 2 s"):
        await model_check.check(parts, timeout_s=2.0)
    with open(file) as told, pytest.raises(ProcessLookupError):
        os.kill(int(told.read()), 0)


def test_a_truncated_one_does_not_reach_native_code(parts: dict[str, ModelPart]) -> None:
    content = {part: parts[part].data for part in boosters.PARTS}
    with pytest.raises(ModelError, match="its part p cannot be read"):
        boosters.load(content | {"p": content["p"][:-100]}, boosters.Scale())
