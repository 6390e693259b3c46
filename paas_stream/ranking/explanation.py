"""Why a candidate stands where it stands, in words for the owner of a deployment."""

from collections.abc import Iterable, Iterator

from paas_stream.ranking import features, rule
from paas_stream.ranking.rates import Estimate
from paas_stream.records import Candidate

_PARTS = 3
_LIKELY = 0.5
_SMALL = 0.01  # log-odds


def of_experience(one: Estimate, expected_s: float) -> Iterator[str]:
    """What past attempts make one expect."""
    seen = one.seen
    if seen.attempts:
        yield f"{seen.successes} of {seen.attempts} attempts succeeded in 30 days" + (
            f", {duration(seen.success_s / seen.successes)} on average" if seen.successes else ""
        )
    else:
        yield "no attempt in 30 days: what is usual for the template is assumed"
    if one.down >= _LIKELY:
        yield f"no success since its last failures: down with a probability of {100 * one.down:.0f} %"
    yield (
        f"expected: {100 * one.p_success:.0f} % success, {duration(one.t_success_s)} to succeed, "
        f"{duration(one.t_failure_s)} to fail; {duration(expected_s)} until a success"
    )


def of_parts(parts: Iterable[float]) -> tuple[str, ...]:
    """What moves the model's probability most; `parts` are log-odds by feature."""
    known = sorted(zip(features.NAMES, parts, strict=True), key=lambda one: -abs(one[1]))[:_PARTS]
    told = [f"{name} {part:+.2f}" for name, part in known if abs(part) >= _SMALL]
    return (f"what moves the chance of success most (log-odds): {', '.join(told)}",) if told else ()


def of_state(candidate: Candidate) -> Iterator[str]:
    """Free quota and health."""
    tightest = rule.tightest(candidate)
    if tightest is None:
        yield "no quota limits what the template takes"
    else:
        name, share = tightest
        yield f"{100 * share:.0f} % of the {name} quota stays free"
    window = rule.window(candidate)
    if window is None:
        yield "no health tests are known"
    else:
        days, failed = window
        yield f"{100 * failed:.0f} % of the health tests failed in {days}"


def of_agreement(candidate: Candidate) -> Iterator[str]:
    """The SLA."""
    if candidate.sla_start:
        yield f"the agreement with the user group holds since {candidate.sla_start}"
    else:
        yield "the agreement with the user group has no date"


def duration(seconds: float) -> str:
    """`210 s`, `35 min` or `7.5 h`."""
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6 * 3600 else f"{seconds / 3600:.1f} h"
