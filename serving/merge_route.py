"""POST /v1/users/{user_id}/merge: an anonymous session turned out to be this user."""

import time

import msgspec
from fastapi import Request, Response

from serving.body import decode, read, refusal
from serving.event_routes import answer
from serving.receive import deliver
from streaming import events
from streaming.events import Id, InvalidEvent, Merge, Name, When


class MergeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which session; sent again under the same ``event_id``, it counts once."""

    session_id: Id
    event_id: Name | None = None  # made up where there is none
    timestamp: When = None  # when it turned out; now, where it does not say


_decoder = msgspec.json.Decoder(MergeRequest)


async def merge_session(request: Request) -> Response:
    """Fold an anonymous session into a user."""
    asked = decode(_decoder, await read(request, request.state.settings.max_body_bytes))
    return answer(await deliver(request, _merge(asked, request.path_params["user_id"], time.time_ns() // 1_000_000)))


def _merge(asked: MergeRequest, user_id: str, now_ms: int) -> Merge:
    """The message, checked as every other that comes in."""
    body = {"action": "merge", "user_id": user_id, "session_id": asked.session_id, "timestamp": asked.timestamp}
    try:
        return events.merge(
            msgspec.json.encode(body | ({"event_id": asked.event_id} if asked.event_id else {})), now_ms
        )
    except InvalidEvent as error:
        raise refusal(str(error)) from error
