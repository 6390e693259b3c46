"""The manifests fit Kubernetes, each other, and the settings and routes of the worker."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from pydantic import BaseModel

from paas_stream.errors import ConfigurationError
from paas_stream.local.supervisor import STOP_TIMEOUT_S
from paas_stream.secrets import load_vault
from paas_stream.selection import provider_files
from paas_stream.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "k8s" / "manifests"
VERSIONS = ["1.30", "1.37"]  # of Kubernetes: the oldest that we take, the newest that is known


def documents(file: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(file.read_text()) if one]


KUSTOMIZATION = documents(FOLDER / "kustomization.yaml")[0]
RESOURCES = [one for name in KUSTOMIZATION["resources"] for one in documents(FOLDER / name)]
SECRET = documents(ROOT / "k8s" / "secret.example.yaml")[0]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in RESOURCES if one["kind"] == kind}


STATEFUL_SET = of_kind("StatefulSet")["paas-stream"]["spec"]
POD = STATEFUL_SET["template"]["spec"]
[WORKER] = POD["containers"]
DATA = of_kind("ConfigMap")["paas-stream"]["data"]
ENVIRONMENT = DATA | {one["name"]: one.get("value", "given") for one in WORKER["env"]}


def described(one: dict[str, Any]) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("one", [*RESOURCES, SECRET], ids=described)
def test_kubernetes_knows_every_field(one: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(one, version, strict=True)


def test_a_wrong_field_would_be_noticed() -> None:
    wrong = RESOURCES[0] | {"dta": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_the_kustomization_names_every_file() -> None:
    names = {file.name for file in FOLDER.glob("*.yaml")}
    assert set(KUSTOMIZATION["resources"]) == names - {"kustomization.yaml"}


def known_settings() -> set[str]:
    names = set()
    for subject, field in Settings.model_fields.items():
        names.add(f"PAAS_{subject}".upper())
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= {f"PAAS_{subject}_{name}".upper() for name in kind.model_fields}
    return names


def test_every_variable_is_a_setting() -> None:
    assert set(ENVIRONMENT) <= known_settings()


def test_the_settings_are_accepted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.kafka.replication > settings.kafka.min_insync > 1
    assert settings.kafka.url
    assert settings.im.url


def test_no_variable_of_a_service_is_taken_for_a_setting() -> None:
    assert POD["enableServiceLinks"] is False


def test_every_selector_finds_the_pods_and_nothing_else() -> None:
    labels = STATEFUL_SET["template"]["metadata"]["labels"]
    selectors = [STATEFUL_SET["selector"]["matchLabels"]]
    selectors += [one["spec"]["selector"] for one in of_kind("Service").values()]
    selectors += [
        one["spec"]["selector"]["matchLabels"] for one in of_kind("PodDisruptionBudget").values()
    ]
    assert all(selector == labels for selector in selectors)


def test_all_ports_are_the_workers() -> None:
    [port] = WORKER["ports"]
    assert str(port["containerPort"]) == DATA["PAAS_WEB_PORT"]
    for service in of_kind("Service").values():
        assert [one["targetPort"] for one in service["spec"]["ports"]] == [port["name"]]


def test_each_worker_tells_the_others_its_own_name_and_the_port_of_the_headless_service() -> None:
    service = of_kind("Service")[STATEFUL_SET["serviceName"]]["spec"]
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True
    name, url = WORKER["env"][0], WORKER["env"][1]
    assert name["name"] == "PAAS_WEB_WORKER"
    assert name["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    [port] = service["ports"]
    assert url["value"] == f"http://$(PAAS_WEB_WORKER).{STATEFUL_SET['serviceName']}:{port['port']}"


@pytest.mark.parametrize(
    ("probe", "path"),
    [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")],
)
def test_probes_ask_routes_of_the_worker(probe: str, path: str) -> None:
    assert WORKER[probe]["exec"]["command"] == ["python", "-m", "k8s.probe", path]
    assert f'@app.page("{path}")' in (ROOT / "web" / "health.py").read_text()


def test_liveness_is_patient_and_never_depends_on_kafka() -> None:
    assert WORKER["livenessProbe"]["exec"] == WORKER["startupProbe"]["exec"]
    probe = WORKER["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 60


def test_a_worker_has_time_to_stop() -> None:
    assert POD["terminationGracePeriodSeconds"] > STOP_TIMEOUT_S


def test_without_authentication_there_is_one_worker_on_loopback() -> None:
    assert (DATA["PAAS_AUTH"], DATA["PAAS_WEB_HOST"]) == ("none", "127.0.0.1")
    assert STATEFUL_SET["replicas"] == 1


def test_the_worker_may_do_nothing_that_it_need_not() -> None:
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["automountServiceAccountToken"] is False
    assert WORKER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_every_volume_is_there_and_what_is_written_lies_on_one() -> None:
    mounts = {one["name"]: one["mountPath"] for one in WORKER["volumeMounts"]}
    volumes = {one["name"] for one in POD["volumes"]}
    claims = {one["metadata"]["name"] for one in STATEFUL_SET["volumeClaimTemplates"]}
    assert set(mounts) == volumes | claims
    assert mounts["state"] == DATA["PAAS_STATE_DIR"]
    assert mounts["tmp"] == "/tmp"


def test_memory_is_enough_for_the_worker_and_its_parser() -> None:
    limit = WORKER["resources"]["limits"]["memory"]
    assert limit.endswith("Gi")
    assert int(limit[:-2]) * 1024 >= Settings().parser.memory_mib * 2


def test_the_provider_file_is_one_and_lies_where_the_setting_says(tmp_path: Path) -> None:
    config = of_kind("ConfigMap")["paas-stream-federation"]
    [(name, text)] = config["data"].items()
    file = tmp_path / name
    file.write_text(text)
    assert provider_files.read([file]).static
    mounts = {one["name"]: one["mountPath"] for one in WORKER["volumeMounts"]}
    assert DATA["PAAS_FEEDER_FILES"] == f"{mounts['federation']}/{name}"


def test_the_secret_has_what_the_worker_takes_from_it() -> None:
    assert SECRET["metadata"]["name"] == "paas-stream"
    [volume] = [one["secret"] for one in POD["volumes"] if "secret" in one]
    asked = {item["key"] for item in volume["items"]}
    asked |= {
        one["valueFrom"]["secretKeyRef"]["key"]
        for one in WORKER["env"]
        if "secretKeyRef" in one.get("valueFrom", {})
    }
    assert asked == set(SECRET["stringData"])
    mounts = {one["name"]: one["mountPath"] for one in WORKER["volumeMounts"]}
    assert ENVIRONMENT["PAAS_SECRET_KEYS_FILE"] == f"{mounts['secret']}/jwe.json"


def test_no_worker_starts_with_the_example_of_the_secret(tmp_path: Path) -> None:
    file = tmp_path / "jwe.json"
    file.write_text(SECRET["stringData"]["jwe.json"])
    with pytest.raises(ConfigurationError, match="JSON Web Key Set"):
        load_vault(Settings(secret={"keys_file": file, "service_key": "x"}))


def test_image_and_docker_file_agree_with_the_manifests() -> None:
    text = (ROOT / "Dockerfile").read_text()
    uid = POD["securityContext"]["runAsUser"]
    assert f"--uid {uid} " in text
    assert f"USER {uid}:{POD['securityContext']['runAsGroup']}\n" in text
    assert f"PAAS_STATE_DIR={DATA['PAAS_STATE_DIR']}\n" in text
    assert f"EXPOSE {DATA['PAAS_WEB_PORT']}\n" in text
    assert 'ENTRYPOINT ["paas-stream"]' in text
    assert WORKER["args"] == ["worker"]


def test_the_image_has_what_the_build_copies() -> None:
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(), re.M)
        for name in line.split()[:-1]
    ]
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    for name in copied:
        assert (ROOT / name).exists()
        assert any(line.startswith(f"!{name}") for line in allowed), name
