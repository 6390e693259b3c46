"""How the Feeder logs in to a cloud: by what the provider file says of it."""

from datetime import date
from typing import Any

import pytest
from keystoneauth1.identity import v3

from paas_stream.clients.openstack_site import plugin, read
from paas_stream.clients.site_calls import Calls
from paas_stream.errors import ConfigurationError
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.provider_checks import Agreement
from paas_stream.selection.provider_schema import OpenStackProvider, Sla
from paas_stream.selection.readings import Site

ISSUER = "https://iam.example.org/"
IDP = {"endpoint": ISSUER, "name": "iam", "protocol": "openid"}


def site(url: str = "https://keystone.example.org:5000/v3", **idp: Any) -> Site:
    provider = OpenStackProvider.model_validate(
        {
            "name": "site",
            "auth_url": url,
            "identity_providers": [IDP | idp],
            "projects": [{"id": "p", "sla": "s"}],
        },
        strict=False,
    )
    sla = Sla(doc_uuid="s", start_date=date(2025, 1, 1), end_date=date(2099, 12, 31))
    return Site(
        provider, provider.regions[0], provider.projects[0], Agreement(sla, "physics", ISSUER)
    )


def test_a_password_is_for_the_project_by_its_id() -> None:
    found: Any = plugin(site(), Credentials("password", "me", "secret"))
    assert isinstance(found, v3.Password)
    assert (found.project_id, found.auth_methods[0].username) == ("p", "me")
    assert found.auth_methods[0].user_domain_id == "default"


def test_a_tenant_is_named_where_the_id_does_not_do() -> None:
    login = Credentials("password", "me", "secret", tenant="physics", domain="d", tenant_domain="t")
    found: Any = plugin(site(), login)
    assert (found.project_id, found.project_name, found.project_domain_id) == (None, "physics", "t")
    assert found.auth_methods[0].user_domain_name == "d"
    assert found.auth_methods[0].user_domain_id is None


def test_an_application_credential_has_its_project() -> None:
    found: Any = plugin(site(), Credentials("application_credential", "id", "secret"))
    assert isinstance(found, v3.ApplicationCredential)
    assert found.project_id is None


def test_a_token_goes_by_the_identity_provider_of_the_agreements_issuer() -> None:
    found: Any = plugin(site(), Credentials("token", token="jwt"))
    assert isinstance(found, v3.OidcAccessToken)
    assert (found.identity_provider, found.protocol, found.project_id) == ("iam", "openid", "p")


@pytest.mark.parametrize("idp", [{"protocol": None}, {"endpoint": "https://other/"}])
def test_a_token_needs_to_know_the_protocol(idp: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="protocol"):
        plugin(site(**idp), Credentials("token", token="jwt"))


@pytest.mark.parametrize("url", ["https://k:5000", "https://k:5000/", "https://k:5000/v3/"])
def test_the_version_of_the_identity_api_may_be_left_out(url: str) -> None:
    found = plugin(site(url), Credentials("password", "me", "secret"))
    assert found.auth_url == "https://k:5000/v3"


def test_a_project_without_credentials_is_not_read() -> None:
    with pytest.raises(ConfigurationError, match="credentials"):
        read(site(), None, 1.0, Calls())
