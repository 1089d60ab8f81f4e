"""What holds for all stages, drawn by hypothesis, and for the surfaces that are shipped."""

from typing import get_args

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from serving.slate.availability import Available
from serving.slate.boosting import Boost, Rule
from serving.slate.caps import Cap
from serving.slate.diversity import Diversity
from serving.slate.exclusion import Exclude
from serving.slate.fatigue import Fatigue
from serving.slate.filtering import Filter
from serving.slate.pins import Pin, Pinned
from serving.slate.run import STAGES, apply, trace
from serving.slate.seen import Seen
from serving.slate.served import NotServed
from serving.slate.shares import New, Promote
from serving.slate.slate import Given, Slate, Stage
from serving.slate.surfaces import AnyStage, load
from tests.serving.slate.catalogue import item_ids, slates

SHIPPED = load().surfaces
DROPPING = (Available(), Exclude(), Filter("price < 20"), Seen(), Seen(("click",), 0.5), NotServed(minutes=60))
SCORING = (Boost((Rule("price > 10", 1.0), Rule('brand == "b1"', -2.0))), Fatigue(per_serving=0.4))
ORDERING = (
    Diversity("mmr", 0.5, 15),
    Diversity("dpp", 0.5, 15),
    Promote("price > 30", 0.2, 0.5),
    New(7, 0.3),
    Cap("brand", 2),
    Cap("categories", 3),
)
EVERY = (*DROPPING, *SCORING, *ORDERING, Pin((Pinned("3", 1), Pinned("5", 4), Pinned("nobody", 2))))


def test_every_stage_there_is_is_tried_here() -> None:
    assert {type(stage) for stage in EVERY} == set(STAGES) == set(get_args(AnyStage))


@pytest.mark.parametrize("stage", EVERY, ids=repr)
@settings(max_examples=40, deadline=None)
@drawn(slates())
def test_no_stage_invents_repeats_or_touches_what_it_was_given(stage: Stage, drawn_: tuple[Slate, Given]) -> None:
    slate, about = drawn_
    before = slate.places.copy(), slate.scores.copy()
    after = apply([stage], slate, about)
    assert len(set(after.places.tolist())) == len(after.places) == len(after.scores)
    assert set(after.places.tolist()) <= set(before[0].tolist())
    assert (slate.places == before[0]).all() and (slate.scores == before[1]).all()


@pytest.mark.parametrize("stage", DROPPING, ids=repr)
@settings(max_examples=40, deadline=None)
@drawn(slates())
def test_what_drops_items_neither_moves_nor_rescores_the_others(stage: Stage, drawn_: tuple[Slate, Given]) -> None:
    slate, about = drawn_
    after = apply([stage], slate, about)
    kept = dict(zip(slate.places.tolist(), slate.scores.tolist(), strict=True))
    assert [place for place in kept if place in set(after.places.tolist())] == after.places.tolist()
    assert [kept[place] for place in after.places.tolist()] == after.scores.tolist()


@pytest.mark.parametrize("stage", SCORING, ids=repr)
@settings(max_examples=40, deadline=None)
@drawn(slates())
def test_what_changes_scores_orders_by_them_and_drops_nothing(stage: Stage, drawn_: tuple[Slate, Given]) -> None:
    slate, about = drawn_
    after = apply([stage], slate, about)
    assert sorted(after.places.tolist()) == sorted(slate.places.tolist())
    assert after.scores.tolist() == sorted(after.scores.tolist(), reverse=True)


@pytest.mark.parametrize("surface", SHIPPED)
@settings(max_examples=30, deadline=None)
@drawn(slates(), st.booleans())
def test_a_dry_run_ends_as_the_real_one_and_its_changes_add_up(
    surface: str, drawn_: tuple[Slate, Given], again: bool
) -> None:
    slate, about = drawn_
    stages = SHIPPED[surface]
    after, changes = trace(stages, slate, about)
    assert after.places.tolist() == apply(stages, slate, about).places.tolist()
    assert [change.stage for change in changes] == [type(stage).__struct_config__.tag for stage in stages]
    dropped = [item for change in changes for item in change.dropped]
    assert sorted(dropped + item_ids(after, about)) == sorted(item_ids(slate, about))


@settings(max_examples=40, deadline=None)
@drawn(slates())
def test_a_plain_ranking_keeps_its_order_and_its_items(drawn_: tuple[Slate, Given]) -> None:
    slate, about = drawn_
    plain = Given(about.table, about.rows, about.now_ms, about.k, activity=about.activity, served=about.served)
    assert apply(SHIPPED["rank"], slate, plain).places.tolist() == slate.places.tolist()
