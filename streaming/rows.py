"""state + ledger -> a row of its view, and back: what the online store and the offline log hold."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from feature_repo import item_activity, user_activity
from feature_repo.context import to_json
from feature_repo.features import item_content
from feature_repo.inputs import with_defaults
from feature_repo.item_activity import ItemActivity
from feature_repo.online import Row
from feature_repo.user_activity import UserActivity
from streaming import ledger
from streaming.events import Interaction, Item, User, epoch_ms
from streaming.ledger import ItemLedger, UserLedger


class TrackedUser(NamedTuple):
    """What the stream keeps of a user: the features and the deliveries they count."""

    activity: UserActivity = UserActivity()
    ledger: UserLedger = UserLedger()


class TrackedItem(NamedTuple):
    """What the stream keeps of an item."""

    activity: ItemActivity = ItemActivity()
    ledger: ItemLedger = ItemLedger()


def user_row(user_id: str, user: TrackedUser) -> Row:
    """The row of ``user_activity``, as the offline log has it: without its ledger."""
    return Row(user_id, user.ledger.stamp, user_activity.to_row(user.activity))


def online_user_row(row: Row, user: TrackedUser) -> Row:
    """The same with its ledger, as the online store has it."""
    return Row(row.entity_id, row.stamp, {**row.values, "user_ledger": ledger.user_to_bytes(user.ledger)})


def user_from_row(row: Mapping[str, Any]) -> TrackedUser:
    return TrackedUser(user_activity.from_row(row), ledger.user_from_bytes(row.get("user_ledger")))


def item_row(item_id: str, item: TrackedItem) -> Row:
    """The row of ``item_activity``, as the offline log has it: without its ledger."""
    return Row(item_id, item.ledger.stamp, item_activity.to_row(item.activity))


def online_item_row(row: Row, item: TrackedItem) -> Row:
    """The same with its ledger, as the online store has it."""
    return Row(row.entity_id, row.stamp, {**row.values, "item_ledger": ledger.item_to_bytes(item.ledger)})


def item_from_row(row: Mapping[str, Any]) -> TrackedItem:
    return TrackedItem(item_activity.from_row(row), ledger.item_from_bytes(row.get("item_ledger")))


def interaction_row(event: Interaction, stamp: int) -> Row:
    """The log entry of one interaction; its stamp is the user row's that it led to."""
    return Row(
        event.event_id,
        stamp,
        {
            "user_id": event.key,
            "item_id": event.item_id,
            "action": event.action,
            "value": event.value,
            "timestamp": event.timestamp,
            "request_id": event.request_id,
            "position": event.position,
            "context": to_json(event.context),
        },
    )


def content_row(item: Item, stamp: int) -> Row:
    """The row of ``item_content``."""
    values = {
        "item_title": item.title,
        "item_text": item.text,
        "item_categories": item.categories,
        "item_attributes": _pairs(item.attributes),
        "item_image_vector": item.image_vector,
        "item_audio_vector": item.audio_vector,
        "item_published_at": epoch_ms(item.published_at, 0, "published_at"),
        "item_available": not item.hidden,
    }
    return Row(item.item_id, stamp, values)


def profile_row(user: User, stamp: int) -> Row:
    """The row of ``user_profile``."""
    return Row(user.user_id, stamp, {"user_attributes": _pairs(user.attributes)})


def deleted_content(item_id: str, stamp: int) -> Row:
    """The row of an item that is gone: no content, not available."""
    return Row(item_id, stamp, with_defaults(item_content.name, {}) | {"item_available": False})


def _pairs(attributes: Mapping[str, str | float]) -> list[str]:
    return [f"{name}={value}" for name, value in sorted(attributes.items())]
