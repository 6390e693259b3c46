"""A model that was trained on what the real chain would have written; made once."""

from datetime import UTC, datetime

import pytest
from support import played

from paas_stream.ranking.fitting import Rows
from paas_stream.ranking.models import Model
from paas_stream.records import ModelPart

MADE_AT = datetime(2027, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def rows() -> Rows:
    """The attempts of 400 requests."""
    return played.rows()


@pytest.fixture(scope="session")
def made(rows: Rows) -> tuple[Model, list[ModelPart]]:
    """A model, and its records."""
    return played.model(rows, now=MADE_AT)


@pytest.fixture(scope="session")
def model(made: tuple[Model, list[ModelPart]]) -> Model:
    """The model."""
    return made[0]


@pytest.fixture
def parts(made: tuple[Model, list[ModelPart]]) -> dict[str, ModelPart]:
    """Its records by part."""
    return {one.part: one for one in made[1]}
