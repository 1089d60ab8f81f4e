"""What a model may be trained without, to see what it buys: ``--without realtime,gaps``."""

from typing import Final

from feature_repo.features import REQUEST_TENSORS
from feature_repo.vocabulary import HALF_LIVES

_COUNTERS = tuple(f"{scope}_actions_{window}" for scope in ("user", "item") for window in HALF_LIVES)

# Part -> the tensors that read as zero without it. ``residual`` and ``nearby`` have none: see parts.
TENSORS: Final[dict[str, tuple[str, ...]]] = {
    "realtime": (*_COUNTERS, "user_session_events", "item_ctr_7d", "user_item_affinity"),
    "context": (*REQUEST_TENSORS, "user_attributes"),
    "gaps": ("history_gaps",),
    "residual": (),  # what is learned of each item beyond its text and attributes
    "nearby": (),  # the lists of near items
}


def parts(without: str) -> frozenset[str]:
    """A comma list of parts; raises ValueError naming those there are."""
    asked = frozenset(part.strip() for part in without.split(",") if part.strip())
    if unknown := sorted(asked - TENSORS.keys()):
        raise ValueError(f"a model has no {', '.join(unknown)} to be without: choose among {', '.join(TENSORS)}")
    return asked


def silenced(without: str) -> frozenset[str]:
    """The ranker's inputs that read as zero without these parts."""
    return frozenset(name for part in parts(without) for name in TENSORS[part])
