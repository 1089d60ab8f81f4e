"""A body of one or many events -> checked messages -> the broker -> what was taken, and why the rest was not."""

from collections.abc import Callable, Sequence

import msgspec

from serving.body import field_of
from serving.errors import BrokerUnavailable, InvalidRequest, NothingAccepted, TooLarge
from serving.neighbours import Bus
from streaming.events import InvalidEvent, Publishable

Parse = Callable[[bytes, int], Sequence[Publishable]]  # one event's JSON and the time in epoch ms -> its messages
_value = msgspec.json.Decoder(msgspec.Raw)
_array = msgspec.json.Decoder(list[msgspec.Raw])


class Rejected(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event that was not taken; ``index`` counts the events of the request from 0."""

    index: int
    reason: str
    retry: bool = False  # the broker did not acknowledge it: it may be sent again


class Receipt(msgspec.Struct, frozen=True):
    """What the broker has acknowledged."""

    accepted: int
    rejected: list[Rejected]
    request_id: str = ""  # of the request to the API, when it is answered; events cite those of rankings


def one(parse: Callable[[bytes, int], Publishable]) -> Parse:
    """For events that are one message each."""
    return lambda raw, now_ms: (parse(raw, now_ms),)


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


def check(raws: Sequence[bytes], parse: Parse, now_ms: int) -> tuple[dict[int, Sequence[Publishable]], list[Rejected]]:
    """The messages of the events that can be sent, by index, and the events that cannot."""
    valid: dict[int, Sequence[Publishable]] = {}
    rejected = []
    for index, raw in enumerate(raws):
        try:
            valid[index] = parse(raw, now_ms)
        except InvalidEvent as error:
            rejected.append(Rejected(index, str(error)))
    return valid, rejected


async def publish(
    raws: Sequence[bytes], parse: Parse, bus: Bus, now_ms: int, limit: int, whole: bool = False
) -> Receipt:
    """Check the events, send the good ones, wait for the broker's word on each; ``whole`` takes all or none.

    Raises TooLarge, BrokerUnavailable when not one was acknowledged (``whole``: not all), NothingAccepted when not one
    was valid (``whole``: not all, and none was sent).
    """
    _bound(len(raws), limit)
    valid, rejected = check(raws, parse, now_ms)
    if rejected and (whole or not valid):
        message = f"{len(rejected)} of {len(raws)} events cannot be used; the first: {rejected[0].reason}"
        raise NothingAccepted(message, field_of(rejected[0].reason), accepted=0, rejected=rejected)
    messages = [(index, message) for index, several in valid.items() for message in several]
    _bound(len(messages), limit)
    outcomes = await bus.deliver([message for _, message in messages])
    reasons = {index: reason for (index, _), reason in zip(messages, outcomes, strict=True) if reason}
    lost = [Rejected(index, f"not acknowledged: {reason}", True) for index, reason in reasons.items()]
    if lost and (whole or len(lost) == len(valid)):
        raise BrokerUnavailable(f"the broker did not acknowledge {len(lost)} of {len(valid)} events: {lost[0].reason}")
    return Receipt(len(valid) - len(lost), sorted([*rejected, *lost], key=lambda each: each.index))


def _bound(count: int, limit: int) -> None:
    if count > limit:
        raise TooLarge(f"{count} events given, at most {limit} are taken at once")


def _lines(body: bytes) -> list[bytes]:
    return [line for line in body.splitlines() if line.strip()]


def _is_object(line: bytes) -> bool:
    try:
        _value.decode(line)
    except msgspec.DecodeError:
        return False
    return True
