"""Inputs: what is converted, what is refused, and what stands in for a value that is not given."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.tosca import inputs, values


def check(definition: dict[str, Any], *given: Any) -> inputs.Checked:
    """Check one input called "x"; no value means that none is given."""
    return inputs.check({"x": definition}, {"x": given[0]} if given else {}, frozenset({"my.Type"}))


class TestConversion:
    @pytest.mark.parametrize(
        ("type_name", "given", "value"),
        [
            ("integer", 2, 2),
            ("integer", "2", 2),
            ("integer", "-3", -3),
            ("integer", 0, 0),
            ("float", 2, 2.0),
            ("float", "2.5", 2.5),
            ("float", 0, 0.0),
            ("number", "7", 7),
            ("number", "7.5", 7.5),
            ("boolean", True, True),
            ("boolean", "true", True),
            ("boolean", "False", False),
            ("boolean", False, False),
            ("string", "", ""),
            ("string", "2", "2"),
            ("version", 16.04, "16.04"),
            ("version", "2.1.0", "2.1.0"),
            ("timestamp", "2030-01-31T12:00:00Z", "2030-01-31T12:00:00Z"),
            ("scalar-unit.size", "4 GB", "4 GB"),
            ("scalar-unit.size", "4gib", "4 GiB"),
            ("scalar-unit.size", "0 GB", "0 GB"),
            ("scalar-unit.time", "10 ms", "10 ms"),
            ("scalar-unit.frequency", "2.4 GHz", "2.4 GHz"),
            ("range", [1, "UNBOUNDED"], [1, "UNBOUNDED"]),
            ("range", "[1, 5]", [1, 5]),
            ("list", [], []),
            ("list", '["a", 1]', ["a", 1]),
            ("map", {}, {}),
            ("map", '{"a": {"b": 1}}', {"a": {"b": 1}}),
            ("PortDef", "22", 22),
            ("PortSpec", {"source": 22}, {"source": 22}),
            ("my.Type", {"a": 1}, {"a": 1}),
            ("tosca.datatypes.Credential", {"token": "t"}, {"token": "t"}),
        ],
    )
    def test_text_that_spells_a_value_becomes_the_value(
        self, type_name: str, given: Any, value: Any
    ) -> None:
        checked = check({"type": type_name}, given)
        assert checked.faults == []
        assert checked.values == {"x": value}
        assert type(checked.values["x"]) is type(value)

    @pytest.mark.parametrize(
        ("type_name", "given", "wanted"),
        [
            ("integer", "two", "a whole number is needed"),
            ("integer", 2.5, "a whole number is needed"),
            ("integer", True, "a whole number is needed"),
            ("integer", "9" * 20, "64 bits"),
            ("integer", [1], "a whole number is needed"),
            ("float", "x", "a number is needed"),
            ("float", "nan", "a finite number is needed"),
            ("float", False, "a number is needed"),
            ("boolean", "yes", "true or false is needed"),
            ("boolean", 1, "true or false is needed"),
            ("string", 2, "text is needed"),
            ("string", {"a": 1}, "text is needed"),
            ("version", "one", "a version such as 2.1 is needed"),
            ("timestamp", "tomorrow-ish", "a time such as"),
            ("scalar-unit.size", "4", "a number with a unit"),
            ("scalar-unit.size", "-4 GB", "a number with a unit"),
            ("scalar-unit.size", "4 XB", "a number with a unit"),
            ("scalar-unit.size", "4 GB or so", "a number with a unit"),
            ("scalar-unit.size", 4, "a number with a unit"),
            ("range", [5, 1], "a range such as [1, 10] is needed"),
            ("range", [1], "a range such as [1, 10] is needed"),
            ("list", "a, b", "a list is needed"),
            ("list", {"a": 1}, "a list is needed"),
            ("list", "[" * 100_000, "a list is needed"),
            ("list", "[NaN]", "a list is needed"),
            ("list", "[1e400]", "a list is needed"),
            ("list", "[1%s]" % ("0" * 20), "a list is needed"),
            ("list", '["\\ud800"]', "a list is needed"),
            ("map", '{"a": -1e400}', "a map is needed"),
            ("map", '["a"]', "a map is needed"),
        ],
    )
    def test_another_type_is_refused_with_what_is_needed(
        self, type_name: str, given: Any, wanted: str
    ) -> None:
        checked = check({"type": type_name}, given)
        (fault,) = checked.faults
        assert fault.startswith("inputs.x: ")
        assert wanted in fault
        assert len(fault) < 250
        assert checked.values == {}

    def test_entries_are_converted_by_their_schema(self) -> None:
        definition = {
            "type": "map",
            "entry_schema": {"type": "list", "entry_schema": {"type": "integer"}},
        }
        assert check(definition, {"a": ["1", 2]}).values == {"x": {"a": [1, 2]}}
        assert check(definition, {"a": ["1", "b"]}).faults == [
            'inputs.x.a[1]: "b" is not accepted, a whole number is needed'
        ]

    def test_the_short_form_of_an_entry_schema_counts_too(self) -> None:
        assert check({"type": "list", "entry_schema": "integer"}, ["3"]).values == {"x": [3]}


class TestWithoutAValue:
    def test_a_missing_required_value_is_a_fault(self) -> None:
        assert check({"type": "integer"}).faults == [
            "inputs.x: a value is needed (integer) and none is given"
        ]

    def test_null_is_no_value(self) -> None:
        assert check({"type": "integer"}, None).faults
        assert check({"type": "integer", "default": 3}, None).values == {"x": 3}

    @pytest.mark.parametrize(
        ("type_name", "default"), [("integer", 0), ("boolean", False), ("string", ""), ("list", [])]
    )
    def test_a_falsy_default_applies(self, type_name: str, default: Any) -> None:
        assert check({"type": type_name, "default": default}).values == {"x": default}

    @pytest.mark.parametrize(("type_name", "value"), [("integer", 0), ("boolean", False)])
    def test_a_falsy_value_wins_over_the_default(self, type_name: str, value: Any) -> None:
        assert check({"type": type_name, "default": 1}, value).values == {"x": value}

    def test_an_optional_input_without_default_has_no_value(self) -> None:
        checked = check({"type": "integer", "required": False})
        assert (checked.values, checked.faults) == ({"x": None}, [])

    def test_a_default_of_another_type_is_a_fault_of_the_template(self) -> None:
        (fault,) = check({"type": "integer", "default": "many"}).faults
        assert fault.startswith("topology_template.inputs.x.default: ")

    def test_a_bad_default_does_not_matter_when_a_value_is_given(self) -> None:
        assert check({"type": "integer", "default": "many"}, 2).values == {"x": 2}


class TestConstraints:
    @pytest.mark.parametrize(
        ("type_name", "constraint", "good", "bad"),
        [
            ("integer", {"valid_values": [1, 2, 4]}, 4, 3),
            ("integer", {"in_range": [1, 4]}, 1, 0),
            ("integer", {"in_range": [1, "UNBOUNDED"]}, 10**9, 0),
            ("integer", {"greater_or_equal": 0}, 0, -1),
            ("integer", {"greater_than": 0}, 1, 0),
            ("integer", {"less_than": 5}, 0, 5),
            ("integer", {"less_or_equal": 5}, 5, 6),
            ("integer", {"equal": 0}, 0, 1),
            ("float", {"valid_values": [1, 2]}, 1, 1.5),
            ("string", {"length": 2}, "ab", "abc"),
            ("string", {"min_length": 1}, "a", ""),
            ("string", {"max_length": 1}, "", "ab"),
            ("string", {"pattern": "[a-z]+"}, "abc", "abc1"),
            ("string", {"valid_values": ["", "a"]}, "", "b"),
            ("list", {"min_length": 1}, [0], []),
            ("map", {"max_length": 1}, {}, {"a": 1, "b": 2}),
            ("boolean", {"equal": True}, True, False),
            ("version", {"valid_values": [16.04, "7"]}, "16.04", "8"),
            ("scalar-unit.size", {"greater_or_equal": "1 GB"}, "1 GiB", "900 MB"),
            ("scalar-unit.size", {"valid_values": ["1 GB", "2 GB"]}, "1000 MB", "3 GB"),
            ("scalar-unit.size", {"in_range": ["1 GB", "4 GB"]}, "4 GB", "5 GB"),
        ],
    )
    def test_every_kind_is_enforced(
        self, type_name: str, constraint: dict[str, Any], good: Any, bad: Any
    ) -> None:
        definition = {"type": type_name, "constraints": [constraint]}
        assert check(definition, good).faults == []
        (fault,) = check(definition, bad).faults
        assert fault.startswith("inputs.x: ")
        assert next(iter(constraint)) in fault

    def test_a_default_must_satisfy_them(self) -> None:
        definition = {"type": "integer", "default": 9, "constraints": [{"less_than": 5}]}
        assert check(definition).faults == [
            "topology_template.inputs.x.default: 9 is not accepted, less_than 5 is asked"
        ]

    def test_all_of_them_hold(self) -> None:
        constraints = [{"greater_than": 0}, {"less_than": 5}]
        assert check({"type": "integer", "constraints": constraints}, 7).faults

    def test_those_of_entries_are_enforced(self) -> None:
        entries = {"type": "integer", "constraints": [{"greater_than": 0}]}
        assert check({"type": "list", "entry_schema": entries}, [1, 0]).faults == [
            "inputs.x[1]: 0 is not accepted, greater_than 0 is asked"
        ]

    @pytest.mark.parametrize(
        "constraint",
        [{"no_such": 1}, 5, {}, {"pattern": "("}, {"in_range": 1}, {"min_length": "x"}],
    )
    def test_one_that_cannot_be_read_is_a_fault(self, constraint: Any) -> None:
        (fault,) = check({"type": "string", "constraints": [constraint]}, "a").faults
        assert "cannot be used" in fault


class TestDefinitions:
    def test_a_value_that_nobody_declared_is_told_apart(self) -> None:
        checked = inputs.check({}, {"cpu": 2}, frozenset())
        assert (checked.faults, checked.warnings) == ([], [])
        assert checked.unknown == ['inputs.cpu: the template declares no input "cpu"']

    def test_a_draft_needs_no_values(self) -> None:
        definitions = {"a": {"type": "integer"}, "b": {"type": "integer", "default": "x"}}
        checked = inputs.check(definitions, {}, frozenset(), draft=True)
        assert (checked.values, len(checked.faults)) == ({}, 1)

    def test_an_unknown_type_is_a_fault(self) -> None:
        assert check({"type": "nonsense"}, 1).faults == [
            'topology_template.inputs.x.type: the type "nonsense" is not known'
        ]

    def test_an_unknown_field_is_a_fault(self) -> None:
        assert check({"type": "integer", "defualt": 1}, 1).faults == [
            'topology_template.inputs.x: the field "defualt" is not known'
        ]

    def test_faults_of_all_inputs_are_reported(self) -> None:
        definitions = {name: {"type": "integer"} for name in "abc"}
        assert len(inputs.check(definitions, {"b": "x"}, frozenset()).faults) == 3


class TestSizes:
    @pytest.mark.parametrize(
        ("text", "unit", "amount"),
        [
            ("1 GiB", "MiB", 1024),
            ("1 GB", "MiB", 1_000_000_000 / 2**20),
            ("1024 MiB", "GiB", 1),
            ("1000 MB", "GB", 1),
            ("1 TB", "GiB", 10**12 / 2**30),
            ("1 TiB", "GiB", 1024),
            ("1 kB", "B", 1000),
            ("1 KiB", "B", 1024),
            ("2048  MB", "MB", 2048),
            ("1.5GB", "MB", 1500),
        ],
    )
    def test_decimal_and_binary_units_are_told_apart(
        self, text: str, unit: str, amount: float
    ) -> None:
        assert values.size(text, unit) == pytest.approx(amount)

    @pytest.mark.parametrize("value", ["-1 GB", "GB", "1", "", None, 5, ["1 GB"], {"a": 1}])
    def test_what_is_no_size_is_refused(self, value: Any) -> None:
        with pytest.raises(ValueError, match="a number with a unit"):
            values.size(value, "B")

    @given(st.integers(0, 10**6))
    def test_whole_amounts_keep_their_value(self, amount: int) -> None:
        assert values.size(f"{amount} GiB", "GiB") == amount


@given(
    st.sampled_from(sorted(values.CONVERTERS)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(), part, max_size=3),
        max_leaves=5,
    ),
)
def test_any_value_is_converted_once_and_for_all_or_refused(type_name: str, value: Any) -> None:
    try:
        once = values.checked(value, {"type": type_name}, "inputs.x")
    except values.ValueFault:
        return
    assert values.checked(once, {"type": type_name}, "inputs.x") == once
