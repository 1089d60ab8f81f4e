"""Users whose rows may hold a forgotten item -> their rows without it, which their owners in the stream write.

The owner of a row is the only one who writes it, so it is told by a message in the user's partition. Some users at a
time: the next are told when the rows of these are without the item, so a million of them fill neither memory nor topic.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from feature_repo.online import OnlineRows
from streaming.forget import ForgetVisits
from streaming.visits import ITEMS, TIMES, void_items

AT_A_TIME = 1_000  # users whose owners are told at once
PATIENCE_S = 10.0  # for their rows; then the erasure waits for its next turn
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.5

Tell = Callable[[Sequence[ForgetVisits]], None]  # returns when the broker has them


class OwnersSilent(Exception):
    """Owners of rows have not answered: what remains to be done has to be done later."""


class Owners:
    """The way to the owners of the users' rows, for items that are forgotten until some time (epoch milliseconds)."""

    def __init__(self, online: OnlineRows, tell: Tell, void: Mapping[str, int], receipts: Mapping[str, str]) -> None:
        self._online, self._tell, self._void, self._receipts = online, tell, void, receipts

    def settle(self, user_ids: Collection[str], report: Callable[[Mapping[str, int]], None]) -> None:
        """Return when no online row of these users holds the items. Raises OwnersSilent.

        ``report`` hears, some users at a time, in how many rows each item was.
        """
        ordered = sorted(user_ids)
        for begin in range(0, len(ordered), AT_A_TIME):
            if held := self._held(ordered[begin : begin + AT_A_TIME]):
                self._tell([self._message(*each) for each in held])
                self._await({user_id for user_id, _ in held})
                report(Counter(item_id for _, item_id in held))

    def _await(self, user_ids: Collection[str]) -> None:
        deadline, pause = time.monotonic() + PATIENCE_S, FIRST_PAUSE_S
        while held := self._held(sorted(user_ids)):
            if time.monotonic() > deadline:
                raise OwnersSilent(f"{len(held)} visits of {len(self._void)} items are still in rows of users online")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _held(self, user_ids: Sequence[str]) -> list[tuple[str, str]]:
        """Users and items that their rows online hold."""
        found = self._online.read(user_ids, [ITEMS, TIMES])
        return [
            (user_id, item_id)
            for user_id, row in found.items()
            for item_id in sorted(void_items(row.values[ITEMS], row.values[TIMES], self._void))
        ]

    def _message(self, user_id: str, item_id: str) -> ForgetVisits:
        before = self._void[item_id]
        return ForgetVisits(event_id=self._receipts[item_id], user_id=user_id, item_id=item_id, timestamp=before)
