"""What the IM says of machines and outputs, as users may see it and messages can carry it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from paas_stream.lifecycle import machine_info, outputs
from paas_stream.records import Machine

RADL = [
    {"class": "network", "id": "private"},
    {
        "class": "system",
        "id": "node",
        "state": "configured",
        "cpu.count_min": 2,
        "memory.size_min": 1e9,
        "disk.0.os.credentials.username": "cloudadm",
        "disk.0.os.credentials.password": "geheim",
        "disk.0.os.credentials.private_key": "-----BEGIN",
    },
]


class TestAMachine:
    def test_is_named_by_its_node_and_state(self) -> None:
        made = machine_info.machine("0", RADL)
        assert (made.id, made.node, made.state) == ("0", "node", "configured")

    def test_tells_its_properties_in_numbers_and_without_credentials(self) -> None:
        made = machine_info.machine("0", RADL)
        system = json.loads(made.info or "")["vmProperties"][1]
        assert (system["memory.size"], system["cpu.count"]) == (1e9, 2)
        assert system["disk.0.os.credentials.username"] == "cloudadm"
        assert "geheim" not in (made.info or "")
        assert "BEGIN" not in (made.info or "")

    def test_of_which_nothing_is_told_is_one_all_the_same(self) -> None:
        made = machine_info.machine("0", [])
        assert (made.node, made.state) == ("", "unknown")

    def test_without_a_memory_size_has_a_number_there(self) -> None:
        for told in ("much", "nan", "1e400", 10**400, None):
            found = machine_info.readable({"class": "system", "memory.size": told})
            assert found["memory.size"] == 0


def test_descriptions_that_do_not_fit_into_a_message_are_left_out() -> None:
    info = "x" * (machine_info.INFO_MAX // 2)
    machines = [Machine(id=str(number), state="configured", info=info) for number in range(3)]
    kept = machine_info.bounded(machines)
    assert [one.info is not None for one in kept] == [True, True, False]
    assert [one.id for one in kept] == ["0", "1", "2"]


class TestOutputs:
    def test_that_fit_are_as_they_came(self) -> None:
        assert outputs.bounded({"ip": "10.0.0.1", "none": None}) == {"ip": "10.0.0.1", "none": None}

    def test_the_largest_has_a_sentence_in_its_place(self) -> None:
        kept = outputs.bounded({"ip": "10.0.0.1", "kubeconfig": "x" * 500}, 400)
        assert kept["ip"] == "10.0.0.1"
        assert kept["kubeconfig"].startswith("left out: it has 5")

    @given(
        st.dictionaries(st.text(max_size=20), st.text(max_size=300), max_size=40),
        st.integers(min_value=100, max_value=2000),
    )
    def test_always_fit(self, found: dict[str, str], most: int) -> None:
        kept = outputs.bounded(found, most)
        assert len(json.dumps(kept, separators=(",", ":"))) <= most + 2
        assert set(kept) <= set(found)
