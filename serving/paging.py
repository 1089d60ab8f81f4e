"""A request's page and deadline -> nothing, or a refusal that says the limit."""

from typing import Protocol

from serving.errors import InvalidRequest, TooLarge
from serving.settings import ServingSettings


class Paged(Protocol):
    """What all requests for our own items have in common."""

    @property
    def k(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def deadline_ms(self) -> int | None: ...


def check_page(asked: Paged, settings: ServingSettings) -> None:
    """Raise TooLarge or InvalidRequest where a request is over a limit."""
    if asked.offset + asked.k > settings.max_recommended:
        limit = f"`offset` + `k` is {asked.offset + asked.k}, at most {settings.max_recommended} items are answered"
        raise TooLarge(limit, "k")
    if asked.deadline_ms is not None and asked.deadline_ms > settings.max_deadline_ms:
        limit = f"`deadline_ms` is {asked.deadline_ms}, at most {settings.max_deadline_ms} are given"
        raise InvalidRequest(limit, "deadline_ms")
