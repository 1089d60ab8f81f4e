"""Forgetting, without processes: what is left of a user and an item, whatever is delivered, and what comes later."""

import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.erasure import Mark
from feature_repo.features import item_activity, item_content, user_activity, user_profile
from feature_repo.item_activity import ItemActivity
from feature_repo.user_activity import UserActivity, without
from streaming.by_item import Entry, Envelope
from streaming.catalogue import Catalogue, Upsert, _upsert
from streaming.events import Interaction, InvalidEvent, Item, Merge, User, encode, user
from streaming.forget import Forget, ForgetItem, ForgetVisits, forget, forget_item, forget_visits
from streaming.item_activity import ItemTracker
from streaming.merge import Handover, message
from streaming.offline_log import OfflineLog
from streaming.rows import item_from_row, user_from_row
from streaming.user_activity import Delivery, UserTracker
from tests.fakes import MemoryErasures, MemoryRows
from tests.streaming.crashing import Broker, Step, Stores, partitioned, run
from tests.streaming.live import item_after, user_after

T = 1_750_000_000_000
LOG = 7


class Owner:
    """The owner of one partition of users."""

    def __init__(self, folder: Path) -> None:
        self.rows, self.contents, self.erasures = MemoryRows(user_activity), MemoryRows(item_content), MemoryErasures()
        self.offline, self.offset = OfflineLog(folder), 0
        self.users = self.new(LOG)

    def new(self, log: int) -> UserTracker:
        return UserTracker(self.rows, self.contents, self.offline, log, 10, self.erasures)  # type: ignore[arg-type]

    def take(self, *events: Any, offset: int | None = None) -> Any:
        first = self.offset if offset is None else offset
        advanced = self.users.advance([Delivery(0, first + place, each) for place, each in enumerate(events)])
        self.users.store(advanced)
        self.offset = max(self.offset, first + len(events))
        return advanced

    def state(self, user_id: str = "u") -> UserActivity | None:
        row = self.rows.rows.get(user_id)
        return user_from_row(row.values).activity if row else None


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    return Owner(tmp_path)


def did(number: int, when: int = T, user_id: str = "u", item_id: str = "i") -> Interaction:
    return Interaction(event_id=f"e{number}", user_id=user_id, item_id=item_id, action="click", timestamp=when)


def gone(when: int = T + 1000, user_id: str = "u") -> Forget:
    return Forget(event_id="r", user_id=user_id, timestamp=when)


def test_the_row_of_a_forgotten_user_goes_and_says_so_first(owner: Owner) -> None:
    owner.take(did(1))
    advanced = owner.take(gone())
    assert owner.rows.rows == {} and not advanced.user_rows
    assert owner.erasures.known["user_activity", "u"].before == T + 1000
    assert owner.erasures.rows == {"online store: user_activity": 1}


def test_what_happened_before_the_deletion_is_ignored_and_what_happens_later_counts(owner: Owner) -> None:
    owner.take(did(1), gone(), did(2, T + 1000), did(3, T + 1001))
    assert owner.state() == user_after([did(3, T + 1001)])
    advanced = owner.take(did(4, T + 5))
    assert advanced.ignored == 1 and not advanced.entries  # items hear nothing of it either
    assert owner.state() == user_after([did(3, T + 1001)])


def test_a_topic_that_is_read_anew_brings_nobody_back(owner: Owner) -> None:
    owner.take(did(1), did(2), gone(), did(3, T + 2000))
    for log in (LOG, LOG + 1):
        owner.users = owner.new(log)
        owner.take(did(1), did(2), gone(), did(3, T + 2000), offset=0)
        assert owner.state() == user_after([did(3, T + 2000)])


def test_an_old_row_that_was_put_back_is_not_believed(owner: Owner) -> None:
    owner.take(did(1))
    old = owner.rows.rows["u"]
    owner.take(gone())
    owner.rows.rows["u"] = old  # by a worker that was frozen
    owner.users = owner.new(LOG)
    owner.take(did(2, T + 2000))
    assert owner.state() == user_after([did(2, T + 2000)])


def test_a_row_from_the_future_is_void_too(owner: Owner) -> None:
    owner.take(did(1, T + 50_000), gone())
    assert owner.erasures.known["user_activity", "u"].before == T + 50_000
    assert owner.take(did(2, T + 50_000)).ignored == 1


def test_rows_after_a_deletion_are_stamped_later_than_what_is_void(owner: Owner) -> None:
    owner.take(did(1), gone(), did(2, T + 1001))
    assert owner.rows.rows["u"].stamp > owner.erasures.known["user_activity", "u"].until


