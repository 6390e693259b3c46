"""The embedded Infrastructure Manager (IM): the real server as a process of its own, on loopback.

IM is GPLv3: it is installed in a virtual environment of its own, never imported, and spoken to by
HTTP only. It reads its configuration only beside its own package, so each state directory gets a
copy of the package at run time. All calls block; none belongs in an event loop.
"""

import configparser
import hashlib
import http.client
import json
import os
import re
import secrets
import shutil
import sys
from pathlib import Path

import paas_stream
from paas_stream.errors import ConfigurationError
from paas_stream.local.embedded import EmbeddedService
from paas_stream.local.processes import Launch, run
from paas_stream.settings import Settings

REQUIREMENTS = Path(paas_stream.__file__).resolve().parent.parent / "requirements"
INSTALL_TIMEOUT_S = 900.0  # of each step; some 85 packages, 450 MB
PROBE_TIMEOUT_S = 2.0
STOP_TIMEOUT_S = 20.0  # it takes over 3 s to end its threads; then it is killed
PACKAGES = ("IM", "contextualization")  # what a running IM needs of its own distribution

OPTIONS = {
    "REST_ADDRESS": "127.0.0.1",
    "USER_DB": "",  # any user name is accepted: owners are told apart by name and password
    "LOG_LEVEL": "INFO",
    "VERIFI_SSL": "True",  # as IM spells it; certificates of clouds are verified
    "MAX_SIMULTANEOUS_LAUNCHES": "5",
    "MAX_VM_FAILS": "1",
    # Seconds. IM's own values suit large clouds; these show a change of state within a second.
    "VM_INFO_UPDATE_FREQUENCY": "1",
    "CONFMAMAGER_CHECK_STATE_INTERVAL": "1",  # as IM spells it
    "CHECK_CTXT_PROCESS_INTERVAL": "1",
    "UPDATE_CTXT_LOG_INTERVAL": "1",
    "WAIT_RUNNING_VM_TIMEOUT": "60",
    "WAIT_SSH_ACCCESS_TIMEOUT": "30",  # as IM spells it
    "WAIT_PUBLIC_IP_TIMEOUT": "10",
    "MAX_CONTEXTUALIZATION_TIME": "60",
}


class EmbeddedIm(EmbeddedService):
    """The IM of one state directory."""

    name = "IM"
    existing = "The IM"
    stop_timeout_s = STOP_TIMEOUT_S

    def __init__(self, settings: Settings) -> None:
        self.settings = settings.im
        self.cache = settings.cache.dir.absolute()
        super().__init__(settings.state, settings.im.url, settings.im.start_timeout_s)

    @property
    def address(self) -> str:
        """Its REST API."""
        return self.settings.endpoint

    def _installed(self) -> str:
        environment = environment_of(REQUIREMENTS, self.cache)
        if is_complete(environment):
            return f"IM is installed in {environment}"
        create(environment, REQUIREMENTS, self.cache)
        return f"IM was installed in {environment}"

    def administrator(self) -> tuple[str, str]:
        """Name and password of the user who sees the infrastructures of all others."""
        config = configparser.ConfigParser()
        config.read(self._config_file)
        user = json.loads(config["im"]["ADMIN_USER"])
        return user["username"], user["password"]

    @property
    def _config_file(self) -> Path:
        return self.process.directory / "lib" / "im.cfg"

    def _prepare(self) -> Launch:
        environment = environment_of(REQUIREMENTS, self.cache)
        directory = self.process.directory
        copy_packages(environment, directory / "lib")
        write_config(self._config_file, self._options())
        return Launch(
            command=[str(environment / "bin" / "python"), str(environment / "bin" / "im_service")],
            directory=directory,
            environment=clean_environment() | {"PYTHONPATH": str(directory / "lib")},
            ports={self.settings.port: "PAAS_IM_PORT"},
        )

    def _options(self) -> dict[str, str]:
        admin = {"username": "administrator", "password": secrets.token_hex(16)}
        return OPTIONS | {
            "REST_PORT": str(self.settings.port),
            "DATA_DB": f"sqlite:///{self.process.directory / 'im.db'}",
            "LOG_FILE": str(self.process.log_file),
            "ADMIN_USER": json.dumps(admin),
        }

    def _is_ready(self) -> bool:
        return served_version(self.settings.port) == pinned(REQUIREMENTS / "im.txt", "im")


def served_version(port: int) -> str | None:
    """The version that an IM on this loopback port answers with; None when nothing answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_TIMEOUT_S)
    try:
        connection.request("GET", "/version")
        answer = connection.getresponse()
        return answer.read(100).decode(errors="replace").strip() if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def pinned(requirements: Path, package: str) -> str:
    """The version of a package in a requirements file."""
    try:
        text = requirements.read_text()
    except FileNotFoundError:
        raise ConfigurationError(
            f"the embedded IM is described in {requirements}, which is not there: "
            "run from a checkout, or set PAAS_IM_URL to an existing IM"
        ) from None
    found = re.search(rf"^{re.escape(package)}==([^\s;\\]+)", text, re.MULTILINE)
    if found is None:
        raise ConfigurationError(f"{requirements} names no version of {package}")
    return found[1]


def environment_of(requirements: Path, cache: Path) -> Path:
    """The virtual environment that belongs to the lock file's content."""
    lock = requirements / "im.txt"
    pinned(lock, "im")
    return cache / f"im-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"


def is_complete(environment: Path) -> bool:
    """Whether the installation had come to its end, and its Python still runs."""
    return (environment / ".complete").exists() and (environment / "bin" / "python").exists()


def create(environment: Path, requirements: Path, cache: Path) -> None:
    """Make the virtual environment. One that was left half done is made anew."""
    uv = find_uv(requirements, cache)
    shutil.rmtree(environment, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    venv = ["venv", "--python", sys.executable, str(environment)]
    lock = ["-r", str(requirements / "im.txt"), "--require-hashes"]
    packages = ["pip", "install", "--python", str(environment / "bin" / "python"), *lock]
    for step in (venv, packages):
        run([uv, "--quiet", "--system-certs", *step], INSTALL_TIMEOUT_S, "IM was not installed")
    (environment / ".complete").touch()


def find_uv(requirements: Path, cache: Path) -> str:
    """The program `uv`: the pinned one that `make setup` made, otherwise that of the system."""
    own = cache / f"uv-{pinned(requirements / 'uv.txt', 'uv')}" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    if uv is None:
        raise ConfigurationError(
            "uv is needed to install the embedded IM: run `make setup`, "
            "or set PAAS_IM_URL to an existing IM"
        )
    return uv


def copy_packages(environment: Path, target: Path) -> None:
    """Copy IM out of its virtual environment, unless this very copy is there."""
    stamp = target / "source"
    if stamp.exists() and stamp.read_text() == str(environment):
        return
    shutil.rmtree(target, ignore_errors=True)
    for package in PACKAGES:
        shutil.copytree(site_packages(environment) / package, target / package)
    stamp.write_text(str(environment))


def site_packages(environment: Path) -> Path:
    """Where packages are in a virtual environment that this Python has made."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return environment / "lib" / version / "site-packages"


def write_config(path: Path, options: dict[str, str]) -> None:
    """Write IM's configuration; this user alone can read it."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write("[im]\n")
        for name, value in options.items():
            literal = value.replace("%", "%%")  # a single one would refer to another option
            handle.write(f"{name} = {literal}\n")


def clean_environment() -> dict[str, str]:
    """This process's environment without what would lead another Python or IM astray."""
    astray = {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH", "IM_DATA_DB"}
    return {name: value for name, value in os.environ.items() if name not in astray}
