"""Imports: every spelling, the vetted map, and type files that operators add."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from paas_stream.errors import ConfigurationError, InvalidTemplateError
from paas_stream.tosca import imports, template, vetted
from paas_stream.tosca.options import Options
from paas_stream.tosca.validated import Validated

Text = Callable[..., str]

URL = "https://types.example.org/v1/vm.yaml"
OWN = """
tosca_definitions_version: tosca_simple_yaml_1_0
node_types:
  my.Vm:
    derived_from: tosca.nodes.indigo.Compute
    properties:
      colour: {type: string, required: false}
"""
VM = "node_templates: {node: {type: my.Vm, properties: {colour: red}}}"


def add(directory: Path, url: str = URL, text: str = OWN) -> vetted.TypeFile:
    return vetted.add(directory, url, text.encode())[0]


def refused(directory: Path, url: str, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        add(directory, url, text)
    return caught.value.message


@pytest.fixture
def validated(tmp_path: Path) -> Callable[[str], Validated]:
    return lambda text: template.validate(text, {}, Options(types=tmp_path))


class TestSpellings:
    @pytest.mark.parametrize(
        ("spelled", "names"),
        [
            (None, []),
            ([], []),
            ("a.yaml", ["a.yaml"]),
            (["a.yaml", "b.yaml"], ["a.yaml", "b.yaml"]),
            ([{"own": "https://x.org/a.yaml"}], ["https://x.org/a.yaml"]),
            ([{"own": {"file": "a.yaml"}}], ["a.yaml"]),
            ([{"own": {"file": "a.yaml", "repository": "r"}}], ["https://r.org/t/a.yaml"]),
            ([{"file": "a.yaml", "repository": "s"}], ["https://s.org/a.yaml"]),
            ({"file": "a.yaml", "namespace_prefix": "p"}, ["a.yaml"]),
        ],
    )
    def test_each_is_understood(self, spelled: object, names: list[str]) -> None:
        repositories = {"r": {"url": "https://r.org/t/"}, "s": "https://s.org"}
        found, faults = imports.wanted({"imports": spelled, "repositories": repositories})
        assert [one.name for one in found] == names
        assert faults == []

    @pytest.mark.parametrize("spelled", [[None], [5], [[]], [{}], [{"a": {}}], [{"file": 7}], [""]])
    def test_what_names_no_file_is_a_fault(self, spelled: object) -> None:
        assert imports.wanted({"imports": spelled}) == (
            [],
            ["imports[0]: the name of a file is needed"],
        )

    def test_too_many_are_a_fault(self) -> None:
        found, faults = imports.wanted({"imports": ["a.yaml"] * 51})
        assert (found, faults) == ([], ["imports: at most 50 are accepted, not 51"])

    def test_a_type_file_s_own_imports_are_found_beside_it(self) -> None:
        found, _ = imports.wanted({"imports": ["more.yaml", "https://x.org/a.yaml"]}, base=URL)
        assert [one.name for one in found] == [
            "https://types.example.org/v1/more.yaml",
            "https://x.org/a.yaml",
        ]


class TestTheMap:
    @pytest.mark.parametrize("name", vetted.SHIPPED_NAMES)
    def test_the_names_of_the_field_stand_for_our_types(
        self, validated: Callable[[str], Validated], topology: Text, name: str
    ) -> None:
        nodes = "node_templates: {node: {type: tosca.nodes.indigo.Compute}}"
        made = validated(topology(nodes, f"imports: [{{types: {name}}}]"))
        assert made.requirements
        assert "imports" not in made.document

    def test_an_added_file_serves_the_next_template(
        self, tmp_path: Path, validated: Callable[[str], Validated], topology: Text
    ) -> None:
        text = topology(VM, f"imports: [{URL}]")
        with pytest.raises(InvalidTemplateError, match="is not known here"):
            validated(text)
        one = add(tmp_path)
        assert (one.url, one.types) == (URL, 1)
        assert "my.Vm" in validated(text).document["node_types"]

    def test_types_are_those_of_the_templates_that_import_them(
        self, tmp_path: Path, validated: Callable[[str], Validated], topology: Text
    ) -> None:
        add(tmp_path)
        with pytest.raises(InvalidTemplateError, match=r"my\.Vm.* is not a valid type"):
            validated(topology(VM))

    def test_a_later_file_of_the_same_name_counts_at_once(
        self, tmp_path: Path, validated: Callable[[str], Validated], topology: Text
    ) -> None:
        text = topology(VM, f"imports: [{URL}]")
        add(tmp_path)
        validated(text)
        add(tmp_path, text=OWN.replace("colour", "shade"))
        with pytest.raises(InvalidTemplateError, match='unknown field "colour"'):
            validated(text)
        assert [one.url for one in vetted.Vetted(tmp_path).files()].count(URL) == 1

    def test_an_added_file_takes_the_place_of_ours(
        self, tmp_path: Path, validated: Callable[[str], Validated], topology: Text
    ) -> None:
        name = vetted.SHIPPED_NAMES[1]
        add(tmp_path, name)
        assert validated(topology(VM, f"imports: [{name}]")).requirements

    def test_the_template_s_own_types_win(
        self, tmp_path: Path, validated: Callable[[str], Validated], topology: Text
    ) -> None:
        add(tmp_path)
        own = "node_types: {my.Vm: {derived_from: tosca.nodes.Compute}}"
        with pytest.raises(InvalidTemplateError, match='unknown field "colour"'):
            validated(topology(VM, f"imports: [{URL}]\n{own}"))

    def test_a_type_without_a_place_for_what_a_provider_fills_in_is_refused(
        self, tmp_path: Path, validated: Callable[[str], Validated], topology: Text
    ) -> None:
        add(
            tmp_path,
            text="""
