"""Fixtures of the acceptance tests."""

from collections.abc import Iterator

import pytest
from support.stack import Stack


@pytest.fixture(scope="module")
def stack(
    kafka: str,
    im: str,
    clean_topics: None,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Stack]:
    """One stack per module; its first worker runs."""
    made = Stack(kafka, im, tmp_path_factory.mktemp(request.path.stem))
    try:
        made.worker.run()
        yield made
    finally:
        made.close()


@pytest.fixture(autouse=True)
def _no_fault_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let go of held calls after each test."""
    yield
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").proxy.clear()
