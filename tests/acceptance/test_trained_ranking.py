"""From outcomes to a model to the next deployment's ranking, and what a broken model cannot do.

Real are the deployments, their attempts at the sites (one of which cannot be reached), their training
rows, the training, and all that follows from it. Since a model needs hundreds of attempts, the topic
`training` also gets those of requests that were made up and ranked by the real chain (`support.played`).
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from support import played
from support.broker import Broker
from support.ports import free_port
from support.stack import Stack, Worker, until

from paas_stream.ranking.history import DAY_S
from paas_stream.records import ModelPart

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

REQUESTS = 400  # that much tells what fails where: the gate is passed by far
EVERY_S = 300.0
NO_MLFLOW = f"127.0.0.1:{free_port()}"
MODEL_AGE = "paas_stream_ranking_model_age_seconds{"  # stands there when there is a live model


@pytest.fixture(scope="module")
def stack(
    kafka: str, im: str, clean_topics: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """One worker that looks every two seconds whether a model is due."""
    made = Stack(kafka, im, tmp_path_factory.mktemp("trained"))
    try:
        made.worker.run(
            PAAS_TRAINER_INTERVAL_S="2",
            PAAS_TRAINER_NEW_ROWS="100000",
            PAAS_TRAINER_MLFLOW="true",
            MLFLOW_TRACKING_URI=f"http://{NO_MLFLOW}",
        )
        yield made
    finally:
        made.close()
        print(made.worker.log[-6000:])


def models(stack: Stack) -> dict[str, str]:
    """States by version."""
    done = stack.run("models", "list", "--json")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["version"]: one["state"] for one in found}


def refusals(stack: Stack) -> list[dict[str, Any]]:
    return errors(stack, "model-register")


def errors(stack: Stack, component: str) -> list[dict[str, Any]]:
    done = stack.run("errors", "list", "--json", "--component", component)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def metrics(stack: Stack, worker: Worker | None = None) -> str:
    return requests.get(f"{(worker or stack.worker).url}/metrics", timeout=10).text


def ranking(stack: Stack) -> dict[str, Any]:
    """Of a deployment that is made now, once it has ended well."""
    uuid = stack.submit()
    assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"
    return stack.client.ranking(uuid)


@pytest.fixture(scope="module")
def live(stack: Stack, kafka: str) -> str:
    """The version that the scheduled trainer has made live."""
    begun = time.time()
    real = [stack.submit(), stack.submit("failover", "demo-failover")]
    for uuid in real:
        assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"
        assert stack.client.ranking(uuid)["fallback"] == "rule"
    begin = begun - begun % DAY_S - 2 * DAY_S  # what is seen of a day depends on when it begins
    made_up = played.play(played.requests(REQUESTS, 1, begin, EVERY_S)).records

    async def fill() -> None:
        async with Broker(kafka) as broker:
            await asyncio.gather(
                *(broker.send("training", one.encode(), one.key) for one in made_up)
            )

    asyncio.run(fill())
    until(lambda: MODEL_AGE in metrics(stack), 60, "the worker has taken the model")
    card = json.loads(stack.run("models", "show", "live", "--json").stdout)
    # the real attempts are in it: they are the latest ones
    assert datetime.fromisoformat(card["data_to"]).timestamp() > begun
    assert models(stack) == {card["version"]: "live"}
    return str(card["version"])


def test_the_next_deployments_are_ranked_by_the_model_and_say_why(stack: Stack, live: str) -> None:
    found = ranking(stack)
    assert (found["fallback"], found["modelVersion"]) == ("model", live)
    assert f"model {live}: from" in found["message"]
    for one in found["providers"]:
        assert 0 < one["pSuccess"] < 1
        assert any("what moves the chance of success most" in text for text in one["reasons"])
    dry = stack.client.dry_run(stack.example("vm"), {}, userGroup="demo")
    assert (dry["fallback"], dry["modelVersion"]) == ("model", live)
    assert 'paas_stream_rankings_total{step="model"}' in metrics(stack)


def test_an_mlflow_that_is_away_keeps_no_model_from_being_live_and_is_told(
    stack: Stack, live: str
) -> None:
    says = f"MLflow at http://{NO_MLFLOW} has not taken the run: it does not answer"
    until(lambda: errors(stack, "ai-ranker-training"), 60, "it is told")
    (told,) = errors(stack, "ai-ranker-training")
    assert (told["code"], told["message"]) == ("mlflow", f"paas-stream: {says}")
    assert models(stack)[live] == "live"


@pytest.mark.parametrize(
    ("content", "schema", "says"),
    [
        (b"", None, "its part p cannot be read"),
        (b"{}", "0123456789abcdef", "it was made from other features"),
    ],
)
def test_a_broken_model_is_refused_and_the_live_one_stays(
    stack: Stack, live: str, kafka: str, content: bytes, schema: str | None, says: str
) -> None:
    version = f"broken-{schema}"
    shown = stack.run("models", "show", live, "--json")
    card = json.loads(shown.stdout)
    card |= {"version": version, "created_at": datetime.now(UTC).isoformat()}
    parts = list(card["sha256"])
    card["sha256"] = dict.fromkeys(parts, hashlib.sha256(content).hexdigest())
    card["features_schema"] = schema or card["features_schema"]
    records = [
        *(ModelPart.of_bytes(version, part, content) for part in parts),
        ModelPart(version=version, part="card", content=json.dumps(card)),
        ModelPart(version=version, part="live", previous=live, by="a test"),
    ]

    async def publish() -> None:
        async with Broker(kafka) as broker:
            for one in records:
                await broker.send("models", one.encode(), one.key)

    asyncio.run(publish())
    told = f"the model {version} is refused: {says}"
    until(lambda: told in stack.worker.log, 60, "it is refused")
    assert [one for one in refusals(stack) if told in one["message"]]
    assert models(stack)[live] == "live"  # the topic says again what counts
    found = ranking(stack)
    assert (found["fallback"], found["modelVersion"]) == ("model", live)


def test_every_worker_follows_a_promotion_and_a_rollback(stack: Stack, live: str) -> None:
    stack.workers[1].run()
    made = stack.run("train", "--json")
    assert made.returncode == 0, made.stderr
    newer = json.loads(made.stdout)["version"]
    assert models(stack)[newer] == "live", made.stdout
    for version in (newer, live):
        for worker in stack.workers:
            until(
                lambda on=worker, it=version: f'{MODEL_AGE}version="{it}"' in metrics(stack, on),
                30,
                f"{worker.name} ranks by {version}",
            )
        if version == newer:
            assert stack.run("models", "rollback").returncode == 0
    assert stack.workers[1].stop() == 0


def test_after_a_kill_the_model_ranks_again(stack: Stack, live: str) -> None:
    stack.worker.kill9()
    stack.worker.run()
    found = ranking(stack)
    assert (found["fallback"], found["modelVersion"]) == ("model", live)
    # what was handled just before the kill may be told once more
    assert len({one["message"] for one in refusals(stack)}) == 2
