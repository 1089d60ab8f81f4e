"""A session's activity becomes a user's exactly once, whatever is sent twice, delivered twice or cut short."""

import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo import user_activity
from feature_repo.user_activity import UserActivity
from feature_repo.user_merge import merge
from feature_repo.vocabulary import ACTIONS
from streaming import events
from streaming.events import Interaction, InvalidEvent, Merge, encode
from streaming.ledger import MERGES_REMEMBERED, REMEMBERED, partition_key
from streaming.merge import Handover, handover, message
from streaming.rows import TrackedUser, user_from_row
from streaming.user_activity import Advanced, Delivery, UserTracker
from tests.feature_repo.test_user_merge import same
from tests.streaming.crashing import LOG, Broker, Step, Stores, partitioned, run
from tests.streaming.test_rebalance import Turn, change_hands, turns
from tests.streaming.test_trackers import CATEGORIES, T, check_items, logged, steps

Message = Interaction | Merge
WHO = ("s", "ss")  # sessions, one in each partition; "u" and "vv" are users, one in each partition


def did(number: int, who: dict[str, str], item: str = "a", action: str = "click", when: int = T) -> Interaction:
    return Interaction(event_id=f"e{number}", item_id=item, action=action, timestamp=when, **who)  # type: ignore[arg-type]


def merging(number: int, session: str = "s", user: str = "u", when: int = T) -> Merge:
    return Merge(event_id=f"m{number}", session_id=session, user_id=user, timestamp=when)


def plain(topic: list[Message]) -> dict[str, UserActivity]:
    """One loop: a merge moves what a session has to its user; what has been seen does nothing."""
    states: dict[str, UserActivity] = {}
    seen: set[tuple[str, str]] = set()
    for each in topic:
        state = states.get(each.key, UserActivity())
        if (each.key, each.event_id) in seen or (isinstance(each, Merge) and not state.at):
            continue
        seen.add((each.key, each.event_id))
        if isinstance(each, Merge):
            states[each.user_id] = merge(states.get(each.user_id, UserActivity()), state)
            states[each.key] = UserActivity()
        else:
            categories = CATEGORIES.get(each.item_id, ())
            states[each.key] = user_activity.advance(state, each.item_id, each.action, each.timestamp, categories)  # type: ignore[arg-type]
    return states


def check(topic: list[Message], stores: Stores, folder: Path) -> None:
    """Every row is where the plain loop is; the items count every interaction once."""
    check_users(topic, stores)
    done = list({(each.key, each.event_id): each for each in topic if isinstance(each, Interaction)}.values())
    check_items(done, stores, folder)
    assert {row["event_id"] for row in logged(folder, "interactions")} == {each.event_id for each in done}


def check_users(topic: list[Message], stores: Stores) -> None:
    """Every user's and session's row is where the plain loop is."""
    wanted = plain(topic)
    found = {key: user_from_row(row.values).activity for key, row in stores.users.rows.items()}
    assert found.keys() == wanted.keys()
    for key, activity in found.items():
        same(activity, wanted[key])


drawn = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([{"session_id": "s"}, {"session_id": "ss"}, {"user_id": "u"}, {"user_id": "vv"}]),
            st.sampled_from("abc"),
            st.sampled_from(ACTIONS),
            st.integers(T, T + 10**8),
        ),
        st.tuples(st.sampled_from(WHO), st.sampled_from(["u", "vv"]), st.integers(T, T + 10**8)),
    ),
    min_size=1,
    max_size=40,
)


def stream(drawn: list[tuple[Any, ...]]) -> list[Message]:
    return [merging(number, *each) if len(each) == 3 else did(number, *each) for number, each in enumerate(drawn)]


@settings(max_examples=100)
@given(drawn, steps, st.data())
def test_no_crash_no_redelivery_and_no_duplicate_merges_anything_twice(
    drawn: list[tuple[Any, ...]], script: list[Step], data: st.DataObject
) -> None:
    sent = stream(drawn)
    for again in data.draw(st.lists(st.sampled_from(sent), max_size=8), label="sent twice"):
        sent.insert(data.draw(st.integers(sent.index(again) + 1, len(sent)), label="where"), again)
    with tempfile.TemporaryDirectory() as folder:
        stores = Stores(Path(folder), CATEGORIES)
        run(Broker(partitioned(sent)), stores, script)
        check(sent, stores, Path(folder))


@settings(max_examples=100)
@given(drawn, turns)
def test_an_old_owner_that_wakes_up_merges_nothing_twice(drawn: list[tuple[Any, ...]], script: list[Turn]) -> None:
    sent = stream(drawn)
    with tempfile.TemporaryDirectory() as folder:
        stores = Stores(Path(folder), CATEGORIES)
        change_hands(Broker(partitioned(sent)), stores, script)
        check_users(sent, stores)


