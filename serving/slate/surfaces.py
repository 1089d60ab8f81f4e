"""slate.yaml -> the stages of every surface, checked."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import msgspec

from serving.slate.availability import Available
from serving.slate.boosting import Boost
from serving.slate.caps import Cap
from serving.slate.diversity import Diversity
from serving.slate.exclusion import Exclude
from serving.slate.fatigue import Fatigue
from serving.slate.filtering import Filter
from serving.slate.pins import Pin
from serving.slate.seen import Seen
from serving.slate.served import NotServed
from serving.slate.shares import New, Promote
from serving.slate.slate import Stage

AnyStage = Available | Exclude | Filter | Seen | NotServed | Boost | Fatigue | Diversity | Promote | New | Cap | Pin
DEFAULT = Path(__file__).parents[1] / "slate.yaml"
ENDPOINTS = ("rank", "recommend", "similar", "search")  # each has the surface of its name, unless a request names one
TAGS = tuple(str(kind.__struct_config__.tag) for kind in get_args(AnyStage))
PHASES = ("drop", "score", "order", "pin")


class InvalidSurfaces(ValueError):
    """The file does not say what stages a surface has."""


class Surfaces(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The stages of every surface, in their order."""

    surfaces: dict[str, tuple[AnyStage, ...]]

    def __post_init__(self) -> None:
        if lacking := [name for name in ENDPOINTS if name not in self.surfaces]:
            raise ValueError(f"no stages for {', '.join(lacking)}: an empty list `[]` leaves an order as it is")
        for name, stages in self.surfaces.items():
            _check_order(name, stages)


@cache
def load(path: Path = DEFAULT) -> Surfaces:
    """Read the file. Raises InvalidSurfaces."""
    try:
        said = msgspec.yaml.decode(path.read_bytes())
        _check_each(said)
        return msgspec.convert(said, Surfaces)
    except (msgspec.MsgspecError, ValueError, OSError) as error:
        raise InvalidSurfaces(f"{path}: {error}") from error


def remembers(stages: Sequence[Stage]) -> bool:
    """Whether one of these looks at what was served."""
    return any(isinstance(stage, NotServed | Fatigue) for stage in stages)


def longest_memory(surfaces: Surfaces) -> float:
    """Seconds that what was served has to be known."""
    stages = [stage for each in surfaces.surfaces.values() for stage in each]
    times = [stage.minutes * 60 for stage in stages if isinstance(stage, NotServed)]
    return max([60.0, *times, *(stage.hours * 3600 for stage in stages if isinstance(stage, Fatigue))])


def _check_each(said: Any) -> None:
    """Convert stage by stage: msgspec would say the place in a list, but not in which surface."""
    surfaces = said.get("surfaces") if isinstance(said, dict) else None
    for surface, stages in surfaces.items() if isinstance(surfaces, dict) else ():
        for number, stage in enumerate(stages if isinstance(stages, list) else (), 1):
            tag = stage.get("stage") if isinstance(stage, dict) else None
            try:
                msgspec.convert(stage, AnyStage)
            except msgspec.ValidationError as error:
                wrong = f"surface `{surface}`, stage {number} (`{tag}`): {error}"
                known = "" if tag in TAGS else f"; stages are {', '.join(TAGS)}"
                raise ValueError(wrong + known) from error


def _check_order(surface: str, stages: Sequence[Stage]) -> None:
    for earlier, later in pairwise(stages):
        if PHASES.index(earlier.phase) > PHASES.index(later.phase):
            raise ValueError(
                f"surface `{surface}`: `{_tag(later)}` would undo `{_tag(earlier)}` before it; stages come in the order"
                " of what they do: drop items, change scores, change the order, pin"
            )


def _tag(stage: Stage) -> str:
    return str(stage.__struct_config__.tag)
