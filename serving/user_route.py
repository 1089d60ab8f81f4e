"""GET /v1/users/{user_id}"""

import time

from fastapi import Request, Response

from serving.as_json import as_json
from serving.errors import NotKnown
from serving.known_user import known_user


async def tell_user(request: Request) -> Response:
    """Say what is known of a user."""
    user_id, neighbours = request.path_params["user_id"], request.state.neighbours
    rows = await neighbours.users.read(user_id)
    known = known_user(user_id, rows, neighbours.catalogue.table, time.time_ns() // 1_000_000)
    if known is None:
        raise NotKnown(f"nothing is known of {user_id!r}: no event and no profile (a session is `session:<its id>`)")
    return as_json(known)