tosca_definitions_version: tosca_simple_yaml_1_0
node_types:
  my.Vm: {derived_from: tosca.nodes.Compute, capabilities: {os: {type: my.Os}}}
capability_types:
  my.Os: {derived_from: tosca.capabilities.OperatingSystem}
""",
        )
        with pytest.raises(InvalidTemplateError, match=r'"image"\. \(needed for a provider\)'):
            validated(topology("node_templates: {node: {type: my.Vm}}", f"imports: [{URL}]"))

    def test_descriptions_are_left_out_and_values_stay(
        self, tmp_path: Path, validated: Callable[[str], Validated], topology: Text
    ) -> None:
        add(
            tmp_path,
            text="""
tosca_definitions_version: tosca_simple_yaml_1_0
node_types:
  my.Vm:
    description: A machine
    derived_from: tosca.nodes.indigo.Compute
    properties:
      description: {type: string, description: A text, required: false}
      labels: {type: map, required: false, default: {description: kept}}
""",
        )
        made = validated(
            topology(
                "node_templates: {n: {type: my.Vm, properties: {description: x}}}",
                f"imports: [{URL}]",
            )
        )
        assert made.document["node_types"]["my.Vm"] == {
            "derived_from": "tosca.nodes.indigo.Compute",
            "properties": {
                "description": {"type": "string", "required": False},
                "labels": {"type": "map", "required": False, "default": {"description": "kept"}},
            },
        }

    def test_files_may_import_each_other_s_types(
        self, tmp_path: Path, validated: Callable[[str], Validated], topology: Text
    ) -> None:
        add(tmp_path)
        more = """
