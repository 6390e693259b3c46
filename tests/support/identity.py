"""Real identity services in processes of their own: an OpenID provider, and Keystone."""

import hashlib
import json
import shutil
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey
from support.ports import free_port
from support.processes import ROOT, Process

from paas_stream.settings import Settings

AUDIENCE = "https://paas.example.org/"
OTHER_AUDIENCE = "https://storage.example.org/"
SECRET = "secret"
_START_S = 90.0
_CALL_S = 20.0


OIDC_LOCK = ROOT / "tests" / "oidc" / "package-lock.json"


def has_openid_provider() -> bool:
    """Whether an OpenID provider is here, or could be: without npm it cannot."""
    return (_folder("oidc-provider", OIDC_LOCK) / ".complete").exists() or shutil.which(
        "npm"
    ) is not None


def _folder(name: str, lock: Path) -> Path:
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    return Settings().cache.dir / f"{name}-{digest}"


def installed(name: str, lock: Path) -> Path:
    """Where `make test` has put what a lock file describes."""
    folder = _folder(name, lock)
    if not (folder / ".complete").exists():
        if name == "oidc-provider" and shutil.which("npm") is None:
            pytest.skip("there is no OpenID provider: `make auth-install` fetches one, with npm")
        pytest.fail(f"there is no {folder}: `make test` puts it there first")
    return folder


def new_key(kid: str) -> dict[str, Any]:
    """A private key for signing, as a JWK."""
    about: Any = {"kid": kid, "alg": "RS256", "use": "sig"}
    return dict(RSAKey.generate_key(2048, about, private=True).as_dict(private=True))


def tampered(token: str, **header: Any) -> str:
    """The token with another header and the same signature."""
    first, rest = token.split(".", 1)
    known = json.loads(urlsafe_b64decode(first + "=="))
    changed = json.dumps(known | header).encode()
    return f"{urlsafe_b64encode(changed).decode().rstrip('=')}.{rest}"


def claims(token: str) -> dict[str, Any]:
    """What a token says."""
    payload = token.split(".")[1]
    return dict(json.loads(urlsafe_b64decode(payload + "==")))


class Service(Process):
    """A service on a loopback port."""

    def __init__(self, name: str, program: list[str], folder: Path, port: int) -> None:
        # neither the paths nor the compiled modules of the tests' own Python are for it
        clean = {"PYTHONPATH": "", "PYTHONPYCACHEPREFIX": ""}
        super().__init__(f"{name}-{port}", program, folder, clean)
        self.port = port

    def run(self, probe: str) -> None:
        """Start it, and wait until a GET of `probe` answers."""
        self.start()
        self.wait(probe)

    def wait(self, probe: str) -> None:
        """Wait until a GET of `probe` answers."""
        deadline = time.monotonic() + _START_S
        while True:
            assert self.is_running, f"{self.name} ended:\n{self.log}"
            try:
                if requests.get(probe, timeout=1).ok:
                    return
            except requests.RequestException:
                assert time.monotonic() < deadline, f"{self.name} does not answer:\n{self.log}"
            time.sleep(0.05)


class OidcProvider(Service):
    """The npm package oidc-provider. `users` have claims and the life of their tokens in seconds."""

    executable = "node"

    def __init__(self, folder: Path, users: dict[str, dict[str, Any]]) -> None:
        port = free_port()
        home = installed("oidc-provider", OIDC_LOCK)
        self.world = {
            "keys": [new_key("k1")],
            "audiences": [AUDIENCE, OTHER_AUDIENCE],
            "users": users,
        }
        self._world_file = folder / f"world-{port}.json"
        script = str(ROOT / "tests" / "oidc" / "provider.mjs")
        program = [script, str(home), str(port), str(self._world_file)]
        super().__init__("oidc-provider", program, folder, port)

    @property
    def issuer(self) -> str:
        """As in its tokens."""
        return f"http://127.0.0.1:{self.port}"

    def serve(self) -> None:
        """Start it, or start it again after a change of `world`."""
        if self.is_running:
            self.kill9()
        self._world_file.write_text(json.dumps(self.world))
        self.run(f"{self.issuer}/.well-known/openid-configuration")

    def signed(self, claims: dict[str, Any]) -> str:
        """A token with these claims, whatever they are."""
        key = RSAKey.import_key(self.world["keys"][0])  # type: ignore[arg-type]
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)

    def rotate(self, kid: str) -> None:
        """Sign with a new key; the old ones stay published."""
        self.world["keys"] = [new_key(kid), *self.world["keys"]]  # type: ignore[misc]
        self.serve()

    def token(self, user: str, audience: str = AUDIENCE) -> str:
        """An access token."""
        form = {"grant_type": "client_credentials", "resource": audience}
        answer = requests.post(
            f"{self.issuer}/token", data=form, auth=(user, SECRET), timeout=_CALL_S
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])


