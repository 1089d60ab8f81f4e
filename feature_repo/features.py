"""Every feature there is: entities, sources, views, and ``ranking_v1``, the one list of what the model sees.

The tags of a field are its contract: ``default`` is what a missing value reads as (JSON), ``tensor`` the model input it
becomes, ``shape`` that tensor's shape without the batch, where N is the number of candidates. inputs.py reads them.
"""

import json
from datetime import timedelta
from typing import Any

import feature_repo.lean_feast  # noqa: F401

from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.data_format import ParquetFormat
from feast.data_source import DataSource
from feast.types import Array, Bool, Bytes, FeastType, Float64, Int64, String

from feature_repo.neighbours import NEAR
from feature_repo.settings import StoreSettings
from feature_repo.vocabulary import ACTIONS, ATTRIBUTES, HALF_LIVES, HISTORY_LENGTH, VECTOR_SIZE

_settings = StoreSettings()

USER_ID, ITEM_ID = Field(name="user_id", dtype=String), Field(name="item_id", dtype=String)
ACTIVITY_TTL = timedelta(days=90)  # a quarter without a sign of life: the 7-day counters have faded to 1e-4
CONTENT_TTL = timedelta(0)  # what an item or a user is does not expire


def feature(
    name: str, dtype: FeastType, default: Any, tensor: str = "", *shape: int | str, code: bool = False
) -> Field:
    """A field with its contract; ``code`` marks a tensor of integer codes."""
    tags = {"default": json.dumps(default)}
    if tensor:
        tags |= {"tensor": tensor, "shape": json.dumps(shape), "type": "int64" if code else "float32"}
    return Field(name=name, dtype=dtype, tags=tags)


def counters(scope: str, *shape: int | str) -> list[Field]:
    """Decayed counts per action, one field a window, each a tensor of its own."""
    names, zeros = [f"{scope}_actions_{window}" for window in HALF_LIVES], [0.0] * len(ACTIONS)
    return [feature(name, Array(Float64), zeros, name, *shape, len(ACTIONS)) for name in names]


def source(table: str) -> DataSource:
    """The offline rows of one table: parquet parts on a laptop, PostgreSQL in production."""
    columns = {"timestamp_field": "event_timestamp", "created_timestamp_column": "created"}
    if _settings.offline_store == "postgres":
        from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource

        return PostgreSQLSource(name=f"{table}_log", table=table, **columns)
    path = f"{_settings.offline_folder(table)}/*.parquet"
    return FileSource(name=f"{table}_log", path=path, file_format=ParquetFormat(), **columns)


user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)

user_profile = FeatureView(
    name="user_profile",
    entities=[user],
    ttl=CONTENT_TTL,
    source=source("user_profile"),
    schema=[USER_ID, feature("user_attributes", Array(String), [], "user_attributes", ATTRIBUTES, code=True)],
)

user_activity = FeatureView(
    name="user_activity",
    entities=[user],
    ttl=ACTIVITY_TTL,
    source=PushSource(name="user_activity_push", batch_source=source("user_activity")),
    schema=[
        USER_ID,
        feature("history_item_ids", Array(String), [], "history_vectors", HISTORY_LENGTH, VECTOR_SIZE),
        feature("history_actions", Array(Int64), [], "history_actions", HISTORY_LENGTH, code=True),
        feature("history_timestamps", Array(Int64), [], "history_gaps", HISTORY_LENGTH),
        *counters("user"),
        feature("user_activity_at", Int64, 0),
        feature("user_session_events", Int64, 0, "user_session_events", 1),
        feature("user_categories", Array(String), []),
        feature("user_category_weights", Array(Float64), [], "user_item_affinity", "N"),
        feature("user_ledger", Bytes, None),
        feature("user_written_at", Int64, 0),
    ],
)

item_content = FeatureView(
    name="item_content",
    entities=[item],
    ttl=CONTENT_TTL,
    source=source("item_content"),
    schema=[
        ITEM_ID,
        feature("item_title", String, ""),
        feature("item_text", String, "", "item_vectors", "N", VECTOR_SIZE),
        feature("item_categories", Array(String), []),
        feature("item_attributes", Array(String), []),
        feature("item_image_vector", Array(Float64), []),
        feature("item_audio_vector", Array(Float64), []),
        feature("item_published_at", Int64, 0, "item_age_days", "N"),
        feature("item_available", Bool, True),
    ],
)

item_activity = FeatureView(
    name="item_activity",
    entities=[item],
    ttl=ACTIVITY_TTL,
    source=PushSource(name="item_activity_push", batch_source=source("item_activity")),
    schema=[
        ITEM_ID,
        *counters("item", "N"),
        feature("item_activity_at", Int64, 0),
        feature("item_ctr_7d", Float64, 0.05, "item_ctr_7d", "N"),
        feature("item_ledger", Bytes, None),
        feature("item_written_at", Int64, 0),
    ],
)

VIEWS = (user_profile, user_activity, item_content, item_activity)

# The stream's own book-keeping, online only: no model sees it.
USER_BOOKS, ITEM_BOOKS = ("user_ledger", "user_written_at"), ("item_ledger", "item_written_at")

ranking_v1 = FeatureService(
    name="ranking_v1",
    features=[
        user_profile,
        user_activity[[field.name for field in user_activity.schema if field.name not in ("user_id", *USER_BOOKS)]],
        item_content[[field.name for field in item_content.schema if field.name not in ("item_id", "item_available")]],
        item_activity[[field.name for field in item_activity.schema if field.name not in ("item_id", *ITEM_BOOKS)]],
    ],
)

# What the request itself brings, beside the features: shape without the batch, type.
REQUEST_TENSORS: dict[str, tuple[tuple[int | str, ...], str]] = {
    "request_hour": ((1,), "float32"),
    "request_weekday": ((1,), "float32"),
    "request_context": ((ATTRIBUTES,), "int64"),  # hash buckets of device, country, ...: context.py
    "query_vector": ((VECTOR_SIZE,), "float32"),  # of what the user typed; zeros where nothing was
}

# What follows from the history, the candidates and the model's own lists: neighbours.py.
MODEL_TENSORS: dict[str, tuple[tuple[int | str, ...], str]] = {"user_item_near": (("N", NEAR), "float32")}
