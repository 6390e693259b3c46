"""The line as its users see it: command line, REST API, topics."""

import json
from datetime import UTC, datetime

import pytest
import requests
from jsonschema import Draft202012Validator
from support.messages import CARRYING
from support.stack import until

from paas_stream.client import Client
from paas_stream.schemas import schema_of

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

SEAMS = [
    "template",
    "validated-templates",
    "inference",
    "ranked-providers",
    "dispatch-events",
    "deployment-results",
    "procedure-status",
]
SECRET = "planted-token-7f3a"


def records(stack, topic: str, *words: str) -> list[dict]:
    done = stack.run("topics", "tail", topic, "--no-follow", *words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_machine_is_deployed_shown_listed_and_deleted_by_the_command(stack) -> None:
    made = stack.run("submit", "examples/vm.yaml", "--group", "demo", "--wait")
    assert made.returncode == 0, made.stderr
    assert "CREATE_COMPLETE" in made.stdout
    uuid = made.stdout.splitlines()[0].split()[1]
    assert "10.0.0.1" in stack.run("show", uuid).stdout
    assert uuid in stack.run("list").stdout
    assert "order by free quota" in stack.run("events", uuid).stdout
    gone = stack.run("delete", uuid, "--wait")
    assert gone.returncode == 0, gone.stderr
    assert "DELETE_COMPLETE" in gone.stdout
    stack.keeps(uuid)


def test_a_cluster_with_a_volume_is_deployed_with_its_inputs(stack) -> None:
    made = stack.run("submit", "examples/cluster.yaml", "-g", "demo", "-i", "workers=3", "--wait")
    assert made.returncode == 0, made.stderr
    uuid = made.stdout.splitlines()[0].split()[1]
    assert len(stack.client.deployment(uuid)["outputs"]["workers"]) == 3


def test_an_invalid_template_is_refused_with_all_its_faults(stack) -> None:
    refused = stack.run("submit", "examples/invalid.yaml", "--group", "demo")
    assert refused.returncode == 1
    assert refused.stderr.count("\n  - ") >= 6


def test_a_provider_failure_exits_with_2_when_no_other_is_left(stack) -> None:
    failed = stack.run(
        "submit", "examples/failover.yaml", "-g", "demo-failover", "--max-providers", "1", "--wait"
    )
    assert failed.returncode == 2
    assert "site-unreachable" in failed.stdout


def test_every_seam_can_be_seen(stack) -> None:
    uuid = stack.submit()
    stack.settled(uuid)
    for topic in SEAMS:
        found = records(stack, topic, "--uuid", uuid)
        assert found, topic
        assert all(one["value"]["uuid"] == uuid for one in found)


def test_the_resource_has_the_shape_that_clients_expect(stack) -> None:
    uuid = stack.submit()
    resource = stack.settled(uuid)
    assert {"uuid", "creationTime", "updateTime", "status", "outputs", "task", "links"} <= set(
        resource
    )
    assert resource["createdBy"].keys() == {"issuer", "subject"}
    assert len(resource["physicalId"]) <= 36
    assert len(resource["creationTime"]) >= 16
    assert {link["rel"] for link in resource["links"]} == {"self", "resources", "template"}
    assert None not in resource.values()


def test_a_get_right_after_the_post_never_answers_404(stack) -> None:
    for _ in range(20):
        uuid = stack.submit()
        answer = requests.get(f"{stack.worker.url}/deployments/{uuid}", timeout=30)
        assert answer.status_code == 200


def test_pages_link_to_their_neighbours(stack) -> None:
    page = requests.get(f"{stack.worker.url}/deployments?size=2&page=1", timeout=30).json()
    assert page["page"]["number"] == 1
    assert len(page["content"]) == 2
    assert {link["rel"] for link in page["links"]} == {"first", "prev", "self", "next", "last"}


def test_a_report_of_rally_is_shown_with_the_provider_and_stands_in_the_candidates(stack) -> None:
    ended = datetime.now(UTC).isoformat()
    task = {"uuid": "task-1", "status": "finished", "pass_sla": True, "updated_at": ended}
    report = {"info": {"generated_at": ended}, "tasks": [task]}
    file = stack.reports / "site-a" / "region-1" / "report.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(report))

    def healthy() -> dict | None:
        answer = requests.get(f"{stack.worker.url}/providers/site-a", timeout=10).json()
        (entry,) = [one for one in answer["entries"] if one["project"] == "demo-a"]
        return entry if entry["health"]["failureShare1d"] == 0 else None

    shown = until(healthy, 20, "the report is shown")
    assert shown["health"]["lastReport"]["passed"]
    assert (shown["sla"]["id"], shown["stale"]) == ("sla-demo-a", False)
    listed = requests.get(f"{stack.worker.url}/providers?userGroup=demo", timeout=10).json()
    assert [one["name"] for one in listed["content"]] == ["site-a", "site-b", "site-unreachable"]
    uuid = stack.submit()
    stack.settled(uuid)
    (inference,) = records(stack, "inference", "--uuid", uuid)
    shares = {
        one["provider_name"]: one["test_failure_perc_30d"]
        for one in inference["value"]["providers"]
    }
    assert shares == {"site-a": 0.0, "site-b": -1.0}
    assert len(records(stack, "rally", "--from-beginning")) == 1


async def test_secrets_are_in_clear_nowhere(stack, broker) -> None:
    answer = requests.post(
        f"{stack.worker.url}/deployments",
        json={"template": stack.example("vm"), "userGroup": "demo"},
        headers={"Authorization": f"Bearer {SECRET}"},
        timeout=30,
    )
    ended = stack.settled(answer.json()["uuid"])
    assert ended["outputs"]["credentials"]["token"] == "password"
    found = await broker.records(*await broker.topics())
    assert len(found) > 20
    for record in found:
        assert SECRET.encode() not in (record.value or b"")
        assert b'"token":"password"' not in (record.value or b"").replace(b" ", b"")
    assert SECRET not in stack.worker.log
    for file in (stack.folder / "state" / "workers").rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


async def test_every_record_fits_the_schema_of_its_topic(stack, broker) -> None:
    validators = {name: Draft202012Validator(schema_of(spec)) for name, spec in CARRYING.items()}
    found = await broker.records(*(await broker.topics() & set(validators)))
    for record in found:
        validators[record.topic].validate(json.loads(record.value))
        assert record.key
    assert {record.topic for record in found} >= {*SEAMS, "feeder", "deployment-commands"}


def _get(worker, path: str) -> requests.Response:
    answer = requests.get(f"{worker.url}{path}", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer


def test_two_workers_share_the_deployments_and_each_answers_for_both(stack) -> None:
    stack.workers[1].run()
    stack.worker.wait_ready()
    clients = [Client(worker.url) for worker in stack.workers]
    uuids = [stack.submit() for _ in range(6)]
    for uuid in uuids:
        assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"
        for client in clients:
            assert client.events(uuid)[-1]["message"].startswith("complete at")
    for path in ("template", "events"):
        texts = [_get(worker, f"/deployments/{uuids[0]}/{path}").text for worker in stack.workers]
        assert texts[0] == texts[1]
    for query in ("page=1&size=4", "sort=updatedAt,ASC&size=9", "q=vm&page=2&size=3"):
        pages = [_get(worker, f"/deployments?{query}").json() for worker in stack.workers]
        assert [one["uuid"] for one in pages[0]["content"]] == [
            one["uuid"] for one in pages[1]["content"]
        ]
        assert pages[0]["page"] == pages[1]["page"]
    for path in ("/statistics", "/errors?size=1000"):
        told = [_get(worker, path).json() for worker in stack.workers]
        assert told[0].get("byStatus") == told[1].get("byStatus")
        assert told[0].get("content") == told[1].get("content")
    listed = [{one["uuid"] for one in client.deployments()} for client in clients]
    assert set(uuids) <= listed[0]
    assert listed[0] == listed[1]
    text = stack.example("cluster")
    first, second = (worker.url for worker in stack.workers)
    stored = requests.post(f"{second}/templates", json={"template": text}, timeout=30)
    assert stored.status_code == 201, stored.text
    until(
        lambda: requests.get(f"{first}/templates/{stored.json()['id']}", timeout=30).ok,
        10,
        "the other worker shows the template",
    )
    assert (
        requests.post(f"{first}/templates", json={"template": text}, timeout=30).status_code == 200
    )
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHEcchYcBqYG5RhHIn3fdRNWeKWRgSJdsOMNe2XXfUum a"
    put = requests.put(f"{first}/user/ssh-key", json={"publicKey": key}, timeout=30)
    assert put.status_code == 200, put.text
    assert _get(stack.workers[0], "/user/ssh-key").json() == put.json()
    assert stack.workers[1].stop() == 0
    stack.worker.wait_ready()
    until(  # a member that may come back keeps its partitions for a session
        lambda: requests.get(f"{first}/deployments/{uuids[0]}", timeout=30).status_code == 200,
        60,
        "the deployments of the other one are this one's",
    )
    assert _get(stack.worker, f"/deployments/{uuids[0]}/template").text == stack.example("vm")
    for uuid in uuids:
        assert stack.client.deployment(uuid)["status"] == "CREATE_COMPLETE"
