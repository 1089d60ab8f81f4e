"""Logged rankings -> those that history can still tell: without what was seen of somebody who is forgotten since."""

from collections.abc import Mapping, Sequence

from feature_repo.erasure import Erasures, Mark
from feature_repo.features import item_activity
from feature_repo.rankings import LoggedRanking


def unforgotten(rankings: Sequence[LoggedRanking], erasures: Erasures) -> list[LoggedRanking]:
    """The rankings whose rows, of the user and of every candidate, are not void, nor what the user had met."""
    users, items = {each.user_id for each in rankings}, {item for each in rankings for item in each.item_ids}
    marks = {view: erasures.marks(view, users) for each in rankings[:1] for view in each.user_stamps}
    marks |= {view: erasures.marks(view, items) for each in rankings[:1] for view in each.item_stamps}
    met = erasures.marks(item_activity.name, {item for each in rankings for item in each.history_item_ids})
    return [each for each in rankings if not _void(each, marks) and met.keys().isdisjoint(each.history_item_ids)]


def _void(ranking: LoggedRanking, marks: Mapping[str, Mapping[str, Mark]]) -> bool:
    seen = [(view, [ranking.user_id], [stamp]) for view, stamp in ranking.user_stamps.items()]
    seen += [(view, ranking.item_ids, ranking.stamps(view).tolist()) for view in ranking.item_stamps if marks[view]]
    return any(
        0 < stamp <= marks[view][entity_id].until
        for view, entity_ids, stamps in seen
        for entity_id, stamp in zip(entity_ids, stamps, strict=True)
        if entity_id in marks[view]
    )