@pytest.mark.parametrize("user", ["u", "uu"], ids=["the partition of the session", "another partition"])
@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize("dies_before", range(9))
def test_a_crash_before_each_single_step_is_made_good(
    dies_before: int, commits: bool, user: str, tmp_path: Path
) -> None:
    """The steps: the handover, two parts of the log, the online rows, an envelope; the items' part, their rows."""
    session = {"session_id": "s"}
    topic: list[Message] = [did(1, session), merging(1, user=user), did(2, session, "b"), did(3, {"user_id": user})]
    stores = Stores(tmp_path, CATEGORIES)
    crashes = run(Broker(partitioned(topic)), stores, [Step(10, dies_before, commits), Step(1, dies_before, commits)])
    assert crashes >= (dies_before < 7)
    check(topic, stores, tmp_path)


class Owner:
    """One worker's tracker on stores of its own; hands over to itself, at the offsets that follow."""

    def __init__(self, folder: Path) -> None:
        self.stores = Stores(folder, CATEGORIES)
        self.users = UserTracker(
            self.stores.users, self.stores.contents, self.stores.offline, LOG, 100, self.stores.erasures
        )
        self.offset = -1

    def take(self, *topic: Message | Handover, stores: bool = True) -> Advanced:
        """The messages as one batch; then what they hand over."""
        self.offset += len(topic)
        begin = self.offset + 1 - len(topic)
        advanced = self.users.advance([Delivery(0, begin + n, each) for n, each in enumerate(topic)])
        if stores:
            self.users.store(advanced)
            if advanced.handovers:
                self.take(*advanced.handovers)
        return advanced

    def again(self, offset: int, sent: Message | Handover) -> Advanced:
        """A redelivery."""
        advanced = self.users.advance([Delivery(0, offset, sent)])
        self.users.store(advanced)
        return advanced

    def row(self, key: str) -> TrackedUser:
        return user_from_row(self.stores.users.read([key])[key].values)


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    return Owner(tmp_path)


SESSION = {"session_id": "s"}


def test_a_session_has_a_row_of_its_own(owner: Owner) -> None:
    owner.take(did(1, SESSION), did(2, SESSION, "b"))
    assert owner.row("session:s").activity.item_ids == ("a", "b")


def test_a_merge_gives_the_user_what_the_session_did_and_empties_the_session(owner: Owner) -> None:
    owner.take(did(1, {"user_id": "u"}), did(2, SESSION, "b", when=T + 1))
    before = owner.row("session:s")
    owner.take(merging(1))
    assert owner.row("u").activity.item_ids == ("a", "b")
    assert owner.row("session:s").activity == UserActivity()
    assert owner.row("session:s").ledger.stamp > before.ledger.stamp


def test_the_users_row_is_new_from_the_merge_on_and_not_before(owner: Owner) -> None:
    owner.take(did(1, SESSION, when=T + 5), merging(1, when=T + 9))
    assert owner.row("u").ledger.stamp == 1000 * (T + 9)


def test_no_label_from_before_the_sessions_last_event_sees_it_in_the_users_row(owner: Owner) -> None:
    owner.take(did(1, SESSION, when=T + 5), merging(1, when=T))
    assert owner.row("u").ledger.stamp == 1000 * (T + 5)


def test_a_merge_passes_nothing_on_to_the_items(owner: Owner) -> None:
    owner.take(did(1, SESSION))
    advanced = owner.take(merging(1), stores=False)
    assert (advanced.entries, advanced.interaction_rows, len(advanced.user_rows)) == ([], [], 1)


def test_what_a_session_does_after_a_merge_can_be_merged_by_another(owner: Owner) -> None:
    owner.take(did(1, SESSION), merging(1), did(2, SESSION, "b"))
    assert owner.row("session:s").activity.item_ids == ("b",)
    owner.take(merging(2))
    assert owner.row("u").activity.item_ids == ("a", "b")


def test_the_same_merge_sent_again_moves_nothing_more(owner: Owner) -> None:
    owner.take(did(1, SESSION), merging(1), did(2, SESSION, "b"))
    assert owner.take(merging(1)).handovers == []
    assert owner.row("session:s").activity.item_ids == ("b",)


def test_a_merge_is_known_again_however_many_events_follow(owner: Owner) -> None:
    owner.take(did(1, SESSION), merging(1), *(did(n, SESSION) for n in range(2, 2 * REMEMBERED)))
    assert owner.take(merging(1)).handovers == []


def test_a_merge_forgotten_after_many_others_moves_the_rest_and_doubles_nothing(owner: Owner) -> None:
    topic = [each for n in range(MERGES_REMEMBERED + 2) for each in (did(n, SESSION, when=T + n), merging(n))]
    owner.take(*topic, did(99, SESSION, when=T + 99), merging(0))
    assert owner.row("u").activity.timestamps == (*range(T, T + MERGES_REMEMBERED + 2), T + 99)


def test_a_merge_redelivered_before_its_row_was_written_hands_the_same_over_again(owner: Owner) -> None:
    owner.take(did(1, SESSION))
    first = owner.take(merging(1), stores=False)
    assert owner.users.advance([Delivery(0, owner.offset, merging(1))]).handovers == first.handovers != []


