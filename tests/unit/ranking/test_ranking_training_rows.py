"""Training records as rows: what nothing can be learned from is passed over, the rest is learned."""

import math
from datetime import timedelta

import pytest
from support import played

from paas_stream.ranking import features, fitting, training_rows
from paas_stream.records import AttemptStatus, Training


@pytest.fixture(scope="module")
def records() -> list[Training]:
    return played.records(250)


def with_feature(record: Training, name: str, value: float | None) -> Training:
    place = features.NAMES.index(name)
    given = record.features or ()
    return record.model_copy(update={"features": (*given[:place], value, *given[place + 1 :])})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vcpus_free", 1e300),  # no 32-bit float
        ("rate_success", None),
        ("rate_success", 0.0),
        ("rate_success", 1.0),
        ("rate_success_s", None),
        ("rate_success_s", 800.0),
        ("rate_failure_s", -1.0),
        ("federation_success", None),
    ],
)
def test_a_number_that_was_never_served_does_not_end_the_training(
    records: list[Training], name: str, value: float | None
) -> None:
    last = records[-1]
    odd = with_feature(last, name, value)
    read = training_rows.read([*records[:-1], odd])
    assert (read.broken_features, len(read.rows)) == (1, len(records) - 1)
    fitting.fit(read.rows, 1, 600.0)


def test_features_too_many_or_too_few_are_passed_over(records: list[Training]) -> None:
    given = records[0].features or ()
    odd = [
        records[0].model_copy(update={"features": cut}) for cut in ((), given[:-1], (*given, 1.0))
    ]
    read = training_rows.read([*records, *odd])
    assert (read.broken_features, len(read.rows)) == (3, len(records))


def test_what_is_missing_otherwise_is_learned_from(records: list[Training]) -> None:
    read = training_rows.read([with_feature(records[0], "vcpus_free", None)])
    assert (read.broken_features, len(read.rows)) == (0, 1)
    assert math.isnan(read.rows.x[0, features.NAMES.index("vcpus_free")])


def test_a_request_of_a_clock_that_is_ahead_waits_until_its_time(records: list[Training]) -> None:
    ahead = records[0].model_copy(
        update={"submission_time": records[-1].submission_time + timedelta(days=365)}
    )
    now = records[-1].ended_at
    assert now is not None
    read = training_rows.read([ahead, *records[1:]], now.timestamp())
    assert (read.not_yet, len(read.rows)) == (1, len(records) - 1)
    assert read.rows.asked_at[-1] == records[-1].submission_time.timestamp()
    later = training_rows.read([ahead, *records[1:]], now.timestamp() + 366 * 86400)
    assert (later.not_yet, len(later.rows)) == (0, len(records))


def test_an_attempt_without_an_outcome_is_only_counted(records: list[Training]) -> None:
    aborted = records[0].model_copy(update={"status": AttemptStatus.ABORTED, "features": ()})
    read = training_rows.read([aborted])
    assert (read.no_outcome, read.broken_features, len(read.rows)) == (1, 0, 0)
