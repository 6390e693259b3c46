"""Outputs that were opened: once for each text, and only so many are kept."""

import pytest

from paas_stream.errors import PermanentError
from web.opened import OpenedOutputs


class Vault:
    """Opens everything but what is broken, and counts."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def open_json(self, sealed: str) -> dict[str, str]:
        self.opened.append(sealed)
        if sealed == "broken":
            raise PermanentError("no key")
        return {"said": sealed}


@pytest.fixture
def vault() -> Vault:
    return Vault()


def test_a_text_is_opened_once(vault: Vault) -> None:
    outputs = OpenedOutputs(vault.open_json)
    assert outputs.of("a", "one") == outputs.of("a", "one") == {"said": "one"}
    assert vault.opened == ["one"]


def test_new_outputs_of_the_same_deployment_are_opened(vault: Vault) -> None:
    outputs = OpenedOutputs(vault.open_json)
    outputs.of("a", "one")
    assert outputs.of("a", "two") == {"said": "two"}


def test_what_was_not_asked_for_lately_gives_way(vault: Vault) -> None:
    outputs = OpenedOutputs(vault.open_json, most_bytes=7)
    for text in ("one", "two", "one", "six", "one", "two"):
        outputs.of("a", text)
        assert outputs.size <= 7
    assert vault.opened == ["one", "two", "six", "two"]


def test_a_text_that_is_larger_than_all_room_is_not_kept(vault: Vault) -> None:
    outputs = OpenedOutputs(vault.open_json, most_bytes=2)
    assert outputs.of("a", "one") == outputs.of("a", "one") == {"said": "one"}
    assert vault.opened == ["one", "one"]
    assert outputs.size == 0


def test_what_cannot_be_opened_is_tried_again(vault: Vault) -> None:
    outputs = OpenedOutputs(vault.open_json)
    for _ in range(2):
        with pytest.raises(PermanentError):
            outputs.of("a", "broken")
    assert vault.opened == ["broken", "broken"]
