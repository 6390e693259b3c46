"""Real OpenStack services on SQLite: Glance, Placement, the APIs of Nova and Cinder, Neutron, Keystone.

There is no agent, and a hypervisor on request only, which is Nova's own fake: without it what is created
stays as it was asked for. Whatever the Feeder reads is real, quotas and rights too.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from openstack.connection import Connection
from support.identity import ROOT, SECRET, Keystone, Service, installed
from support.ports import free_port

PROGRAMS = ROOT / "tests" / "openstack"
sys.path.insert(0, str(PROGRAMS))

from services import PASSWORD, PATHS, SERVICES, TYPES, configure  # noqa: E402 - found by then

_REGION = "RegionOne"
_ONCE_S = 120.0


class OpenStack:
    """All services; `admin` is the cloud's administrator."""

    def __init__(self, folder: Path, issuer: str | None = None, *, builds: bool = False) -> None:
        """`issuer`: an OpenID provider whose users may come by federation; `builds`: machines are
        built, by Nova's own fake of a hypervisor.
        """
        self.folder = folder
        self.keystone = Keystone(folder / "keystone", issuer)
        self.home = installed("openstack", ROOT / "requirements" / "openstack.txt")
        self.python = str(self.home / "bin" / "python")
        self.services: dict[str, Service] = {}
        for name in SERVICES:
            port = free_port()
            program = [str(PROGRAMS / "serve.py"), name, str(port), str(folder)]
            program += ["hypervisor"] if builds and name == "nova" else []
            self.services[name] = Service(name, program, folder, port)
            self.services[name].executable = self.python

    def start(self) -> None:
        """Databases that were made once, the catalog, and all services."""
        sources = b"".join((PROGRAMS / name).read_bytes() for name in ("build.py", "services.py"))
        made = self.home / f"databases-{hashlib.sha256(sources).hexdigest()[:12]}"
        shutil.copytree(made, self.folder, dirs_exist_ok=True)
        configure(self.folder, self.home, self.keystone.port)
        self.keystone.serve()
        self.keystone.user("service", "service", role="service")
        self.keystone.user("service", "service", role="admin")
        for name, service in self.services.items():
            self._catalogue(name, service.port)
            service.start()
        for service in self.services.values():
            service.wait(f"http://127.0.0.1:{service.port}/")

    def close(self) -> None:
        """End them."""
        for service in (*self.services.values(), self.keystone):
            if service.is_running:
                service.kill9()

    def _catalogue(self, name: str, port: int) -> None:
        kind = self.keystone.call(
            "POST", "services", {"service": {"name": name, "type": TYPES[name]}}
        )
        url = f"http://127.0.0.1:{port}{PATHS.get(name, '')}"
        endpoint = {
            "service_id": kind["service"]["id"],
            "interface": "public",
            "region_id": _REGION,
            "url": url,
        }
        for interface in ("public", "internal", "admin"):
            body = {"endpoint": endpoint | {"interface": interface}}
            self.keystone.call("POST", "endpoints", body)

    def connection(self, user: str, project: str, password: str = SECRET) -> Connection:
        """As a user of a project."""
        return Connection(
            region_name=_REGION,
            auth={
                "auth_url": self.keystone.url,
                "username": user,
                "password": password,
                "project_name": project,
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
        )

    @property
    def admin(self) -> Connection:
        """The administrator."""
        return self.connection("admin", "admin", PASSWORD)

    def use(self, project: str, vcpus: int, mib: int) -> None:
        """Let Nova count a machine of the project with this id."""
        words = [str(PROGRAMS / "usage.py"), str(self.folder), project, str(vcpus), str(mib)]
        done = subprocess.run(
            [self.python, *words], capture_output=True, text=True, timeout=_ONCE_S, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]

    def flavor(self, name: str, vcpus: int, ram: int, disk: int, **more: Any) -> str:
        """Create a flavor; `specs` are its extra specs, `project` the only one that has it; its id."""
        admin, specs, project = self.admin, more.get("specs"), more.get("project")
        made = admin.compute.create_flavor(
            name=name, vcpus=vcpus, ram=ram, disk=disk, is_public=project is None
        )
        if specs:
            admin.compute.create_flavor_extra_specs(made, specs)
        if project is not None:
            admin.compute.flavor_add_tenant_access(made, project)
        return str(made.id)
