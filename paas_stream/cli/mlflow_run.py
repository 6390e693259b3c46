"""Logs a training with MLflow, where that is installed; it is no dependency of ours.

Where runs go is MLflow's own matter: MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME.
"""

import tempfile
from collections.abc import Mapping
from importlib import import_module, util
from pathlib import Path

from paas_stream.errors import ConfigurationError, TemporaryError
from paas_stream.records import ModelCard


def check() -> None:
    """Raises ConfigurationError when MLflow is not installed."""
    if util.find_spec("mlflow") is None:
        raise ConfigurationError(
            "MLflow is not installed here: `pip install mlflow-skinny` into the environment of "
            "paas-stream, or leave out --mlflow"
        )


def log(card: ModelCard, parts: Mapping[str, bytes], is_live: bool) -> None:
    """One run: parameters, metrics, and the model's files. Raises TemporaryError."""
    mlflow = import_module("mlflow")
    try:
        with mlflow.start_run(run_name=card.version), tempfile.TemporaryDirectory() as made:
            mlflow.log_params(
                {
                    "seed": card.seed,
                    "rows": card.rows,
                    "features_schema": card.features_schema,
                    "failure_cost_s": card.failure_cost_s,
                    "library": card.library,
                    **{f"rounds_{part}": number for part, number in card.rounds.items()},
                }
            )
            mlflow.set_tags({"version": card.version, "live": str(is_live).lower()})
            mlflow.log_metrics(dict(metrics(card)))
            folder = Path(made)
            (folder / "card.json").write_text(card.model_dump_json(indent=2))
            for name, content in parts.items():
                (folder / f"{name}.ubj").write_bytes(content)
            mlflow.log_artifacts(str(folder), "model")
    except Exception as exc:
        raise TemporaryError(f"MLflow has not taken the run: {exc!r}") from exc


def metrics(card: ModelCard) -> dict[str, float]:
    """Of the new model, the rates and the live one, by name."""
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
