"""What a namespace offers, out of what the API of its cluster answers."""

from typing import Any

import pytest

from paas_stream.records import Quota
from paas_stream.selection import kubernetes_parts, quotas


def quota(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"spec": {"hard": hard, **spec}, "status": {"hard": hard, "used": used or {}}}


def rows(*listed: dict[str, Any]) -> dict[tuple[str, bool], Quota]:
    return {(row.type, row.usage): row for row in kubernetes_parts.quotas(listed)}


class TestQuotas:
    def test_are_rows_of_limits_and_usage_in_our_units(self) -> None:
        hard = {"limits.cpu": "10", "requests.memory": "64Gi", "pods": "2k"}
        used = {"limits.cpu": "500m", "requests.memory": "1536Mi", "pods": "3"}
        found = rows(quota(hard, used))
        limits, usage = found["compute", False], found["compute", True]
        assert (limits.limits_cpu, limits.requests_memory, limits.pods) == (10, 65536, 2000)
        assert (usage.limits_cpu, usage.requests_memory, usage.pods) == (0.5, 1536, 3)

    def test_of_volumes_stand_in_a_row_of_their_own(self) -> None:
        hard = {
            "requests.storage": "1Ti",
            "persistentvolumeclaims": "10",
            "ephemeral-storage": "5Gi",
        }
        limits = rows(quota(hard))["block-storage", False]
        assert (limits.storage, limits.pvcs, limits.requests_ephemeral_storage) == (1024, 10, 5)

    def test_of_a_storage_class_name_it(self) -> None:
        name = "fast.storageclass.storage.k8s.io"
        limits = rows(quota({f"{name}/requests.storage": "10Gi"}))["storageclass", False]
        assert (limits.name, limits.storage) == ("fast", 10)

    @pytest.mark.parametrize(
        ("resource", "name"),
        [
            ("requests.nvidia.com/gpu", "nvidia.com/gpu"),
            ("limits.nvidia.com/gpu", "nvidia.com/gpu"),
            ("requests.amd.com/gpu", "amd.com/gpu"),
        ],
    )
    def test_of_gpus_name_the_maker(self, resource: str, name: str) -> None:
        assert rows(quota({resource: "4"}))["compute", False].gpus == {name: 4}

    def test_of_other_things_are_passed_over(self) -> None:
        assert rows(quota({"services.loadbalancers": "2", "count/jobs.batch": "5"})) == {}

    @pytest.mark.parametrize(
        "spec",
        [
            {"scopes": ["BestEffort"]},
            {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass"}]}},
        ],
    )
    def test_that_bound_some_pods_only_are_passed_over(self, spec: dict[str, Any]) -> None:
        assert rows(quota({"pods": "1"}, **spec)) == {}

    def test_that_have_no_status_yet_count_as_they_are_asked_for(self) -> None:
        found = rows({"spec": {"hard": {"pods": "5"}}, "status": {}})
        assert found["compute", False].pods == 5

    def test_of_which_several_bound_the_same_the_tightest_counts(self) -> None:
        listed = [quota({"pods": "9"}, {"pods": "4"}), quota({"pods": "6"}, {"pods": "4"})]
        budget = quotas.budget(kubernetes_parts.quotas(listed))
        assert budget.project["instances"] == quotas.Line(6, 4, 2)

    def test_that_are_no_quantity_are_an_error(self) -> None:
        with pytest.raises(ValueError, match="no Kubernetes quantity"):
            kubernetes_parts.quotas([quota({"pods": "many"})])

    def test_without_any_there_is_no_row(self) -> None:
        assert kubernetes_parts.quotas([]) == ()


class TestStorageClasses:
    @pytest.mark.parametrize(
        ("metadata", "is_default"),
        [
            ({"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, True),
            ({"annotations": {"storageclass.beta.kubernetes.io/is-default-class": "true"}}, True),
            ({"annotations": {"storageclass.kubernetes.io/is-default-class": "false"}}, False),
            ({"annotations": None}, False),
            ({}, False),
        ],
    )
    def test_the_default_one_is_marked(self, metadata: dict[str, Any], is_default: bool) -> None:
        listed = [{"metadata": {"name": "fast"} | metadata, "provisioner": "csi"}]
        (found,) = kubernetes_parts.storage_classes(listed)
        assert (found.name, found.is_default, found.provisioner) == ("fast", is_default, "csi")
