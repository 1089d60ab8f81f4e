"""slate -> the same with at most so many items of one category, brand or author on a page."""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Annotated

import msgspec

from serving.slate.slate import Given, Slate, Stage


class Cap(Stage, frozen=True, tag="cap"):
    """At most so many items that share a value on every page; a page gets short rather than break the rule.

    ``by`` is an attribute's name, `category` (an item's first) or `categories` (each of them counts).
    """

    phase = "order"

    by: str
    at_most: Annotated[int, msgspec.Meta(ge=1)]


def cap(slate: Slate, given: Given, settings: Cap) -> Slate:
    values = shared_values(slate, given, settings.by)
    return slate.reorder(capped(values, settings.at_most, given.k, given.end))


def capped(values: Sequence[Sequence[Hashable]], at_most: int, k: int, end: int) -> list[int]:
    """Positions in a new order in which every k places up to ``end`` hold each value at most so often.

    What stands behind ``end`` follows as it was, unless a page could not be filled: then nothing does.
    """
    order: list[int] = []
    waiting = list(range(len(values)))
    while waiting and len(order) < end:
        page, waiting = _page(values, waiting, at_most, min(k, end - len(order)))
        order += page
        if len(page) < k:
            return order if len(order) < end else order + waiting
    return order + waiting


def _page(
    values: Sequence[Sequence[Hashable]], waiting: list[int], at_most: int, k: int
) -> tuple[list[int], list[int]]:
    page: list[int] = []
    left: list[int] = []
    counts: Counter[Hashable] = Counter()
    for place, position in enumerate(waiting):
        if len(page) == k:
            return page, left + waiting[place:]
        if all(counts[value] < at_most for value in values[position]):
            counts.update(values[position])
            page.append(position)
        else:
            left.append(position)
    return page, left


def shared_values(slate: Slate, given: Given, by: str) -> list[tuple[Hashable, ...]]:
    """What each item of the slate has of this name; nothing where it has none."""
    if by in ("category", "categories"):
        codes = given.column(slate, "item_category_codes")
        return [tuple(filter(None, row)) for row in (codes[:, :1] if by == "category" else codes).tolist()]
    attributes, rows = given.table.attributes, given.of(slate)
    numbers, texts = attributes.numbers(by, rows).tolist(), attributes.texts(by, rows).tolist()
    return [
        (-code,) if code else () if math.isnan(number) else (("number", number),)
        for number, code in zip(numbers, texts, strict=True)
    ]
