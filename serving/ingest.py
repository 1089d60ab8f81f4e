"""A body of one or many events -> checked messages -> the broker -> what was taken, and why the rest was not."""

from collections.abc import Callable, Sequence

import msgspec

from serving.errors import BrokerUnavailable, InvalidRequest, NothingAccepted, TooLarge
from serving.neighbours import Bus
from streaming.events import InvalidEvent, Publishable

Parse = Callable[[bytes, int], Publishable]  # one event's JSON and the time in epoch milliseconds
_value = msgspec.json.Decoder(msgspec.Raw)
_array = msgspec.json.Decoder(list[msgspec.Raw])


class Rejected(msgspec.Struct, frozen=True):
    """An event that was not taken; ``index`` counts the events of the request from 0."""

    index: int
    reason: str


class Receipt(msgspec.Struct, frozen=True):
    """What the broker has acknowledged."""

    accepted: int
    rejected: list[Rejected]


def split(body: bytes, lines: bool) -> list[bytes]:
    """The events of a body: one JSON object, a JSON array, or JSON Lines (said, or seen). Raises InvalidRequest."""
    body = body.strip()
    if not body:
        raise InvalidRequest("the body is empty: send a JSON object, a JSON array or JSON Lines")
    if lines:
        return _lines(body)
    try:
        return [bytes(raw) for raw in _array.decode(body)] if body.startswith(b"[") else [bytes(_value.decode(body))]
    except (msgspec.DecodeError, RecursionError) as error:
        if body.startswith(b"{") and b"\n" in body and _is_object(body.partition(b"\n")[0]):
            return _lines(body)
        raise InvalidRequest(f"the body is not valid JSON: {error}") from error


def check(raws: Sequence[bytes], parse: Parse, now_ms: int) -> tuple[dict[int, Publishable], list[Rejected]]:
    """The events that can be sent, by index, and those that cannot."""
    valid: dict[int, Publishable] = {}
    rejected = []
    for index, raw in enumerate(raws):
        try:
            valid[index] = parse(raw, now_ms)
        except InvalidEvent as error:
            rejected.append(Rejected(index, str(error)))
    return valid, rejected


async def publish(raws: Sequence[bytes], parse: Parse, bus: Bus, now_ms: int, limit: int) -> Receipt:
    """Check the events, send the good ones, wait for the broker's word on each.

    Raises TooLarge, BrokerUnavailable when not one was acknowledged, NothingAccepted when not one was valid.
    """
    if len(raws) > limit:
        raise TooLarge(f"{len(raws)} events given, at most {limit} are taken at once")
    valid, rejected = check(raws, parse, now_ms)
    if not valid and rejected:
        message = f"none of {len(rejected)} events is valid; the first: {rejected[0].reason}"
        raise NothingAccepted(message, accepted=0, rejected=rejected)
    outcomes = dict(zip(valid, await bus.deliver(list(valid.values())), strict=True))
    lost = [Rejected(index, f"not acknowledged: {reason}") for index, reason in outcomes.items() if reason]
    if lost and len(lost) == len(valid):
        raise BrokerUnavailable(f"the broker acknowledged none of {len(valid)} events: {lost[0].reason}")
    return Receipt(len(valid) - len(lost), sorted([*rejected, *lost], key=lambda each: each.index))


def _lines(body: bytes) -> list[bytes]:
    return [line for line in body.splitlines() if line.strip()]


def _is_object(line: bytes) -> bool:
    try:
        _value.decode(line)
    except msgspec.DecodeError:
        return False
    return True
