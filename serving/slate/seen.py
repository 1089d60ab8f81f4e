"""slate -> the same without what the user has dealt with."""

from typing import Annotated

import msgspec

from feature_repo.vocabulary import ACTION_CODE, HISTORY_ACTIONS
from serving.slate.columns import DAY
from serving.slate.slate import Given, Slate, Stage, among
from streaming.events import Action

_REMEMBERED = sorted(name for name, code in ACTION_CODE.items() if code in HISTORY_ACTIONS)


class Seen(Stage, frozen=True, tag="seen"):
    """Leave out what the user's history (the newest 64 interactions) holds with one of these actions."""

    phase = "drop"

    actions: tuple[Action, ...] = ("purchase", "rating", "dismiss")
    days: Annotated[float, msgspec.Meta(gt=0)] | None = None  # older ones do not count; the whole history without

    def __post_init__(self) -> None:
        if forgotten := set(self.actions) - set(_REMEMBERED):
            raise ValueError(f"a history does not hold {sorted(forgotten)}: choose from {', '.join(_REMEMBERED)}")


def seen(slate: Slate, given: Given, settings: Seen) -> Slate:
    activity, codes = given.activity, {ACTION_CODE[action] for action in settings.actions}
    since = 0.0 if settings.days is None else given.now_ms - settings.days * DAY
    columns = (activity.get(name, ()) for name in ("history_item_ids", "history_actions", "history_timestamps"))
    met = [item_id for item_id, code, at in zip(*columns, strict=True) if code in codes and at >= since]
    return slate.keep(~among(given.of(slate), set(given.table.rows(met).tolist()))) if met else slate
