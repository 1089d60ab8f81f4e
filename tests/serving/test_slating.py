"""Requests and their surfaces: what passes through the stages, what a dry run shows, what is refused."""

from typing import Any

import pytest

from serving.served_lists import LOST
from serving.slate.boosting import Boost, Rule
from serving.slate.caps import Cap
from serving.slate.filtering import Filter
from serving.slate.pins import Pin, Pinned
from serving.slate.seen import Seen
from serving.slate.served import NotServed
from serving.slate.slate import Stage
from serving.slate.surfaces import Surfaces, load
from serving.user_features import UserRows
from tests.serving.fakes import FakePages, FakeUsers, World, api, catalogue_of

LIKED = UserRows(
    {},
    {
        "user_activity_at": 4_000_000_000_000,
        "history_item_ids": ["a"],
        "history_actions": [4],
        "history_timestamps": [4_000_000_000_000],
    },
)


def world(*stages: Stage, **others: Any) -> World:
    """One in which both endpoints have these stages; items a to e, a the best; b and d are by Acme."""
    catalogue = catalogue_of("a", "b", "c", "d", "e")
    for number, item_id in enumerate("abcde"):
        brand = ["brand=Acme"] if item_id in "bd" else []
        catalogue.table.put_content(item_id, {"item_attributes": [f"price={number}", *brand]})
    surfaces = Surfaces({**load().surfaces, "recommend": stages, "rank": stages} if stages else load().surfaces)
    return World(catalogue=catalogue, surfaces=surfaces, **others)


def ask(about: World, path: str = "/v1/recommend", **body: Any) -> tuple[int, Any]:
    with api(about) as client:
        answer = client.post(path, json={"user_id": "u"} | body)
        return answer.status_code, answer.json()


def order(answer: Any) -> str:
    return "".join(place["item_id"] for place in answer["items"])


@pytest.mark.parametrize(("path", "body"), [("/v1/recommend", {}), ("/v1/rank", {"items": [*"abcde"]})])
class TestBothEndpoints:
    def test_a_filter_leaves_what_it_holds_for(self, path: str, body: Any) -> None:
        assert order(ask(world(), path, **body, filter="price >= 2")[1]) == "cde"

    @pytest.mark.parametrize(
        ("wish", "field", "why"),
        [
            ({"filter": "price >"}, "filter", "cannot be read at character"),
            ({"filter": "prise > 3"}, "filter", "no item has `prise`; attributes of items here: brand, price"),
            ({"surface": "hom"}, "surface", "there is no surface 'hom': slate.yaml has rank, recommend"),
        ],
    )
    def test_what_cannot_be_understood_is_refused(self, path: str, body: Any, wish: Any, field: str, why: str) -> None:
        status, answer = ask(world(), path, **body, **wish)
        assert (status, answer["error"]["field"]) == (422, field)
        assert why in answer["error"]["message"]

    def test_a_surface_brings_its_own_stages(self, path: str, body: Any) -> None:
        about = world()
        surfaces = {**about.surfaces.surfaces, "cheap": (Boost((Rule("price < 9", -1), Rule("price == 4", 9))),)}
        about.surfaces = Surfaces(surfaces)
        assert order(ask(about, path, **body, surface="cheap", k=2)[1]) == "ea"

    def test_a_wish_holds_on_a_surface_that_has_no_stage_for_it(self, path: str, body: Any) -> None:
        about = world(Filter("price < 4"), Boost((Rule("price == 3", 9),)), Cap("brand", 9))
        wish = {"filter": "price > 0", "exclude": ["c"], "diversity": 0}
        answer = ask(about, f"{path}?dry_run=1", **body, **wish)[1]
        assert order(answer) == "db"
        stages = [change["stage"] for change in answer["stages"]]
        assert stages == ["exclude", "filter", "filter", "boost", "diversity", "cap"]

    def test_pages_are_cut_after_the_stages(self, path: str, body: Any) -> None:
        about = world(Cap("brand", 1))
        pages = [order(ask(about, path, **body, k=2, offset=offset)[1]) for offset in (0, 2, 4)]
        assert pages == ["ab", "cd", "e"]

    def test_a_dry_run_tells_what_every_stage_changed_and_keeps_nothing(self, path: str, body: Any) -> None:
        about = world(Seen(("like",)), NotServed(), Boost((Rule("price == 4", 9),)), users=FakeUsers({"u": LIKED}))
        status, answer = ask(about, f"{path}?dry_run=1", **body)
        assert (status, order(answer)) == (200, "ebcd")
        seen, _, boosted = answer["stages"]
        assert (seen["stage"], seen["dropped"], seen["left"]) == ("seen", ["a"], 4)
        assert boosted["rescored"] == [{"item_id": "e", "added": 9.0}]
        assert boosted["moved"][0] == {"item_id": "e", "was": 4, "now": 1}
        assert about.rankings.answered == [] and about.pages.kept == {}

    def test_other_answers_do_not_tell(self, path: str, body: Any) -> None:
        assert "stages" not in ask(world(), f"{path}?dry_run=0", **body)[1]

    def test_a_dry_run_that_is_neither_yes_nor_no_is_refused(self, path: str, body: Any) -> None:
        status, answer = ask(world(), f"{path}?dry_run=maybe", **body)
        assert (status, answer["error"]["field"]) == (422, "dry_run")

    def test_what_was_served_is_not_served_again(self, path: str, body: Any) -> None:
        about = world(NotServed())
        with api(about) as client:
            pages = [client.post(path, json={"user_id": "u", "k": 2} | body).json() for _ in range(3)]
        assert [order(page) for page in pages] == ["ab", "cd", "ae"]  # the third has but one that is new

    def test_further_pages_continue_the_list_of_the_first(self, path: str, body: Any) -> None:
        about = world(NotServed())
        with api(about) as client:
            wishes = [{"user_id": "u", "k": 2, "offset": offset} | body for offset in (0, 2, 4)]
            pages = [client.post(path, json=wish).json() for wish in wishes]
        assert [order(page) for page in pages] == ["ab", "cd", "e"]

    def test_an_answer_says_when_it_is_not_known_what_was_served(self, path: str, body: Any) -> None:
        about = world(NotServed(), pages=FakePages(away=True))
        status, answer = ask(about, path, **body)
        assert (status, answer["degraded"]) == (200, [LOST])

    def test_surfaces_that_do_not_look_at_what_was_served_neither_ask_nor_write(self, path: str, body: Any) -> None:
        about = world(pages=FakePages(away=True))
        assert ask(about, path, **body)[1]["degraded"] == []

    def test_the_log_has_the_page_as_it_was_answered(self, path: str, body: Any) -> None:
        about = world(Cap("brand", 1))
        ask(about, path, **body, k=3)
        assert about.rankings.answered[0].slate == ["a", "b", "c"]


