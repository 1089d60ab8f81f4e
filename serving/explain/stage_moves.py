"""What every stage of a slate changed -> what happened to each item."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from serving.explain.explanation import StageMove
from serving.slate.run import Change

StageMoves = Mapping[str, Sequence[StageMove]]  # by item


def stage_moves(changes: Sequence[Change]) -> StageMoves:
    """By item, in the order of the stages."""
    found: defaultdict[str, list[StageMove]] = defaultdict(list)
    for change in changes:
        added = {each.item_id: each.added for each in change.rescored}
        moved = {each.item_id: (each.was, each.now) for each in change.moved}
        for item_id in added | moved:
            was, now = moved.get(item_id, (None, None))
            found[item_id].append(StageMove(change.stage, was, now, added.get(item_id)))
    return dict(found)
