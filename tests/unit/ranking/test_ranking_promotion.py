"""What may become live, what is kept, when a new one is due, and what has moved."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from support import played

from paas_stream.ranking import drift, features, promotion, schedule, shelf
from paas_stream.ranking.boosters import ModelError
from paas_stream.ranking.drift import Drift
from paas_stream.ranking.fitting import Rows
from paas_stream.ranking.models import Model
from paas_stream.ranking.shelf import KEPT, Shelf
from paas_stream.records import ModelCard, ModelPart
from paas_stream.records.models import Judged

Made = tuple[Model, list[ModelPart]]


def judged(brier: float, time_s: float | None = 100.0) -> Judged:
    return Judged(rows=100, brier=brier, log_loss=0.5, time_to_success_s=time_s)


class TestTheGate:
    @pytest.mark.parametrize(
        ("new", "old", "says"),
        [
            (judged(0.10), judged(0.20), []),
            (judged(0.20), judged(0.20), []),
            (judged(0.2049), judged(0.20), []),
            (judged(0.206), judged(0.20), ["Brier score of 0.2060 is worse than 0.2000"]),
            (judged(0.10, 101.9), judged(0.20, 100.0), []),
            (judged(0.10, 103.0), judged(0.20, 100.0), ["time to success of 103 s is worse"]),
            (judged(0.10, None), judged(0.20, 100.0), []),
            (judged(0.10, 500.0), judged(0.20, None), []),
            (judged(0.9, 900.0), judged(0.20, 100.0), ["Brier", "time to success"]),
        ],
    )
    def test_compares_with_what_orders_now(
        self, model: Model, new: Judged, old: Judged, says: list[str]
    ) -> None:
        against_rates = model.card.model_copy(update={"judged": new, "rates": old})
        found = promotion.objections(against_rates)
        assert len(found) == len(says)
        for sentence, word in zip(found, says, strict=True):
            assert word in sentence
            assert "of the rates" in sentence
        live = {
            "beside_live": new,
            "live": old,
            "live_version": "v1",
            "judged": judged(0.9),
            "rates": judged(0.0, 0.0),
        }
        against_live = promotion.objections(model.card.model_copy(update=live))
        assert len(against_live) == len(says)
        assert all("of the live model v1" in sentence for sentence in against_live)

    def test_is_fair_to_a_new_model_where_the_live_one_has_seen_the_attempts(
        self, model: Model, rows: Rows
    ) -> None:
        again, _ = played.model(rows, seed=2, live=model)
        assert again.card.live_version == model.card.version
        assert (again.card.live, again.card.beside_live) == (None, None)
        begin = model.card.data_to.timestamp() + 60
        later = read([*played.records(), *played.play(played.requests(60, 2, begin=begin)).records])
        after, _ = played.model(later, live=model)
        assert after.card.live is not None
        assert after.card.beside_live is not None
        new = int((later.asked_at >= begin).sum())
        assert (
            after.card.live.rows == after.card.beside_live.rows == min(new, after.card.judged.rows)
        )


def records(card: ModelCard, version: str, age_s: float = 0.0) -> list[ModelPart]:
    """A model of this version, of which only the card counts."""
    fields = {"version": version, "created_at": card.created_at - timedelta(seconds=age_s)}
    text = card.model_copy(update=fields).model_dump_json()
    return [
        ModelPart(version=version, part="p", content="x"),
        ModelPart(version=version, part="card", content=text),
    ]


def live(version: str, **fields: Any) -> ModelPart:
    return ModelPart(version=version, part="live", **fields)


class TestTheShelf:
    def test_knows_what_is_live_and_what_was_before(self, made: Made) -> None:
        model, parts = made
        found = Shelf([*parts, live(model.card.version, previous="v0")])
        assert (found.live_version, found.previous_version) == (model.card.version, "v0")
        assert found.model(model.card.version).card == model.card
        found.put(live("", deleted=True))
        assert (found.live_version, found.previous_version) == (None, None)

    def test_refuses_what_is_not_there(self) -> None:
        with pytest.raises(ModelError, match="there is no model v9"):
            Shelf().model("v9")

    def test_what_is_deleted_is_gone(self, made: Made) -> None:
        _, parts = made
        gone = [one.model_copy(update={"content": "", "deleted": True}) for one in parts]
        assert Shelf([*parts, *gone]).cards() == []

    def test_keeps_the_newest_the_live_one_and_the_one_before(self, model: Model) -> None:
        versions = [f"v{number:02}" for number in range(15)]  # v00 is the oldest
        found = Shelf()
        for number, version in enumerate(versions):
            for one in records(model.card, version, age_s=100.0 - number):
                found.put(one)
        found.put(live("v01", previous="v00"))
        assert [card.version for card in found.cards()] == versions[::-1]
        surplus = list(found.surplus())
        assert {one.version for one in surplus} == {"v02", "v03", "v04"}
        assert all(one.deleted and not one.content for one in surplus)
        for one in surplus:
            found.put(one)
        assert len(found.cards()) == KEPT + 2
        assert list(found.surplus()) == []

    def test_one_that_is_on_its_way_stays(self, model: Model) -> None:
        found = Shelf(
            one for n in range(12) for one in records(model.card, f"v{n:02}", age_s=100.0 - n)
        )
        found.put(ModelPart(version="v99", part="p", content="x"))
        found.put(ModelPart(version="u00", part="p", content="x"))  # was never finished
        assert {one.version for one in found.surplus()} == {"v00", "v01", "u00"}


class TestWhatMayBeChanged:
    def test_a_part_of_the_live_model_or_the_one_before_stays_as_it_is(self) -> None:
        now = live("v2", previous="v1")
        for version, says in (("v2", "v2 is live"), ("v1", "is what a rollback goes back to")):
            known = ModelPart(version=version, part="p", content="a")
            shelf.check_part(known, known, now)  # the same again
            with pytest.raises(ModelError, match=says):
                shelf.check_part(known.model_copy(update={"content": "b"}), known, now)
            with pytest.raises(ModelError, match="stays as it is"):
                shelf.check_part(known.model_copy(update={"deleted": True}), known, now)
        other = ModelPart(version="v0", part="p", deleted=True)
        shelf.check_part(other, None, now)
        shelf.check_part(other, None, None)


class TestWhenOneIsDue:
    @pytest.mark.parametrize(
        ("end", "read_to", "worth"),
        [
            (0, None, False),
            (49, None, False),
            (50, None, True),
            (1049, 1000, False),
            (1050, 1000, True),
            (60, 1000, True),  # the topic was made anew
        ],
    )
    def test_positions_say_whether_to_look(
        self, end: int, read_to: int | None, worth: bool
    ) -> None:
        assert schedule.is_worth_a_look(end, read_to, 200) is worth

    def test_once_in_an_interval_is_enough(self) -> None:
        assert [schedule.is_time(now, 100.0, 60.0) for now in (100.0, 159.9, 160.0)] == [
            False,
            False,
            True,
        ]

    def test_a_moment_that_is_still_to_come_holds_nothing_up(self) -> None:
        assert schedule.is_time(100.0, 1e9, 60.0)

    def test_fewer_are_enough_where_fewer_are_wanted(self) -> None:
        assert schedule.is_worth_a_look(5, None, 5)

    @pytest.mark.parametrize(
        ("new", "found", "says"),
        [
            (199, None, None),
            (200, None, "200 new attempts"),
            (60, Drift(60, {"vcpus_free": 0.1}, 0.2, 0.2), None),
            (60, Drift(60, {"vcpus_free": 0.3}, 0.2, 0.2), "has moved: vcpus_free"),
            (60, Drift(60, {}, 0.26, 0.2), "Brier score was 0.2000 and is 0.2600"),
            (60, Drift(60, {}, 0.24, 0.2), None),
            (40, Drift(60, {"vcpus_free": 9.0}, 0.9, 0.2), None),  # it was retrained since
        ],
    )
    def test_rows_and_drift_say_why(self, new: int, found: Drift | None, says: str | None) -> None:
        told = schedule.reason(new, 200, found)
        assert told is None if says is None else says in (told or "")


class TestDrift:
    def test_the_same_world_has_not_moved(self, model: Model) -> None:
        later = played.play(played.requests(300, 2, begin=model.card.data_to.timestamp() + 60))
        rows = read(later.records)
        # the seasons of the memory move; what a site is like has not
        found = drift.drift(model, rows)
        assert found.rows == len(rows)
        assert found.psi["vcpus_free"] < drift.MOVED
        assert not found.is_worse

    def test_rows_that_it_was_made_from_do_not_count(self, model: Model, rows: Rows) -> None:
        found = drift.drift(model, rows)
        assert (found.rows, found.psi, found.brier) == (0, {}, None)
        assert not found.moved
        assert not found.is_worse

    def test_a_feature_that_moves_or_goes_missing_is_named(self, model: Model, rows: Rows) -> None:
        x = rows.x.copy()
        free, share = (features.NAMES.index(n) for n in ("vcpus_free", "vcpus_free_share"))
        x[:, free] -= 60
        x[:, share] = np.nan
        found = drift.drift(model, shifted(rows, x=x))
        assert {"vcpus_free", "vcpus_free_share"} <= set(found.moved)
        assert list(found.psi.values()) == sorted(found.psi.values(), reverse=True)

    def test_a_world_that_does_the_opposite_is_expected_worse(
        self, model: Model, rows: Rows
    ) -> None:
        found = drift.drift(model, shifted(rows, succeeded=~rows.succeeded))
        assert found.is_worse
        assert found.brier is not None
        assert found.brier > 0.3


def read(found: Any) -> Rows:
    from paas_stream.ranking import training_rows

    return training_rows.read(found).rows


def shifted(rows: Rows, x: Any = None, succeeded: Any = None) -> Rows:
    """The same attempts a year later."""
    return Rows(
        rows.x if x is None else x,
        rows.succeeded if succeeded is None else succeeded,
        rows.took_s,
        rows.deployment,
        rows.asked_at + 365 * 86400.0,
    )
