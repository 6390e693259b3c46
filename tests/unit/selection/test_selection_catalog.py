"""The catalog: rows found by group, whatever was put in and taken out before."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from paas_stream.records import Feeder
from paas_stream.selection.catalog import Catalog
from paas_stream.selection.rows import ProviderRow

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def row(
    name: str = "a", project: str = "p", group: str = "g", sla: str | None = None
) -> ProviderRow:
    feeder = Feeder(
        provider_name=name,
        provider_type="openstack",
        provider_endpoint="https://a",
        project_id=project,
        user_group=group,
        sla_id=sla,
    )
    return ProviderRow(feeder, NOW)


rows = st.builds(
    row,
    st.sampled_from("abc"),
    st.sampled_from("pq"),
    st.sampled_from("gh"),
    st.sampled_from([None, "s", "t"]),
)
steps = st.lists(st.tuples(st.booleans(), rows), max_size=20)


@given(steps)
def test_every_index_says_what_the_rows_say(found: list[tuple[bool, ProviderRow]]) -> None:
    catalog = Catalog()
    expected: dict[str, ProviderRow] = {}
    for is_put, one in found:
        if is_put:
            catalog.put(one)
            expected[one.feeder.key] = one
        else:
            catalog.remove(one.feeder.key)
            expected.pop(one.feeder.key, None)
    assert {one.feeder.key: one for one in catalog} == expected
    assert len(catalog) == len(expected)
    for group in "gh":
        of_group = {key for key, one in expected.items() if one.feeder.user_group == group}
        assert {one.feeder.key for one in catalog.of_group(group)} == of_group
    assert len(list(catalog.of_group(None))) == len(expected)
    for sla in "st":
        assert catalog.has_sla(sla) is any(one.feeder.sla_id == sla for one in expected.values())
    sites = {one.site for one in expected.values()}
    beside, more = catalog.sites_beside(set(), most=2)
    assert len({one.site for one in beside}) == len(beside) == min(len(sites), 2)
    assert more == max(len(sites) - 2, 0)


def test_a_row_that_is_put_again_keeps_its_place() -> None:
    catalog = Catalog([row("a"), row("b")])
    catalog.put(row("a"))
    assert [one.feeder.provider_name for one in catalog] == ["a", "b"]


def test_sites_beside_those_that_are_open_are_told_once() -> None:
    catalog = Catalog([row("a"), row("b"), row("b", "q"), row("c")])
    beside, more = catalog.sites_beside({("a", "default")}, most=1)
    assert [(one.feeder.provider_name, more) for one in beside] == [("b", 1)]


def test_a_cleared_catalog_is_empty() -> None:
    catalog = Catalog([row(sla="s")])
    catalog.clear()
    assert len(catalog) == 0
    assert not catalog.has_sla("s")
    assert catalog.get(row().feeder.key) is None