def test_a_second_deletion_forgets_what_came_after_the_first(owner: Owner) -> None:
    owner.take(did(1), gone(), did(2, T + 2000), gone(T + 3000))
    assert owner.rows.rows == {}
    assert owner.erasures.known["user_activity", "u"].before == T + 3000


def test_a_session_that_arrives_too_late_is_not_the_users_and_is_found_with_them(owner: Owner) -> None:
    activity = user_after([did(1)])
    late = Handover(event_id="m", session_id="s", user_id="u", timestamp=T, source=1, offset=3, activity=activity)
    advanced = owner.take(gone(), late)
    assert owner.rows.rows == {}
    [row] = advanced.merge_rows
    assert row.values["session"] == "session:s" and row.stamp <= owner.erasures.known["user_activity", "u"].until


def test_the_merge_of_a_session_is_on_record(owner: Owner) -> None:
    activity = user_after([did(1)])
    sent = Handover(event_id="m", session_id="s", user_id="u", timestamp=T, source=1, offset=3, activity=activity)
    [row] = owner.take(sent).merge_rows
    assert row.values == {"user_id": "u", "session": "session:s", "timestamp": T}
    assert owner.take(sent).merge_rows == []  # delivered again


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(["u", "v", "xx"]), st.integers(T, T + 10**6)), min_size=1, max_size=20),
    st.lists(st.builds(Step, st.integers(1, 8), st.sampled_from([-1, *range(10)]), st.booleans()), max_size=12),
    st.data(),
)
def test_no_crash_and_no_redelivery_brings_back_what_was_forgotten(
    drawn: list[tuple[str, int]], script: list[Step], data: st.DataObject
) -> None:
    sent: list[Any] = [did(number, when, user) for number, (user, when) in enumerate(drawn)]
    deletion = gone(data.draw(st.integers(T, T + 10**6)))
    place = data.draw(st.integers(0, len(sent)))
    before = max([deletion.timestamp, *(each.timestamp for each in sent[:place] if each.user_id == "u")])
    kept = [each for each in sent if each.user_id != "u"]
    kept += [each for each in sent[place:] if each.user_id == "u" and each.timestamp > before]
    sent.insert(place, deletion)
    with tempfile.TemporaryDirectory() as folder:
        stores = Stores(Path(folder), {})
        run(Broker(partitioned(sent)), stores, script)
    left = {user: user_from_row(row.values).activity for user, row in stores.users.rows.items()}
    void = stores.erasures.known["user_activity", "u"].until
    if "u" in left and stores.users.rows["u"].stamp <= void:
        del left["u"]  # a crash in between: void, and the next search removes it
    assert left == {user: user_after([each for each in kept if each.key == user]) for user in {e.key for e in kept}}


def unvisit(when: int = T + 1000, user_id: str = "u", item_id: str = "i") -> ForgetVisits:
    return ForgetVisits(event_id="r", user_id=user_id, item_id=item_id, timestamp=when)


def history(owner: Owner) -> tuple[str, ...]:
    state = owner.state()
    return state.item_ids if state else ()


def test_visits_of_a_forgotten_item_leave_the_history_and_nothing_else_changes(owner: Owner) -> None:
    owner.take(did(1), did(2, T + 1, item_id="other"), did(3, T + 2))
    before, row = owner.state(), owner.rows.rows["u"]
    advanced = owner.take(unvisit())
    state = owner.state()
    assert before and state == without(before, {"i": T + 1000}) and state.item_ids == ("other",)
    assert (state.at, state.counts, state.categories) == (before.at, before.counts, before.categories)
    assert owner.rows.rows["u"].stamp == row.stamp + 1 and len(advanced.user_rows) == 1
    assert advanced.rewritten == {"u"} and not advanced.entries and not advanced.interaction_rows
    owner.take(did(4, T + 3, item_id="other"))
    assert history(owner) == ("other", "other")


def test_told_again_it_changes_nothing(owner: Owner) -> None:
    owner.take(did(1), unvisit())
    row = owner.rows.rows["u"]
    for again in (owner.take(unvisit()), owner.take(did(1), unvisit(), offset=0), owner.take(unvisit(user_id="x"))):
        assert not again.user_rows and not again.online_rows
    assert owner.rows.rows == {"u": row}


def test_visits_after_the_deletion_of_the_item_stay(owner: Owner) -> None:
    owner.take(did(1), did(2, T + 1001), unvisit())
    assert owner.state() == without(user_after([did(1), did(2, T + 1001)]), {"i": T})
    assert history(owner) == ("i",)


