"""Validation as a whole: what is accepted, and how faults are told."""

import json
import logging
from collections.abc import Callable
from threading import Thread
from typing import Any

import orjson
import pytest
from toscaparser.common.exception import ExceptionCollector

from paas_stream.errors import InvalidTemplateError
from paas_stream.tosca import limits, template
from paas_stream.tosca.options import Options
from paas_stream.tosca.validated import Validated

Text = Callable[..., str]
Validate = Callable[..., Validated]
Faults = Callable[..., list[str]]

NODE = "topology_template.node_templates.node"


class TestAccepted:
    def test_inputs_are_put_in_place_and_types_merged(
        self, one_node: Text, validate: Validate
    ) -> None:
        text = one_node(
            "capabilities: {host: {properties: {num_cpus: {get_input: cpus}}}}",
            inputs="cpus: {type: integer}",
        )
        document = validate(text, cpus="2").document
        node = document["topology_template"]["node_templates"]["node"]
        assert node["capabilities"]["host"]["properties"] == {"num_cpus": 2}
        assert "inputs" not in document["topology_template"]
        assert "tosca.nodes.indigo.Compute" in document["node_types"]

    def test_an_optional_input_without_value_leaves_its_property_out(
        self, one_node: Text, validate: Validate
    ) -> None:
        text = one_node(
            "capabilities: {host: {properties: {num_cpus: {get_input: cpus}, mem_size: 1 GB}}}",
            inputs="cpus: {type: integer, required: false}",
        )
        node = validate(text).document["topology_template"]["node_templates"]["node"]
        assert node["capabilities"]["host"]["properties"] == {"mem_size": "1 GB"}

    def test_inputs_in_outputs_are_put_in_place(self, topology: Text, validate: Validate) -> None:
        text = topology("""
            inputs: {port: {type: integer, default: 80}}
            node_templates: {node: {type: tosca.nodes.Compute}}
            outputs:
              url: {value: {concat: ["http://", {get_attribute: [node, private_address]}, ":",
                                     {get_input: port}]}}
        """)
        outputs = validate(text).document["topology_template"]["outputs"]
        assert outputs["url"]["value"]["concat"][-1] == 80

    def test_the_document_is_json(self, one_node: Text, validate: Validate) -> None:
        text = one_node("metadata: {created: 2030-01-31, 1: one}")
        document = validate(text).document
        assert json.loads(orjson.dumps(document)) == document

    @pytest.mark.parametrize("version", ["1_0", "1_2", "1_3"])
    def test_versions_that_the_parser_knows(
        self, one_node: Text, validate: Validate, version: str
    ) -> None:
        assert validate(one_node().replace("1_0", version)).requirements

    def test_the_name_comes_from_the_metadata(
        self, topology: Text, one_node: Text, validate: Validate
    ) -> None:
        nodes = "node_templates: {node: {type: tosca.nodes.Compute}}"
        assert validate(topology(nodes, "metadata: {template_name: x}")).template_name == "x"
        assert validate(one_node()).template_name == ""

    def test_a_placement_policy_makes_it_not_automatic(
        self, topology: Text, validate: Validate
    ) -> None:
        nodes = "node_templates: {node: {type: tosca.nodes.Compute}}\npolicies: "
        own = "policy_types: {my.Sla: {derived_from: tosca.policies.Placement}}"
        assert validate(topology(nodes + "[]")).is_automatic
        scaling = "[p: {type: tosca.policies.Scaling, targets: [node]}]"
        assert validate(topology(nodes + scaling)).is_automatic
        placed = "[p: {type: my.Sla, targets: [node]}]"
        assert not validate(topology(nodes + placed, own)).is_automatic

    def test_an_unknown_input_is_a_warning(self, one_node: Text, validate: Validate) -> None:
        assert validate(one_node(), cpu=1).warnings == (
            'inputs.cpu: the template declares no input "cpu"',
        )

    def test_ports_may_be_empty_and_volumes_of_no_size(
        self, topology: Text, validate: Validate
    ) -> None:
        text = topology("""
            inputs:
              ports: {type: map, entry_schema: {type: PortSpec}, default: {}}
              size: {type: scalar-unit.size, default: 0 GiB}
            node_templates:
              node:
                type: tosca.nodes.indigo.Compute
                capabilities: {endpoint: {properties: {ports: {get_input: ports}}}}
                requirements: [local_storage: disk]
              disk: {type: tosca.nodes.BlockStorage, properties: {size: {get_input: size}}}
        """)
        assert validate(text).requirements[0].volumes_gib == ()


