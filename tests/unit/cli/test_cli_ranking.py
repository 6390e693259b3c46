"""`ranking` and `submit --dry-run`: what is asked of the service, and what is printed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from support.rest_stub import Answer, RestStub, refusal

Run = Callable[..., Result]

UUID = "6f0d4c9e-3b1a-4c55-9d7e-0a1b2c3d4e5f"
DISCARDED = {"provider": "c", "region": "r", "project": "p", "code": "x", "reason": "is full"}
PROVIDERS = [
    {
        "place": 1,
        "provider": "site-a",
        "region": "r",
        "project": "p",
        "score": 0.944444,
        "reasons": ["12 of 14 attempts succeeded in 30 days, 210 s on average"],
        "pSuccess": 0.85,
        "successSeconds": 209.6,
    },
    {"place": 2, "provider": "b", "region": "r", "score": 0.5, "reasons": ["no quota limits it"]},
]
FOUND: dict[str, Any] = {
    "fallback": "rates",
    "message": "expected time to success",
    "providers": PROVIDERS,
    "discarded": [DISCARDED],
}
NOBODY = {"message": "no provider can host it", "providers": [], "discarded": [DISCARDED]}
VALID = {"valid": True, "warnings": [], "requirements": [{"name": "a", "count": 3}]}


@pytest.fixture
def template(tmp_path: Path) -> str:
    file = tmp_path / "vm.yaml"
    file.write_text("tosca_definitions_version: tosca_simple_yaml_1_0\n")
    return str(file)


def test_the_ranking_is_printed_with_the_reasons(run: Run, service: RestStub) -> None:
    service.on("GET", f"/deployments/{UUID}/ranking", Answer(200, {"uuid": UUID} | FOUND))
    result = run("ranking", UUID)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "order by expected time to success",
        "place  provider  region  project  score  success  time to succeed",
        "1      site-a    r       p        0.944  85 %     210 s",
        "       12 of 14 attempts succeeded in 30 days, 210 s on average",
        "2      b         r       -        0.500  -        -",
        "       no quota limits it",
        "not chosen:",
        "provider  region  project  code  why",
        "c         r       p        x     is full",
    ]


def test_a_deployment_without_a_ranking_says_why(run: Run, service: RestStub) -> None:
    body = {"uuid": UUID, "message": "not ranked yet", "providers": [], "discarded": []}
    service.on("GET", f"/deployments/{UUID}/ranking", Answer(200, body))
    assert run("ranking", UUID).stdout == "not ranked yet\n"


def test_the_ranking_as_json_is_what_the_service_says(run: Run, service: RestStub) -> None:
    service.on("GET", f"/deployments/{UUID}/ranking", Answer(200, FOUND))
    assert json.loads(run("ranking", UUID, "--json").stdout) == FOUND


def test_a_dry_run_prints_where_it_would_go(run: Run, service: RestStub, template: str) -> None:
    service.on("POST", "/deployments", Answer(200, VALID | FOUND | {"warnings": ["old syntax"]}))
    result = run("submit", template, "-g", "demo", "--dry-run")
    assert result.exit_code == 0, result.output
    told = result.stdout.splitlines()
    assert told[:3] == [
        "the template is valid: 3 nodes to be placed; nothing was deployed",
        "warning: old syntax",
        "order by expected time to success",
    ]
    (asked,) = service.asked
    assert asked.query == {"dryRun": "true"}
    assert asked.body["userGroup"] == "demo"


def test_a_dry_run_without_a_provider_exits_with_2(
    run: Run, service: RestStub, template: str
) -> None:
    service.on("POST", "/deployments", Answer(200, VALID | NOBODY))
    result = run("submit", template, "--dry-run")
    assert result.exit_code == 2
    assert "no provider can host it" in result.stdout
    assert result.stdout.splitlines()[-1].split() == ["c", "r", "p", "x", "is", "full"]


def test_a_dry_run_of_a_refused_template_tells_every_fault(
    run: Run, service: RestStub, template: str
) -> None:
    service.on("POST", "/deployments", refusal(400, "a; b", faults=["a", "b"]))
    result = run("submit", template, "--dry-run")
    assert result.exit_code == 1
    assert result.stderr.count("\n  - ") == 2


def test_a_submit_without_it_does_not_ask_for_a_dry_run(
    run: Run, service: RestStub, template: str
) -> None:
    service.on("POST", "/deployments", Answer(201, {"uuid": UUID}))
    assert run("submit", template).stdout == f"{UUID}\n"
    assert service.asked[0].query == {}
