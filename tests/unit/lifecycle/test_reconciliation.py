"""What the IM has against what the deployments say."""

import pytest

from paas_stream.lifecycle.reconciliation import Found, Kind, Known, differences


@pytest.mark.parametrize(
    ("status", "infrastructure", "kind"),
    [
        ("CREATE_COMPLETE", "inf-1", None),
        ("CREATE_COMPLETE", "inf-2", Kind.ORPHAN),
        ("CREATE_FAILED", None, Kind.ORPHAN),
        ("CREATE_FAILED", "inf-1", None),  # it is kept because the user wants to look at it
        ("DELETE_COMPLETE", "inf-1", Kind.ORPHAN),
        ("DELETE_FAILED", "inf-1", None),  # the user may delete it again
        ("CREATE_IN_PROGRESS", None, None),
        ("DELETE_IN_PROGRESS", "inf-1", None),
    ],
)
def test_an_infrastructure_is_an_orphan_unless_its_deployment_is_to_have_it(
    status: str, infrastructure: str | None, kind: Kind | None
) -> None:
    told = differences([Known("u", status, infrastructure)], [Found("inf-1", "u", 1)])
    assert [one.kind for one in told if one.infrastructure == "inf-1"] == ([kind] if kind else [])


def test_an_infrastructure_of_a_deployment_that_nobody_knows_is_an_orphan() -> None:
    (told,) = differences([], [Found("inf-1", "u", 3)])
    assert (told.kind, told.status, told.attempt) == (Kind.ORPHAN, None, 3)


@pytest.mark.parametrize(
    ("status", "is_told"),
    [("CREATE_COMPLETE", True), ("CREATE_FAILED", False), ("DELETE_COMPLETE", False)],
)
def test_what_a_live_deployment_has_no_more_has_vanished(status: str, *, is_told: bool) -> None:
    told = list(differences([Known("u", status, "inf-1")], []))
    assert [one.kind for one in told] == ([Kind.VANISHED] if is_told else [])
