"""docs/features.md: its table of fields is the code's, its example is what the code does.

python -m tests.feature_repo.test_features_doc     writes the table of fields into the page
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feast import Field

from feature_repo import item_activity
from feature_repo.features import ACTIVITY_TTL, CONTENT_TTL, REQUEST_TENSORS, VIEWS
from feature_repo.inputs import user_inputs
from feature_repo.item_activity import ItemActivity
from feature_repo.online import Row
from feature_repo.settings import StoreSettings
from feature_repo.store import apply, open_store
from feature_repo.user_activity import UserActivity, advance, to_row
from feature_repo.vocabulary import (
    ACTIONS,
    ATTRIBUTE_BUCKETS,
    ATTRIBUTES,
    CATEGORIES_KEPT,
    CTR_PRIOR,
    HALF_LIVES,
    HISTORY_LENGTH,
    SESSION_GAP,
    VECTOR_SIZE,
)
from streaming import events
from streaming.ledger import next_stamp
from streaming.offline_log import OfflineLog
from training.joins import JUST_BEFORE, features_of, join

PAGE = Path(__file__).parents[2] / "docs" / "features.md"
TABLE = re.compile(r"(?<=\n\n)(?:FIELDS\n|\| field \|.*?\n(?=\n))", re.DOTALL)
DAY = datetime(2026, 3, 2, tzinfo=UTC)
ROWS = ("e1", "e2", "e3")
COUNTERS = tuple((action, window) for action in ("click", "like") for window in HALF_LIVES)

MEANING = {
    "user_attributes": f"such as `gender=F`; the first {ATTRIBUTES} are read, hashed into {ATTRIBUTE_BUCKETS} buckets",
    "history_item_ids": f"items of the last {HISTORY_LENGTH} interactions but impressions; read as their vectors",
    "history_actions": "what was done with each, oldest first",
    "history_timestamps": "when; the model gets the seconds until now",
    "user_actions": "how often the user lately did each action",
    "user_activity_at": "the moment the user's counters stood at their values",
    "user_session_events": f"interactions so far in the session; it ends after {SESSION_GAP // 60_000} minutes without",
    "user_categories": f"the categories of the items the user lately met, at most {CATEGORIES_KEPT}",
    "user_category_weights": "how strongly: an interaction is shared out among its item's categories; the model gets "
    "the share that falls on each candidate's categories",
    "user_ledger": "the stream's book-keeping: which deliveries the row counts; online only",
    "user_written_at": "when the row was written, epoch milliseconds; online only (offline: `created`)",
    "item_title": "goes into the text that is encoded",
    "item_text": "the same; the model gets the item's vector",
    "item_categories": "the same; meets the user's categories",
    "item_attributes": "such as `country=DE`; hashed, read by the item encoder",
    "item_image_vector": "of an image encoder; read by the item encoder where most items' have the same size",
    "item_audio_vector": "likewise of what can be heard",
    "item_published_at": "the model gets the age in days, 0 where it is not known",
    "item_available": "false once hidden or deleted: left out of rankings",
    "item_actions": "how often each action lately happened to the item",
    "item_activity_at": "the moment the item's counters stood at their values",
    "item_ctr_7d": f"(clicks + {CTR_PRIOR[0]:g}) / (impressions + {CTR_PRIOR[1]:g}); no fewer impressions than clicks",
    "item_ledger": "the stream's book-keeping; online only",
    "item_written_at": "when the row was written, epoch milliseconds; online only (offline: `created`)",
}
HALF_LIFE = {"user_category_weights": "7d", "item_ctr_7d": "7d"}


def counter(field: Field) -> tuple[str, str]:
    """What a field counts and with which half-life; the field's own name and none where it is no counter."""
    stem, _, window = field.name.rpartition("_")
    return (stem, window) if stem in MEANING and window in HALF_LIVES else (field.name, "")


def line(view: str, field: Field) -> str:
    name, window = counter(field)
    default = json.loads(field.tags["default"])
    shown = "zeros" if isinstance(default, list) and default else f"`{json.dumps(default)}`"
    shape = json.loads(field.tags.get("shape", "[]"))
    tensor = f"`{field.tags['tensor']}` {shape} {field.tags['type']}".replace("'", "") if "tensor" in field.tags else ""
    cells = [
        f"`{field.name}`",
        f"`{view}`",
        str(field.dtype),
        shown,
        window or HALF_LIFE.get(name, ""),
        tensor,
        MEANING[name],
    ]
    return f"| {' | '.join(cells)} |".replace("  ", " ")


def fields() -> str:
    """The table of all fields, in the order of MEANING: Feast keeps none."""
    order, windows = list(MEANING), list(HALF_LIVES)
    head = "| field | view | type | default | half-life | tensor | what it is |\n|---|---|---|---|---|---|---|\n"
    shown = [(view.name, field) for view in VIEWS for field in view.features]
    shown.sort(key=lambda each: (order.index(counter(each[1])[0]), [*windows, ""].index(counter(each[1])[1])))
    return head + "\n".join(line(*each) for each in shown) + "\n"


def table(header: str) -> list[list[str]]:
    """The rows under a header of the page, as cells."""
    _, _, below = PAGE.read_text().partition(header)
    lines = below.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in each.strip("|").split("|")] for each in lines]


