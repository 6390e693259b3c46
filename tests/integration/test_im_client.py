"""Our client and our authorization header against the real Infrastructure Manager."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest

from paas_stream.clients.im import ImClient, ImGoneError, ImRefusedError, ImTemplateError
from paas_stream.clients.im_login import CloudLogin, ImUser, attempt_user, header, user_header
from paas_stream.records import NodeTarget, Target
from paas_stream.tosca import merge, template

pytestmark = [pytest.mark.im, pytest.mark.timeout(120)]

T = TypeVar("T")
WITHIN_S = 30.0
DUMMY = Target(type="dummy", endpoint="")
NOWHERE = Target(type="openstack", endpoint="https://127.0.0.1:9/v3", project="demo")
LOGIN = CloudLogin(username="nobody", password="nothing")
PLAIN = """\
tosca_definitions_version: tosca_simple_yaml_1_0
metadata: {paas_uuid: %s, paas_attempt: "1"}
topology_template:
  node_templates:
    node:
      type: tosca.nodes.Compute
      capabilities:
        host:
          properties: {num_cpus: 1, mem_size: 1 GB}
"""
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "vm.yaml"
HOSTILE = [
    "a;b = c",
    "it's",
    'say "x"',
    "'quoted'",
    '"',
    "back\\slash",
    "ends in \\",
    "pair \\n of characters",
    "pair \\\\n behind a backslash",
    "x\\nid = one; type = OpenStack",
    "line\nbreak",
    "carriage\r\nX-Injected: yes",
    "tab\there",
    "nul\x00",
    "file(/etc/passwd)",
    '{"type": "OpenStack"}',
    "[1]",
    "\\u0041",
    "\\u000a",
    " blanks around ",
    "#comment",
    "ünïcode",
    "пароль",
    "密码",
    "😀",
]


class Users:
    """Makes IM users of this session, and removes what they leave."""

    def __init__(self, client: ImClient) -> None:
        self.client = client
        self._made: list[ImUser] = []

    def new(self, password: str = "secret", number: int = 1) -> ImUser:
        """A user as an attempt has one."""
        user = ImUser(attempt_user(str(uuid.uuid4()), number), password)
        self._made.append(user)
        return user

    async def remove_all(self) -> None:
        """Delete every infrastructure of every user."""
        for user in self._made:
            await gone(self.client, user)


@pytest.fixture
async def client(im: str) -> AsyncIterator[ImClient]:
    async with aiohttp.ClientSession() as session:
        yield ImClient(session, im, 20.0)


@pytest.fixture
async def users(client: ImClient) -> AsyncIterator[Users]:
    made = Users(client)
    yield made
    await made.remove_all()


async def until(ask: Callable[[], Awaitable[T]], right: Callable[[T], bool]) -> T:
    """Ask again until the answer is right."""
    end = time.monotonic() + WITHIN_S
    while not right(answer := await ask()):
        assert time.monotonic() < end, f"last answer: {answer!r}"
        await asyncio.sleep(0.2)
    return answer


async def gone(client: ImClient, user: ImUser, target: Target = DUMMY) -> None:
    """Delete all that a user has, as often as the IM needs it: 409 while it begins, resurrections."""
    login = None if target is DUMMY else LOGIN

    async def left() -> tuple[str, ...]:
        for one in await client.infrastructures(user_header(user)):
            try:
                await client.delete(header(user, target, "default", login), one, force=True)
            except ImRefusedError:
                await asyncio.sleep(0.2)
        return await client.infrastructures(user_header(user))

    await until(left, lambda found: not found)


async def created(client: ImClient, user: ImUser, text: str | None = None) -> str:
    """An infrastructure on the Dummy cloud, once it is configured."""
    login = header(user, DUMMY, "default", None)
    infrastructure = await client.create(login, text or PLAIN % user.username)
    await until(
        lambda: client.state(login, infrastructure), lambda found: found == ("configured", 1)
    )
    return infrastructure


async def test_the_server_tells_its_version(client: ImClient) -> None:
    assert (await client.version()).split(".")[0] == "2"


async def test_a_machine_is_created_polled_read_and_deleted(client: ImClient, users: Users) -> None:
    user = users.new()
    login = header(user, DUMMY, "default", None)
    validated = template.validate(EXAMPLE.read_text(), {})
    text = merge.for_provider(
        validated.document, {"node": NodeTarget()}, tags={"PAAS_DEP_UUID": "x"}, metadata={}
    )
    made = await created(client, user, text)
    assert len(made) == 36
    outputs = await client.outputs(login, made)
    assert outputs["address"] == "10.0.0.1"
    assert outputs["credentials"]["token"]
    assert "disabled" in await client.contextualization_log(login, made)
    assert await client.contextualization(login, made) == "", "it is no reason of anything"
    await client.delete(login, made)
    await gone(client, user)
    with pytest.raises(ImGoneError):
        await client.state(login, made)
    await client.delete(login, made)  # once more changes nothing


async def test_machines_are_stopped_started_and_configured_again_as_often_as_one_likes(
    client: ImClient, users: Users
) -> None:
    user = users.new()
    login = header(user, DUMMY, "default", None)
    made = await created(client, user)
    for action, state in (("stop", "stopped"), ("start", "configured")):
        for _ in range(2):
            await client.power(login, made, "0", action)
            await until(
                lambda: client.machine_state(login, made, "0"), lambda found, s=state: found == s
            )
    for machine in (None, "0", "0", None):
        await client.reconfigure(login, made, machine)
    await until(
        lambda: client.state_of_running(login, made), lambda found: found == ("configured", 1)
    )
    assert await client.machines(login, made) == ("0",)
    with pytest.raises((ImGoneError, ImRefusedError)):
        await client.reconfigure(login, "00000000-0000-0000-0000-000000000000")


async def test_an_attempt_sees_what_it_has_created_and_nothing_else(
    client: ImClient, users: Users
) -> None:
    first, second = users.new(number=1), users.new(number=2)
    one = await created(client, first)
    two = await created(client, second)
    assert await client.infrastructures(user_header(first)) == (one,)
    assert await client.infrastructures(user_header(second)) == (two,)
    with pytest.raises((ImGoneError, ImRefusedError)):
        await client.state(user_header(second), one)
    with pytest.raises((ImGoneError, ImRefusedError)):
        await client.outputs(user_header(second), one)


async def test_a_wrong_password_lists_nothing(client: ImClient, users: Users) -> None:
    user = users.new()
    made = await created(client, user)
    assert await client.infrastructures(user_header(ImUser(user.username, "wrong"))) == ()
    assert await client.infrastructures(user_header(ImUser(user.username, ""))) == ()
    assert await client.infrastructures(user_header(user)) == (made,)


async def test_a_create_that_was_sent_twice_is_found_by_the_list(
    client: ImClient, users: Users
) -> None:
    user = users.new()
    both = {await created(client, user), await created(client, user)}
    assert set(await client.infrastructures(user_header(user))) == both


@pytest.mark.parametrize("password", HOSTILE)
async def test_a_hostile_password_arrives_as_it_is(
    client: ImClient, users: Users, password: str
) -> None:
    user = users.new(password)
    made = await created(client, user)
    assert await client.infrastructures(user_header(user)) == (made,)
    for other in (password + "x", password[:-1], password.strip() + ".", "secret"):
        assert await client.infrastructures(user_header(ImUser(user.username, other))) == ()


@pytest.mark.parametrize("name", ["a;b.1", 'a"b.1', "a\\nb.1", "ä.1", "file(/etc/passwd)"])
async def test_a_hostile_user_name_is_one_user(client: ImClient, users: Users, name: str) -> None:
    user = ImUser(f"{uuid.uuid4()}-{name}", "secret")
    users._made.append(user)
    made = await created(client, user)
    assert await client.infrastructures(user_header(user)) == (made,)


@pytest.mark.parametrize("size", [8_192, 65_536, 200_000])
async def test_a_long_token_fits_into_the_header(client: ImClient, users: Users, size: int) -> None:
    target = Target(type="kubernetes", endpoint="https://127.0.0.1:9")
    login = header(users.new(), target, "", CloudLogin(token="t" * size))
    assert len(login) > size
    assert await client.infrastructures(login) == ()


async def test_a_refused_template_is_told_without_the_servers_paths(
    client: ImClient, users: Users
) -> None:
    login = header(users.new(), DUMMY, "default", None)
    with pytest.raises(ImTemplateError) as caught:
        await client.create(login, "description: nothing else")
    # which sentence depends: an IM that has run for some time loses the parser's own
    assert caught.value.message.startswith("Error parsing")
    for leaked in ("File ", "line ", ".py", "/IM/", "uvicorn", "def ", "self."):
        assert leaked not in caught.value.message


@pytest.mark.parametrize("text", ["a: [", "hello: world", "- 1", "{}"])
async def test_what_is_no_template_is_refused_as_a_template(
    client: ImClient, users: Users, text: str
) -> None:
    with pytest.raises(ImTemplateError):
        await client.create(header(users.new(), DUMMY, "default", None), text)


async def test_an_unreachable_cloud_ends_in_failed_with_a_reason_and_is_deleted_by_force(
    client: ImClient, users: Users
) -> None:
    user = users.new()
    login = header(user, NOWHERE, "default", LOGIN)
    made = await client.create(login, PLAIN % user.username)
    await until(lambda: client.state(login, made), lambda found: found[0] == "failed")
    reason = await client.contextualization(login, made)
    assert reason
    assert "nothing" not in reason, "the password is told"
    assert await client.infrastructures(user_header(user)) == (made,)
    await gone(client, user, NOWHERE)
    assert await client.infrastructures(user_header(user)) == ()


async def test_without_a_login_nothing_is_listed(client: ImClient) -> None:
    with pytest.raises(ImRefusedError, match="IM 401"):
        await client.infrastructures("")
