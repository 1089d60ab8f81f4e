"""slate -> the same with some items at fixed places."""

from typing import Annotated

import msgspec

from serving.slate.slate import Given, Slate, Stage


class Pinned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item and where it stands; 1 is the top."""

    item_id: str
    position: Annotated[int, msgspec.Meta(ge=1)]


class Pin(Stage, frozen=True, tag="pin"):
    """Put items at places; one that is no candidate, or was dropped before, is not put there."""

    phase = "pin"

    pins: tuple[Pinned, ...]

    def __post_init__(self) -> None:
        for name in ("item_id", "position"):
            values = [getattr(pinned, name) for pinned in self.pins]
            if twice := [value for value in values if values.count(value) > 1]:
                raise ValueError(f"`{name}` {twice[0]!r} is pinned twice")


def pin(slate: Slate, given: Given, settings: Pin) -> Slate:
    rows = given.of(slate).tolist()
    wanted = {given.table.index.get(pinned.item_id, -1): pinned.position for pinned in settings.pins}
    fixed = {wanted[row] - 1: place for place, row in enumerate(rows) if wanted.get(row, len(rows) + 1) <= len(rows)}
    if not fixed:
        return slate
    others = iter(sorted(set(range(len(rows))) - set(fixed.values())))
    return slate.reorder([fixed[place] if place in fixed else next(others) for place in range(len(rows))])