def test_a_plain_ranking_passes_stages_that_leave_it_alone() -> None:
    about = world(users=FakeUsers({"u": LIKED}))
    status, answer = ask(about, "/v1/rank", items=[*"edcba", "nobody"])
    assert (status, order(answer)) == (200, "abcdenobody")


def test_of_an_unknown_item_no_filter_can_hold() -> None:
    answer = ask(world(), "/v1/rank", items=["a", "nobody"], filter="price < 9")[1]
    assert (order(answer), answer["unknown_items"]) == ("a", ["nobody"])


def test_a_pinned_item_is_there_though_no_source_found_it() -> None:
    about = world(Pin((Pinned("e", 1),)))
    about.settings = about.settings.model_copy(update={"recommend_candidates": 2})
    answer = ask(about, k=1)[1]
    assert (order(answer), answer["items"][0]["source"]) == ("e", "pinned")


def test_a_pinned_item_that_is_hidden_or_excluded_is_not_brought_in() -> None:
    about = world(Pin((Pinned("e", 1), Pinned("d", 2))))
    about.catalogue.table.put_content("e", {"item_available": False})
    assert order(ask(about, exclude=["d"])[1]) == "abc"


def test_nothing_to_rank_is_rehearsed_too() -> None:
    assert ask(world(), "/v1/rank?dry_run=1", items=["nobody"])[1]["stages"] == []


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/similar", {"item_id": "a"}), ("/v1/search", {"query": "item", "user_id": "u"})]
)
class TestSimilarAndSearch:
    def titled(self) -> World:
        about = world()
        for number, item_id in enumerate("abcde"):
            about.catalogue.table.put_content(
                item_id, {"item_title": f"item {item_id}", "item_attributes": [f"price={number}"]}
            )
        return about

    def answer(self, about: World, path: str, **body: Any) -> tuple[int, Any]:
        with api(about) as client:
            answer = client.post(path, json=body)
            return answer.status_code, answer.json()

    def test_a_filter_leaves_what_it_holds_for(self, path: str, body: Any) -> None:
        answer = self.answer(self.titled(), path, **body, filter="price >= 3")[1]
        assert sorted(order(answer)) == ["d", "e"]

    def test_a_surface_brings_its_stages(self, path: str, body: Any) -> None:
        about = self.titled()
        about.surfaces = Surfaces({**about.surfaces.surfaces, "pinned": (Pin((Pinned("e", 1),)),)})
        assert order(self.answer(about, path, **body, surface="pinned")[1])[0] == "e"

    def test_a_dry_run_tells_what_was_kept_from_the_candidates_too(self, path: str, body: Any) -> None:
        answer = self.answer(self.titled(), f"{path}?dry_run=1", **body, filter="price >= 3")[1]
        told = {change["stage"]: set(change["dropped"]) for change in answer["stages"]}
        assert told["filter"] >= {"b", "c"} and told["available"] == set()

    def test_a_filter_that_cannot_be_understood_is_refused(self, path: str, body: Any) -> None:
        status, answer = self.answer(self.titled(), path, **body, filter="price >")
        assert (status, answer["error"]["field"]) == (422, "filter")


def test_a_search_leaves_out_what_a_surface_does_not_show_this_user() -> None:
    about = TestSimilarAndSearch().titled()
    about.users = FakeUsers({"u": LIKED})
    about.surfaces = Surfaces({**about.surfaces.surfaces, "search": (Seen(("like",)),)})
    with api(about) as client:
        answer = client.post("/v1/search", json={"query": "item", "user_id": "u"}).json()
    assert sorted(order(answer)) == ["b", "c", "d", "e"]


def test_a_url_can_ask_for_a_dry_run_of_similar_items() -> None:
    with api(world()) as client:
        answer = client.get("/v1/similar", params={"item_id": "a", "dry_run": "1"}).json()
    assert [change["stage"] for change in answer["stages"]] == ["available", "exclude", "filter"]
