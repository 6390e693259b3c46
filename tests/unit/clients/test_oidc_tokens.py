"""Tokens of an issuer whose keys are known: what is accepted, and whom they stand for."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey

from paas_stream.auth_settings import Issuer, OidcSettings
from paas_stream.clients import oidc
from paas_stream.clients.tokens import RefusedTokenError
from paas_stream.errors import TemporaryError

NOW = 1_800_000_000
URL = "https://iam.example.org/"
ISSUER = Issuer(url=URL, audience=["https://paas/", "paas"], admin_groups=["admins"])
SETTINGS = OidcSettings(issuers=[ISSUER], skew_s=60)
RSA = RSAKey.generate_key(2048, {"kid": "r"})
EC = ECKey.generate_key("P-256", {"kid": "e"})


def token(key: Key = RSA, algorithm: str = "RS256", **claims: Any) -> str:
    """A token; a claim that is None is left out."""
    given = {"iss": URL, "sub": "anna", "aud": "paas", "iat": NOW, "exp": NOW + 600} | claims
    kept = {name: value for name, value in given.items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": key.kid}, kept, key, algorithms=[algorithm])


def verified(text: str, key: Key = RSA) -> dict[str, Any]:
    return oidc.verified(text, key, ISSUER, SETTINGS, NOW)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class TestATokenIsAccepted:
    @pytest.mark.parametrize(
        "claims",
        [
            {},
            {"aud": ["other", "https://paas/"]},
            {"exp": NOW - 59},  # by a clock that is slow
            {"iat": NOW + 60, "nbf": NOW + 60},  # by one that is fast
            {"iat": None},
        ],
    )
    def test_in_time_and_for_us(self, claims: dict[str, Any]) -> None:
        assert verified(token(**claims))["sub"] == "anna"

    def test_with_an_elliptic_curve(self) -> None:
        assert verified(token(EC, "ES256"), EC)["sub"] == "anna"


class TestATokenIsRefused:
    @pytest.mark.parametrize(
        "claims",
        [
            {"aud": "storage"},
            {"aud": []},
            {"aud": None},
            {"aud": {"paas": 1}},
            {"iss": "https://iam.example.org"},
            {"exp": NOW - 60},
            {"exp": None},
            {"exp": "tomorrow"},
            {"nbf": NOW + 61},
            {"iat": NOW + 61},
            {"sub": None},
            {"sub": ""},
            {"sub": 7},
        ],
        ids=str,
    )
    def test_for_its_claims(self, claims: dict[str, Any]) -> None:
        with pytest.raises(RefusedTokenError):
            verified(token(**claims))

    def test_with_another_key(self) -> None:
        stranger = RSAKey.generate_key(2048, {"kid": "r"})
        with pytest.raises(RefusedTokenError, match="signature"):
            verified(token(stranger))

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_when_a_part_of_it_was_changed(self, place: int) -> None:
        parts = token().split(".")
        changed = [{"alg": "RS256", "kid": "r", "typ": "JWT"}, {"iss": URL, "sub": "root"}]
        parts[place] = part(changed[place]) if place < 2 else parts[2][:-8] + "AAAAAAAA"
        with pytest.raises(RefusedTokenError, match="signature"):
            verified(".".join(parts))

    def test_that_is_not_signed_at_all(self) -> None:
        body = part({"iss": URL, "sub": "root", "aud": "paas", "exp": NOW + 600})
        for algorithm in ("none", "None", "NONE"):
            with pytest.raises(RefusedTokenError):
                verified(f"{part({'alg': algorithm})}.{body}.")

    def test_that_takes_the_public_key_for_a_shared_secret(self) -> None:
        signed = f"{part({'alg': 'HS256', 'kid': 'r'})}.{token().split('.')[1]}"
        secret = RSA.as_pem(private=False)
        mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        with pytest.raises(RefusedTokenError):
            verified(f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}")

    def test_that_has_expired_without_counting_as_a_guess(self) -> None:
        with pytest.raises(RefusedTokenError) as caught:
            verified(token(exp=NOW - 60))
        assert not caught.value.is_guess
        with pytest.raises(RefusedTokenError) as caught:
            verified(token(aud="storage"))
        assert caught.value.is_guess


class TestBeforeAnyKeyIsLookedFor:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "abc",
            "a.b.c",
            "....",
            "é.é.é",
            f"{part([])}.{part({})}.x",
            f"{part({'alg': 'none'})}.{part({'iss': URL})}.",
            f"{part({'alg': ['RS256']})}.{part({'iss': URL})}.x",
            f"{part({'alg': 'HS256'})}.{part({'iss': URL})}.x",
            f"{part({'alg': 'RS256'})}.{part([URL])}.x",
            f"{part({'alg': 'RS256'})}.{part({'iss': [URL]})}.x",
            f"{part({'alg': 'RS256'})}.{part({'iss': 'https://evil.example.org/'})}.x",
            f"{part({'alg': 'RS256', 'crit': ['b64'], 'b64': False})}.x.x",
            "[" * 100_000,
            f"{part({'alg': 'RS256'})}.{base64.b64encode(b'[' * 40_000).decode()}.x",
        ],
        ids=lambda text: text[:24],
    )
    async def test_nonsense_is_refused(self, text: str) -> None:
        def session() -> Any:
            raise AssertionError("no issuer is asked")

        with pytest.raises(RefusedTokenError):
            await oidc.OidcClient(SETTINGS, session).caller(text)


class TestTheGroups:
    @pytest.mark.parametrize(
        ("claims", "groups"),
        [
            ({}, ()),
            ({"groups": []}, ()),
            ({"groups": ["a", "b/c"]}, ("a", "b/c")),
            ({"wlcg.groups": ["/a", "/b/c"]}, ("a", "b/c")),
            ({"groups": ["a", "b"], "wlcg.groups": ["/b", "/c"]}, ("b",)),
            ({"groups": ["a"], "wlcg.groups": []}, ()),
            ({"groups": [], "wlcg.groups": ["/a"]}, ()),
            ({"groups": "a"}, ("a",)),
            ({"groups": {"a": 1}}, ()),
            ({"groups": ["a", 1, None, ""]}, ("a",)),
        ],
    )
    def test_are_those_on_which_the_claims_agree(
        self, claims: dict[str, Any], groups: tuple[str, ...]
    ) -> None:
        assert oidc.user_groups(claims, ISSUER.group_claims) == groups

    def test_make_admins(self) -> None:
        assert oidc.caller_of({"sub": "a", "groups": ["admins"]}, ISSUER).is_admin
        assert not oidc.caller_of({"sub": "a", "groups": ["physics"]}, ISSUER).is_admin

    def test_come_with_who_it_is(self) -> None:
        found = oidc.caller_of({"sub": "a", "preferred_username": "Anna", "groups": "g"}, ISSUER)
        assert (found.issuer, found.subject, found.username) == (URL, "a", "Anna")
        assert oidc.caller_of({"sub": "a", "name": ["x"]}, ISSUER).username is None


class TestKeysOfAnIssuer:
    def test_are_those_that_can_sign(self) -> None:
        weak = RSAKey.generate_key(1024, {"kid": "weak"})
        given: list[Any] = [key.as_dict(private=False) for key in (RSA, EC, weak)]
        given += [
            {"kty": "oct", "kid": "o", "k": "c2VjcmV0"},
            {"kty": "new", "kid": "n"},
            given[0] | {"kid": "for encryption", "use": "enc"},
            "nonsense",
        ]
        assert [key.kid for key in oidc._usable({"keys": given})] == ["r", "e"]

    @pytest.mark.parametrize("document", [{}, {"keys": {}}])
    def test_are_a_list(self, document: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="list of keys"):
            oidc._usable(document)

    async def test_that_are_not_there_are_no_reason_to_refuse(self) -> None:
        def session() -> Any:
            raise TimeoutError

        with pytest.raises(TemporaryError) as caught:
            await oidc.OidcClient(SETTINGS, session).caller(token())
        assert caught.value.delay_s == SETTINGS.retry_s
