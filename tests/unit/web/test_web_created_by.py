"""Whose deployments a list has."""

from dataclasses import replace

import pytest
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from paas_stream.access import NOBODY, Caller
from web import created_by
from web.faults import ApiError

IAM = "https://iam.example.org/"
ANNA = Caller(IAM, "anna", groups=("physics",))
ROOT = Caller(IAM, "root", groups=("admins",), is_admin=True)


def wanted(caller: Caller, **query: str) -> created_by.Who | None:
    url = URL("/deployments").with_query(query)
    return created_by.wanted(make_mocked_request("GET", url.raw_path_qs), caller)


@pytest.mark.parametrize("query", [{}, {"createdBy": ""}])
def test_users_get_their_own_and_admins_get_all(query: dict[str, str]) -> None:
    assert wanted(ANNA, **query) == (IAM, "anna")
    assert wanted(ROOT, **query) is None
    assert wanted(NOBODY, **query) is None


def test_me_is_the_caller() -> None:
    assert wanted(ANNA, createdBy="me") == (IAM, "anna")
    assert wanted(ROOT, createdBy="me") == (IAM, "root")


def test_users_may_name_themselves() -> None:
    assert wanted(ANNA, createdBy=f"anna@{IAM}") == (IAM, "anna")


def test_a_slash_at_the_end_of_the_issuer_does_not_matter() -> None:
    bare = IAM.rstrip("/")
    assert wanted(ANNA, createdBy=f"anna@{bare}") == (IAM, "anna")
    assert wanted(replace(ANNA, issuer=bare), createdBy=f"anna@{IAM}") == (bare, "anna")


def test_admins_may_name_others_whose_subject_may_hold_an_at() -> None:
    assert wanted(ROOT, createdBy=f"anna@{IAM}") == (IAM, "anna")
    assert wanted(ROOT, createdBy=f"ben@example.org@{IAM}") == (IAM, "ben@example.org")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"createdBy": f"ben@{IAM}"}, 403),
        ({"createdBy": "anna@https://other.example.org/"}, 403),
        ({"createdBy": "anna"}, 400),
        ({"createdBy": "anna@"}, 400),
        ({"createdBy": f"@{IAM}"}, 400),
        ({"userGroup": "chemistry"}, 403),
    ],
)
def test_others_are_refused_to_users(query: dict[str, str], status: int) -> None:
    with pytest.raises(ApiError) as caught:
        wanted(ANNA, **query)
    assert caught.value.status == status


def test_a_user_group_is_the_callers() -> None:
    assert wanted(ANNA, userGroup="physics") == (IAM, "anna")
    assert wanted(ROOT, userGroup="physics") is None
