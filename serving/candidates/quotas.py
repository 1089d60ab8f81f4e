"""Which sources there are, and what share of the candidates each may claim."""

from typing import Annotated, Literal

from annotated_types import Ge, Le

SourceName = Literal["query", "continue", "similar", "together", "trending", "new", "popular"]
Quotas = dict[SourceName, Annotated[float, Ge(0), Le(1)]]  # in the order in which they claim what several found

DEFAULT: Quotas = {
    "query": 0.5,  # only where something was typed
    "continue": 0.05,
    "similar": 0.35,
    "together": 0.35,
    "trending": 0.05,
    "new": 0.05,
    "popular": 0.15,
}
