"""Owners of rows are told some at a time, and only of what their rows hold; one that is silent is not waited for."""

from collections.abc import Mapping, Sequence

import pytest

from feature_repo.features import user_activity
from feature_repo.online import Row
from feature_repo.user_activity import UserActivity, advance, to_row
from streaming import owners
from streaming.forget import ForgetVisits, unvisited
from streaming.owners import Owners, OwnersSilent
from streaming.rows import TrackedUser, user_from_row, user_row
from tests.fakes import MemoryRows

T = 1_750_000_000_000


class Stream:
    """The owners of all rows; those of ``away`` are."""

    def __init__(self, away: Sequence[str] = ()) -> None:
        self.rows, self.away, self.told = MemoryRows(user_activity), away, list[list[ForgetVisits]]()

    def met(self, user_id: str, *item_ids: str) -> None:
        activity = UserActivity()
        for number, item_id in enumerate(item_ids):
            activity = advance(activity, item_id, "click", T + number)
        self.rows.write([Row(user_id, T * 1000, to_row(activity))])

    def take(self, messages: Sequence[ForgetVisits]) -> None:
        self.told.append(list(messages))
        for message in messages:
            if message.user_id not in self.away:
                row = self.rows.rows[message.user_id]
                state = TrackedUser(user_from_row(row.values).activity)
                state = state._replace(ledger=state.ledger._replace(stamp=row.stamp))
                self.rows.write([user_row(message.user_id, unvisited(state, {message.item_id: message.timestamp}))])

    def settle(self, *user_ids: str) -> list[Mapping[str, int]]:
        reported: list[Mapping[str, int]] = []
        void = {"film": T, "song": T + 9}
        settling = Owners(self.rows, self.take, void, {"film": "r-film", "song": "r-song"})  # type: ignore[arg-type]
        settling.settle(user_ids, reported.append)
        return reported


def test_owners_are_told_what_their_rows_hold_and_are_told_once() -> None:
    stream = Stream()
    stream.met("ann", "film", "other", "song")
    stream.met("bob", "other", "film")  # after the film was forgotten
    stream.met("eve", "song", "song")
    assert stream.settle("ann", "bob", "eve", "unknown") == [{"film": 1, "song": 2}]
    said = [(each.user_id, each.item_id, each.timestamp, each.event_id) for each in stream.told[0]]
    assert said == [("ann", "film", T, "r-film"), ("ann", "song", T + 9, "r-song"), ("eve", "song", T + 9, "r-song")]
    assert list(stream.rows.rows["ann"].values["history_item_ids"]) == ["other"]
    assert stream.settle("ann", "bob", "eve") == [] and len(stream.told) == 1


def test_many_are_told_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "AT_A_TIME", 3)
    stream, user_ids = Stream(), [f"u{number}" for number in range(8)]
    for user_id in user_ids:
        stream.met(user_id, "film")
    assert stream.settle(*user_ids) == [{"film": 3}, {"film": 3}, {"film": 2}]
    assert [len(messages) for messages in stream.told] == [3, 3, 2]


def test_a_silent_owner_ends_it_and_those_after_it_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "PATIENCE_S", 0.05)
    monkeypatch.setattr(owners, "AT_A_TIME", 1)
    stream = Stream(away=["bob"])
    for user_id in ("ann", "bob", "eve"):
        stream.met(user_id, "film")
    with pytest.raises(OwnersSilent, match="1 visits of 2 items are still in rows of users online"):
        stream.settle("ann", "bob", "eve")
    assert [message.user_id for messages in stream.told for message in messages] == ["ann", "bob"]