class TestRefused:
    def test_all_faults_come_together(self, topology: Text, faults: Faults) -> None:
        text = topology("""
            inputs:
              cpus: {type: integer}
              memory: {type: scalar-unit.size, default: a lot}
            node_templates:
              node:
                type: tosca.nodes.indigo.Compute
                properties: {instance_nam: x}
                capabilities:
                  host:
                    properties:
                      num_cpus: {get_input: cpu}
                      mem_size: {get_input: memory}
                      disk_size: much
                  scalable: {properties: {count: -1}}
              other: {type: tosca.nodes.Nothing}
            outputs:
              a: {value: {get_attribute: [nobody, private_address]}}
        """)
        found = faults(text, cpus="two")
        places = [fault.split(": ")[0] for fault in found]
        assert places == [
            "inputs.cpus",
            "topology_template.inputs.memory.default",
            f"{NODE}.capabilities.host.properties.num_cpus",
            f"{NODE}.capabilities.host.properties.disk_size",
            f"{NODE}.capabilities.scalable.properties.count",
            f"{NODE}.properties",
            "topology_template.node_templates.other",
            "topology_template.outputs.a",
        ]

    @pytest.mark.parametrize(
        "imports",
        [
            "[http://127.0.0.1:9/types.yaml]",
            "[file:///etc/passwd]",
            "[/etc/hostname]",
            "[{own: https://example.org/types.yaml}]",
            "[{own: {file: types.yaml, repository: there}}]",
            "[a.yaml, b.yaml]",
            "a.yaml",
        ],
    )
    def test_every_import_is_refused_by_name(
        self, topology: Text, faults: Faults, imports: str
    ) -> None:
        text = topology("node_templates: {node: {type: t}}", f"imports: {imports}")
        found = faults(text)
        assert len(found) == (2 if "b.yaml" in imports else 1)
        for number, fault in enumerate(found):
            assert fault.startswith(f'imports[{number}]: the import "')
            assert "is not known here" in fault

    @pytest.mark.parametrize(
        ("version", "said"),
        [
            ("tosca_simple_yaml_1_1", '"tosca_simple_yaml_1_1" is not accepted'),
            ("tosca_simple_profile_for_nfv_1_0_0", "is not accepted"),
            ("''", "it is missing"),
        ],
    )
    def test_other_versions(self, one_node: Text, faults: Faults, version: str, said: str) -> None:
        (fault,) = faults(one_node().replace("tosca_simple_yaml_1_0", version))
        assert said in fault
        assert "tosca_simple_yaml_1_0" in fault

    @pytest.mark.parametrize("text", ["", "[]", "hello", "null", "5", "a: [1"])
    def test_what_is_no_template_at_all(self, faults: Faults, text: str) -> None:
        assert len(faults(text)) == 1

    @pytest.mark.parametrize(
        ("body", "fault"),
        [
            ("node_templates: []", "topology_template.node_templates: a map is needed"),
            ("node_templates: {}", "topology_template.node_templates: the template has no node"),
            ("node_templates: {n: null}", "topology_template.node_templates.n: a map is needed"),
            ("node_templates: {n: {}}", "topology_template.node_templates.n.type: the name of"),
            ("{}", "topology_template.node_templates: the template has no node"),
            ("[]", "topology_template: a map is needed, not a list"),
            (
                "node_templates: {n: {type: tosca.nodes.ObjectStorage, properties: {name: x}}}",
                "topology_template.node_templates: there is no machine or container to deploy",
            ),
        ],
    )
    def test_a_topology_without_nodes(
        self, topology: Text, faults: Faults, body: str, fault: str
    ) -> None:
        assert any(found.startswith(fault) for found in faults(topology(body)))

    @pytest.mark.parametrize(
        ("body", "place"),
        [
            ("capabilities: []", "capabilities"),
            ("capabilities: {host: null}", "capabilities.host"),
            ("capabilities: {host: {}}", "capabilities.host.properties"),
            ("properties: [a]", "properties"),
            ("requirements: {local_storage: x}", "requirements"),
            ("requirements: [5]", "requirements[0]"),
            ("requirements: [{local_storage: 5}]", "requirements[0].local_storage"),
            ("requirements: [{local_storage: {node: [x]}}]", "requirements[0].local_storage.node"),
            ("interfaces: {Standard: [a]}", "interfaces.Standard"),
            (
                "capabilities: {scalable: {properties: {max_instances: 3, default_instances: 1}}}",
                "capabilities.scalable.properties.min_instances",
            ),
        ],
    )
    def test_a_node_out_of_shape(
        self, one_node: Text, faults: Faults, body: str, place: str
    ) -> None:
        (fault,) = faults(one_node(body))
        assert fault.startswith(f"{NODE}.{place}: ")

    def test_an_input_cannot_bring_a_part_out_of_shape(
        self, one_node: Text, faults: Faults
    ) -> None:
        text = one_node("properties: {get_input: all}", inputs="all: {type: string, default: x}")
        assert faults(text) == [f"{NODE}.properties: a map is needed, not text"]

    def test_faults_of_inputs_come_also_when_the_form_is_wrong(
        self, topology: Text, faults: Faults
    ) -> None:
        text = topology("inputs: {a: {type: integer}}\nnode_templates: []")
        assert any(fault.startswith("inputs.a: ") for fault in faults(text))

    @pytest.mark.parametrize(
        ("properties", "fault"),
        [
            ("num_cpus: x", 'num_cpus: "x" is not an integer.'),
            ("num_cpus: 0", 'num_cpus: The value "0" of property "num_cpus" must be greater'),
            ("mem_size: -4 GB", 'mem_size: "-4 GB" is not a valid scalar-unit.'),
        ],
    )
    def test_a_value_is_told_once_with_its_place(
        self, one_node: Text, faults: Faults, properties: str, fault: str
    ) -> None:
        (found,) = faults(one_node(f"capabilities: {{host: {{properties: {{{properties}}}}}}}"))
        assert found.startswith(f"{NODE}.capabilities.host.properties.{fault}")

    def test_a_type_without_a_place_for_what_a_provider_fills_in(
        self, topology: Text, faults: Faults
    ) -> None:
        text = topology(
            "node_templates: {node: {type: my.Vm}}",
            """
            node_types:
              my.Vm: {derived_from: tosca.nodes.Compute, capabilities: {os: {type: my.Os}}}
            capability_types:
              my.Os: {derived_from: tosca.capabilities.OperatingSystem}
            """,
        )
        assert faults(text) == [
            f'{NODE}.capabilities.os.properties: contains unknown field "image". '
            "(needed for a provider)"
        ]

    def test_equal_faults_of_two_nodes_are_both_told(self, topology: Text, faults: Faults) -> None:
        node = "{type: tosca.nodes.Compute, capabilities: {host: {properties: {num_cpus: x}}}}"
        found = faults(topology(f"node_templates:\n  a: {node}\n  b: {node}"))
        assert [fault.split(".")[2] for fault in found] == ["a", "b"]

    def test_what_follows_from_an_unknown_type_is_not_told(
        self, one_node: Text, faults: Faults
    ) -> None:
        text = one_node("capabilities: {host: {properties: {a: 1}}}", kind="tosca.nodes.Computer")
        assert faults(text) == [f'{NODE}: Type "tosca.nodes.Computer" is not a valid type.']

    @pytest.mark.parametrize(
        ("body", "kwargs"),
        [
            ("properties: {instance_name: {get_property: [SELF, instance_name]}}", {}),
            ("directives: 5", {}),
            ("type: my.Type", {}),
            ("interfaces: {Standard: {configure: {implementation: {}}}}", {}),
        ],
    )
    def test_nothing_of_the_server_is_told(
        self, one_node: Text, faults: Faults, body: str, kwargs: dict[str, str]
    ) -> None:
        said = " ".join(faults(one_node(body, **kwargs)))
        for internal in ("Traceback", ".py", "site-packages", "line 0", "0x"):
            assert internal not in said


