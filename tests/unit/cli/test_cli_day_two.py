"""Commands about deployments that are there, and about what the service keeps for its users."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from support.rest_stub import Answer, RestStub, refusal

Run = Callable[..., Result]

UUID = "6f0d4c9e-3b1a-4c55-9d7e-0a1b2c3d4e5f"
ONE = f"/deployments/{UUID}"
TEXT = "tosca_definitions_version: tosca_simple_yaml_1_0\n"
NODE = {"uuid": "r1", "state": "STARTED", "toscaNodeName": "vm", "toscaNodeType": "Compute"}
PUBLIC = "ssh-ed25519 AAAA me@here"


def page(*content: dict[str, str]) -> Answer:
    return Answer(200, {"content": list(content), "page": {"totalPages": 1}})


def deployment(status: str) -> Answer:
    times = {"creationTime": "2025-01-31T10:20+0000", "updateTime": "2025-01-31T10:21+0000"}
    return Answer(200, {"uuid": UUID, "status": status, "outputs": {}} | times)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "vm.yaml"
    made.write_text(TEXT)
    return made


class TestAnUpdate:
    def test_sends_the_template_and_the_inputs(
        self, run: Run, service: RestStub, file: Path
    ) -> None:
        service.on("PUT", ONE, Answer(202, {"uuid": UUID}))
        result = run("update", UUID, str(file), "-i", "cpus=2")
        assert (result.exit_code, result.stdout) == (0, "")
        assert service.asked[0].body == {"template": TEXT, "parameters": {"cpus": 2}}

    @pytest.mark.parametrize(("status", "code"), [("UPDATE_COMPLETE", 0), ("UPDATE_FAILED", 2)])
    def test_that_is_waited_for_tells_how_it_ended(
        self, run: Run, service: RestStub, file: Path, status: str, code: int
    ) -> None:
        service.on("PUT", ONE, Answer(202, {"uuid": UUID}))
        service.on("GET", ONE, deployment(status))
        service.on("GET", f"{ONE}/events", Answer(200, []))
        result = run("update", UUID, str(file), "--wait")
        assert result.exit_code == code
        assert status in result.stdout

    def test_that_is_refused_says_why(self, run: Run, service: RestStub, file: Path) -> None:
        why = "Cannot update a deployment in DELETE_IN_PROGRESS state"
        service.on("PUT", ONE, refusal(409, why))
        result = run("update", UUID, str(file))
        assert (result.exit_code, result.stderr) == (1, f"paas-stream: {why}\n")


def test_a_delete_is_given_up(run: Run, service: RestStub) -> None:
    service.on("PATCH", ONE, Answer(204))
    assert run("reset", UUID).exit_code == 0
    assert service.asked[0].body == {"status": "DELETE_FAILED"}


def test_resources_are_listed(run: Run, service: RestStub) -> None:
    service.on("GET", f"{ONE}/resources", page(NODE))
    lines = run("resources", UUID, "--type", "Compute").stdout.splitlines()
    assert [line.split() for line in lines] == [
        ["uuid", "state", "node", "type"],
        ["r1", "STARTED", "vm", "Compute"],
    ]
    assert service.asked[0].query["type"] == "Compute"
    assert json.loads(run("resources", UUID, "--json").stdout) == NODE


@pytest.mark.parametrize(
    ("command", "action"),
    [("start", "start"), ("halt", "stop"), ("reconfigure", "reconfigure")],
)
def test_a_machine_is_started_stopped_and_configured_again(
    run: Run, service: RestStub, command: str, action: str
) -> None:
    service.on("POST", f"{ONE}/resources/r1/actions", Answer(202))
    assert run(command, UUID, "r1").exit_code == 0
    assert service.asked[0].body == {"type": action}


def test_all_machines_are_configured_again(run: Run, service: RestStub) -> None:
    service.on("POST", f"{ONE}/actions", Answer(202))
    assert run("reconfigure", UUID).exit_code == 0
    assert service.asked[0].body == {"type": "reconfigure"}


@pytest.mark.parametrize("command", ["template", "log"])
def test_texts_are_printed_as_they_are(run: Run, service: RestStub, command: str) -> None:
    service.on("GET", f"{ONE}/{command}", Answer(200, b"a: [bold]\n"))
    assert run(command, UUID).stdout == "a: [bold]\n"


def test_templates_are_kept_listed_shown_and_deleted(
    run: Run, service: RestStub, file: Path
) -> None:
    service.on("POST", "/templates", Answer(201, {"id": "k"}))
    service.on("GET", "/templates", page({"id": "k", "name": "vm"}))
    service.on("GET", "/templates/k", Answer(200, {"id": "k", "template": TEXT}))
    service.on("DELETE", "/templates/k", Answer(204))
    assert run("templates", "add", str(file), "--name", "vm").stdout == "k\n"
    assert service.asked[0].body == {"template": TEXT, "name": "vm"}
    assert run("templates", "list").stdout.splitlines()[1].split() == ["k", "vm", "-"]
    assert run("templates", "show", "k").stdout == TEXT
    assert run("templates", "delete", "k").exit_code == 0
    assert service.calls()[-1] == "DELETE /templates/k"


def test_a_public_key_is_stored_shown_and_forgotten(
    run: Run, service: RestStub, tmp_path: Path
) -> None:
    file = tmp_path / "id.pub"
    file.write_text(f"{PUBLIC}\n")
    for method, status in (("GET", 200), ("PUT", 200), ("DELETE", 204)):
        body = {"publicKey": PUBLIC} if status == 200 else b""
        service.on(method, "/user/ssh-key", Answer(status, body))
    assert run("ssh-key", "set", str(file)).exit_code == 0
    assert service.asked[0].body == {"publicKey": PUBLIC}
    assert run("ssh-key", "show").stdout == f"{PUBLIC}\n"
    assert run("ssh-key", "delete").exit_code == 0


def test_a_private_key_never_leaves_the_machine(
    run: Run, service: RestStub, tmp_path: Path
) -> None:
    file = tmp_path / "id"
    file.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nx\n")
    result = run("ssh-key", "set", str(file))
    assert result.exit_code == 1
    assert "private key" in result.stderr
    assert service.asked == []
