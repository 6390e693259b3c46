"""`providers ...`: what is asked of the service, what is printed, and what provider files are told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from jsonschema import Draft202012Validator
from support.rest_stub import Answer, RestStub

Run = Callable[..., Result]

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "federation.yaml"
QUOTAS = [
    {"resource": "cores", "limit": 200, "used": 20, "free": 180, "perUser": False},
    {"resource": "ram", "limit": -1, "used": 40960, "free": -1, "perUser": False},
    {"resource": "cores", "limit": 10, "used": 0, "free": 10, "perUser": True},
]
ENTRY: dict[str, Any] = {
    "name": "site-a",
    "region": "r",
    "project": "p",
    "type": "openstack",
    "status": "active",
    "endpoint": "https://site-a/v3",
    "userGroup": "demo",
    "issuer": "https://iam/",
    "sla": {"id": "s", "start": "2025-01-01", "end": "2099-12-31"},
    "ageSeconds": 12.4,
    "stale": False,
    "quotas": QUOTAS,
    "health": {"failureShare1d": -1, "failureShare7d": 0.25, "failureShare30d": -1},
}
SECOND = ENTRY | {
    "name": "k8s",
    "type": "kubernetes",
    "stale": True,
    "sla": {},
    "quotas": [],
    "health": {"failureShare7d": -1},
}


def page(*content: dict[str, Any]) -> Answer:
    return Answer(200, {"content": list(content), "page": {"totalPages": 1}})


def test_the_list_has_a_line_for_each_region_and_project(run: Run, service: RestStub) -> None:
    service.on("GET", "/providers", page(ENTRY, SECOND))
    result = run("providers", "list", "-g", "demo", "--type", "openstack")
    assert result.exit_code == 0
    head, first, second = result.stdout.splitlines()
    assert head.split("  ")[0] == "PROVIDER"
    assert first.split()[0:7] == ["site-a", "r", "p", "openstack", "demo", "active", "2099-12-31"]
    assert "180" in first
    assert "unlimited" in first
    assert "75 %" in first
    assert "stale" in second
    query = service.asked[0].query
    assert (query["userGroup"], query["type"]) == ("demo", "openstack")


def test_without_any_provider_there_is_the_head_alone(run: Run, service: RestStub) -> None:
    service.on("GET", "/providers", page())
    assert len(run("providers", "list").stdout.splitlines()) == 1


def test_one_is_shown_with_its_quotas_and_what_it_offers(run: Run, service: RestStub) -> None:
    lists = {"flavors": [{"name": "small"}, {"name": "large"}], "images": [], "networks": []}
    more = {"unknownParts": ["images"], "keptParts": {"flavors": "2025-01-31T10:20:00+00:00"}}
    entry = ENTRY | lists | more | {"storageClasses": []}
    service.on("GET", "/providers/site-a", Answer(200, {"name": "site-a", "entries": [entry]}))
    shown = run("providers", "show", "site-a").stdout
    for text in (
        "site-a (r, p)",
        "agreement s, 2025-01-01 to 2099-12-31",
        "images: never read",
        "flavors: as of 2025-01-31T10:20:00+00:00",
        "cores per user",
        "flavors: small, large",
    ):
        assert text in shown


def test_as_json_it_is_what_the_service_says(run: Run, service: RestStub) -> None:
    service.on("GET", "/providers", page(ENTRY))
    assert json.loads(run("providers", "list", "--json").stdout) == [ENTRY]
    found = {"name": "site-a", "entries": []}
    service.on("GET", "/providers/site-a", Answer(200, found))
    assert json.loads(run("providers", "show", "site-a", "--json").stdout) == found


@pytest.mark.parametrize("providers", [[], [{"provider": "a", "region": "r", "score": 1.0}]])
def test_why_says_who_could_host_a_template_and_why_not_the_others(
    run: Run, service: RestStub, tmp_path: Path, providers: list[dict[str, Any]]
) -> None:
    file = tmp_path / "vm.yaml"
    file.write_text("tosca_definitions_version: tosca_simple_yaml_1_0\n")
    found: dict[str, Any] = {
        "message": "nobody can" if not providers else "the rule",
        "warnings": [],
        "requirements": [],
        "providers": [one | {"place": 1, "reasons": []} for one in providers],
        "discarded": [{"provider": "c", "region": "r", "code": "quota_cores", "reason": "is full"}],
    }
    service.on("POST", "/deployments", Answer(200, found))
    result = run("providers", "why", str(file), "-g", "demo", "-i", "cpus=2")
    assert result.exit_code == (0 if providers else 2)
    assert result.stdout.splitlines()[-2:] == [
        "provider  region  project  code         why",
        "c         r       -        quota_cores  is full",
    ]
    (asked,) = service.asked
    assert asked.query == {"dryRun": "true"}
    assert asked.body["userGroup"] == "demo"
    assert asked.body["parameters"] == {"cpus": 2}
    as_json = run("providers", "why", str(file), "--json")
    assert as_json.exit_code == result.exit_code
    assert json.loads(as_json.stdout) == found


class TestCheck:
    def test_counts_what_is_in_files_without_fault(self, run: Run) -> None:
        result = run("providers", "check", str(EXAMPLE))
        assert (result.exit_code, result.stdout) == (0, "no fault: 3 static, 6 agreements\n")

    def test_tells_all_faults_of_all_files(self, run: Run, tmp_path: Path) -> None:
        files = [tmp_path / f"{name}.yaml" for name in ("one", "two")]
        files[0].write_text("static: [{name: a/b}]\n")
        files[1].write_text("kubernetes: 3\nopen: true\n")
        result = run("providers", "check", *map(str, files))
        assert (result.exit_code, result.stdout) == (1, "")
        for text in (
            "one.yaml: static[0].name",
            "one.yaml: static[0].endpoint",
            "two.yaml: kubernetes",
            "two.yaml: open",
        ):
            assert text in result.stderr

    def test_needs_no_service_and_no_settings(self, run: Run) -> None:
        result = run("providers", "check", str(EXAMPLE), PAAS_URL="http://127.0.0.1:9")
        assert result.exit_code == 0


def test_the_schema_of_provider_files_is_one(run: Run) -> None:
    schema = json.loads(run("providers", "schema").stdout)
    Draft202012Validator.check_schema(schema)
    found = Draft202012Validator(schema)
    assert list(found.iter_errors({"static": [{"name": "a"}]}))
    assert list(found.iter_errors({}) or ()) == []