class TestOptions:
    SOFTWARE = """
        node_templates:
          fe: {type: tosca.nodes.indigo.LRMS.FrontEnd.Slurm}
          node: {type: tosca.nodes.Compute}
    """

    def test_a_requirement_that_is_missing_is_a_fault(self, topology: Text, faults: Faults) -> None:
        assert faults(topology(self.SOFTWARE)) == [
            'topology_template.node_templates.fe: the requirement "host" is there too seldom or too '
            "often"
        ]

    def test_lenient_it_is_a_warning(self, topology: Text) -> None:
        made = template.validate(topology(self.SOFTWARE), {}, Options(lenient=True))
        (warning,) = made.warnings
        assert warning.startswith('topology_template.node_templates.fe: the requirement "host"')

    def test_lenient_spares_nothing_else(self, topology: Text) -> None:
        text = topology(self.SOFTWARE + "\n          bad: {type: no.such.Type}")
        with pytest.raises(InvalidTemplateError, match=r"no\.such\.Type"):
            template.validate(text, {}, Options(lenient=True))

    def test_an_unknown_input_is_a_fault_where_that_is_asked_for(self, one_node: Text) -> None:
        with pytest.raises(InvalidTemplateError) as caught:
            template.validate(one_node(), {"cpu": 1}, Options(unknown_inputs="error"))
        assert caught.value.faults == ['inputs.cpu: the template declares no input "cpu"']


