"""history, one event after another -> states, by the stream's own pure functions: what a backfill must agree with."""

from collections.abc import Mapping, Sequence

from feature_repo import user_activity
from feature_repo.online import Row
from streaming.events import Interaction, epoch_ms
from streaming.ledger import HISTORY_LOG, event_key, record
from streaming.rows import TrackedUser, interaction_row, user_row

Categories = Mapping[str, Sequence[str]]


class Users:
    """States of users while their history passes by."""

    def __init__(self, categories: Categories) -> None:
        self.states: dict[str, TrackedUser] = {}
        self._categories = categories

    def advance(self, position: int, event: Interaction) -> tuple[Row, Row]:
        """The user's and the log's row after one more event, number ``position`` of the history."""
        user, when = self.states.get(event.key, TrackedUser()), epoch_ms(event.timestamp, 0, "timestamp")
        categories = self._categories.get(event.item_id, ())
        advanced = TrackedUser(
            user_activity.advance(user.activity, event.item_id, event.action, when, categories),
            record(user.ledger, event_key(event.event_id), HISTORY_LOG, position, when),
        )
        self.states[event.key] = advanced
        return user_row(event.key, advanced), interaction_row(event, advanced.ledger.stamp)
