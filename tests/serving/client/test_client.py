"""The clients against the API itself, and against answers that were written beforehand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from feature_repo import user_activity
from feature_repo.user_activity import UserActivity, advance
from serving import answer, batch_route, ingest, known_user, receipts, request, searching, similar_items
from serving.app import create_app
from serving.client import (
    AsyncClient,
    Broken,
    Client,
    Interaction,
    Item,
    Merge,
    NotTaken,
    Ranking,
    Refused,
    Retries,
    Unavailable,
    User,
    answers,
    asked,
    erasures,
    reasons,
)
from serving.explain import explanation
from serving.keys.key import Scope
from serving.slate import run
from serving.user_features import UserRows
from tests.serving.client.served import Script, api, away, mocked, receipt
from tests.serving.fakes import FakeBus, FakeUsers, World
from tests.serving.keys.fakes import TEXTS, guarded_api, key_of

AT_ONCE = Retries(attempts=3, first_wait=0.0)
CLICK = Interaction(user_id="7", item_id="a", action="click")


def scripted(script: Script, **options: Any) -> Client:
    return Client("http://api", retries=AT_ONCE, transport=mocked(script), **options)


def test_a_ranking_is_asked_and_what_became_of_it_is_said() -> None:
    world = World()
    with api(world) as url, Client(url) as client:
        ranking = client.rank(["c", "a", "x"], user_id="7", context={"device": "tv"})
        assert client.events([*ranking.impressions(2), ranking.event("click", "c", value=2.5)]) == 3
    assert (ranking.item_ids, ranking.unknown_items) == (["a", "c", "x"], ["x"])
    said = [(each.action, each.item_id, each.position) for each in world.bus.messages if isinstance(each, Interaction)]
    assert said == [("impression", "a", 0), ("impression", "c", 1), ("click", "c", 1)]
    for each in world.bus.messages:
        assert isinstance(each, Interaction)
        assert (each.request_id, each.user_id, each.context) == (ranking.request_id, "7", {"device": "tv"})


def test_the_second_page_has_the_positions_after_the_first() -> None:
    with api(World()) as url, Client(url) as client:
        ranking = client.rank(["a", "b", "c"], session_id="s", k=2, offset=1)
    assert [(each.item_id, each.position) for each in ranking.impressions()] == [("b", 1), ("c", 2)]
    assert ranking.event("click", "b").session_id == "s"


def test_an_item_that_was_not_ranked_cannot_cite_the_ranking() -> None:
    ranking = Ranking("r1", "m1", [])
    with pytest.raises(ValueError, match="'a' is not in ranking r1"):
        ranking.event("click", "a")


def test_catalogue_profiles_merges_and_deletions_arrive() -> None:
    world = World()
    with api(world) as url, Client(url) as client:
        assert client.items([Item(item_id="50", title="Metropolis", categories=["drama"])]) == 1
        assert client.users([User(user_id="7", attributes={"country": "CH"})]) == 1
        assert client.merge("s-81", "7") == 1
        client.delete_item("50")
        erasure = client.receipt(client.delete_user("a b").receipt_id)
    assert erasure.kind == "user" and erasure.state
    assert [each.key for each in world.bus.messages] == ["50", "7", "session:s-81", "50", "a b"]
    assert isinstance(world.bus.messages[2], Merge)


def test_the_asynchronous_client_does_the_same() -> None:
    world = World()

    async def talk(transport: httpx.AsyncBaseTransport) -> Ranking:
        async with AsyncClient("http://api", transport=transport) as client:
            ranking = await client.rank(["b", "a"], user_id="7")
            await client.events([ranking.event("click", "a")])
            return ranking

    assert asyncio.run(_inside(world, talk)).item_ids == ["a", "b"]
    [click] = world.bus.messages
    assert isinstance(click, Interaction) and click.position == 0


async def _inside(world: World, talk: Callable[[httpx.AsyncBaseTransport], Awaitable[Ranking]]) -> Ranking:
    async with _transport(world) as transport:
        return await talk(transport)


@asynccontextmanager
async def _transport(world: World) -> AsyncIterator[httpx.ASGITransport]:
    """The app without a socket; httpx leaves its start and end to us."""
    app = create_app(world.settings, world.neighbours)

    async def stated(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {"state": dict(state or {})}, receive, send)

    async with app.router.lifespan_context(app) as state:
        yield httpx.ASGITransport(stated)


def test_every_way_to_ask_for_items_gives_a_ranking_that_can_be_cited() -> None:
    with api(World()) as url, Client(url) as client:
        said = [client.recommend(user_id="7", k=2, explain=True), client.similar("a", k=2, offset=1)]
        said += [*client.batch([{"user_id": "7", "k": 1}, {"session_id": "s"}]), client.search("tea", user_id="7")]
        dry = client.recommend(dry_run=True, user_id="7")
        typed = client.recommend(user_id="7", query="tea", context={"device": "tv"})
    assert all(each.request_id and each.items for each in said)
    assert said[0].items[0].explanation and said[0].items[0].explanation.sentence
    assert [each.asker.user_id or each.asker.session_id for each in said] == ["7", None, "7", "s", "7"]
    seen = said[1].shown_to(session_id="s").impressions()[0]
    assert (seen.session_id, seen.user_id, seen.position) == ("s", None, 1)
    assert said[4].impressions()[0].context == {"query": "tea"}
    assert typed.impressions()[0].context == {"device": "tv", "query": "tea"}
    assert dry.stages and not said[0].stages


def test_what_is_known_of_a_user_is_read() -> None:
    activity = user_activity.to_row(advance(UserActivity(), "a", "click", 1_770_000_000_000))
    with api(World(users=FakeUsers({"7": UserRows({}, activity)}))) as url, Client(url) as client:
        known = client.user("7")
        with pytest.raises(Refused, match="nothing is known of '8'"):
            client.user("8")
    assert (known.history[0].item_id, known.features["user_session_events"].at) == ("a", "2026-02-02T02:40:00.000Z")


def test_events_that_were_not_taken_are_raised_with_their_reasons() -> None:
    good, bad = Interaction(user_id="7", item_id="a", action="click"), Interaction(item_id="a", action="click")
    with api(World()) as url, Client(url) as client, pytest.raises(NotTaken, match="needs a `user_id`") as raised:
        client.events([good, bad])
    assert raised.value.accepted == 1
    assert [(each.message.item_id, each.retry) for each in raised.value.lost] == [("a", False)]


def test_events_of_which_none_was_valid_are_raised_alike() -> None:
    with api(World()) as url, Client(url) as client, pytest.raises(NotTaken) as raised:
        client.events([Interaction(item_id="a", action="click")])
    assert (raised.value.accepted, len(raised.value.lost)) == (0, 1)


def test_an_event_that_the_broker_did_not_acknowledge_may_be_sent_again() -> None:
    other = Interaction(user_id="8", item_id="a", action="click")
    world = World(bus=FakeBus(refused={"8"}))
    with api(world) as url, Client(url) as client, pytest.raises(NotTaken) as raised:
        client.events([CLICK, other])
    assert [(each.message.user_id, each.retry) for each in raised.value.lost] == [("8", True)]


def test_a_request_that_is_wrong_is_refused_with_its_field() -> None:
    with api(World()) as url, Client(url) as client, pytest.raises(Refused) as raised:
        client.rank(["a"], user_id="7", k=0)
    assert (raised.value.status, raised.value.code, raised.value.field) == (422, "invalid_request", "k")


def test_an_api_that_is_away_for_a_moment_is_asked_again_with_the_same_events() -> None:
    script = Script(away("0"), httpx.ConnectError("refused"), receipt(1))
    assert scripted(script).events([CLICK]) == 1
    first, *others = [msgspec.json.decode(each.content) for each in script.asked]
    assert len(others) == 2 and all(each == first for each in others)
    assert first[0]["event_id"] and first[0]["timestamp"]


def test_an_api_that_stays_away_is_unavailable() -> None:
    script = Script(away("0.5"))
    with pytest.raises(Unavailable, match="away") as raised:
        Client("http://api", retries=Retries(patience=0.1), transport=mocked(script)).events([CLICK])
    assert (raised.value.status, raised.value.retry_after, len(script.asked)) == (503, 0.5, 1)


def test_nobody_there_is_unavailable_too() -> None:
    script = Script(httpx.ConnectError("refused"))
    with pytest.raises(Unavailable, match="no answer: refused") as raised:
        scripted(script).rank(["a"], user_id="7")
    assert raised.value.status is None and len(script.asked) == 3


@pytest.mark.parametrize(
    "page",
    [httpx.Response(200, text="<html>"), httpx.Response(500, text="oops"), httpx.Response(200, json={"items": 7})],
)
def test_an_answer_that_cannot_be_read_is_broken_and_not_asked_again(page: httpx.Response) -> None:
    script = Script(page)
    with pytest.raises(Broken):
        scripted(script).rank(["a"], user_id="7")
    assert len(script.asked) == 1


def test_the_key_goes_with_every_request() -> None:
    script = Script(receipt(1))
    scripted(script, key="k-1").events([CLICK])
    assert script.asked[0].headers["authorization"] == "Bearer k-1"


def test_without_a_key_none_is_sent() -> None:
    script = Script(receipt(1))
    scripted(script).events([CLICK])
    assert "authorization" not in script.asked[0].headers


def test_a_key_opens_what_it_is_good_for() -> None:
    with guarded_api(World(), [key_of(Scope.READ_RANKINGS)]) as inside:
        client = Client("http://api", key=TEXTS[Scope.READ_RANKINGS], transport=inside._transport)
        assert client.rank(["a"], user_id="7").item_ids == ["a"]
        with pytest.raises(Refused, match="403 forbidden"):
            client.events([CLICK])
        with pytest.raises(Refused, match="401 unauthorized"):
            Client("http://api", transport=inside._transport).rank(["a"], user_id="7")


def test_a_newer_api_may_say_more() -> None:
    said = {"request_id": "r", "model_version": "m", "items": [{"item_id": "a", "score": 1.0, "new": 1}], "news": {}}
    assert scripted(Script(httpx.Response(200, json=said))).rank(["a"], user_id="7").item_ids == ["a"]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (answer.Ranking, answers.Ranking),
        (answer.ScoredItem, answers.RankedItem),
        (known_user.KnownUser, answers.Known),
        (known_user.Feature, answers.Feature),
        (known_user.Visit, answers.Visit),
        (batch_route.BatchAnswer, answers.Rankings),
        (receipts.ErasureReceipt, erasures.Erasure),
        (receipts.Removed, erasures.Removed),
        (explanation.Explanation, reasons.Explanation),
        (explanation.Influence, reasons.Influence),
        (explanation.StageMove, reasons.StageMove),
        (run.Change, reasons.Change),
        (run.Moved, reasons.Moved),
        (run.Rescored, reasons.Rescored),
        (ingest.Receipt, answers.Receipt),
        (ingest.Rejected, answers.Rejected),
    ],
)
def test_the_client_knows_every_field_that_the_api_answers(theirs: Any, ours: Any) -> None:
    assert set(theirs.__struct_fields__) <= set(ours.__struct_fields__)


def test_the_client_can_say_everything_that_the_api_may_be_asked() -> None:
    assert set(request.RecommendRequest.__struct_fields__) == set(asked.Recommended.__annotations__)
    assert set(request.RankRequest.__struct_fields__) == {*asked.Asked.__annotations__, "items"}
    assert set(searching.SearchRequest.__struct_fields__) == {*asked.Searched.__annotations__, "query"}
    assert set(similar_items.SimilarRequest.__struct_fields__) == {*asked.Page.__annotations__, "item_id"}