@contextmanager
def openid_provider(folder: Path, users: dict[str, dict[str, Any]]) -> Iterator[OidcProvider]:
    """An OpenID provider that answers; a test may stop it meanwhile."""
    made = OidcProvider(folder, users)
    try:
        made.serve()
        yield made
    finally:
        if made.is_running:
            made.kill9()


class Keystone(Service):
    """Keystone from PyPI, with a service account `paas` and users in projects and groups."""

    def __init__(self, folder: Path, issuer: str | None = None) -> None:
        """`issuer`: an OpenID provider whose users may come by federation; see `federate`."""
        port = free_port()
        home = installed("keystone", ROOT / "requirements" / "keystone.txt")
        self.executable = str(home / "bin" / "python")
        program = [str(ROOT / "tests" / "keystone" / "server.py"), str(folder), str(port)]
        if issuer is not None:
            program += [issuer, AUDIENCE]
        super().__init__("keystone", program, folder, port)
        self.url = f"http://127.0.0.1:{port}/v3"
        self._admin = ""
        self._ids: dict[tuple[str, str], str] = {}

    def serve(self) -> None:
        """Start it, and make the service account."""
        self.run(self.url)
        self._admin = self.token("admin", "admin")
        self.user("paas", "service", role="service")
        self.user("powerless", "service")

    def user(
        self,
        name: str,
        project: str,
        group: str | None = None,
        role: str = "member",
        password: str = SECRET,
    ) -> str:
        """A user, made if need be, gets a role in a project and comes into a group; its id."""
        user = self.place("users", name, password)
        target = f"projects/{self.place('projects', project)}/users/{user}/roles"
        self.call("PUT", f"{target}/{self.place('roles', role)}")
        if group is not None:
            self.call("PUT", f"groups/{self.place('groups', group)}/users/{user}")
        return user

    def federate(self, name: str, issuer: str, group: str, project: str) -> None:
        """Users of the issuer with this group in their token get the role `member` in the project."""
        target = f"projects/{self.place('projects', project)}/groups/{self.place('groups', group)}"
        self.call("PUT", f"{target}/roles/{self.place('roles', 'member')}")
        place = f"OS-FEDERATION/identity_providers/{name}"
        self.call("PUT", place, {"identity_provider": {"remote_ids": [issuer], "enabled": True}})
        local = [{"user": {"name": "{0}"}}, {"group": {"id": self.place("groups", group)}}]
        remote = [{"type": "HTTP_OIDC_SUB"}, {"type": "HTTP_OIDC_GROUPS", "any_one_of": [group]}]
        rules = {"mapping": {"rules": [{"local": local, "remote": remote}]}}
        self.call("PUT", f"OS-FEDERATION/mappings/{name}", rules)
        self.call("PUT", f"{place}/protocols/openid", {"protocol": {"mapping_id": name}})

    def token(self, user: str, project: str) -> str:
        """A token of a user for a project."""
        domain = {"id": "default"}
        login = {"name": user, "password": SECRET, "domain": domain}
        scope = {"project": {"name": project, "domain": domain}}
        identity = {"methods": ["password"], "password": {"user": login}}
        body = {"auth": {"identity": identity, "scope": scope}}
        answer = requests.post(f"{self.url}/auth/tokens", json=body, timeout=_CALL_S)
        answer.raise_for_status()
        return answer.headers["X-Subject-Token"]

    def revoke(self, token: str) -> None:
        """Make a token worthless, in its user's own name."""
        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        requests.delete(
            f"{self.url}/auth/tokens", headers=headers, timeout=_CALL_S
        ).raise_for_status()

    def place(self, kind: str, name: str, password: str = SECRET) -> str:
        """The id of a user, group, project or role, made if need be."""
        if (kind, name) not in self._ids:
            fields = {"password": password} if kind == "users" else {}
            if kind != "roles":  # they belong to no domain
                fields["domain_id"] = "default"
            self._ids[kind, name] = self._made(kind, name=name, **fields)
        return self._ids[kind, name]

    def _made(self, kind: str, **fields: str) -> str:
        one = kind.removesuffix("s")
        if kind == "roles" and (known := self._found(kind, fields["name"])):
            return known
        return str(self.call("POST", kind, {one: fields})[one]["id"])

    def _found(self, kind: str, name: str) -> str:
        found = self.call("GET", f"{kind}?name={name}")[kind]
        return str(found[0]["id"]) if found else ""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask as the administrator."""
        answer = requests.request(
            method,
            f"{self.url}/{path}",
            json=body,
            headers={"X-Auth-Token": self._admin},
            timeout=_CALL_S,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None
