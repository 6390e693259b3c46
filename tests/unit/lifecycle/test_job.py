"""Which machines have to go, and how many are missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.lifecycle.job import MachineRef, lacking, surplus

NODES = st.sampled_from(["master", "worker"])
MACHINES = st.lists(NODES, max_size=8).map(
    lambda nodes: [MachineRef(str(number), node) for number, node in enumerate(nodes)]
)
WANTED = st.dictionaries(NODES, st.integers(0, 5))


def refs(*nodes: str) -> list[MachineRef]:
    return [MachineRef(str(number), node) for number, node in enumerate(nodes)]


@pytest.mark.parametrize(
    ("there", "wanted", "removals", "changed", "gone"),
    [
        (refs("a", "a"), {"a": 2}, (), (), ()),
        (refs("a", "a", "a"), {"a": 2}, (), (), ("2",)),  # the newest
        (refs("a", "a", "a"), {"a": 2}, ("0",), (), ("0",)),  # or the one that was named
        (refs("a", "a", "a"), {"a": 1}, ("0",), (), ("0", "2")),
        (refs("a", "a"), {"a": 2}, ("1",), (), ("1",)),  # named: replaced by another one
        (refs("a", "b"), {"a": 1}, (), (), ("1",)),  # its node is gone
        (refs("a", "b"), {"a": 1, "b": 1}, (), ("b",), ("1",)),  # its node is another type now
        (refs("a", ""), {"a": 1}, (), (), ()),  # nobody knows what it is
        (refs("a"), {"a": 1}, ("77",), (), ()),  # gone already
    ],
)
def test_what_has_to_go(there, wanted, removals, changed, gone) -> None:
    assert surplus(there, wanted, removals, changed) == gone


def test_ids_are_compared_as_numbers() -> None:
    there = [MachineRef(str(number), "a") for number in range(11)]
    assert surplus(there, {"a": 10}, ()) == ("10",)


@given(there=MACHINES, wanted=WANTED)
def test_once_the_surplus_is_gone_and_the_lack_is_made_all_is_as_wanted(there, wanted) -> None:
    gone = surplus(there, wanted, ())
    left = [one for one in there if one.id not in gone]
    missing = lacking(left, wanted)
    counts = {node: [one.node for one in left].count(node) for node in wanted}
    assert missing == sum(wanted[node] - counts[node] for node in wanted)
    assert {one.node for one in left} <= set(wanted)
    assert surplus(left, wanted, ()) == ()
