"""`submit`, `show`, `list`, `events`, `delete`: what is asked of the service, and what is printed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from support.rest_stub import Answer, RestStub, refusal

Run = Callable[..., Result]

UUID = "6f0d4c9e-3b1a-4c55-9d7e-0a1b2c3d4e5f"
OTHER = "0a1b2c3d-4e5f-4c55-9d7e-6f0d4c9e3b1a"
ONE = f"/deployments/{UUID}"
TEMPLATE = "tosca_definitions_version: tosca_simple_yaml_1_0 # µ\n"


def deployment(status: str = "CREATE_COMPLETE", uuid: str = UUID, **fields: Any) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "status": status,
        "creationTime": "2025-01-31T10:20+0000",
        "updateTime": "2025-01-31T10:21+0000",
        "outputs": {},
    } | fields


def event(name: str, status: str = "end", **fields: Any) -> dict[str, Any]:
    return {
        "id": name,
        "time": "2025-01-31T10:20:30.123+00:00",
        "component": "im-dispatcher",
        "step": name,
        "status": status,
        "message": f"about {name}",
    } | fields


def page(*found: dict[str, Any], pages: int = 1) -> Answer:
    return Answer(200, {"content": list(found), "page": {"totalPages": pages}})


@pytest.fixture
def template(tmp_path: Path) -> str:
    file = tmp_path / "vm.yaml"
    file.write_text(TEMPLATE, encoding="utf-8")
    return str(file)


# -- submit


def test_a_submit_prints_the_uuid_alone(run: Run, service: RestStub, template: str) -> None:
    service.on("POST", "/deployments", Answer(201, deployment("CREATE_IN_PROGRESS")))
    result = run("submit", template)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{UUID}\n", "")
    assert service.asked[0].body == {
        "template": TEMPLATE,
        "parameters": {},
        "keepLastAttempt": False,
    }


def test_the_options_of_a_submit_become_fields_of_the_request(
    run: Run, service: RestStub, template: str
) -> None:
    service.on("POST", "/deployments", Answer(201, deployment()))
    words = "--group demo --max-providers 2 --timeout 60 --provider-timeout 20 --keep-last-attempt"
    assert run("--token", "a-token", "submit", template, *words.split()).exit_code == 0
    (asked,) = service.asked
    assert asked.body["userGroup"] == "demo"
    assert asked.body["maxProvidersRetry"] == 2
    assert asked.body["timeoutMins"] == 60
    assert asked.body["providerTimeoutMins"] == 20
    assert asked.body["keepLastAttempt"] is True
    assert asked.headers["Authorization"] == "Bearer a-token"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("name=ubuntu", "ubuntu"),
        ("name=3", 3),
        ("name=0.5", 0.5),
        ("name=true", True),
        ("name=null", None),
        ("name=", ""),
        ("name='3'", "3"),
        ("name=a=b", "a=b"),
        ("name=[80, 443]", [80, 443]),
        ("name={port: 80, 7: x}", {"port": 80, "7": "x"}),
        ("name=2025-01-31", "2025-01-31"),
        ("name=4 GB", "4 GB"),
    ],
)
def test_an_input_is_read_as_yaml(
    run: Run, service: RestStub, template: str, text: str, value: Any
) -> None:
    service.on("POST", "/deployments", Answer(201, deployment()))
    result = run("submit", template, "--input", text, "-i", "more=1")
    assert result.exit_code == 0, result.output
    assert service.asked[0].body["parameters"] == {"name": value, "more": 1}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name", "not of the form name=value"),
        ("=3", "not of the form name=value"),
        ("name=[80", "did not find expected"),
        ("name=!!python/name:os.system", "could not determine a constructor"),
        ("name=.nan", "nothing that JSON has"),
        ("name=!!binary aGk=", "nothing that JSON has"),
        ("name=!!set {a}", "nothing that JSON has"),
        ("name=" + "[" * 5000 + "]" * 5000, "recursion"),
    ],
)
def test_a_wrong_input_is_a_wrong_use_and_nothing_is_sent(
    run: Run, service: RestStub, template: str, text: str, says: str
) -> None:
    result = run("submit", template, "-i", text)
    assert result.exit_code == 2
    assert "--input" in result.stderr
    assert says in result.stderr
    assert service.asked == []


def test_a_refused_template_is_told_with_every_fault_and_exit_status_1(
    run: Run, service: RestStub, template: str
) -> None:
    faults = ["node: no such type", "outputs: [a] is missing"]
    service.on("POST", "/deployments", refusal(400, "; ".join(faults), faults=faults))
    result = run("submit", template, "--wait")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"{template} is refused:",
        "  - node: no such type",
        "  - outputs: [a] is missing",
    ]


def test_another_refusal_is_one_sentence(run: Run, service: RestStub, template: str) -> None:
    service.on("POST", "/deployments", refusal(413, "the request body is too large"))
    result = run("submit", template)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "paas-stream: the request body is too large\n"


def test_a_file_that_is_no_text_is_one_sentence(
    run: Run, service: RestStub, tmp_path: Path
) -> None:
    (tmp_path / "image.yaml").write_bytes(b"\x89PNG\xff")
    result = run("submit", "image.yaml")
    assert (result.exit_code, result.stderr) == (1, "paas-stream: image.yaml is not UTF-8 text\n")
    assert service.asked == []


def test_a_missing_file_is_a_wrong_use(run: Run, service: RestStub) -> None:
    result = run("submit", "no-such.yaml")
    assert result.exit_code == 2
    assert "no-such.yaml" in result.stderr


@pytest.mark.parametrize(("status", "code"), [("CREATE_COMPLETE", 0), ("CREATE_FAILED", 2)])
def test_a_submit_that_waits_shows_the_steps_and_ends_as_the_deployment_did(
    run: Run, service: RestStub, template: str, status: str, code: int
) -> None:
    service.on("POST", "/deployments", Answer(201, deployment("CREATE_IN_PROGRESS")))
    service.on("GET", ONE, Answer(200, deployment(status, statusReason="a reason")))
    service.on("GET", f"{ONE}/events", Answer(200, [event("attempt", durationSeconds=1.5)]))
    result = run("submit", template, "--wait")
    assert result.exit_code == code
    lines = result.stdout.splitlines()
    assert lines[0] == f"deployment {UUID}"
    assert lines[1].endswith("attempt   end    about attempt (1.50 s)")
    assert ["status", status] in [line.split() for line in lines]
    assert ["reason", "a", "reason"] in [line.split() for line in lines]


# -- show


def test_a_deployment_is_shown_with_all_that_is_known(run: Run, service: RestStub) -> None:
    found = deployment(
        statusReason="why",
        cloudProviderName="site-a",
        cloudProviderEndpoint={"region": "region-1"},
        physicalId=OTHER,
        outputs={"address": "10.0.0.1"},
    )
    service.on("GET", ONE, Answer(200, found))
    output = run("show", UUID).stdout
    for words in (["uuid", UUID], ["region", "region-1"], ["infrastructure", OTHER]):
        assert words in [line.split() for line in output.splitlines()]
    assert '"address": "10.0.0.1"' in output


def test_what_the_service_says_is_shown_as_it_is(run: Run, service: RestStub) -> None:
    reason = "[Errno 111] :key: [/red] [bold]refused[/bold]"
    outputs = {"list": ["[/x]", "[null]"]}
    service.on("GET", ONE, Answer(200, deployment(statusReason=reason, outputs=outputs)))
    service.on("GET", f"{ONE}/events", Answer(200, [event("poll", "failed", message=reason)]))
    output = run("show", UUID).stdout
    assert reason in output
    assert '"[/x]"' in output
    assert reason in run("events", UUID).stdout


@pytest.mark.parametrize("columns", ["20", "80", "300"])
def test_nothing_is_cut_whatever_the_width_of_the_terminal(
    run: Run, service: RestStub, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    key = "k" * 700
    found = deployment("CREATE_IN_PROGRESS", physicalId=OTHER, outputs={"key": key})
    service.on("GET", ONE, Answer(200, found))
    service.on("GET", "/deployments", page(found | {"cloudProviderName": "p" * 60}))
    service.on("GET", f"{ONE}/events", Answer(200, [event("poll", message=key)]))
    monkeypatch.setenv("COLUMNS", columns)
    shown = run("show", UUID).stdout
    assert key in shown
    assert OTHER in shown
    listed = run("list").stdout.splitlines()[1].split()
    assert listed == [UUID, "CREATE_IN_PROGRESS", "p" * 60, "2025-01-31T10:20+0000"]
    assert key in run("events", UUID).stdout


def test_a_deployment_as_json_is_the_resource(run: Run, service: RestStub) -> None:
    service.on("GET", ONE, Answer(200, deployment(outputs={"a": [1]})))
    assert json.loads(run("show", UUID, "--json").stdout) == deployment(outputs={"a": [1]})


def test_an_unknown_deployment_is_one_sentence(run: Run, service: RestStub) -> None:
    service.on("GET", ONE, refusal(404, f"there is no deployment {UUID}"))
    result = run("show", UUID)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"paas-stream: there is no deployment {UUID}\n"


# -- list


def test_a_list_has_one_deployment_a_line_under_its_heading(run: Run, service: RestStub) -> None:
    first = deployment("CREATE_FAILED", cloudProviderName="site-a")
    service.on("GET", "/deployments", page(first, pages=2), page(deployment(uuid=OTHER), pages=2))
    lines = [line.split() for line in run("list").stdout.splitlines()]
    assert lines == [
        ["uuid", "status", "provider", "created"],
        [UUID, "CREATE_FAILED", "site-a", "2025-01-31T10:20+0000"],
        [OTHER, "CREATE_COMPLETE", "-", "2025-01-31T10:20+0000"],
    ]


def test_a_list_without_deployments_is_only_a_heading(run: Run, service: RestStub) -> None:
    service.on("GET", "/deployments", page())
    assert run("list").stdout.split() == ["uuid", "status", "provider", "created"]
    assert run("list", "--json").stdout == ""


def test_a_list_can_be_narrowed(run: Run, service: RestStub) -> None:
    service.on("GET", "/deployments", page())
    words = "--group demo --exclude DELETE_COMPLETE --exclude CREATE_FAILED"
    assert run("list", *words.split()).exit_code == 0
    (asked,) = service.asked
    assert asked.query["userGroup"] == "demo"
    assert asked.query["excludedStatus"] == "DELETE_COMPLETE,CREATE_FAILED"


def test_a_list_as_json_has_one_deployment_a_line(run: Run, service: RestStub) -> None:
    found = [deployment(statusReason="two\nlines"), deployment(uuid=OTHER)]
    service.on("GET", "/deployments", page(*found))
    assert [json.loads(line) for line in run("list", "--json").stdout.splitlines()] == found


# -- events


def test_events_as_json_have_one_event_a_line(run: Run, service: RestStub) -> None:
    found = [event("a", message="two\nlines"), event("b", "failed", attempt=1)]
    service.on("GET", f"{ONE}/events", Answer(200, found))
    lines = run("events", UUID, "--json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == found


def test_events_are_followed_until_the_deployment_is_deleted(run: Run, service: RestStub) -> None:
    entry = f"id: 1-0\ndata: {json.dumps(event('a', message='late news'))}\n\n"
    end = 'event: end\ndata: {"reason": "deleted"}\n\n'
    service.on("GET", f"{ONE}/events", Answer(200, (entry + end).encode()))
    assert "late news" in run("events", UUID, "--follow").stdout
    assert service.asked[0].headers["Accept"] == "text/event-stream"


def test_the_parts_of_an_event_are_told_apart_however_long_they_are(
    run: Run, service: RestStub
) -> None:
    long = event("a-very-long-step", component="a-component-of-other-programs")
    service.on("GET", f"{ONE}/events", Answer(200, [long]))
    assert run("events", UUID).stdout.split()[1:4] == [
        "a-component-of-other-programs",
        "a-very-long-step",
        "end",
    ]


# -- delete


def test_a_delete_asks_for_each_deployment_and_says_nothing(run: Run, service: RestStub) -> None:
    service.on("DELETE", ONE, Answer(204))
    service.on("DELETE", f"/deployments/{OTHER}", Answer(204))
    result = run("delete", UUID, OTHER, "--force")
    assert (result.exit_code, result.output) == (0, "")
    assert service.calls() == [f"DELETE {ONE}", f"DELETE /deployments/{OTHER}"]
    assert {one.query["force"] for one in service.asked} == {"true"}


def test_a_delete_that_waits_fails_when_one_of_them_cannot_be_deleted(
    run: Run, service: RestStub
) -> None:
    for uuid, status in ((UUID, "DELETE_COMPLETE"), (OTHER, "DELETE_FAILED")):
        path = f"/deployments/{uuid}"
        service.on("DELETE", path, Answer(204))
        service.on("GET", path, Answer(200, deployment(status, uuid)))
        service.on("GET", f"{path}/events", Answer(200, [event("delete")]))
    result = run("delete", UUID, OTHER, "--wait")
    assert result.exit_code == 2
    told = [line for line in result.stdout.splitlines() if line.endswith(("COMPLETE", "FAILED"))]
    assert told == [f"{UUID} DELETE_COMPLETE", f"{OTHER} DELETE_FAILED"]
    assert run("delete", UUID, "--wait").exit_code == 0


def test_a_delete_that_is_refused_is_one_sentence(run: Run, service: RestStub) -> None:
    service.on("DELETE", ONE, refusal(409, "Cannot delete a deployment in DELETE_COMPLETE state"))
    result = run("delete", UUID)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "paas-stream: Cannot delete a deployment in DELETE_COMPLETE state\n"


# -- where


def test_the_service_of_this_machine_is_asked_when_none_is_named(
    run: Run, service: RestStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.on("GET", "/deployments", page())
    monkeypatch.delenv("PAAS_URL")
    port = service.url.rpartition(":")[2]
    assert run("list", PAAS_WEB_PORT=port).exit_code == 0
    assert run("list", PAAS_WEB_URL=service.url).exit_code == 0
    assert len(service.asked) == 2
