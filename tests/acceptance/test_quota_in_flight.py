"""Many requests at once, and a site that everybody would choose with room for one."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.machines import machine
from support.stack import Stack, until

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

AT_ONCE = 50
SETTLED_S = 180.0
FILE = """\
trusted_idps:
  - issuer: https://iam.example.org/
    user_groups:
      - name: demo
        slas:
          - {doc_uuid: tight, start_date: 2025-01-01, end_date: 2099-12-31}
          - {doc_uuid: wide, start_date: 2025-01-01, end_date: 2099-12-31}
static:
  - &site
    name: tight # the larger share stays free, so it is the first of every ranking
    type: dummy
    endpoint: https://tight.example.org/
    projects: [{id: demo, sla: tight}]
    flavors: [{name: large, vcpus: 8, ram: 16384, disk: 20}]
    images: [{name: ubuntu, os_type: linux, os_distro: ubuntu, os_version: "24.04"}]
    quotas:
      - {type: compute, cores: 20}
      - {type: compute, usage: true, cores: 5}
  - <<: *site
    name: wide
    endpoint: https://wide.example.org/
    projects: [{id: demo, sla: wide}]
    quotas:
      - {type: compute, cores: 10000}
      - {type: compute, usage: true, cores: 9000}
"""


@pytest.fixture(scope="module")
def stack(
    kafka: str, im: str, clean_topics: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("quota")
    file = folder / "providers.yaml"
    file.write_text(FILE)
    made = Stack(kafka, im, folder)
    try:
        made.worker.run(PAAS_FEEDER_FILES=json.dumps([str(file)]))
        until(lambda: len(list(made.client.providers())) == 2, 30.0, "both sites are known")
        yield made
    finally:
        made.close()


def submit(stack: Stack, number: int) -> list[str]:
    """As many deployments, all at once; their uuids."""

    def one(_: int) -> str:
        return str(stack.client.submit(machine(8), {}, userGroup="demo")["uuid"])

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(one, range(number)))


def ended(stack: Stack, uuids: list[str]) -> list[dict[str, Any]]:
    return [stack.settled(uuid, SETTLED_S) for uuid in uuids]


def sites(found: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((one["status"], one["cloudProviderName"]) for one in found)


class TestTheRoomForOne:
    @pytest.fixture(scope="class")
    def burst(self, stack: Stack) -> list[dict[str, Any]]:
        return ended(stack, submit(stack, AT_ONCE))

    def test_is_given_to_one(self, burst: list[dict[str, Any]]) -> None:
        assert sites(burst) == {
            ("CREATE_COMPLETE", "tight"): 1,
            ("CREATE_COMPLETE", "wide"): AT_ONCE - 1,
        }

    def test_is_refused_to_all_others_with_the_numbers(
        self, stack: Stack, burst: list[dict[str, Any]]
    ) -> None:
        other = next(one for one in burst if one["cloudProviderName"] == "wide")
        told = [str(one.get("message")) for one in stack.client.events(other["uuid"])]
        (sentence,) = [one for one in told if "8 vCPUs are needed, 7 of 20 are free" in one]
        assert "under way" in sentence

    def test_is_there_again_after_a_delete(self, stack: Stack, burst: list[dict[str, Any]]) -> None:
        (first,) = [one["uuid"] for one in burst if one["cloudProviderName"] == "tight"]
        stack.client.delete(first)
        stack.settled(first)
        (again,) = ended(stack, submit(stack, 1))
        assert again["cloudProviderName"] == "tight"
        stack.client.delete(again["uuid"])
        stack.settled(again["uuid"])


def test_a_killed_worker_promises_nothing_twice(stack: Stack) -> None:
    first = submit(stack, 10)
    stack.worker.kill9()
    stack.worker.run(PAAS_FEEDER_FILES=json.dumps([str(stack.folder / "providers.yaml")]))
    found = sites(ended(stack, [*first, *submit(stack, 10)]))
    assert found == {("CREATE_COMPLETE", "tight"): 1, ("CREATE_COMPLETE", "wide"): 19}