def test_a_merge_redelivered_after_its_row_was_written_hands_nothing_over(owner: Owner) -> None:
    owner.take(did(1, SESSION), merging(1), did(2, SESSION, "b"))
    assert owner.again(1, merging(1)).handovers == []
    assert owner.row("session:s").activity.item_ids == ("b",)


def test_a_merge_that_came_too_early_moves_nothing_when_it_is_redelivered(owner: Owner) -> None:
    owner.take(merging(1), did(1, SESSION))
    assert owner.again(0, merging(1)).handovers == []


def test_a_redelivered_merge_is_known_by_its_place_when_its_id_is_forgotten(owner: Owner) -> None:
    for n in range(MERGES_REMEMBERED + 2):
        owner.take(did(n, SESSION, when=T + n), merging(n))
    owner.take(did(99, SESSION))
    assert owner.again(1, merging(0)).handovers == []


def test_a_handover_counts_once_at_any_offset_however_many_events_lie_between(owner: Owner) -> None:
    owner.take(did(1, SESSION))
    (sent,) = owner.take(merging(1)).handovers
    owner.take(*(did(n, {"user_id": "u"}, when=T + n) for n in range(2, 3 * REMEMBERED)))
    before = owner.row("u")
    owner.take(sent)
    owner.again(2, sent)
    assert owner.row("u") == before


def test_a_session_merged_into_two_users_belongs_to_the_first(owner: Owner) -> None:
    owner.take(did(1, SESSION), merging(1, user="u"), merging(2, user="v"))
    assert "v" not in owner.stores.users.rows and owner.row("u").activity.item_ids == ("a",)


def test_a_merge_of_a_session_without_events_leaves_no_trace(owner: Owner) -> None:
    owner.take(merging(1))
    assert owner.stores.users.rows == {}
    owner.take(did(1, SESSION), merging(1))
    assert owner.row("u").activity.item_ids == ("a",)


def test_two_sessions_of_one_user_are_both_merged(owner: Owner) -> None:
    owner.take(did(1, SESSION), did(2, {"session_id": "t"}, "b", when=T + 1))
    owner.take(merging(1, "s"), merging(2, "t"))
    assert owner.row("u").activity.item_ids == ("a", "b")


def test_a_user_known_from_another_incarnation_of_the_topic_is_merged_into(owner: Owner) -> None:
    owner.take(did(1, {"user_id": "u"}), did(2, SESSION, "b", when=T + 1), merging(1))
    owner.users = UserTracker(
        owner.stores.users, owner.stores.contents, owner.stores.offline, LOG + 1, 100, owner.stores.erasures
    )
    owner.offset = -1
    owner.take(did(3, SESSION, "c", when=T + 2), merging(2))
    assert owner.row("u").activity.item_ids == ("a", "b", "c")


def test_the_log_has_a_row_of_the_user_and_one_of_the_emptied_session(owner: Owner, tmp_path: Path) -> None:
    owner.take(did(1, SESSION), merging(1))
    rows = [(row["user_id"], row["history_item_ids"]) for row in logged(tmp_path, "user_activity")]
    assert rows == [("session:s", ["a"]), ("session:s", []), ("u", ["a"])]
    assert pq.read_table(next((tmp_path / "interactions").glob("[0-9]*"))).column("user_id").to_pylist() == [
        "session:s"
    ]


HANDOVER = Handover(
    event_id="m1",
    session_id="s",
    user_id="u",
    timestamp=T,
    source=partition_key(LOG, 0),
    offset=3,
    activity=user_activity.advance(UserActivity(), "a", "click", T, ["war"]),
)


def test_a_handover_survives_its_bytes() -> None:
    assert message(encode(HANDOVER), T) == HANDOVER
    assert HANDOVER.key == "u"


@pytest.mark.parametrize(
    "activity",
    [
        HANDOVER.activity._replace(at=T + 2 * events.AHEAD),
        HANDOVER.activity._replace(at=0),
        HANDOVER.activity._replace(counts=((1.0,),)),
        HANDOVER.activity._replace(item_ids=()),
        HANDOVER.activity._replace(actions=(99,)),
        HANDOVER.activity._replace(timestamps=(T + 1,)),
        HANDOVER.activity._replace(categories={str(n): 1.0 for n in range(100)}),
        "nothing",
    ],
)
def test_a_handover_that_no_worker_made_is_refused(activity: Any) -> None:
    with pytest.raises(InvalidEvent, match="activity"):
        handover(encode(msgspec.structs.replace(HANDOVER, activity=activity)), T)


def test_a_message_that_is_neither_is_refused_as_an_interaction() -> None:
    with pytest.raises(InvalidEvent, match=r"Invalid enum value 'listen' - at `\$.action`"):
        message(b'{"user_id": "u", "item_id": "1", "action": "listen"}', T)
    with pytest.raises(InvalidEvent, match="malformed"):
        message(b"{not json", T)
