"""What MLflow is told of a training."""

from collections.abc import Mapping

from paas_stream.clients import mlflow_runs
from paas_stream.clients.mlflow_sender import Job
from paas_stream.records import ModelCard


def log(
    card: ModelCard, parts: Mapping[str, bytes], tags: Mapping[str, bool], timeout_s: float
) -> str:
    """One run: parameters, metrics, tags and the model's files; its id in MLflow.

    Raises as `mlflow_runs.send` does.
    """
    job = Job(
        card.version,
        {name: str(value) for name, value in parameters(card).items()},
        metrics(card),
        {
            "version": card.version,
            "mlflow.source.name": "paas-stream train",
            **{name: str(value).lower() for name, value in tags.items()},
        },
    )
    files = {"card.json": card.model_dump_json(indent=2).encode()}
    files |= {f"{name}.ubj": content for name, content in parts.items()}
    return mlflow_runs.send(job, files, timeout_s)


def parameters(card: ModelCard) -> dict[str, str | float]:
    """What the model was made with, by name."""
    return {
        "seed": card.seed,
        "rows": card.rows,
        "features_schema": card.features_schema,
        "failure_cost_s": card.failure_cost_s,
        "library": card.library,
        **{f"rounds_{part}": number for part, number in card.rounds.items()},
    }


def metrics(card: ModelCard) -> dict[str, float]:
    """Of the new model, the rates and the live one, by name; all are finite, as in every record."""
    found: dict[str, float] = {}
    for who, judged in (
        ("model", card.judged),
        ("rates", card.rates),
        ("live", card.live),
        ("beside_live", card.beside_live),
    ):
        if judged is not None:
            numbers = judged.model_dump(exclude={"rows"}, exclude_none=True)
            found |= {f"{who}_{name}": value for name, value in numbers.items()}
    return found
