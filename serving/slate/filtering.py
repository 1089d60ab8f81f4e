"""slate -> the items that an expression holds for."""

from serving.slate.expression import parse
from serving.slate.slate import Given, Slate, Stage


class Filter(Stage, frozen=True, tag="filter"):
    """Leave out what the request's `filter` does not hold for; with `where`, what that does not hold for."""

    phase = "drop"

    where: str | None = None

    def __post_init__(self) -> None:
        if self.where is not None:
            parse(self.where)


def filter_items(slate: Slate, given: Given, settings: Filter) -> Slate:
    expression = given.filter if settings.where is None else parse(settings.where)
    return slate if expression is None else slate.keep(expression.holds(given.columns(slate)))
