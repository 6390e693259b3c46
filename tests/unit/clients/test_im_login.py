"""The authorization header: what each kind of provider needs, and no way to add to it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paas_stream.clients.im_login import (
    CloudLogin,
    ImUser,
    attempt_user,
    cloud,
    header,
    user_header,
)
from paas_stream.errors import PermanentError
from paas_stream.records import Target

USER = ImUser("uuid.1", "secret")
TOKEN = CloudLogin(token="ey.token")
PASSWORD = CloudLogin(username="alice", password="hunter2")
OPENSTACK = Target(
    type="openstack",
    endpoint="https://keystone.example.org:5000/v3/",
    project="proj-1",
    issuer="infn-cc",
    protocol="openid",
)
KUBERNETES = Target(type="kubernetes", endpoint="https://api.example.org:6443", project="ns-1")
DUMMY = Target(type="dummy", endpoint="")

# what is said of a cloud whoever logs in there
AT_OPENSTACK = {"id": "ost", "type": "OpenStack", "host": "https://keystone.example.org:5000"}
AT_KUBERNETES = {"id": "k8s", "type": "Kubernetes", "host": "https://api.example.org:6443"}


def as_the_im_reads_it(text: str) -> list[dict[str, Any]]:
    """IM splits the header at the two characters backslash and n; one line may be a JSON list."""
    lines = text.split("\\n")
    assert len(lines) == 1, "the header has become several lines"
    assert text.isascii()
    assert text.isprintable()
    return list(json.loads(lines[0]))


def as_user(name: str = "uuid.1", password: str = "secret") -> dict[str, str]:
    """The line that the IM knows its user by."""
    return {"type": "InfrastructureManager", "username": name, "password": password}


def test_an_attempt_has_a_user_of_its_own() -> None:
    assert attempt_user("uuid", 1) == "uuid.1"
    assert attempt_user("uuid", 1) != attempt_user("uuid", 11)


def test_calls_that_reach_no_cloud_name_the_user_only() -> None:
    assert as_the_im_reads_it(user_header(USER)) == [as_user()]


@pytest.mark.parametrize(
    ("target", "region", "login", "line"),
    [
        (DUMMY, "default", None, {"id": "dummy", "type": "Dummy"}),
        (DUMMY, "r1", TOKEN, {"id": "dummy", "type": "Dummy"}),
        (
            OPENSTACK,
            "r1",
            TOKEN,
            AT_OPENSTACK
            | {
                "service_region": "r1",
                "username": "infn-cc",
                "tenant": "openid",
                "password": "ey.token",
                "domain": "proj-1",
                "auth_version": "3.x_oidc_access_token",
            },
        ),
        (
            OPENSTACK,
            "default",
            PASSWORD,
            AT_OPENSTACK
            | {
                "username": "alice",
                "password": "hunter2",
                "tenant": "proj-1",
                "domain": "Default",
                "tenant_domain_id": "default",
                "auth_version": "3.x_password",
            },
        ),
        (
            OPENSTACK,
            "",
            CloudLogin(
                username="alice",
                password="hunter2",
                tenant="other",
                domain="users",
                tenant_domain="projects",
            ),
            AT_OPENSTACK
            | {
                "username": "alice",
                "password": "hunter2",
                "tenant": "other",
                "domain": "users",
                "tenant_domain_id": "projects",
                "auth_version": "3.x_password",
            },
        ),
        (
            OPENSTACK.model_copy(update={"project": ""}),
            "default",
            CloudLogin(username="id", password="hunter2", application_credential=True),
            AT_OPENSTACK
            | {
                "username": "id",
                "password": "hunter2",
                "tenant": "any",
                "auth_version": "3.x_appcred",
            },
        ),
        (
            KUBERNETES,
            "default",
            TOKEN,
            AT_KUBERNETES | {"token": "ey.token", "namespace": "ns-1"},
        ),
        (
            KUBERNETES.model_copy(update={"apps_dns": "apps.example.org"}),
            "default",
            TOKEN,
            AT_KUBERNETES
            | {"token": "ey.token", "namespace": "ns-1", "apps_dns": "apps.example.org"},
        ),
        (
            KUBERNETES.model_copy(update={"project": ""}),
            "default",
            TOKEN,
            AT_KUBERNETES | {"token": "ey.token"},
        ),
    ],
    ids=[
        "dummy",
        "dummy with a login",
        "OIDC",
        "password",
        "domains",
        "application credential",
        "kubernetes",
        "kubernetes with a domain of its applications",
        "kubernetes without namespace",
    ],
)
def test_each_kind_of_provider_gets_what_it_needs(
    target: Target, region: str, login: CloudLogin | None, line: dict[str, str]
) -> None:
    assert cloud(target, region, login) == line
    assert as_the_im_reads_it(header(USER, target, region, login))[1] == line


@pytest.mark.parametrize(
    ("target", "login"),
    [
        (OPENSTACK, None),
        (OPENSTACK, CloudLogin()),
        (OPENSTACK, CloudLogin(username="alice")),
        (OPENSTACK, CloudLogin(password="hunter2")),
        (KUBERNETES, None),
        (KUBERNETES, PASSWORD),
    ],
)
def test_a_login_that_lacks_something_is_told_without_its_values(
    target: Target, login: CloudLogin | None
) -> None:
    with pytest.raises(PermanentError) as caught:
        header(USER, target, "default", login)
    assert caught.value.code == "credentials_missing"
    assert target.type in caught.value.message
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://keystone.example.org:5000/v3", "https://keystone.example.org:5000"),
        ("https://keystone.example.org:5000/v3/", "https://keystone.example.org:5000"),
        ("https://keystone.example.org:5000", "https://keystone.example.org:5000"),
        ("https://keystone.example.org/", "https://keystone.example.org"),
        ("https://cloud.example.org/identity/v3", "https://cloud.example.org/identity"),
        ("https://cloud.example.org/identity", "https://cloud.example.org/identity"),
        ("https://Cloud.Example.org/v3", "https://cloud.example.org"),
    ],
)
def test_the_address_of_keystone_is_told_without_the_version_that_the_im_adds(
    endpoint: str, host: str
) -> None:
    target = OPENSTACK.model_copy(update={"endpoint": endpoint})
    assert cloud(target, "r1", TOKEN)["host"] == host


@pytest.mark.parametrize(
    ("tenant", "name", "told"),
    [
        ("configured", "read", "configured"),
        (None, "read", "read"),
        (None, None, "proj-1"),
    ],
)
def test_with_a_password_the_im_is_told_the_projects_name(
    tenant: str | None, name: str | None, told: str
) -> None:
    login = CloudLogin(username="alice", password="hunter2", tenant=tenant)
    target = OPENSTACK.model_copy(update={"project_name": name})
    assert cloud(target, "r1", login)["tenant"] == told
    assert cloud(target, "r1", TOKEN)["domain"] == "proj-1"


def test_an_unknown_kind_of_provider_is_refused() -> None:
    with pytest.raises(PermanentError) as caught:
        header(USER, Target(type="mainframe", endpoint=""), "default", None)
    assert caught.value.code == "provider_type"


def test_secrets_are_not_shown() -> None:
    for shown in (repr(USER), repr(TOKEN), repr(PASSWORD), str(PASSWORD)):
        assert "secret" not in shown
        assert "hunter2" not in shown
        assert "ey.token" not in shown


HOSTILE = [
    "a;b",
    "a'b",
    'a"b',
    "a\nb",
    r"a\nb",
    "a\\",
    "file(/etc/passwd)",
    "x\ntype = InfrastructureManager; username = another",
    r"x\nid = more; type = Dummy",
    '"}, {"type": "Dummy',
    "a = b",
    "#",
    " a ",
    "\x00\x7f\u2028ü",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    ("login", "fields"),
    [
        (lambda value: CloudLogin(token=value), {"password"}),
        (lambda value: CloudLogin(username=value, password=value), {"username", "password"}),
        (
            lambda value: CloudLogin(
                username=value,
                password=value,
                tenant=value,
                domain=value,
                tenant_domain=value,
            ),
            {"username", "password", "tenant", "domain", "tenant_domain_id"},
        ),
        (
            lambda value: CloudLogin(username=value, password=value, application_credential=True),
            {"username", "password"},
        ),
    ],
    ids=["token", "password", "password with domains", "application credential"],
)
def test_a_hostile_value_of_a_login_at_openstack_stays_in_its_field(
    login: Callable[[str], CloudLogin], fields: set[str], value: str
) -> None:
    user, line = as_the_im_reads_it(header(USER, OPENSTACK, "r1", login(value)))
    plain = cloud(OPENSTACK, "r1", login("plain"))
    assert user == as_user()
    assert line == plain | dict.fromkeys(fields, value)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_region_project_and_protocol_stay_in_their_fields(value: str) -> None:
    told = {"project": value, "issuer": value, "protocol": value}
    _, line = as_the_im_reads_it(
        header(USER, OPENSTACK.model_copy(update=told), value, CloudLogin(token="t"))
    )
    assert line == AT_OPENSTACK | {
        "service_region": value,
        "username": value,
        "tenant": value,
        "password": "t",
        "domain": value,
        "auth_version": "3.x_oidc_access_token",
    }


NASTY = st.text(st.sampled_from("a;=\\n'\"/ \n\r\t\x00{}[],:#üж😀\u2028\ud800"), max_size=12)


@given(domain=NASTY | st.text(), namespace=NASTY | st.text())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_what_a_foreign_feeder_says_of_a_cluster_can_add_nothing_either(
    domain: str, namespace: str
) -> None:
    target = KUBERNETES.model_copy(update={"apps_dns": domain, "project": namespace})
    line = as_the_im_reads_it(header(USER, target, "r", TOKEN))[1]
    assert (line.get("apps_dns", ""), line.get("namespace", "")) == (domain, namespace)


@given(name=NASTY | st.text(), password=NASTY | st.text(), token=NASTY | st.text())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_value_can_add_a_field_or_a_line(name: str, password: str, token: str) -> None:
    told = header(ImUser(name, password), KUBERNETES, "r", CloudLogin(token=token))
    user, line = as_the_im_reads_it(told)
    assert user == as_user(name, password)
    assert line["token"] == token
    assert set(line) == {"id", "type", "host", "token", "namespace"}
