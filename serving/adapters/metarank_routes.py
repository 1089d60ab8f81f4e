"""POST /feedback: Metarank's events of all four kinds in one body, answered as Metarank does."""

import time
from functools import partial

import msgspec
from fastapi import Request, Response

from serving import openapi
from serving.adapters.actions import ACTIONS
from serving.adapters.metarank import Kind, messages
from serving.as_json import as_json
from serving.ingest import Rejected
from serving.receive import receive


class Answer(msgspec.Struct, rename="camel"):
    """Metarank's answer, and what was not taken; ``status`` is `ok` when everything was."""

    accepted: int
    status: str
    took_millis: int
    updated: int = 0  # features are computed by the worker, after the answer
    rejected: list[Rejected] = []


async def take_feedback(request: Request) -> Response:
    """Take Metarank's item, user, ranking and interaction events."""
    began = time.monotonic()
    actions = ACTIONS | request.state.settings.foreign_actions
    receipt = await receive(request, partial(messages, actions=actions), "feedback")
    status = "partial" if receipt.rejected else "ok"
    took = round((time.monotonic() - began) * 1000)
    answer = Answer(receipt.accepted, status, took, rejected=receipt.rejected)
    return as_json(answer)


_EXAMPLE = {
    "event": "interaction",
    "id": "0f4c0036-04fb-4409-b2c6-7163a59f6b7d",
    "ranking": "81f46c34-a4bb-469c-8708-f8127cd67d27",
    "timestamp": "1599391467000",
    "user": "user1",
    "type": "purchase",
    "item": "item1",
}
_ANSWERS = openapi.responses(Answer, msgspec.to_builtins(Answer(1, "ok", 3)))
ROUTES = (("POST", "/feedback", take_feedback, openapi.exchange(Kind, _EXAMPLE, _ANSWERS)),)
