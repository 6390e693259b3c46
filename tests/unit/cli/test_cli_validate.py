"""`paas-stream validate` and `types`: templates checked on this machine."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from paas_stream.cli.main import cli

Run = Callable[..., Result]

EXAMPLES = Path(__file__).parents[3] / "examples"
URL = "https://types.example.org/vm.yaml"
TYPES = """
tosca_definitions_version: tosca_simple_yaml_1_0
node_types: {my.Vm: {derived_from: tosca.nodes.indigo.Compute}}
"""
LOOSE = """
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  node_templates:
    fe: {type: tosca.nodes.indigo.LRMS.FrontEnd.Slurm}
    vm: {type: tosca.nodes.Compute}
"""


def example(name: str) -> str:
    return str(EXAMPLES / f"{name}.yaml")


class TestAValidTemplate:
    def test_is_summed_up_with_its_nodes_sums_and_inputs(self, run: Run) -> None:
        result = run("validate", example("cluster"), "-i", "workers=4")
        assert result.exit_code == 0, result.output
        lines = result.stdout.splitlines()
        assert lines[0] == "the template is valid  cluster"
        assert lines[1].startswith("NODE       KIND     COUNT  CPUS  MEMORY MIB  DISK GIB  GPUS")
        assert lines[2].split()[:5] == ["front_end", "machine", "1", "1", "1908"]
        assert lines[3].split()[:5] == ["worker", "machine", "4", "2", "3815"]
        assert lines[4].split()[:5] == ["in", "all", "5", "9", "17168"]
        assert "input     workers = 4" in lines

    def test_is_json_where_that_is_asked_for(self, run: Run) -> None:
        told = json.loads(run("validate", example("cluster"), "--json").stdout)
        assert told["valid"]
        assert [node["name"] for node in told["nodes"]] == ["front_end", "worker"]
        assert told["totals"]["machines"] == 3
        assert told["inputs"]["workers"] == 2

    def test_may_come_from_the_standard_input(self) -> None:
        text = (EXAMPLES / "vm.yaml").read_text()
        result = CliRunner().invoke(cli, ["validate", "-"], input=text)
        assert result.exit_code == 0, result.output

    def test_takes_its_inputs_from_a_file_and_the_command_line(
        self, run: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "inputs.yaml"
        file.write_text("workers: 3\nworker_cpus: 4\n")
        result = run(
            "validate", example("cluster"), "--inputs", str(file), "-i", "workers=5", "--json"
        )
        told = json.loads(result.stdout)
        assert (told["inputs"]["workers"], told["inputs"]["worker_cpus"]) == (5, 4)

    def test_that_breaks_a_rule_of_old_templates_passes_when_asked_for(
        self, run: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "loose.yaml"
        file.write_text(LOOSE)
        assert run("validate", str(file)).exit_code == 1
        for result in (
            run("validate", str(file), "--lenient"),
            run("validate", str(file), PAAS_PARSER_MODE="lenient"),
        ):
            assert result.exit_code == 0, result.output
            assert 'warning: topology_template.node_templates.fe: the requirement "host"' in (
                result.stdout
            )


class TestARefusedTemplate:
    def test_is_told_with_every_fault_and_its_line(self, run: Run) -> None:
        result = run("validate", example("invalid"))
        assert result.exit_code == 1
        assert result.stdout == ""
        lines = result.stderr.splitlines()
        assert lines[0] == "the template is refused, faults: 8"
        assert len(lines) == 9
        assert all(line.startswith("  - line ") for line in lines[1:])

    def test_is_json_where_that_is_asked_for(self, run: Run) -> None:
        result = run("validate", example("vm"), "-i", "cpus=99", "--json")
        assert result.exit_code == 1
        assert json.loads(result.stdout) == {
            "valid": False,
            "faults": [
                {
                    "message": "99 is not accepted, in_range [1, 16] is asked",
                    "path": "inputs.cpus",
                    "line": 11,
                }
            ],
        }

    def test_an_unknown_input_is_a_warning_or_a_fault(self, run: Run) -> None:
        words = ("validate", example("vm"), "-i", "cpu=1")
        warned = run(*words)
        assert (warned.exit_code, "warning: inputs.cpu" in warned.stdout) == (0, True)
        for result in (
            run(*words, "--unknown-inputs=error"),
            run(*words, PAAS_PARSER_UNKNOWN_INPUTS="error"),
        ):
            assert result.exit_code == 1
            assert 'declares no input "cpu"' in result.stderr

    @pytest.mark.parametrize(
        ("content", "says"),
        [("[1]", "must hold a map"), ("a: [", "neither YAML nor JSON"), ("a: .nan", "neither")],
    )
    def test_inputs_that_are_none_are_told(
        self, run: Run, tmp_path: Path, content: str, says: str
    ) -> None:
        file = tmp_path / "inputs.yaml"
        file.write_text(content)
        result = run("validate", example("vm"), "--inputs", str(file))
        assert result.exit_code == 1
        assert says in result.stderr

    def test_bytes_that_are_no_text_are_told(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "template.yaml"
        file.write_bytes(b"\xff\xfe")
        assert "is not UTF-8 text" in run("validate", str(file)).stderr


class TestTypes:
    def test_a_file_that_is_added_is_listed_and_known_to_templates(
        self, run: Run, tmp_path: Path
    ) -> None:
        types, template = tmp_path / "types.yaml", tmp_path / "template.yaml"
        types.write_text(TYPES)
        template.write_text(
            f"tosca_definitions_version: tosca_simple_yaml_1_0\nimports: [own: {URL}]\n"
            "topology_template: {node_templates: {vm: {type: my.Vm}}}"
        )
        before = run("validate", str(template))
        assert before.exit_code == 1
        assert f'line 2: imports[0]: the import "{URL}" is not known here' in before.stderr
        added = run("types", "add", URL, str(types))
        assert added.exit_code == 0, added.output
        assert added.stdout.startswith(f"{URL}: 1 types, sha256 ")
        assert run("validate", str(template)).exit_code == 0
        rows = run("types", "list").stdout.splitlines()
        assert rows[0].split() == ["IMPORT", "TYPES", "SHA256", "FILE"]
        assert rows[1].split()[:2] == [URL, "1"]
        assert any("comes with the project" in row for row in rows[2:])
        (entry, *shipped) = json.loads(run("types", "list", "--json").stdout)
        assert (entry["url"], entry["file"]) == (URL, f"{entry['sha256']}.yaml")
        assert all(one["types"] > 50 for one in shipped)

    def test_they_are_kept_where_the_setting_says(self, run: Run, tmp_path: Path) -> None:
        types = tmp_path / "types.yaml"
        types.write_text(TYPES)
        run("types", "add", URL, str(types), PAAS_PARSER_TYPES=str(tmp_path / "kept"))
        assert (tmp_path / "kept" / "index.json").is_file()
        assert URL not in run("types", "list").stdout

    def test_a_file_that_is_none_is_refused_in_one_sentence(self, run: Run) -> None:
        result = run("types", "add", URL, example("vm"))
        assert result.exit_code == 1
        assert result.stderr.startswith("paas-stream: the type file is refused: line 8: ")
        assert result.stderr.count("\n") == 1
