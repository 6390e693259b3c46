"""Secrets are planted, everything is used once, and then everything that was written is searched."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import requests
from support.broker import Broker

from paas_stream.client import Client
from paas_stream.clients.im_login import attempt_user
from paas_stream.secrets import load_vault
from paas_stream.settings import SecretSettings, Settings, StateSettings

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

TOKEN = "planted-" + "t0ken" * 6
PASSWORD = "planted-pa55word-of-the-provider"
MACHINE = "planted-pa55word-of-the-machine"
OTHERS_VIEWS = ("/components", "/providers", "/metrics", "/readyz", "/healthz")


def hidden_in(content: bytes, secrets: dict[str, str]) -> list[str]:
    """The names of secrets that are there as they are, in JSON, or in base64."""
    found = []
    for name, secret in secrets.items():
        plain = secret.encode()
        forms = {plain, json.dumps(secret)[1:-1].encode(), base64.b64encode(plain).rstrip(b"=")}
        if any(form in content for form in forms):
            found.append(name)
    return found


def test_the_search_finds_what_is_there() -> None:
    secrets = {"one": "hunter2 \n"}
    assert hidden_in(b"a hunter2 \n b", secrets) == ["one"]
    assert hidden_in(rb'{"x": "hunter2 \n"}', secrets) == ["one"]
    assert hidden_in(base64.b64encode(b"hunter2 \n"), secrets) == ["one"]
    assert hidden_in(b"hunter3", secrets) == []


async def test_no_secret_is_in_a_topic_a_table_a_log_or_anybody_elses_answer(
    stack: Any, kafka: str
) -> None:
    stack.worker.stop()
    stack.worker.run(DEMO_UNREACHABLE_PASSWORD=PASSWORD, PAAS_STREAM_LOG_LEVEL="debug")
    # the connector without a cloud gives all machines the password `password`
    stack.proxy.rewrites[b'"token": "password"'] = b'"token": "%s"' % MACHINE.encode()
    stack.proxy.rewrites[b'"token":"password"'] = b'"token":"%s"' % MACHINE.encode()
    owner = Client(stack.worker.url, TOKEN)
    made = [
        owner.submit(stack.example(example), {}, userGroup=group)["uuid"]
        for example, group in (
            ("vm", "demo"),
            ("failover", "demo-failover"),
            ("vm", "demo-expired"),
        )
    ]
    ended = [stack.settled(uuid) for uuid in made]
    assert [one["status"] for one in ended] == [
        "CREATE_COMPLETE",
        "CREATE_COMPLETE",
        "CREATE_FAILED",
    ]
    told = owner.deployment(made[0])["outputs"]["credentials"]["token"]
    assert told == MACHINE, "the owner is told what opens the machine"
    secrets = planted(stack, made)
    answers = views(stack, made)
    owner.delete(made[1])
    assert stack.settled(made[1])["status"] == "DELETE_COMPLETE"
    wrong = requests.post(
        f"{stack.worker.url}/deployments",
        json={"template": "a: [b", "parameters": {}},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=30,
    )
    answers["a refusal"] = wrong.content
    stack.worker.stop()

    searched: dict[str, bytes] = dict(answers)
    async with Broker(kafka) as broker:
        for topic in await broker.topics():
            records = await broker.records(topic)
            searched[f"topic {topic}"] = b"\n".join(
                (record.key or b"") + b" " + (record.value or b"") for record in records
            )
    searched |= files(stack.folder)
    assert sum(len(content) for content in searched.values()) > 100_000, "there was much to search"
    assert {
        where: found
        for where, content in searched.items()
        if (found := hidden_in(content, secrets))
    } == {}, secrets


def planted(stack: Any, made: list[str]) -> dict[str, str]:
    """What was given to the service, and what it has derived."""
    settings = Settings(state=StateSettings(dir=stack.folder / "state"), secret=SecretSettings())
    vault = load_vault(settings)
    return {
        "the caller's token": TOKEN,
        "the provider's password": PASSWORD,
        "the machine's password": MACHINE,
        "the service key": vault.service_key.decode(),
        "an IM password": vault.im_password(attempt_user(made[0], 1)),
        "a private key": str(vault.keys.sealing.as_dict(private=True)["d"]),
    }


def views(stack: Any, made: list[str]) -> dict[str, bytes]:
    """What the service tells beside a deployment itself."""
    paths = [*OTHERS_VIEWS, *(f"/deployments/{uuid}/{part}" for uuid in made for part in PARTS)]
    return {path: requests.get(f"{stack.worker.url}{path}", timeout=30).content for path in paths}


PARTS = ("events", "ranking", "template")


def files(folder: Path) -> dict[str, bytes]:
    """Logs and tables of the workers; the keys themselves are where they belong."""
    return {
        f"file {path.relative_to(folder)}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "keys" not in path.parts
    }


def test_keys_are_rotated_while_the_worker_runs_and_a_lost_one_hides_only_outputs(
    stack: Any,
) -> None:
    if not stack.worker.is_running:
        stack.worker.run()
    before = stack.submit()
    assert stack.settled(before)["outputs"]
    done = stack.run("keys", "rotate")
    assert done.returncode == 0, done.stderr
    listed = [json.loads(line) for line in stack.run("keys", "list", "--json").stdout.splitlines()]
    assert [one["use"] for one in listed] == ["seals and opens", "opens"]
    assert listed[0]["id"] in done.stdout
    after = stack.submit()
    assert stack.settled(after)["outputs"]
    assert stack.client.deployment(before)["outputs"]
    stack.keeps_one(before)  # IM passwords stay as they are

    stack.worker.stop()
    (stack.folder / "state" / "keys" / "jwe.json").unlink()
    stack.worker.run()
    lost = stack.client.deployment(before)
    assert (lost["status"], lost["outputs"]) == ("CREATE_COMPLETE", {})
    assert "which is not here" in lost["outputsUnavailable"]
    assert before in [one["uuid"] for one in stack.client.deployments()]
    stack.client.delete(before)
    assert stack.settled(before)["status"] == "DELETE_COMPLETE"
