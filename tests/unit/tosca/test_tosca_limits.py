"""What is refused before anything is built."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.errors import InvalidTemplateError
from paas_stream.settings import ParserSettings
from paas_stream.tosca import limits, yamltext

LIMITS = limits.Limits()


def refusal(text: str, bounds: limits.Limits = LIMITS) -> str:
    with pytest.raises(InvalidTemplateError) as caught:
        limits.load(text, bounds)
    return "; ".join(caught.value.faults)


def aliases(levels: int, width: int) -> str:
    """A list of lists of lists ... by aliases: width ** levels values."""
    lines = ["l0: &l0 [" + ", ".join(["x"] * width) + "]"]
    lines += [
        f"l{level}: &l{level} [" + ", ".join([f"*l{level - 1}"] * width) + "]"
        for level in range(1, levels)
    ]
    return "\n".join(lines)


class TestHostileText:
    @pytest.mark.parametrize(
        "text",
        ["[" * 250_000, "{a: " * 60_000, "- " * 120_000, "? " * 100_000, "[[]," * 60_000],
        ids=["lists", "maps", "indented lists", "keys that are maps", "lists in lists"],
    )
    def test_deep_nesting_is_refused_at_once_and_does_not_crash(self, text: str) -> None:
        began = time.monotonic()
        assert "deeper than 64 levels" in refusal(text)
        assert time.monotonic() - began < 0.5

    def test_nesting_as_deep_as_the_limit_is_accepted(self) -> None:
        assert limits.load("[" * 64 + "]" * 64, LIMITS)
        assert "deeper" in refusal("[" * 65 + "]" * 65)

    def test_an_alias_bomb_is_counted_as_it_would_be_written_out(self) -> None:
        assert "aliases expanded" in refusal(aliases(levels=9, width=9))

    def test_aliases_that_stay_small_are_accepted(self) -> None:
        value = limits.load(aliases(levels=3, width=3), LIMITS)
        assert value["l2"] == [[["x"] * 3] * 3] * 3

    def test_depth_made_of_aliases_counts(self) -> None:
        assert "deeper than 64 levels" in refusal(aliases(levels=70, width=1))

    def test_merge_keys_count_like_aliases(self) -> None:
        lines = ["m0: &m0 {k: x}"]
        lines += [f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}], k{n}: x}}" for n in range(1, 20)]
        assert "aliases expanded" in refusal("\n".join(lines))

    def test_an_alias_to_a_collection_that_contains_it_is_refused(self) -> None:
        assert refusal("a: &x {b: *x}") == "line 1: the alias *x refers to itself"

    def test_an_alias_to_nothing_is_refused(self) -> None:
        assert refusal("a: *x") == "line 1: the alias *x is not defined"

    def test_text_over_the_limit_is_refused_without_reading_it(self) -> None:
        assert "300001 bytes" in refusal("[" * 300_001)

    def test_bytes_count_not_characters(self) -> None:
        assert "6 bytes" in refusal("ééé", limits.Limits(max_bytes=5))

    def test_many_small_values_are_refused(self) -> None:
        assert "more than 50000 values" in refusal("[" + "1," * 60_000 + "]")


class TestWhatTextMayContain:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("a: [1", "line 2: the template is not valid YAML: "),
            ("a:\n\t- b", "line 2: the template is not valid YAML: "),
            ("a: !!python/object/apply:os.system [id]", "tag"),
            ("a: !!binary aGVsbG8=", "tag"),
            ("a: !!timestamp 2030-01-01", "tag"),
            ("a: !mine b", "tag"),
            ("a: 1\n---\nb: 1", "more than one YAML document"),
            ("a: 1\nb: 2\na: 3", 'line 3: the key "a" is there twice'),
            ("a: .nan", "a: nan is not a number"),
            ("a: [0, -.inf]", "a[1]: -inf is not a number"),
            ("a: " + "9" * 30, "a: the number has more than 64 bits"),
            ("a: " + "9" * 5000, "cannot be read as int"),
            ("? [1]\n: 1", "not valid YAML"),
            ("a: \x01", "not valid YAML"),
            ("a: \ud800", "not Unicode"),
        ],
    )
    def test_what_json_cannot_carry_is_refused(self, text: str, reason: str) -> None:
        assert reason in refusal(text)

    def test_all_repeated_keys_are_reported(self) -> None:
        assert refusal("a: 1\na: 2\nb: {c: 1, c: 2}").count("is there twice") == 2

    def test_equal_keys_of_different_maps_are_no_repetition(self) -> None:
        assert limits.load("[{a: 1}, {a: 2}, {b: {a: 1}, a: {b: 1}}]", LIMITS)

    def test_a_date_stays_text(self) -> None:
        assert limits.load("a: 2030-01-31", LIMITS) == {"a": "2030-01-31"}

    def test_keys_are_the_text_that_they_are_written_as(self) -> None:
        text = "{22: ssh, 1.50: x, no: y, ~: z, 2030-01-31: t}"
        assert set(limits.load(text, LIMITS)) == {"22", "1.50", "no", "~", "2030-01-31"}

    def test_merge_keys_are_merged(self) -> None:
        value = limits.load("a: &a {1: x, k: y}\nb: {<<: *a, k: z}", LIMITS)
        assert value["b"] == {"1": "x", "k": "z"}

    def test_shared_parts_become_separate_values(self) -> None:
        value = limits.load("a: &x {k: 1}\nb: *x", LIMITS)
        value["a"]["k"] = 2
        assert value["b"] == {"k": 1}


class TestValues:
    def test_a_value_within_the_limits_passes(self) -> None:
        limits.check({"a": [1, "text", None]}, LIMITS, "inputs")

    @pytest.mark.parametrize(
        ("bounds", "reason"),
        [
            (limits.Limits(max_depth=2), "deeper than 2"),
            (limits.Limits(max_nodes=4), "more than 4 values"),
            (limits.Limits(max_bytes=4), "more than 4 characters"),
        ],
    )
    def test_each_limit_counts_for_values_too(self, bounds: limits.Limits, reason: str) -> None:
        with pytest.raises(InvalidTemplateError, match=reason):
            limits.check({"ab": [[["abc"]], 1]}, bounds, "inputs")

    def test_a_shared_part_counts_as_often_as_it_appears(self) -> None:
        part = ["x" * 1000]
        with pytest.raises(InvalidTemplateError, match="characters"):
            limits.check([part] * 1000, LIMITS, "inputs")

    def test_the_settings_give_the_limits(self) -> None:
        settings = ParserSettings(max_bytes=1, max_depth=2, max_nodes=3)
        assert limits.Limits.of(settings) == limits.Limits(1, 2, 3)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=20),
    lambda part: (
        st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=8), part, max_size=4)
    ),
    max_leaves=20,
)


@given(plain)
def test_what_is_dumped_is_loaded_again_as_it_was(value: object) -> None:
    assert limits.load(yamltext.dump(value), LIMITS) == value


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        limits.load(text, LIMITS)
    except InvalidTemplateError as exc:
        faults = exc.faults
    else:
        return
    assert all(faults)