def at(clock: str) -> int:
    """A time of the example's day, epoch milliseconds."""
    return int(datetime.fromisoformat(f"{DAY.date()}T{clock}+00:00").timestamp() * 1000)


def example() -> list[events.Interaction]:
    [lines] = re.findall(r"```jsonl interactions\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [events.interaction(raw.encode(), at("16:00")) for raw in lines.splitlines()]


def rows() -> list[Row]:
    """The rows the example's interactions write."""
    activity, stamp, written = UserActivity(), 0, []
    for event in example():
        assert isinstance(event.timestamp, int)
        activity = advance(activity, event.item_id, event.action, event.timestamp)
        stamp = next_stamp(stamp, event.timestamp)
        written.append(Row(event.key, stamp, to_row(activity)))
    return written


def counted(source: Mapping[str, Any]) -> list[str]:
    """Clicks and likes of a row or of tensors, as the page shows them."""
    return [f"{source[f'user_actions_{window}'][ACTIONS.index(action)]:.4f}" for action, window in COUNTERS]


def inputs(row: Mapping[str, Any], now_ms: int) -> Mapping[str, Any]:
    return user_inputs({}, row, now_ms, lambda ids: np.zeros((len(ids), VECTOR_SIZE), np.float32))


@pytest.fixture
def offline() -> Iterator[list[Mapping[str, Any]]]:
    """What Feast's point-in-time join hands each label of the page that reads the offline log."""
    settings = StoreSettings()
    store, log = open_store(settings), OfflineLog(Path(settings.offline_folder("user_activity")).parent)
    apply(store)
    log.append("user_activity", "example", rows())
    moments = [pd.Timestamp(at(clock), unit="ms", tz="UTC") - JUST_BEFORE for _, clock, *_ in offline_readers()]
    asked = pd.DataFrame({"user_id": "7", "event_timestamp": moments})
    yield join(store, asked, features_of("user_activity")).to_pylist()
    shutil.rmtree(log.folder)


def offline_readers() -> Sequence[list[str]]:
    return [row for row in table("| reader |") if "offline" in row[0]]


def test_the_table_of_fields_is_current() -> None:
    found = TABLE.search(PAGE.read_text())
    assert found and found[0] == fields(), "run: python -m tests.feature_repo.test_features_doc"


def test_every_view_and_its_expiry_are_described() -> None:
    described = {row[0].strip("`"): row[-1] for row in table("| view |")}
    days = {CONTENT_TTL: "never", ACTIVITY_TTL: f"after {ACTIVITY_TTL.days} days without activity"}
    assert described == {view.name: days[view.ttl] for view in VIEWS if view.ttl is not None}


def test_what_the_request_brings_is_described() -> None:
    assert all(f"`{name}`" in PAGE.read_text() for name in REQUEST_TENSORS)


def test_the_order_of_the_actions_is_described() -> None:
    assert f"in the order {', '.join(ACTIONS)};" in " ".join(PAGE.read_text().split())


def test_the_rows_of_the_example_are_those_the_stream_writes() -> None:
    shown = table("| row | `event_timestamp`")
    for (name, stamp, activity_at, *rest), row, event in zip(shown, rows(), example(), strict=True):
        assert name == event.event_id
        assert datetime.fromtimestamp(row.stamp / 1e6, UTC).strftime("%H:%M:%S.%f") == stamp
        assert row.values["user_activity_at"] == at(activity_at)
        assert counted(row.values) == rest[:-1]
        assert ", ".join(row.values["history_item_ids"]) == rest[-1]


def test_a_ranking_reads_the_rows_of_the_example_as_shown() -> None:
    [(_, clock, row, *expected)] = [row for row in table("| reader |") if "online" in row[0]]
    read = inputs(rows()[ROWS.index(row)].values, at(clock))
    assert counted(read) == expected
    assert rows()[-1].values["user_session_events"] == 3 and read["user_session_events"] == [0.0]


def test_labels_read_the_rows_of_the_example_as_shown(offline: list[Mapping[str, Any]]) -> None:
    for (_, clock, row, *expected), found in zip(offline_readers(), offline, strict=True):
        assert found["history_item_ids"] == list(rows()[ROWS.index(row)].values["history_item_ids"])
        assert counted(inputs(found, at(clock))) == expected


def test_the_order_of_arrival_changes_nothing() -> None:
    activity = UserActivity()
    for event in sorted(example(), key=lambda each: str(each.timestamp)):
        activity = advance(activity, event.item_id, event.action, int(event.timestamp or 0))
    last = rows()[-1].values
    assert to_row(activity)["history_item_ids"] == last["history_item_ids"]
    for window in HALF_LIVES:
        assert to_row(activity)[f"user_actions_{window}"] == pytest.approx(last[f"user_actions_{window}"])


def test_the_click_rate_of_the_example() -> None:
    activity = ItemActivity()
    for event in example():
        if event.item_id == "50":
            activity = item_activity.advance(activity, event.action, int(event.timestamp or 0))
    row = item_activity.to_row(activity)
    clicks = f"{row['item_actions_7d'][ACTIONS.index('click')]:.4f}"
    assert f"({clicks} + 1) / ({clicks} + 20) = {row['item_ctr_7d']:.4f}" in " ".join(PAGE.read_text().split())


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(lambda _: fields(), PAGE.read_text()))
