"""Gorse's /api: feedback, items and users in, items and users out, answered as Gorse does.

Gorse takes a request as a whole or not at all, answers ``{"RowAffected": n}`` and says what is wrong as plain text.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
from fastapi import Request, Response

from serving import openapi
from serving.adapters import gorse
from serving.adapters.actions import ACTIONS
from serving.as_json import as_json
from serving.errors import ANSWERS, RETRY_AFTER, NothingAccepted, ServingError, Unavailable
from serving.ingest import Receipt
from serving.receive import receive, tombstone
from streaming import events


class Success(msgspec.Struct, rename="pascal"):
    """Gorse's answer."""

    row_affected: int


def answered(taking: Callable[[Request], Awaitable[Receipt]]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint that answers a Gorse client."""

    async def endpoint(request: Request) -> Response:
        try:
            receipt = await taking(request)
        except ServingError as error:
            return _refusal(error)
        return as_json(Success(receipt.accepted))

    endpoint.__name__, endpoint.__doc__ = taking.__name__, taking.__doc__  # what /docs calls the route
    return endpoint


def _refusal(error: ServingError) -> Response:
    status, _ = ANSWERS[type(error)]
    lines = [str(error)]
    if isinstance(error, NothingAccepted):
        lines += [f"{each.index}: {each.reason}" for each in error.details["rejected"]]
    headers = RETRY_AFTER if isinstance(error, Unavailable) else None
    return Response("\n".join(lines), 400 if status == 422 else status, headers, "text/plain")


@answered
async def take_feedback(request: Request) -> Receipt:
    """Take Gorse's feedback."""
    parse = partial(gorse.feedback, actions=ACTIONS | request.state.settings.foreign_actions)
    return await receive(request, parse, events.TOPIC_INTERACTIONS, whole=True)


@answered
async def take_items(request: Request) -> Receipt:
    """Take Gorse's items."""
    return await receive(request, gorse.item, events.TOPIC_ITEMS, whole=True)


@answered
async def take_users(request: Request) -> Receipt:
    """Take Gorse's users."""
    return await receive(request, gorse.user, events.TOPIC_USERS, whole=True)


@answered
async def delete_item(request: Request) -> Receipt:
    """Remove an item, as Gorse is asked to."""
    return await tombstone(request, events.TOPIC_ITEMS, request.path_params["item_id"])


@answered
async def delete_user(request: Request) -> Receipt:
    """Forget a user's profile, as Gorse is asked to."""
    return await tombstone(request, events.TOPIC_USERS, request.path_params["user_id"])


_STAR = {"FeedbackType": "star", "UserId": "bob", "ItemId": "vuejs:vue", "Timestamp": "2022-02-24"}
_ITEM = {"ItemId": "vuejs:vue", "Categories": ["frontend"], "Labels": ["javascript"], "Comment": "A framework"}
_USER = {"UserId": "bob", "Labels": ["javascript"]}
_REFUSALS = {
    "400": "What cannot be used and why, a line each; nothing was taken",
    "413": "A body or a batch over the limit",
    "503": "The broker did not acknowledge everything; send it again",
}
_ANSWERS = openapi.answers(Success, {"RowAffected": 1}, _REFUSALS)
FEEDBACK = openapi.exchange(list[gorse.Feedback], [_STAR], _ANSWERS)
ROUTES = (
    ("POST", "/api/feedback", take_feedback, FEEDBACK),
    ("PUT", "/api/feedback", take_feedback, FEEDBACK),
    ("POST", "/api/items", take_items, openapi.exchange(list[gorse.Item], [_ITEM], _ANSWERS)),
    ("POST", "/api/item", take_items, openapi.exchange(gorse.Item, _ITEM, _ANSWERS)),
    ("DELETE", "/api/item/{item_id}", delete_item, openapi.removal("item_id", _ANSWERS)),
    ("POST", "/api/users", take_users, openapi.exchange(list[gorse.User], [_USER], _ANSWERS)),
    ("POST", "/api/user", take_users, openapi.exchange(gorse.User, _USER, _ANSWERS)),
    ("DELETE", "/api/user/{user_id}", delete_user, openapi.removal("user_id", _ANSWERS)),
)
