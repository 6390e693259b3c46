"""Whether a new model may take the place of what orders the candidates now."""

from collections.abc import Iterator

from paas_stream.records.models import Judged, ModelCard

BRIER_SLACK = 0.005  # noise of a few hundred attempts
TIME_SLACK = 0.02  # share of the mean time to success


def objections(card: ModelCard) -> list[str]:
    """Why the model must not be live, in sentences; none: it may.

    It is compared with the live model, on attempts that are later than all that either was made from;
    with the rates where there are too few of them, or no live model.
    """
    if card.live is not None and card.beside_live is not None:
        return list(_against(card.beside_live, card.live, f"the live model {card.live_version}"))
    return list(_against(card.judged, card.rates, "the rates"))


def _against(new: Judged, old: Judged, who: str) -> Iterator[str]:
    if new.brier > old.brier + BRIER_SLACK:
        yield f"its Brier score of {new.brier:.4f} is worse than {old.brier:.4f} of {who}"
    times = new.time_to_success_s, old.time_to_success_s
    if times[0] is not None and times[1] is not None and times[0] > times[1] * (1 + TIME_SLACK):
        yield (
            f"its mean time to success of {times[0]:.0f} s is worse than {times[1]:.0f} s of {who}"
        )