class TestLimits:
    def test_they_are_those_that_are_passed(self, one_node: Text) -> None:
        with pytest.raises(InvalidTemplateError, match="bytes"):
            template.validate(one_node(), {}, Options(limits.Limits(max_bytes=10)))

    def test_inputs_are_limited(self, one_node: Text, faults: Faults) -> None:
        deep: Any = []
        for _ in range(900):
            deep = [deep]
        assert faults(one_node(), a=deep) == ["inputs: nested deeper than 64 levels"]
        assert "characters" in faults(one_node(), a="x" * 300_000)[0]

    def test_a_large_input_used_often_is_refused_before_it_is_written_out(
        self, topology: Text, faults: Faults
    ) -> None:
        uses = ", ".join(["{get_input: big}"] * 500)
        text = topology(f"""
            inputs: {{big: {{type: string}}}}
            node_templates: {{node: {{type: tosca.nodes.Compute}}}}
            outputs: {{all: {{value: [{uses}]}}}}
        """)
        (fault,) = faults(text, big="x" * 100_000)
        assert fault.startswith("the template with its inputs in place: more than")


class TestParserState:
    def test_a_refused_template_leaves_nothing_behind(
        self, one_node: Text, faults: Faults, validate: Validate
    ) -> None:
        assert faults(one_node("capabilities: {nothing: {properties: {}}}"))
        assert faults(one_node("properties: {instance_name: {get_property: [SELF, x, y]}}"))
        assert ExceptionCollector.collecting is False
        assert ExceptionCollector.getExceptions() == []
        assert validate(one_node())

    def test_threads_do_not_mix_up_their_faults(self, one_node: Text, faults: Faults) -> None:
        found: dict[int, list[str]] = {}

        def work(number: int) -> None:
            body = f"properties: {{p{number}: 1}}" if number % 2 else ""
            found[number] = faults(one_node(body))

        threads = [Thread(target=work, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for number, said in found.items():
            wanted = [f'{NODE}.properties: contains unknown field "p{number}".']
            assert said == (wanted if number % 2 else [])

    def test_the_types_are_the_same_for_every_template(
        self, one_node: Text, validate: Validate
    ) -> None:
        first = orjson.dumps(validate(one_node()).document)
        for _ in range(5):
            validate(one_node("capabilities: {endpoint: {properties: {ports: {a: {source: 1}}}}}"))
        assert orjson.dumps(validate(one_node()).document) == first

    def test_the_parser_says_nothing_on_its_own(
        self, one_node: Text, faults: Faults, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.ERROR):
            faults(one_node("properties: {a: 1}"))
        assert caplog.records == []