def test_an_event_from_before_its_item_was_forgotten_is_ignored(owner: Owner) -> None:
    owner.erasures.known["item_activity", "i"] = Mark((T + 1000) * 1000, T + 1000)
    advanced = owner.take(did(1), did(2, T + 1000), did(3, T + 5, item_id="other"), did(4, T + 1001))
    assert advanced.ignored == 2 and [entry.item_id for _, entry in advanced.entries] == ["other", "i"]
    assert owner.state() == user_after([did(3, T + 5, item_id="other"), did(4, T + 1001)])
    owner.users = owner.new(LOG + 1)  # a topic that was made anew
    assert owner.take(did(1), did(5, T + 999), offset=0).ignored == 2
    assert history(owner) == ("other", "i")


def test_a_session_that_was_handed_over_before_does_not_bring_the_item_back(owner: Owner) -> None:
    activity = user_after([did(1), did(2, T + 1, item_id="other")])
    sent = Handover(event_id="m", session_id="s", user_id="u", timestamp=T + 2, source=1, offset=3, activity=activity)
    owner.erasures.known["item_activity", "i"] = Mark((T + 1000) * 1000, T + 1000)
    owner.take(sent)
    assert owner.state() == without(activity, {"i": T + 1000}) and history(owner) == ("other",)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["u", "v", "xx"]), st.sampled_from("ij"), st.integers(T, T + 10**6)),
        min_size=1,
        max_size=30,
    ),
    st.lists(st.builds(Step, st.integers(1, 8), st.sampled_from([-1, *range(10)]), st.booleans()), max_size=12),
    st.data(),
)
def test_no_crash_and_no_redelivery_brings_a_forgotten_item_back(
    drawn: list[tuple[str, str, int]], script: list[Step], data: st.DataObject
) -> None:
    """The owners know no marks, so it is the messages alone that take the item out."""
    events = [did(number, when, user, item) for number, (user, item, when) in enumerate(drawn)]
    until = data.draw(st.integers(T, T + 10**6))
    place = data.draw(st.integers(0, len(events)))
    later = [each for each in events[place:] if each.item_id != "i" or int(each.timestamp or 0) > until]
    sent: list[Any] = [*events[:place], *(unvisit(until, user) for user in ("u", "v", "xx")), *later]
    with tempfile.TemporaryDirectory() as folder:
        stores = Stores(Path(folder), {})
        run(Broker(partitioned(sent)), stores, script)
    for user_id, row in stores.users.rows.items():
        everything = user_after([each for each in (*events[:place], *later) if each.key == user_id])
        state = user_from_row(row.values).activity
        assert state.history == without(everything, {"i": until}).history
        assert state.counts == everything.counts


def items(erasures: MemoryErasures, rows: MemoryRows, folder: Path) -> ItemTracker:
    return ItemTracker(rows, OfflineLog(folder), 10, erasures)  # type: ignore[arg-type]


def test_a_forgotten_item_counts_only_what_comes_later(tmp_path: Path) -> None:
    erasures, rows = MemoryErasures(), MemoryRows(item_activity)
    tracker = items(erasures, rows, tmp_path)
    early = Envelope(LOG, 0, [Entry(0, "i", "click", T)])
    tracker.store(tracker.advance([early]))
    tracker.store(tracker.advance([ForgetItem(event_id="r", item_id="i", timestamp=T + 1000)]))
    assert item_from_row(rows.rows["i"].values).activity == ItemActivity()
    assert erasures.known["item_activity", "i"].until < rows.rows["i"].stamp
    for log in (LOG, LOG + 1):  # delivered again; a topic that was made anew
        tracker.store(tracker.advance([early, Envelope(log, 0, [Entry(1, "i", "click", T)])]))
    assert item_from_row(rows.rows["i"].values).activity == ItemActivity()
    del rows.rows["i"]  # the store lost it
    tracker = items(erasures, rows, tmp_path)
    tracker.store(tracker.advance([early, Envelope(LOG, 0, [Entry(2, "i", "view", T + 1001)])]))
    assert item_from_row(rows.rows["i"].values).activity == item_after(
        [Interaction(user_id="u", item_id="i", action="view", timestamp=T + 1001)]
    )


def upsert(entry: Any, offset: int, arrived: int = T, log: int = LOG) -> Upsert:
    return Upsert("u", entry, arrived, arrived, log, offset, "r")


