"""A stack whose providers are stubs of the Kubernetes API."""

from collections.abc import Iterator

import pytest
from support.clusters import Clusters
from support.stack import Stack


@pytest.fixture(scope="module")
def clusters() -> Iterator[Clusters]:
    with Clusters() as made:
        yield made


@pytest.fixture(scope="module")
def stack(
    clusters: Clusters,
    kafka: str,
    im: str,
    clean_topics: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    with clusters.stack(kafka, im, tmp_path_factory.mktemp("kubernetes")) as made:
        yield made
