"""The policy as the contract has it, beside the policy as the code has it; and every route is in it."""

import pytest
from support.routes import routes

from paas_stream.access import (
    ENDPOINTS,
    NOBODY,
    OPEN,
    RIGHTS,
    Action,
    Caller,
    Kind,
    Thing,
    group_fault,
    kind,
    may,
    within,
)

IAM, OTHER_IAM = "https://iam.example.org/", "https://other.example.org/"

CALLERS = {
    "nobody": None,
    "user": Caller(IAM, "eve", groups=("chemistry",)),
    "no group": Caller(IAM, "zoe", groups=()),
    "namesake": Caller(OTHER_IAM, "anna", groups=("physics",)),  # of the owner, at another issuer
    "member": Caller(IAM, "ben", groups=("physics", "biology")),
    "owner": Caller(IAM, "anna", groups=("physics",)),
    "former": Caller(IAM, "anna", groups=()),  # the owner, who has left the group
    "admin": Caller(OTHER_IAM, "root", groups=("admins",), is_admin=True),
    "no login": NOBODY,  # PAAS_AUTH=none
}
DEPLOYMENT = Thing(IAM, "anna", "physics")

COLUMNS = (
    "nobody",
    "user",
    "no group",
    "namesake",
    "member",
    "owner",
    "former",
    "admin",
    "no login",
)
TABLE = {
    Action.INFORM: "+ + + + + + + + +",
    Action.LOOK: "- - - - + + + + +",
    Action.CHANGE: "- - - - - + + + +",
    Action.CREATE: "- + + + + + + + +",
    Action.LIST: "- + + + + + + + +",
    Action.PROVIDERS: "- + + + + + + + +",
    Action.OWN: "- + + + + + + + +",
    Action.ADMINISTER: "- - - - - - - + +",
}
ABOUT_A_THING = (Action.LOOK, Action.CHANGE)
CELLS = [
    (action, who, mark == "+")
    for action, line in TABLE.items()
    for who, mark in zip(COLUMNS, line.split(), strict=True)
]


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(Action) == set(RIGHTS)
    assert set(COLUMNS) == set(CALLERS)


@pytest.mark.parametrize(("action", "who", "allowed"), CELLS)
def test_each_caller_may_do_what_the_table_says(action: Action, who: str, allowed: bool) -> None:
    thing = DEPLOYMENT if action in ABOUT_A_THING else None
    assert may(CALLERS[who], action, thing) is allowed


@pytest.mark.parametrize("action", ABOUT_A_THING)
def test_before_the_thing_is_known_a_login_is_enough(action: Action) -> None:
    assert may(CALLERS["user"], action)
    assert not may(None, action)


@pytest.mark.parametrize(
    ("who", "found"),
    [
        ("nobody", Kind.NOBODY),
        ("user", Kind.USER),
        ("namesake", Kind.USER),
        ("member", Kind.MEMBER),
        ("owner", Kind.OWNER),
        ("admin", Kind.ADMIN),
    ],
)
def test_each_caller_is_something_to_the_thing(who: str, found: Kind) -> None:
    assert kind(CALLERS[who], DEPLOYMENT) is found


def test_a_thing_without_group_has_no_members() -> None:
    assert not may(CALLERS["no group"], Action.LOOK, Thing(IAM, "anna", None))


class TestAUserGroup:
    @pytest.mark.parametrize("who", ["owner", "no login"])
    def test_may_be_one_of_the_callers(self, who: str) -> None:
        assert group_fault(CALLERS[who], "physics") is None  # type: ignore[arg-type]

    @pytest.mark.parametrize("who", ["user", "admin"])
    def test_of_others_is_refused_to_admins_too(self, who: str) -> None:
        text = "The group physics is not in the user's authorized groups"
        assert group_fault(CALLERS[who], "physics") == text  # type: ignore[arg-type]

    def test_must_be_named(self) -> None:
        text = "The group null is not in the user's authorized groups"
        assert group_fault(CALLERS["owner"], None) == text  # type: ignore[arg-type]
        assert group_fault(NOBODY, None) is None

    def test_cannot_be_had_without_any(self) -> None:
        text = "User's token does not contain a group claim or it is empty"
        assert group_fault(CALLERS["no group"], "physics") == text  # type: ignore[arg-type]

    def test_is_left_out_where_there_is_no_room(self) -> None:
        assert within(("aa", "bb", "cc"), 4) == ("aa", "bb")
        assert within((), 4) == ()


def test_every_route_has_its_row() -> None:
    known = routes()
    assert ("POST", "/deployments") in known
    assert {(m, p) for m, p in known if not {(m, p), (m, p.rstrip("/"))} & set(ENDPOINTS)} == set()


def test_what_is_open_is_open_for_every_method() -> None:
    assert {action for (_, path), action in ENDPOINTS.items() if path in OPEN} == {Action.INFORM}
