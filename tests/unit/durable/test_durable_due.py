"""The heap of what is due: one moment a key, whatever was armed before."""

from hypothesis import given
from hypothesis import strategies as st

from paas_stream.durable import due
from paas_stream.durable.due import DueHeap


def popped(heap: DueHeap[str], now: float, limit: int = 100) -> list[str]:
    return list(heap.pop_due(now, limit))


def test_keys_come_when_they_are_due_the_earliest_first() -> None:
    heap = DueHeap[str]()
    for key, moment in {"c": 3.0, "a": 1.0, "b": 2.0}.items():
        heap.arm(key, moment)
    assert popped(heap, 0.9) == []
    assert popped(heap, 2.0) == ["a", "b"]
    assert popped(heap, 9.0) == ["c"]
    assert len(heap) == 0


def test_the_last_moment_that_was_said_counts() -> None:
    heap = DueHeap[str]()
    heap.arm("later", 1.0)
    heap.arm("later", 5.0)
    heap.arm("sooner", 5.0)
    heap.arm("sooner", 1.0)
    heap.arm("never", 1.0)
    heap.arm("never", None)
    assert popped(heap, 4.0) == ["sooner"]
    assert popped(heap, 5.0) == ["later"]


def test_no_more_than_asked_for_come_at_once_and_the_rest_stays() -> None:
    heap = DueHeap[int]()
    for number in range(5):
        heap.arm(number, float(number))
    assert list(heap.pop_due(9.0, 3)) == [0, 1, 2]
    assert list(heap.pop_due(9.0, 3)) == [3, 4]


def test_nothing_is_left_after_clear() -> None:
    heap = DueHeap[str]()
    heap.arm("a", 1.0)
    heap.clear()
    assert popped(heap, 9.0) == []


def test_a_key_that_is_armed_again_and_again_takes_no_more_room() -> None:
    heap = DueHeap[str]()
    for step in range(10 * due._STALE):
        heap.arm("same", 1e9)
        heap.arm("moving", 1e9 + step)
    assert len(heap) == 2
    assert len(heap._heap) <= 2 * 2 + due._STALE + 1
    assert popped(heap, 2e9) == ["same", "moving"]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from("abcd"), st.none() | st.integers(0, 20)),
            st.integers(0, 20),  # take what is due then
        )
    )
)
def test_it_is_a_map_from_which_the_due_keys_are_taken(
    steps: list[tuple[str, int | None] | int],
) -> None:
    heap, model = DueHeap[str](), dict[str, int]()
    for step in steps:
        if isinstance(step, tuple):
            key, moment = step
            heap.arm(key, moment)
            model.pop(key, None)
            if moment is not None:
                model[key] = moment
        else:
            expected = sorted(key for key, moment in model.items() if moment <= step)
            found = popped(heap, step)
            assert sorted(found) == expected
            assert [model[key] for key in found] == sorted(model[key] for key in found)
            for key in found:
                del model[key]
        assert len(heap) == len(model)