def catalogue(rows: MemoryRows, folder: Path, erasures: MemoryErasures) -> Catalogue:
    return Catalogue(rows, OfflineLog(folder), LOG, erasures)  # type: ignore[arg-type]


def test_a_deleted_profile_leaves_no_row_and_its_owner_is_told(tmp_path: Path) -> None:
    rows, erasures = MemoryRows(user_profile), MemoryErasures()
    profiles = catalogue(rows, tmp_path, erasures)
    profiles.store(profiles.take([upsert(User(user_id="u", attributes={"a": "b"}), 0)]))
    taken = profiles.take([upsert(None, 1, T + 5)])
    profiles.store(taken)
    assert rows.rows == {} and erasures.tasks == {("user_profile", "u"), ("user_activity", "u")}
    assert [(task.view, task.before, task.until) for task in taken.tell] == [("user_activity", T + 5, None)]


def test_an_upsert_from_before_the_deletion_is_not_taken_again(tmp_path: Path) -> None:
    rows, erasures = MemoryRows(user_profile), MemoryErasures()
    profiles, early = catalogue(rows, tmp_path, erasures), upsert(User(user_id="u"), 0)
    profiles.store(profiles.take([early, upsert(None, 1, T + 5)]))
    for again in (early, upsert(None, 1, T + 5), upsert(User(user_id="u"), 3, T + 4, LOG + 1)):
        taken = profiles.take([again])
        assert not taken.rows and not taken.reached
    profiles.store(profiles.take([upsert(User(user_id="u", timestamp=1000 * 10**9), 2, T + 6)]))  # says it is older
    assert rows.rows["u"].stamp > erasures.known["user_profile", "u"].until


def test_deleted_and_there_again_in_one_batch_is_forgotten_in_between(tmp_path: Path) -> None:
    rows, erasures = MemoryRows(user_profile), MemoryErasures()
    profiles = catalogue(rows, tmp_path, erasures)
    taken = profiles.take([upsert(None, 0), upsert(User(user_id="u"), 1, T)])
    profiles.store(taken)
    assert len(taken.reached) == 1 and rows.rows["u"].stamp > erasures.known["user_profile", "u"].until


def test_a_deleted_item_keeps_an_empty_row_that_says_so(tmp_path: Path) -> None:
    rows, erasures = MemoryRows(item_content), MemoryErasures()
    contents = catalogue(rows, tmp_path, erasures)
    contents.store(contents.take([upsert(Item(item_id="u", title="Heat"), 0)]))
    taken = contents.take([upsert(None, 1, T + 5)])
    contents.store(taken)
    assert rows.rows["u"].values["item_title"] == "" and not rows.rows["u"].values["item_available"]
    assert not taken.rows and rows.rows["u"].stamp > erasures.known["item_content", "u"].until
    assert [task.view for task in taken.tell] == ["item_activity"]


def test_the_messages_are_read_back_and_checked() -> None:
    assert message(encode(gone()), T + 1000) == gone() == forget(encode(gone()), T)
    item = ForgetItem(event_id="r", item_id="i", timestamp=T)
    assert forget_item(encode(item), T) == item
    assert message(encode(unvisit()), T + 1000) == unvisit() == forget_visits(encode(unvisit()), T)
    longest = "session:" + "s" * 256
    assert message(encode(gone(user_id=longest)), T).key == message(encode(unvisit(user_id=longest)), T).key == longest
    with pytest.raises(InvalidEvent, match="timestamp"):
        forget(encode(gone(T + 10**9)), T)
    with pytest.raises(InvalidEvent, match="user_id"):
        message(b'{"action": "forget", "event_id": "r", "timestamp": 1750000000000}', T)
    assert isinstance(message(encode(Merge(event_id="m", session_id="s", user_id="u")), T), Merge)


def test_a_key_that_nobody_can_have_is_a_dead_letter() -> None:
    raw = SimpleNamespace(value=None, timestamp=T / 1000, partition=0, offset=4, headers=[("receipt", b"r")])
    event: Any = SimpleNamespace(key=b"u" * 256, message=raw)
    found = _upsert(event, T, user, LOG)
    assert (found.entry, found.arrived_ms, found.receipt_id) == (None, T, "r")
    with pytest.raises(InvalidEvent, match="257 characters"):
        _upsert(SimpleNamespace(key=b"u" * 257, message=raw), T, user, LOG)  # type: ignore[arg-type]
    raw.headers = None
    assert _upsert(event, T, user, LOG).receipt_id == _upsert(event, T + 5, user, LOG).receipt_id
