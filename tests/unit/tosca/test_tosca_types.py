"""Type definitions: which are merged in, and that every walk ends."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from paas_stream.tosca import catalogue, cycles, parser, types, vetted, yamltext


def document(node_type: str, **sections: Any) -> dict[str, Any]:
    return {"topology_template": {"node_templates": {"node": {"type": node_type}}}, **sections}


def merged(node_type: str, **sections: Any) -> set[str]:
    """The names of the types that a template with one node of this type gets."""
    made = types.with_needed(document(node_type, **sections))
    return {name for section in types.SECTIONS for name in made.get(section, {})}


class TestClosure:
    def test_types_of_the_simple_profile_need_nothing(self) -> None:
        assert merged("tosca.nodes.Compute") == set()

    def test_what_a_type_refers_to_comes_with_it(self) -> None:
        names = merged("tosca.nodes.indigo.Compute")
        assert "tosca.nodes.indigo.Compute" in names
        assert "tosca.capabilities.indigo.Endpoint" in names
        assert "tosca.datatypes.indigo.network.PortSpec" in names

    def test_what_nothing_refers_to_is_left_out(self) -> None:
        assert "tosca.relationships.indigo.AttachesTo" not in merged("tosca.nodes.indigo.Compute")
        assert merged("tosca.nodes.Compute", node_types={"my.Unused": {}}) == set()

    def test_parents_come_with_a_type_of_the_template(self) -> None:
        own = {"my.Vm": {"derived_from": "tosca.nodes.indigo.Compute"}}
        names = merged("my.Vm", node_types=own)
        assert {"my.Vm", "tosca.nodes.indigo.Compute"} <= names

    def test_a_relationship_type_is_found_in_requirements(self) -> None:
        made = document("tosca.nodes.Compute")
        made["topology_template"]["node_templates"]["node"]["requirements"] = [
            {"local_storage": {"relationship": {"type": "tosca.relationships.indigo.AttachesTo"}}}
        ]
        assert (
            "tosca.relationships.indigo.AttachesTo"
            in (types.with_needed(made)["relationship_types"])
        )

    def test_the_template_wins_over_ours(self) -> None:
        own = {"tosca.nodes.indigo.Compute": {"derived_from": "tosca.nodes.Compute"}}
        made = types.with_needed(document("tosca.nodes.indigo.Compute", node_types=own))
        assert made["node_types"] == own
        assert "capability_types" not in made

    def test_definitions_that_refer_to_each_other_end(self) -> None:
        own = {"a": {"derived_from": "b"}, "b": {"derived_from": "a"}}
        assert merged("a", node_types=own) == {"a", "b"}

    def test_it_is_stable(self) -> None:
        once = types.with_needed(document("tosca.nodes.indigo.Compute"))
        assert types.with_needed(once) == once

    def test_the_document_given_is_not_changed(self) -> None:
        given = document("tosca.nodes.indigo.Compute")
        types.with_needed(given)
        assert given == document("tosca.nodes.indigo.Compute")

    def test_our_types_are_fresh_each_time(self) -> None:
        types.shipped()["node_types"].clear()
        assert types.shipped()["node_types"]


class TestAncestry:
    def test_it_goes_up_to_the_first_type_that_is_not_defined_here(self) -> None:
        own = {"a": {"derived_from": "b"}, "b": {"derived_from": "tosca.nodes.Compute"}}
        names = types.ancestry({"node_types": own}, "node_types", "a")
        assert names == ["a", "b", "tosca.nodes.Compute"]

    def test_a_cycle_ends(self) -> None:
        own = {"a": {"derived_from": "b"}, "b": {"derived_from": "a"}, "c": {"derived_from": "c"}}
        assert types.ancestry({"node_types": own}, "node_types", "a") == ["a", "b"]
        assert types.ancestry({"node_types": own}, "node_types", "c") == ["c"]

    def test_compute_nodes_are_found_by_ancestry(self) -> None:
        given = document("my.Vm", node_types={"my.Vm": {"derived_from": types.COMPUTE}})
        assert list(types.nodes_of(given, types.COMPUTE)) == ["node"]
        assert types.nodes_of(given, types.BLOCK_STORAGE) == {}


class TestCapabilityProperty:
    sections: ClassVar[dict[str, Any]] = {
        "node_types": {
            "my.Vm": {"derived_from": "my.Base"},
            "my.Base": {
                "derived_from": types.COMPUTE,
                "capabilities": {"host": {"type": "my.Host"}},
            },
        },
        "capability_types": {
            "my.Host": {"derived_from": "my.Host.Base"},
            "my.Host.Base": {"properties": {"num_cpus": {"type": "integer", "default": 4}}},
        },
    }

    def value(self, **properties: Any) -> Any:
        given = document("my.Vm", **self.sections)
        node = given["topology_template"]["node_templates"]["node"]
        if properties:
            node["capabilities"] = {"host": {"properties": properties}}
        return types.capability_property(given, node, "host", "num_cpus")

    def test_the_node_wins(self) -> None:
        assert self.value(num_cpus=0) == 0

    def test_the_default_of_an_inherited_capability_type_counts(self) -> None:
        assert self.value() == 4
        assert self.value(mem_size="1 GB") == 4

    def test_without_either_there_is_none(self) -> None:
        given = document("tosca.nodes.Compute")
        node = given["topology_template"]["node_templates"]["node"]
        assert types.capability_property(given, node, "host", "num_cpus") is None


class TestShippedTypes:
    def test_whatever_they_name_is_there(self) -> None:
        known = {**parser.simple_profile(), **catalogue.shipped()}
        for name, entry in catalogue.shipped().items():
            missing = {text for text in entry.texts if text.startswith("tosca.")} - known.keys()
            assert not missing, name

    def test_each_is_defined_once(self) -> None:
        names = [
            name
            for content in catalogue.shipped_files().values()
            for name in catalogue.of(yamltext.build(content.decode()))
        ]
        assert len(names) == len(set(names)) == len(catalogue.shipped())

    def test_none_derives_from_itself(self) -> None:
        assert cycles.faults(catalogue.shipped(), parser.simple_profile()) == []

    def test_the_documentation_names_each(self) -> None:
        told = (Path(__file__).parents[3] / "docs" / "templates.md").read_text("utf-8")
        assert [name for name in catalogue.shipped() if f"`{name}`" not in told] == []
        assert [name for name in vetted.SHIPPED_NAMES if name not in told] == []

    def test_what_installs_software_reads_properties_that_have_a_value(self) -> None:
        document = types.shipped()
        for name in document["node_types"]:
            node = {"type": name}
            for read in _reads(document["node_types"][name].get("interfaces")):
                if read[0] == "SELF" and len(read) == 2:
                    schema = types.property_schema(document, node, read[1])
                    assert schema, f"{name} has no property {read[1]}"
                    assert schema.get("required", True) or "default" in schema, f"{name}: {read}"

    def test_the_tosca_parser_takes_a_node_of_each(self) -> None:
        for name in types.shipped()["node_types"]:
            made = types.with_needed(document(name))
            made["tosca_definitions_version"] = "tosca_simple_yaml_1_0"
            allowed = ("lacks what is required", "is there too seldom or too often")
            odd = [fault for fault in parser.faults(made) if not any(a in fault for a in allowed)]
            assert odd == [], name


def _reads(value: Any) -> Iterator[list[Any]]:
    """The arguments of every `get_property`."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "get_property":
                yield item
            else:
                yield from _reads(item)
    elif isinstance(value, list):
        for item in value:
            yield from _reads(item)
