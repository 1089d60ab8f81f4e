"""A request -> a plan of stages, checked before anything is read; scored candidates -> what is answered of them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy.typing as npt

from feature_repo.item_table import ItemTable
from serving.catalogue import Catalogue
from serving.errors import InvalidRequest
from serving.served_lists import NOTHING_KNOWN, Remembered, served
from serving.slate.columns import unknown_names
from serving.slate.diversity import Diversity
from serving.slate.exclusion import Exclude
from serving.slate.expression import Expression, InvalidExpression, parse
from serving.slate.filtering import Filter
from serving.slate.pins import Pin
from serving.slate.run import Change, apply, trace
from serving.slate.slate import Given, Stage, by_score
from serving.slate.surfaces import PHASES, Surfaces, remembers

Array = npt.NDArray[Any]


class Wishes(Protocol):
    """What requests have in common that a slate depends on."""

    @property
    def surface(self) -> str | None: ...
    @property
    def filter(self) -> str | None: ...
    @property
    def exclude(self) -> list[str]: ...
    @property
    def k(self) -> int | None: ...
    @property
    def offset(self) -> int: ...


class Plan(msgspec.Struct, frozen=True):
    """The stages of a request, and what it says to them."""

    stages: Sequence[Stage]
    filters: Sequence[Expression]  # the request's, and the surface's own
    filter: Expression | None  # the request's
    exclude: Sequence[str]
    k: int | None  # None: all of them
    offset: int
    diversity: float | None
    pinned: Sequence[str]  # items that the surface pins
    remembers: bool  # whether a stage looks at what was served
    traced: bool  # whether changes are to be told
    dry_run: bool  # whether nothing is to be kept of it


class Slated(NamedTuple):
    """What is left of N candidates after the stages, best first."""

    places: Array  # [n] of the candidates
    changes: list[Change]  # of every stage, where the plan is traced


def plan(
    endpoint: str,
    asked: Wishes,
    surfaces: Surfaces,
    catalogue: Catalogue,
    diversity: float | None = None,
    explained: bool = False,
    dry_run: bool = False,
) -> Plan:
    """What is to become of a request's candidates. Raises InvalidRequest."""
    listed = surfaces.surfaces.get(asked.surface or endpoint)
    if listed is None:
        known = ", ".join(surfaces.surfaces)
        raise InvalidRequest(f"there is no surface {asked.surface!r}: slate.yaml has {known}", "surface")
    wanted = None if asked.filter is None else _understood(asked.filter, catalogue)
    stages = wished(listed, asked, diversity)
    own = [parse(stage.where) for stage in stages if isinstance(stage, Filter) and stage.where is not None]
    filters = own if wanted is None else [wanted, *own]
    paged = (asked.exclude, asked.k, asked.offset, diversity)
    pinned = [each.item_id for stage in stages if isinstance(stage, Pin) for each in stage.pins]
    return Plan(stages, filters, wanted, *paged, pinned, remembers(stages), explained or dry_run, dry_run)


def wished(listed: Sequence[Stage], asked: Wishes, diversity: float | None) -> Sequence[Stage]:
    """The stages of a surface, and what the request asks for that it has no stage of: as the first of its phase."""
    if asked.filter is None and diversity is None and not asked.exclude:
        return listed
    wishes = [(Diversity(), diversity is not None), (Filter(), asked.filter is not None), (Exclude(), asked.exclude)]
    for stage, asked_for in wishes:
        if asked_for and not any(_answers(each, stage) for each in listed):
            place = sum(PHASES.index(each.phase) < PHASES.index(stage.phase) for each in listed)
            listed = (*listed[:place], stage, *listed[place:])
    return listed


def slate(
    made: Plan,
    scores: Array,
    rows: Array,
    table: ItemTable,
    now_ms: int,
    activity: Mapping[str, Any],
    remembered: Remembered = NOTHING_KNOWN,
) -> Slated:
    """Candidates by their scores [N] and rows of the table [N] -> their places [n], n at most N."""
    known = served(remembered.pages, made.offset, table)
    k = len(rows) if made.k is None else made.k
    wishes = (k, made.offset, made.filter, made.exclude, made.diversity)
    given = Given(table, rows, now_ms, *wishes, activity, known)
    if made.traced:
        left, changes = trace(made.stages, by_score(scores), given)
        return Slated(left.places, changes)
    return Slated(apply(made.stages, by_score(scores), given).places, [])


def _answers(stage: Stage, wish: Stage) -> bool:
    return type(stage) is type(wish) and not (isinstance(stage, Filter) and stage.where is not None)


def _understood(text: str, catalogue: Catalogue) -> Expression:
    try:
        expression = parse(text)
    except InvalidExpression as error:
        raise InvalidRequest(str(error), "filter") from error
    unknown = unknown_names(expression.names, catalogue.table)
    if unknown and catalogue.loaded:  # until it is, items that have it may be on their way
        names = ", ".join(catalogue.table.attributes.names) or "none"
        raise InvalidRequest(f"no item has `{unknown[0]}`; attributes of items here: {names}", "filter")
    return expression
