"""`paas-stream reconcile`: does the IM have what the deployments say, and nothing else of ours?"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import aiohttp
import click
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from paas_stream.cli.broker_topics import quiet
from paas_stream.cli.options import client_of
from paas_stream.cli.output import columns
from paas_stream.client import Client
from paas_stream.clients import kafka
from paas_stream.clients.im import ImClient
from paas_stream.clients.im_login import ImUser, attempt_user, user_header
from paas_stream.errors import PaasError, PermanentError
from paas_stream.lifecycle.reconciliation import Difference, Found, Kind, Known, differences
from paas_stream.local.im import EmbeddedIm
from paas_stream.records import Command
from paas_stream.secrets import Vault, load_vault
from paas_stream.settings import Settings, get_settings
from paas_stream.topics import DEPLOYMENT_COMMANDS, TOPICS

COMPONENT = "operator"
_AT_ONCE = 8  # calls on the IM
_LOOKS = 60  # until what is deleted must be gone
_LOOK_S = 1.0  # between two of them
_UUID = re.compile(r"PAAS_DEP_UUID\W+([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_ATTEMPT = re.compile(r"paas_attempt\W+(\d{1,4})")


class Reconciler:
    """Looks at the IM with our own eyes; `async with opened(...)` makes one."""

    def __init__(self, settings: Settings, im: ImClient, vault: Vault) -> None:
        self._settings = settings
        self._im = im
        self._vault = vault
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def ours(self, uuids: Iterable[str], attempts: int) -> list[Found]:
        """What the IM has that only we can have created.

        With the IM's administrator all of it is found. Without, `uuids` are asked for, each with as
        many attempts as given.
        """
        admin = administrator(self._settings)
        if admin is None:
            places = [(uuid, number) for uuid in uuids for number in range(1, attempts + 1)]
        else:
            lister = user_header(admin)
            ids = await self._im.infrastructures(lister)
            tags = await asyncio.gather(*(self._tags(lister, one) for one in ids))
            places = sorted({one for one in tags if one is not None})
        lists = await asyncio.gather(*(self._of(*place) for place in places))
        return [one for listed in lists for one in listed]

    async def _tags(self, lister: str, infrastructure: str) -> tuple[str, int] | None:
        async with self._slots:
            try:
                text = await self._im.template(lister, infrastructure)
            except PermanentError:
                return None  # it is gone, or was made without a template
        uuid, attempt = _UUID.search(text), _ATTEMPT.search(text)
        return (uuid[1], int(attempt[1])) if uuid and attempt else None

    async def _of(self, uuid: str, attempt: int) -> list[Found]:
        """Tags can be forged; what our password opens was created with it."""
        async with self._slots:
            listed = await self._im.infrastructures(self._header(uuid, attempt))
        return [Found(one, uuid, attempt) for one in listed]

    def _header(self, uuid: str, attempt: int) -> str:
        name = attempt_user(uuid, attempt)
        return user_header(ImUser(name, self._vault.im_password(name)))

    async def remove(self, orphans: list[Difference]) -> list[str]:
        """Delete orphans and wait until they are gone. Returns a sentence for each."""
        known = sorted({one.uuid for one in orphans if one.status is not None})
        if known:
            # the dispatcher has what opens the provider, and its rows say what is left
            await self._ask(known)
        return list(await asyncio.gather(*(self._removed(one) for one in orphans)))

    async def _ask(self, uuids: list[str]) -> None:
        topic = TOPICS[DEPLOYMENT_COMMANDS].broker_name(self._settings)
        producer = AIOKafkaProducer(acks="all", **kafka.connection(self._settings.kafka))
        try:
            with quiet():
                await producer.start()
            for uuid in uuids:
                command = Command(uuid=uuid, command="inspect")
                await producer.send_and_wait(topic, command.encode(), key=uuid.encode())
        except KafkaError as exc:
            raise await kafka.fault(self._settings.kafka, exc) from exc
        finally:
            await producer.stop()

    async def _removed(self, orphan: Difference) -> str:
        attempt = orphan.attempt or 0
        try:
            if orphan.status is None:
                async with self._slots:
                    header = self._header(orphan.uuid, attempt)
                    await self._im.delete(header, orphan.infrastructure)
            for _ in range(_LOOKS):
                listed = [one.infrastructure for one in await self._of(orphan.uuid, attempt)]
                if orphan.infrastructure not in listed:
                    return "deleted"
                await asyncio.sleep(_LOOK_S)
        except PaasError as exc:
            return f"not deleted: {exc.message}"
        return f"still there after {_LOOKS * _LOOK_S:.0f} s"


def administrator(settings: Settings) -> ImUser | None:
    """Who sees all infrastructures of the IM; None: nobody is configured."""
    im = settings.im
    if im.admin_username is not None and im.admin_password is not None:
        return ImUser(im.admin_username, im.admin_password.get_secret_value())
    if im.url is None:
        return ImUser(*EmbeddedIm(settings).administrator())
    return None


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Reconciler]:
    """A reconciler and its connections."""
    async with aiohttp.ClientSession() as session:
        im = ImClient(session, settings.im.endpoint, settings.im.call_timeout_s)
        yield Reconciler(settings, im, load_vault(settings))


@click.command()
@click.option("--fix", is_flag=True, help="Delete the orphans. What has vanished is only reported.")
@click.option(
    "--attempts",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="Attempts of each deployment to be looked for, where no administrator of the IM is set.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def reconcile(context: click.Context, fix: bool, attempts: int, as_json: bool) -> None:
    """Compare the IM with the deployments. The exit status is 1 when something differs.

    An orphan is an infrastructure of ours that no live deployment is to have; one has vanished when
    a deployment is to have it. With PAAS_IM_ADMIN_USERNAME and PAAS_IM_ADMIN_PASSWORD orphans of
    deployments that are forgotten are found too. Deployments in progress are left out.
    """
    left = asyncio.run(_reconciled(get_settings(), client_of(context), fix, attempts, as_json))
    if left:
        raise PermanentError(f"{left} infrastructures are not as they should be")


async def _reconciled(
    settings: Settings, client: Client, fix: bool, attempts: int, as_json: bool
) -> int:
    async with opened(settings) as reconciler:
        before = await asyncio.to_thread(_known, client)
        found = await reconciler.ours([one.uuid for one in before], attempts)
        known = await asyncio.to_thread(_known, client)
        differing = list(differences(known, found))
        orphans = [one for one in differing if one.kind is Kind.ORPHAN]
        done = await reconciler.remove(orphans) if fix and orphans else ["found"] * len(orphans)
    vanished = [one for one in differing if one.kind is Kind.VANISHED]
    told = [*zip(orphans, done, strict=True), *((one, "vanished") for one in vanished)]
    _tell(told, as_json)
    return sum(1 for _, what in told if what != "deleted")


def _known(client: Client) -> list[Known]:
    return [
        Known(one["uuid"], one["status"], one.get("physicalId")) for one in client.deployments()
    ]


def _tell(told: list[tuple[Difference, str]], as_json: bool) -> None:
    if as_json:
        for one, what in told:
            click.echo(json.dumps(_shown(one) | {"result": what}))
        return
    if not told:
        click.echo("The IM has what the deployments say, and nothing else of ours.")
        return
    rows = [("kind", "infrastructure", "deployment", "status", "result")]
    for one, what in told:
        rows.append((one.kind, one.infrastructure, one.uuid, one.status or "unknown", what))
    for line in columns(rows):
        click.echo(line)


def _shown(one: Difference) -> dict[str, Any]:
    return {key: value for key, value in asdict(one).items() if value is not None}
