"""The domain of a cluster's applications, from the provider file to what the IM is told."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.provider_files import IDPS, faults, read

from paas_stream.clients.im_login import CloudLogin, ImUser, header
from paas_stream.records import Feeder, NodeRequirement, Owner, Request
from paas_stream.selection.readings import said
from paas_stream.selection.rows import ProviderRow
from paas_stream.selection.select import select

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATIC = """
static:
  - name: cluster
    type: kubernetes
    endpoint: https://k8s.example.org:6443
    apps_dns: {domain}
    projects: [{{id: physics, sla: sla-1}}]
"""
READ = """
kubernetes:
  - name: cluster
    auth_url: https://k8s.example.org:6443
    apps_dns: {domain}
    identity_providers: [{{endpoint: https://iam.example.org/, name: iam}}]
    projects: [{{id: physics, sla: sla-1}}]
"""


def message(folder: Path, text: str) -> Feeder:
    """What the Feeder says of the cluster of a file."""
    federation = read(folder, IDPS + text)
    if federation.static:
        (static,) = federation.static_feeders(NOW)
        return Feeder.decode(static.encode())
    (site,) = federation.sites()
    fields = said(site.provider, site.region, site.project, site.agreement)
    told = {"provider_type": "kubernetes", "provider_endpoint": "https://k8s.example.org:6443"}
    return Feeder.decode(Feeder.model_validate(fields | told).encode())


@pytest.mark.parametrize("text", [STATIC, READ], ids=["known from the file", "read"])
@pytest.mark.parametrize("domain", ["apps.example.org", "a", "apps-2.example.org"])
def test_reaches_the_im(tmp_path: Path, text: str, domain: str) -> None:
    feeder = message(tmp_path, text.format(domain=domain))
    assert feeder.apps_dns == domain
    request = Request(
        owner=Owner(issuer="i", subject="s"),
        deadline=NOW,
        per_provider_timeout=1,
        user_group="physics",
    )
    container = NodeRequirement(name="web", kind="container", cpus=1)
    row = ProviderRow(feeder, NOW)
    found = select((container,), [row], request=request, today=NOW.date(), now=NOW, stale_s=900)
    (candidate,) = found.candidates
    user, login = ImUser("uuid.1", "secret"), CloudLogin(token="ey.token")
    line = json.loads(header(user, candidate.target, candidate.region_name, login))[1]
    assert line["apps_dns"] == domain


@pytest.mark.parametrize("text", [STATIC, READ], ids=["known from the file", "read"])
@pytest.mark.parametrize(
    "domain",
    [
        '"apps.example.org; type = Kubernetes"',
        '"apps.example.org\\nid = other"',
        '"apps.example.org\\\\nid"',
        '"file(/etc/passwd)"',
        '"Apps.example.org"',
        '"apps.example.org."',
        '"-apps.example.org"',
        '"https://apps.example.org"',
        '"apps example"',
        '"äpps.example.org"',
        '""',
        "[apps]",
        f'"{"a" * 201}"',
    ],
)
def test_of_no_other_form_gets_into_a_federation(tmp_path: Path, text: str, domain: str) -> None:
    (fault,) = faults(tmp_path, IDPS + text.format(domain=domain))
    assert "apps_dns" in fault


def test_need_not_be_given(tmp_path: Path) -> None:
    text = STATIC.replace("    apps_dns: {domain}\n", "").format()
    assert message(tmp_path, text).apps_dns is None
