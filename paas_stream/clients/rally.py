"""Runs `rally`, which has an environment of its own, against one OpenStack site.

Each run has a database of its own in a folder that only this user can read and that is deleted
afterwards, since Rally keeps the password in it. Its report comes into the reports' directory all at
once, where the reader finds it.
"""

import asyncio
import json
import os
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from paas_stream.errors import ConfigurationError, TemporaryError
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.readings import Site

TASK: Final = Path(__file__).with_name("rally_task.json")
TAG: Final = "health"
_ENVIRONMENT: Final = "site"  # Rally's name for what is tested
_SAID_MOST: Final = 1000  # characters of Rally's last words in an error
_PREFIX: Final = "run-"  # of reports that are ours to remove


class RallyRunError(TemporaryError):
    """Rally made no report."""

    code = "rally_run"


@dataclass(frozen=True)
class RallyProgram:
    """The program and its bounds; times in seconds."""

    command: Path
    task: Path
    reports: Path  # DIR/<provider>/<region>/ gets the reports
    timeout_s: float  # of a whole run
    login_timeout_s: float
    kept_s: float  # reports of earlier runs are removed after this

    async def run(self, site: Site, credentials: Credentials | None) -> Path:
        """Test the site; the report, whatever it says.

        Raises RallyRunError when there is none, ConfigurationError for credentials that Rally cannot
        use (it takes a user's password), TemporaryError when the site does not let them in.
        """
        spec = await asyncio.to_thread(_spec, site, credentials, self.login_timeout_s)
        folder = self.reports / site.provider.name / site.region.name
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        work = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="paas-stream-rally-"))
        try:
            async with asyncio.timeout(self.timeout_s):
                made = await self._tested(work, spec)
        except TimeoutError as exc:
            raise RallyRunError(f"no report within {self.timeout_s:g} s") from exc
        else:
            report = folder / f"{_PREFIX}{time.time_ns()}.json"
            await asyncio.to_thread(_published, made, report)
            await asyncio.to_thread(_pruned, folder, time.time() - self.kept_s)
            return report
        finally:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)

    async def _tested(self, work: Path, spec: dict[str, Any]) -> Path:
        config, environment, report = (
            work / name for name in ("rally.conf", "spec.json", "report.json")
        )
        config.write_text(f"[database]\nconnection = sqlite:///{work}/rally.sqlite\n")
        environment.write_text(json.dumps({"existing@openstack": spec}))
        await self._rally(work, "db", "create")
        await self._rally(work, "env", "create", "--name", _ENVIRONMENT, "--spec", environment)
        # It ends with another code when the site has failed a test, which the report says.
        await self._rally(work, "task", "start", "--task", self.task, "--tag", TAG, may_fail=True)
        await self._rally(work, "task", "report", "--json", "--out", report)
        return report

    async def _rally(self, work: Path, *words: str | Path, may_fail: bool = False) -> None:
        """One command, in a process group that does not outlive this call."""
        with (work / "said.txt").open("wb") as said:
            try:
                process = await asyncio.create_subprocess_exec(
                    self.command,
                    "--config-file",
                    work / "rally.conf",
                    *words,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    cwd=work,
                    env=_environment(work),
                    start_new_session=True,
                )
            except OSError as exc:
                raise RallyRunError(f"{self.command} cannot be started: {exc.strerror}") from exc
        try:
            code = await process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if code and not may_fail:
            last = (work / "said.txt").read_bytes()[-_SAID_MOST:].decode("utf-8", "replace")
            raise RallyRunError(f"rally {words[0]} {words[1]} ended with {code}: {last.strip()}")


def _environment(work: Path) -> dict[str, str]:
    """No secret of this process, and no home that two runs share."""
    passed = ("PATH", "LANG", "REQUESTS_CA_BUNDLE", "OS_CACERT")
    return {name: os.environ[name] for name in passed if name in os.environ} | {"HOME": str(work)}


def _spec(site: Site, credentials: Credentials | None, timeout_s: float) -> dict[str, Any]:
    """The site as Rally takes it. It wants the project's name: the login tells it."""
    # Imported with the first run: the SDK takes long, and most workers run none.
    from keystoneauth1 import exceptions as auth_errors
    from keystoneauth1 import session

    from paas_stream.clients import openstack_site

    if credentials is None or credentials.method != "password":
        raise ConfigurationError("Rally tests a site with a user's password, and there is none")
    plugin = openstack_site.plugin(site, credentials)
    try:
        access = plugin.get_access(session.Session(auth=plugin, timeout=timeout_s))
    except auth_errors.ClientException as exc:
        raise TemporaryError(f"the login failed: {exc}", code="provider_login") from exc
    return {
        "auth_url": site.provider.auth_url,
        "region_name": site.region.name,
        "endpoint_type": "public",
        "users": [
            {
                "username": access.username,
                "password": credentials.password,
                "project_name": access.project_name,
                "user_domain_name": access.user_domain_name,
                "project_domain_name": access.project_domain_name,
            }
        ],
    }


def _published(made: Path, report: Path) -> None:
    """Under its name once it is whole; the reader takes files that end with .json."""
    part = report.with_suffix(".part")
    shutil.copyfile(made, part)
    part.rename(report)


def _pruned(folder: Path, before: float) -> None:
    for one in folder.glob(f"{_PREFIX}*.json"):
        if one.stat().st_mtime < before:
            one.unlink(missing_ok=True)
