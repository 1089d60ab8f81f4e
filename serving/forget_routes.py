"""DELETE of users and items: tombstones, each with a receipt; GET /v1/receipts/{receipt_id}: what became of one."""

import msgspec
from fastapi import Request, Response

from serving.as_json import as_json
from serving.receipts import told
from serving.receive import tombstone
from streaming import events


async def delete_item(request: Request) -> Response:
    """Forget an item: its rows, wherever they are, and its place in every ranking."""
    return _json(await tombstone(request, events.TOPIC_ITEMS, request.path_params["item_id"]))


async def delete_user(request: Request) -> Response:
    """Forget a user: profile, history, log and sessions."""
    user_id = request.path_params["user_id"]
    asked = await tombstone(request, events.TOPIC_USERS, user_id)
    request.state.neighbours.guards.last_known.forget(user_id)  # the other processes hear of it from the broker
    return _json(asked)


async def tell_receipt(request: Request) -> Response:
    """Say what became of a deletion: what was removed where, and when."""
    receipt_id = request.path_params["receipt_id"]
    return _json(told(receipt_id, await request.state.neighbours.receipts.receipt(receipt_id)))


def _json(answer: msgspec.Struct) -> Response:
    return as_json(answer)
