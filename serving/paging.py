"""A request's page and deadline -> nothing, or a refusal that says the limit; and the time that it has."""

from typing import Protocol

from serving.budget import Budget
from serving.errors import InvalidRequest, TooLarge
from serving.settings import ServingSettings


class Timed(Protocol):
    """What all requests for items have in common."""

    @property
    def deadline_ms(self) -> int | None: ...


class Paged(Timed, Protocol):
    """What all requests for our own items have in common."""

    @property
    def k(self) -> int: ...
    @property
    def offset(self) -> int: ...


def check_page(asked: Paged, settings: ServingSettings) -> None:
    """Raise TooLarge or InvalidRequest where a request is over a limit."""
    if asked.offset + asked.k > settings.max_recommended:
        limit = f"`offset` + `k` is {asked.offset + asked.k}, at most {settings.max_recommended} items are answered"
        raise TooLarge(limit, "k")
    check_deadline(asked, settings)


def check_deadline(asked: Timed, settings: ServingSettings) -> None:
    """Raise InvalidRequest where the answer may take longer than the API allows."""
    if asked.deadline_ms is not None and asked.deadline_ms > settings.max_deadline_ms:
        limit = f"`deadline_ms` is {asked.deadline_ms}, at most {settings.max_deadline_ms} are given"
        raise InvalidRequest(limit, "deadline_ms")


def budget_of(asked: Timed, settings: ServingSettings) -> Budget:
    """The time the answer may take, from now on."""
    return Budget(asked.deadline_ms or settings.deadline_ms)