tosca_definitions_version: tosca_simple_yaml_1_0
imports: [vm.yaml]
node_types: {my.BigVm: {derived_from: my.Vm}}
"""
        one = add(tmp_path, "https://types.example.org/v1/big.yaml", more)
        assert one.imports == (URL,)
        nodes = "node_templates: {node: {type: my.BigVm, properties: {colour: red}}}"
        made = validated(topology(nodes, f"imports: [{one.url}]"))
        assert {"my.Vm", "my.BigVm"} <= made.document["node_types"].keys()


class TestAFileThatWasTamperedWith:
    @pytest.fixture
    def text(self, tmp_path: Path, topology: Text) -> str:
        add(tmp_path)
        return topology(VM, f"imports: [{URL}]")

    def test_it_is_refused_with_a_sentence(
        self, tmp_path: Path, validated: Callable[[str], Validated], text: str
    ) -> None:
        validated(text)
        (file,) = tmp_path.glob("*.yaml")
        file.write_text(OWN.replace("colour", "colors"))
        with pytest.raises(InvalidTemplateError) as caught:
            validated(text)
        (fault,) = caught.value.details
        assert (fault.path, fault.line) == ("imports[0]", 2)
        assert "was changed after it was added" in fault.message
        assert "add it again" in fault.message

    def test_a_file_that_is_gone_is_told(
        self, tmp_path: Path, validated: Callable[[str], Validated], text: str
    ) -> None:
        (file,) = tmp_path.glob("*.yaml")
        file.unlink()
        with pytest.raises(InvalidTemplateError, match="cannot be read"):
            validated(text)

    @pytest.mark.parametrize(
        "index",
        [
            "{",
            "[]",
            '{"types": [{"url": "x"}]}',
            json.dumps(
                {
                    "types": [
                        {"url": URL, "file": "/etc/x", "sha256": "0", "types": 1, "imports": []}
                    ]
                }
            ),
            json.dumps(
                {"types": [{"url": URL, "file": "../x", "sha256": "0", "types": 1, "imports": []}]}
            ),
        ],
    )
    def test_an_index_that_is_none_is_told(
        self, tmp_path: Path, validated: Callable[[str], Validated], text: str, index: str
    ) -> None:
        (tmp_path / vetted.INDEX).write_text(index)
        with pytest.raises(InvalidTemplateError, match="is no index of type files"):
            validated(text)


class TestAdding:
    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("a: [", "is not valid YAML"),
            ("[]", "must be a map"),
            ("node_types: {a: {derived_from: tosca.nodes.Root}}", "tosca_definitions_version"),
            ("tosca_definitions_version: tosca_simple_yaml_1_0", "there is no type definition"),
            (OWN + "topology_template: {}", "line 8: topology_template: a type file has none"),
            (OWN.replace("{type: string", "{tip: string"), "colour.type: the name of a type"),
            (OWN + "  b: {derived_from: b}", "line 8: node_types.b.derived_from: the type derives"),
            (OWN + "imports: [other.yaml]", 'v1/other.yaml" is not known here; add it first'),
            (OWN + f"imports: [{URL}]", "the file would import itself"),
            (OWN + "imports: [vm.yaml]", "the file would import itself"),
            ("#" * 2**20 + "\n", "at most 1048576 are accepted"),
            ("[" * 1000, "nests lists and maps deeper"),
        ],
    )
    def test_what_is_no_type_file_is_refused(self, tmp_path: Path, text: str, says: str) -> None:
        assert says in refused(tmp_path, URL, text)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("url", ["", "a b", "x" * 1001, "a\nb", "\u00e9"])
    def test_a_name_that_is_none_is_refused(self, tmp_path: Path, url: str) -> None:
        assert "the name of an import" in refused(tmp_path, url, OWN)

    def test_bytes_that_are_no_text_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="not UTF-8"):
            vetted.add(tmp_path, URL, b"\xff\xfe")

    def test_files_that_would_import_each_other_are_refused(self, tmp_path: Path) -> None:
        add(tmp_path)
        other = "https://types.example.org/v1/other.yaml"
        add(tmp_path, other, OWN.replace("my.Vm", "my.Other") + "imports: [vm.yaml]")
        assert "import itself" in refused(tmp_path, URL, OWN + "imports: [other.yaml]")

    def test_repeated_keys_are_warnings_and_the_last_one_counts(self, tmp_path: Path) -> None:
        text = OWN + "    properties: {size: {type: string, required: false}}\n"
        one, warnings = vetted.add(tmp_path, URL, text.encode())
        assert warnings == ['line 8: the key "properties" is there twice']
        (entry,) = vetted.Vetted(tmp_path).types(one.url).values()
        assert entry.definition()["properties"].keys() == {"size"}

    def test_the_file_is_copied_under_its_check_sum(self, tmp_path: Path) -> None:
        one = add(tmp_path)
        assert (tmp_path / one.file).read_text() == OWN
        assert one.file == f"{one.sha256}.yaml"
        index = json.loads((tmp_path / vetted.INDEX).read_text())
        assert [entry["url"] for entry in index["types"]] == [URL]
        assert not [name for name in os.listdir(tmp_path) if name.startswith(".new")]
