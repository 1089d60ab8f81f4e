"""States and messages as rows."""

import pytest

from feature_repo import item_activity, user_activity
from feature_repo.features import item_content, user_profile
from streaming import rows
from streaming.events import Item, User
from streaming.ledger import ItemLedger, UserLedger, record, record_item
from streaming.rows import TrackedItem, TrackedUser

T = 1_750_000_000_000
USER = TrackedUser(
    user_activity.advance(user_activity.UserActivity(), "42", "click", T, ["war"]), record(UserLedger(), 1, 2, 3, T)
)
ITEM = TrackedItem(
    item_activity.advance(item_activity.ItemActivity(), "click", T), record_item(ItemLedger(), 2, 0, 3, T)
)


def test_a_user_survives_the_online_row() -> None:
    row = rows.online_user_row(rows.user_row("7", USER), USER)
    assert rows.user_from_row(row.values) == USER
    assert row.stamp == USER.ledger.stamp == T * 1000


def test_an_item_survives_the_online_row() -> None:
    assert rows.item_from_row(rows.online_item_row(rows.item_row("42", ITEM), ITEM).values) == ITEM


def test_the_logs_rows_have_no_ledger() -> None:
    assert "user_ledger" not in rows.user_row("7", USER).values
    assert "item_ledger" not in rows.item_row("42", ITEM).values


def test_an_unknown_entity_is_one_without_past() -> None:
    assert (rows.user_from_row({}), rows.item_from_row({})) == (TrackedUser(), TrackedItem())


def test_a_content_row_has_every_field_of_its_view() -> None:
    item = Item(
        item_id="1", title="Heat", attributes={"year": 1995.0, "by": "Mann"}, published_at="1995-12-15", hidden=True
    )
    row = rows.content_row(item, 5)
    assert set(row.values) == {field.name for field in item_content.features}
    assert set(rows.deleted_content("1", 5).values) == set(row.values)
    assert row.values["item_attributes"] == ["by=Mann", "year=1995.0"]
    assert row.values["item_published_at"] == 818_985_600_000
    assert not row.values["item_available"]


def test_a_deleted_item_keeps_nothing_and_is_not_available() -> None:
    values = rows.deleted_content("1", 5).values
    assert (values["item_title"], values["item_available"]) == ("", False)


@pytest.mark.parametrize("row", [rows.profile_row(User(user_id="7", attributes={"a": "b"}), 5)])
def test_a_profile_row_has_every_field_of_its_view(row: rows.Row) -> None:
    assert set(row.values) == {field.name for field in user_profile.features}


def test_media_vectors_of_an_item_go_into_its_row() -> None:
    values = rows.content_row(Item(item_id="1", image_vector=[0.5, 1.0]), 5).values
    assert (values["item_image_vector"], values["item_audio_vector"]) == ([0.5, 1.0], [])
