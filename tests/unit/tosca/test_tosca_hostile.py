"""Hostile templates: each is refused within the time limit, nothing is fetched, no file is read.

All go through one pool; after each one, the next template is served.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from paas_stream.errors import InvalidTemplateError, ParserTimeoutError
from paas_stream.settings import ParserSettings
from paas_stream.tosca import pool

Text = Callable[..., str]

MOST_S = 10.0  # the limit is 2 s, the rest is patience with a busy machine
NODE = "node_templates: {node: {type: tosca.nodes.Compute}}"
MARK = "planted-mark-5d1c"


class Server(ThreadingHTTPServer):
    """A server on the loopback address that counts who comes."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.requests.append(self.path)  # type: ignore[attr-defined]
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of types that nothing may read."""
    file = tmp_path_factory.mktemp("planted") / "types.yaml"
    file.write_text(
        f"tosca_definitions_version: tosca_simple_yaml_1_0\nnode_types: {{{MARK}: {{}}}}"
    )
    return file


@pytest.fixture(scope="module")
def loop_and_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple]:
    loop = asyncio.new_event_loop()
    made = pool.ParserPool(ParserSettings(types=tmp_path_factory.mktemp("types")))
    loop.run_until_complete(made.warm())
    yield loop, made
    loop.run_until_complete(made.close())
    loop.close()


@pytest.fixture
def refusal(loop_and_pool: tuple) -> Callable[[str], str]:
    """`refusal(text)`: why it is refused, in time; a good template is served after it."""
    loop, parser = loop_and_pool

    def call(text: str) -> str:
        began = time.monotonic()
        with pytest.raises((InvalidTemplateError, ParserTimeoutError)) as refused:
            loop.run_until_complete(parser.validate(text, {}))
        assert time.monotonic() - began < MOST_S
        assert loop.run_until_complete(parser.validate(pool.TRIVIAL, {})).requirements
        said = str(refused.value)
        assert "Traceback" not in said
        assert "site-packages" not in said
        assert MARK not in said
        return said

    return call


class TestNothingIsFetchedOrRead:
    @pytest.mark.parametrize(
        "imports",
        [
            "[{url}/types.yaml]",
            "{url}/types.yaml",
            "[{{evil: {url}/types.yaml}}]",
            "[{{evil: {{file: {url}/types.yaml}}}}]",
            "[{{file: {url}/types.yaml}}]",
            "[{{evil: {{file: types.yaml, repository: evil}}}}]",
            "[ftp://127.0.0.1/types.yaml]",
            "[file://{file}]",
            "[{file}]",
            "[{{evil: {{file: {file}}}}}]",
            "[file:///dev/zero]",
            "[/etc/passwd]",
            "[../../../../etc/passwd]",
            "[index.json]",
            "[~/.ssh/id_rsa]",
            '["\\0", "", "\\u202e", " "]',
            "[null, 5, [a], {{}}]",
        ],
    )
    def test_an_import_that_is_not_vetted(
        self,
        refusal: Callable[[str], str],
        topology: Text,
        server: Server,
        planted: Path,
        imports: str,
    ) -> None:
        given = imports.format(url=server.url, file=planted)
        top = f"imports: {given}\nrepositories: {{evil: {{url: '{server.url}/'}}}}"
        assert refusal(topology(NODE, top)).count("imports[") >= 1
        assert server.requests == []

    @pytest.mark.parametrize(
        "body",
        [
            "artifacts: {{a: {{file: file://{file}, type: tosca.artifacts.File}}}}",
            "artifacts: {{a: {file}}}",
            "artifacts: {{a: {{file: ../../etc/passwd, type: tosca.artifacts.File}}}}",
            "interfaces: {{Standard: {{create: {file}}}}}",
            "interfaces: {{Standard: {{create: {{implementation: FILE://{file}}}}}}}",
            "interfaces: {{Standard: {{create: {{implementation: {{primary: {file}}}}}}}}}",
            "interfaces: {{Standard: {{create: {{implementation: "
            "{{primary: a, dependencies: [b, ~/.ssh/id_rsa]}}}}}}}}",
            "interfaces: {{Standard: {{operations: {{create: {{implementation: {file}}}}}}}}}",
            "requirements: [local_storage: {{node: disk, relationship: {{type: "
            "tosca.relationships.AttachesTo, properties: {{location: /x}}, interfaces: {{Configure:"
            " {{pre_configure_source: {{implementation: {file}}}}}}}}}}}]",
        ],
    )
    def test_a_file_of_a_machine_as_artifact_or_script(
        self, refusal: Callable[[str], str], topology: Text, planted: Path, body: str
    ) -> None:
        text = topology(
            f"node_templates:\n"
            f"  node: {{type: tosca.nodes.Compute, {body.format(file=planted)}}}\n"
            f"  disk: {{type: tosca.nodes.BlockStorage, properties: {{size: 1 GB}}}}"
        )
        assert "is a file of the machine that reads it" in refusal(text)

    def test_a_file_of_a_machine_in_a_type(
        self, refusal: Callable[[str], str], topology: Text
    ) -> None:
        own = (
            "node_types: {my.Vm: {derived_from: tosca.nodes.indigo.Compute, interfaces: "
            "{Standard: {create: {implementation: /etc/passwd}}}}}"
        )
        said = refusal(topology("node_templates: {node: {type: my.Vm}}", own))
        assert "node_types.my.Vm.interfaces.Standard.create.implementation: " in said

    @pytest.mark.parametrize(
        "body",
        [
            "artifacts: {{a: {{file: {url}/x, type: tosca.artifacts.File}}}}",
            "artifacts: {{a: {{file: grycap.docker, type: tosca.artifacts.AnsibleGalaxy.role}}}}",
            "interfaces: {{Standard: {{create: {url}/x.sh}}}}",
            "interfaces: {{Standard: {{create: {{implementation: scripts/x.sh, inputs: {{a: /b}}}}}}}}",
        ],
    )
    def test_what_lies_elsewhere_is_accepted_and_not_fetched(
        self,
        loop_and_pool: tuple,
        topology: Text,
        server: Server,
        body: str,
    ) -> None:
        loop, parser = loop_and_pool
        text = topology(
            f"node_templates: {{node: {{type: tosca.nodes.Compute, {body.format(url=server.url)}}}}}",
            f"repositories: {{other: {{url: '{server.url}/'}}, more: '{server.url}/z'}}",
        )
        assert loop.run_until_complete(parser.validate(text, {})).requirements
        assert server.requests == []


@pytest.mark.parametrize(
    ("top", "says"),
    [
        ("node_types: {a: {derived_from: a}}", "the type derives from itself: a -> a"),
        (
            "node_types: {a: {derived_from: b}, b: {derived_from: a}}",
            "the type derives from itself: a -> b -> a",
        ),
        (
            "node_types: {a: {derived_from: b}, b: {derived_from: c}, c: {derived_from: b}}",
            "node_types.b.derived_from: the type derives from itself: b -> c -> b",
        ),
        (
            "node_types: {a: {derived_from: b}}\ncapability_types: {b: {derived_from: a}}",
            "the type derives from itself",
        ),
        (
            "node_types: {tosca.nodes.Root: {derived_from: tosca.nodes.Compute}}",
            "tosca.nodes.Root -> tosca.nodes.Compute -> tosca.nodes.Root",
        ),
        (
            "data_types: {tosca.datatypes.indigo.network.PortSpec: "
            "{derived_from: tosca.datatypes.indigo.network.PortSpec}}",
            "the type derives from itself",
        ),
        ("relationship_types: {a: {derived_from: a}}", "the type derives from itself"),
        ("policy_types: {a: {derived_from: a}}", "the type derives from itself"),
    ],
)
def test_types_that_derive_from_themselves(
    refusal: Callable[[str], str], topology: Text, top: str, says: str
) -> None:
    assert says in refusal(topology("node_templates: {node: {type: tosca.nodes.Compute}}", top))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            "node_templates: {node: {type: tosca.nodes.indigo.Compute, properties: "
            "{instance_name: {get_property: [SELF, instance_name]}}}}",
            "get_property reads itself",
        ),
        (
            "node_templates:\n"
            "  a: {type: tosca.nodes.indigo.Compute, properties: "
            "{instance_name: {concat: [x, {get_property: [b, instance_name]}]}}}\n"
            "  b: {type: tosca.nodes.indigo.Compute, properties: "
            "{instance_name: {get_property: [a, instance_name]}}}",
            "get_property reads itself",
        ),
        (
            "node_templates:\n"
            "  a: {type: tosca.nodes.SoftwareComponent, requirements: [host: b]}\n"
            "  b: {type: tosca.nodes.SoftwareComponent, requirements: [host: a]}",
            "there is no machine or container to deploy",
        ),
        (
            "substitution_mappings: {node_type: evil.Type, requirements: {a: [x, y]}}\n" + NODE,
            "evil.Type",
        ),
        (
            "inputs: {a: {type: string, default: "
            f"{'a' * 40}!, constraints: [pattern: (a+)+$]}}}}\n" + NODE,
            "was not parsed within 2 s",
        ),
        (f"inputs: {{a: {{type: integer, default: {'9' * 4000}}}}}\n" + NODE, "a"),
        (f"inputs: {{a: {{type: integer, default: {10**30}}}}}\n" + NODE, "more than 64 bits"),
        ("inputs: {a: {type: float, default: .inf}}\n" + NODE, "is not a number"),
        ('inputs: {a: {type: string, default: "\\ud800"}}\n' + NODE, "not valid YAML"),
        ("node_templates: &a {node: *a}", "refers to itself"),
        ("node_templates: {node: {type: !!python/object/apply:os.system [ls]}}", "the tag"),
        ("node_templates: {node: {type: [a, b]}}", "the name of a type is needed"),
        ("inputs: {a: {type: [x]}}\n" + NODE, "the name of a type is needed"),
        ("inputs: {a: {type: integer, constraints: [nothing: 1]}}\n" + NODE, "cannot be used"),
    ],
)
def test_a_topology_meant_to_do_harm(
    refusal: Callable[[str], str], topology: Text, body: str, says: str
) -> None:
    assert says in refusal(topology(body))


def bomb(depth: int, merge: bool = False) -> str:
    """Aliases of aliases: 9 to the power of `depth` values."""
    lines = ["a0: &a0 {k: v}" if merge else "a0: &a0 [v]"]
    for n in range(1, depth):
        items = ", ".join([f"*a{n - 1}"] * 9)
        lines.append(
            f"a{n}: &a{n} {{<<: [{items}], k{n}: v}}" if merge else f"a{n}: &a{n} [{items}]"
        )
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 50_000,
        "\n".join(" " * n + "a:" for n in range(600)),
        bomb(9),
        bomb(9, merge=True),
        "a: " + "x" * 10_000_000,
        "\n".join(f"k{n}: 1" for n in range(60_000)),
        "a: b\0c",
        "\0" * 1000,
        "\ufeff" * 1000 + "[",
        "--- a\n--- b\n",
        "%YAML 9.9\n--- a",
        "a: &a\nb: *c",
        "? - a\n: b",
        "!!map [a]",
        "!!set {a, b}",
        "!!binary aGVsbG8=",
        "!<tag:evil> a",
    ],
    ids=range(19),
)
def test_text_meant_to_do_harm(refusal: Callable[[str], str], text: str) -> None:
    assert refusal(text)
    assert refusal(f"tosca_definitions_version: tosca_simple_yaml_1_0\nmetadata: x\n{text}")


def test_a_property_made_of_many_others(refusal: Callable[[str], str], topology: Text) -> None:
    nodes = ["n0: {type: tosca.nodes.indigo.Compute, properties: {instance_name: xxxxxxxx}}"]
    for n in range(1, 60):
        part = f"{{get_property: [n{n - 1}, instance_name]}}"
        nodes.append(
            f"n{n}: {{type: tosca.nodes.indigo.Compute, properties: "
            f"{{instance_name: {{concat: [{part}, {part}]}}}}}}"
        )
    text = topology("node_templates:\n  " + "\n  ".join(nodes))
    assert "it is made of too many others" in refusal(text)


def test_a_kubernetes_object_that_nests_deeply(
    refusal: Callable[[str], str], topology: Text
) -> None:
    text = topology(
        f"node_templates: {{o: {{type: tosca.nodes.indigo.KubernetesObject, properties: "
        f"{{spec: '{'[' * 60_000}'}}}}}}"
    )
    assert "nests lists and maps deeper" in refusal(text)


def test_another_profile_adds_no_types(refusal: Callable[[str], str], topology: Text) -> None:
    text = topology(NODE).replace("tosca_simple_yaml_1_0", "tosca_simple_profile_for_nfv_1_0_0")
    assert "is not accepted" in refusal(text)
