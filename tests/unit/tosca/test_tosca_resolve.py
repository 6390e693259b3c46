"""Functions that need nothing but inputs, and what is left out."""

from typing import Any

from paas_stream.tosca import resolve


def resolved(value: Any, **inputs: Any) -> Any:
    """What `value`, the metadata of a template, resolves to; every input is declared."""
    return result(value, **inputs).document["metadata"]


def result(value: Any, declared: str = "", **inputs: Any) -> resolve.Resolved:
    tree = {"metadata": value, "topology_template": {"node_templates": {}, "inputs": {"a": {}}}}
    return resolve.resolve(tree, inputs, frozenset(inputs) | frozenset(declared.split()))


def volumes(size: Any, *requirements: Any, **properties: Any) -> dict[str, Any]:
    """The node templates after resolving a node with these requirements and a volume."""
    nodes = {
        "node": {"type": "tosca.nodes.Compute", "requirements": list(requirements)},
        "disk": {"type": "tosca.nodes.BlockStorage", "properties": {"size": size, **properties}},
    }
    tree = {"topology_template": {"node_templates": nodes}}
    made = resolve.resolve(tree, {"size": "0 GB"}, frozenset({"size"})).document
    resolve.drop_empty_volumes(made)
    templates: dict[str, Any] = made["topology_template"]["node_templates"]
    return templates


class TestGetInput:
    def test_it_is_replaced_at_any_depth(self) -> None:
        value = {"a": [{"b": {"get_input": "x"}}], "c": {"get_input": ["x"]}}
        assert resolved(value, x=5) == {"a": [{"b": 5}], "c": 5}

    def test_lists_and_maps_stay_what_they_are(self) -> None:
        assert resolved({"a": {"get_input": "x"}}, x={"k": [1, 2]}) == {"a": {"k": [1, 2]}}

    def test_falsy_values_are_put_in_place(self) -> None:
        for value in (0, False, "", [], {}):
            assert resolved({"a": {"get_input": "x"}}, x=value) == {"a": value}

    def test_what_has_no_value_is_left_out_of_maps_and_lists(self) -> None:
        value = {"a": {"get_input": "x"}, "b": [1, {"get_input": "x"}], "c": {"d": 1}}
        assert resolved(value, x=None) == {"b": [1], "c": {"d": 1}}

    def test_null_that_the_template_spells_stays(self) -> None:
        assert resolved({"a": None}) == {"a": None}

    def test_an_undeclared_input_is_a_fault_with_the_place(self) -> None:
        made = result({"a": [{"get_input": "y"}]})
        assert made.faults == ['metadata.a[0]: the template declares no input "y"']

    def test_an_input_at_fault_elsewhere_keeps_its_function(self) -> None:
        made = result({"a": {"get_input": "y"}}, declared="y")
        assert made.faults == []
        assert made.unresolved == {"y"}
        assert made.document["metadata"] == {"a": {"get_input": "y"}}

    def test_strange_arguments_are_a_fault(self) -> None:
        for argument in (5, ["a", {}], [], {"a": 1}, None):
            assert result({"a": {"get_input": argument}}).faults == [
                "metadata.a: get_input takes the name of an input, or a place in it"
            ]

    def test_a_place_in_an_input_can_be_read(self) -> None:
        given = {"hosts": [{"name": "a"}, {"name": "b"}]}
        value = {"a": {"get_input": ["x", "hosts", 1, "name"]}, "b": {"get_input": ["x"]}}
        assert resolved(value, x=given) == {"a": "b", "b": given}
        assert resolved({"a": {"get_input": ["x", "hosts"]}}, x=None) == {}

    def test_a_place_that_is_not_there_is_a_fault(self) -> None:
        for argument in (["x", "c"], ["x", "a", 2], ["x", "a", 0, "b"]):
            made = resolve.resolve(
                {"metadata": {"a": {"get_input": argument}}, "topology_template": {}},
                {"x": {"a": [1]}},
                frozenset(("x",)),
            )
            assert len(made.faults) == 1
            assert "metadata.a: the input has nothing at" in made.faults[0]

    def test_a_map_with_other_keys_is_no_function(self) -> None:
        value = {"a": {"get_input": "x", "b": 1}}
        assert resolved(value, x=5) == value

    def test_the_inputs_section_is_left_out(self) -> None:
        assert "inputs" not in result({}).document["topology_template"]


class TestConcatAndToken:
    def test_text_known_now_isjoined(self) -> None:
        value = {"a": {"concat": ["http://", {"get_input": "host"}, ":", 80, True]}}
        assert resolved(value, host="h") == {"a": "http://h:80true"}

    def test_an_input_without_value_is_nothing(self) -> None:
        assert resolved({"a": {"concat": ["x", {"get_input": "y"}]}}, y=None) == {"a": "x"}

    def test_what_is_known_at_run_time_stays_a_function(self) -> None:
        value = {"a": {"concat": ["http://", {"get_attribute": ["node", "ip"]}]}}
        assert resolved(value) == value

    def test_they_nest(self) -> None:
        value = {"a": {"token": [{"concat": ["a:", {"get_input": "x"}]}, ":", 1]}}
        assert resolved(value, x="b") == {"a": "b"}

    def test_a_token_out_of_range_stays_a_function(self) -> None:
        value = {"a": {"token": ["a:b", ":", 5]}}
        assert resolved(value) == value


class TestEmptyVolumes:
    def test_a_volume_of_size_0_goes_with_what_attaches_it(self) -> None:
        nodes = volumes({"get_input": "size"}, {"local_storage": {"node": "disk"}})
        assert nodes == {"node": {"type": "tosca.nodes.Compute", "requirements": []}}

    def test_other_requirements_stay(self) -> None:
        nodes = volumes("0 B", {"local_storage": "disk"}, {"dependency": "other"})
        assert nodes["node"]["requirements"] == [{"dependency": "other"}]

    def test_a_real_volume_stays(self) -> None:
        assert "disk" in volumes("1 GB", {"local_storage": "disk"})

    def test_an_existing_volume_stays_whatever_its_size(self) -> None:
        assert "disk" in volumes("0 GB", {"local_storage": "disk"}, volume_id="v-1")

    def test_a_size_that_is_none_is_left_to_the_parser(self) -> None:
        assert "disk" in volumes("some", {"local_storage": "disk"})
