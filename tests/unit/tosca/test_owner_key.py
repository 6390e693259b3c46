"""The owner's SSH key as a value of inputs."""

from typing import Any

import pytest

from paas_stream.tosca.owner_key import ACCOUNT, TEXT_INPUTS, OwnerKey, filled_in

KEY = OwnerKey("ssh-ed25519 AAAA alice@laptop", "alice")
ACCOUNTS = {"type": "list", "entry_schema": {"type": ACCOUNT}, "default": []}


@pytest.mark.parametrize("name", TEXT_INPUTS)
def test_a_text_input_of_a_known_name_gets_it_in_the_place_of_its_default(name: str) -> None:
    definitions = {name: {"type": "string", "default": "your_ssh_public_key"}}
    assert filled_in(definitions, {}, KEY) == {name: KEY.public_key}


@pytest.mark.parametrize("entry", [{"type": ACCOUNT}, ACCOUNT])
def test_a_list_of_accounts_gets_the_owners_whatever_it_is_called(entry: Any) -> None:
    found = filled_in({"people": {"type": "list", "entry_schema": entry}}, {}, KEY)
    assert found["people"] == [
        {
            "os_user_name": "alice",
            "os_user_add_to_sudoers": True,
            "os_user_ssh_public_key": KEY.public_key,
        }
    ]


@pytest.mark.parametrize("value", ["", "mine", 0])
def test_what_the_user_gave_stays(value: Any) -> None:
    given = {"ssh_public_key": value, "other": 1}
    assert filled_in({"ssh_public_key": {"type": "string"}}, given, KEY) == given


def test_null_is_no_value() -> None:
    found = filled_in({"ssh_public_key": {"type": "string"}}, {"ssh_public_key": None}, KEY)
    assert found == {"ssh_public_key": KEY.public_key}


@pytest.mark.parametrize(
    "definitions",
    [
        {},
        {"key": {"type": "string"}},
        {"ssh_public_key": {"type": "integer"}},
        {"users": {"type": "list", "entry_schema": {"type": "string"}}},
        {"users": {"type": "list"}},
        {"users": {"type": "map", "entry_schema": {"type": ACCOUNT}}},
        {"ssh_public_key": None},
    ],
)
def test_other_inputs_get_nothing(definitions: dict[str, Any]) -> None:
    assert filled_in(definitions, {}, KEY) == {}


@pytest.mark.parametrize("name", ["", "Alice", "alice@example.org", "a b", "-r", "x" * 33])
def test_a_user_whose_name_is_no_accounts_gets_no_account(name: str) -> None:
    assert filled_in({"users": ACCOUNTS}, {}, OwnerKey(KEY.public_key, name)) == {}
