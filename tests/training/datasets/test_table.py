"""A user's own data, by the very mapping that docs/data.md shows."""

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.training.datasets.taken import rejected
from training.datasets.__main__ import main
from training.datasets.mapping import Cell, Impressions, Items, Table, Users

DOCS = Path(__file__).parents[3] / "docs/data.md"
ORDERS = """customer,sku,event,at,price,slate,device,search
c1,7,look,15.01.2026 10:00,,s1,phone,red shoes
c1,8,buy,15.01.2026 11:00,19.5,s1,,
c2,7,tap,15.07.2026 10:00,,,desktop,
c2,7,return,15.07.2026 10:05,,,,
c3,,tap,15.07.2026 10:05,,,,
c3,9,tap,yesterday,,,,
c3,9
"""
SLATES = '{"customer": "c1", "shown": "7 8 9", "at": 1768467000, "slate": "s1"}\nnot JSON\n'
PRODUCTS = {
    "sku": [7, 8, 9],
    "name": ["Shoe", "Sock", None],
    "short": ["Red.", "", "Mystery"],
    "long": ["Very red", "Warm", None],
    "genres": ["feet|red", "feet", ""],
    "brand": ["Acme", None, "Zed"],
    "colours": ["red,black", "", None],
    "released": pd.to_datetime(["2020-01-01", None, "2026-01-01"]),
    "picture": ["7.jpg", None, "https://shop/9.jpg"],
    "sound": [[0.5, 1.0], None, [0.0, 2.0]],
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sources that the example names, and the example as shop.yaml."""
    [example] = re.findall(r"```yaml mapping\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (tmp_path / "shop.yaml").write_text(example)
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "slates.jsonl").write_text(SLATES)
    pd.DataFrame(PRODUCTS).to_parquet(tmp_path / "products.parquet")
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("CREATE TABLE customers (id TEXT, country TEXT, tier INTEGER, active INTEGER)")
        database.executemany("INSERT INTO customers VALUES (?, ?, ?, 1)", [("c1", "NO", 2), ("c2", None, None)])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(shop: Path) -> Path:
    main(["table", "--mapping", str(shop / "shop.yaml"), "--to", str(shop / "to")])
    return shop / "to"


def changed(shop: Path, before: str, after: str) -> None:
    text = (shop / "shop.yaml").read_text()
    assert before in text
    (shop / "shop.yaml").write_text(text.replace(before, after, 1))


def records(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pd.read_parquet(path, dtype_backend="pyarrow").to_dict("records")
    return found


def test_interactions_become_ours(shop: Path) -> None:
    found = [row for row in records(write(shop) / "interactions.parquet") if row["action"] != "impression"]
    assert [(row["user_id"], row["item_id"], row["action"]) for row in found] == [
        ("c1", "7", "view"),
        ("c1", "8", "purchase"),
        ("c2", "7", "click"),
    ]
    assert found[0]["timestamp"] == pd.Timestamp("2026-01-15T09:00Z").value // 10**6  # winter in Berlin
    assert found[2]["timestamp"] == pd.Timestamp("2026-07-15T08:00Z").value // 10**6  # summer
    assert found[1]["value"] == 19.5 and found[0]["request_id"] == "s1"
    assert json.loads(found[0]["context"]) == {"device": "phone", "country": "DE", "query": "red shoes"}


def test_a_slate_becomes_an_impression_per_item(shop: Path) -> None:
    found = [row for row in records(write(shop) / "interactions.parquet") if row["action"] == "impression"]
    assert [(row["item_id"], row["position"], row["request_id"]) for row in found] == [
        ("7", 0, "s1"),
        ("8", 1, "s1"),
        ("9", 2, "s1"),
    ]
    assert {row["timestamp"] for row in found} == {1_768_467_000_000}


def test_items_have_text_of_several_columns_lists_and_media(shop: Path) -> None:
    shoe, sock, mystery = pd.read_parquet(write(shop) / "items.parquet").to_dict("records")
    assert (shoe["item_id"], shoe["title"], shoe["text"]) == ("7", "Shoe", "Red.. Very red")
    assert list(shoe["categories"]) == ["feet", "red"]
    assert list(shoe["attributes"]) == ["brand=Acme", "colour=red", "colour=black"]
    assert shoe["published_at"] == 1_577_836_800_000
    assert shoe["image"] == str(shop / "pictures/7.jpg") and mystery["image"] == "https://shop/9.jpg"
    assert list(shoe["audio_vector"]) == [0.5, 1.0] and sock["audio_vector"] is None
    assert sock["text"] == "Warm" and list(sock["attributes"]) == []


def test_users_come_from_a_query(shop: Path) -> None:
    found = pd.read_parquet(write(shop) / "users.parquet").to_dict("records")
    assert [(row["user_id"], list(row["attributes"])) for row in found] == [
        ("c1", ["country=NO", "tier=2"]),
        ("c2", []),
    ]


def test_rows_that_cannot_be_read_are_kept_with_their_reasons(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (write(shop) / "rejects.jsonl").read_text().splitlines()
    reasons = {(row["table"], row["row"]): row["reason"] for row in map(json.loads, lines)}
    assert set(reasons) == {("impressions", 2), *(("interactions", line) for line in (5, 6, 7, 8))}
    assert reasons["interactions", 5] == "action: 'return' is not in its `map`"
    assert reasons["interactions", 6] == "it has no `item_id`"
    assert "yesterday" in reasons["interactions", 7]
    assert reasons["interactions", 8] == "line 8 has 2 cells, not 8"
    assert reasons["impressions", 2] == "line 2 is not a JSON object"
    assert "5 rows were left out" in capsys.readouterr().out


def test_the_backfill_takes_every_row(shop: Path) -> None:
    assert rejected(write(shop)) == []


def test_what_the_tables_are_is_written_beside_them(shop: Path) -> None:
    about = json.loads((write(shop) / "dataset.json").read_text())
    assert (about["name"], about["until"], about["terms"]) == ("shop", "2026-05-01T00:00:00Z", "ours")
    assert about["rows"] == {"items": 3, "users": 2, "interactions": 6}


def test_files_that_did_not_change_are_not_read_again(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (shop / "shop.yaml").read_text()
    (shop / "shop.yaml").write_text(text.partition("users:\n")[0])
    write(shop)
    write(shop)
    assert "nothing to do" in capsys.readouterr().out
    (shop / "shop.yaml").write_text(text.replace("ours", "theirs", 1))
    write(shop)
    assert (shop / "to/users.parquet").exists() and "nothing to do" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("  item_id: sku\n", "  itm_id: sku\n", r"line 8: interactions: .*unknown field `itm_id`"),
        ("  item_id: sku\n", "", r"line 5: interactions: object missing required field `item_id`"),
        ("  value: price", "  prize: price", r"line 11: interactions: .*unknown field `prize`"),
        (
            "  value: price",
            "  value: prize",
            r"line 11: interactions.value: orders.csv has no column `prize`; it has cus",
        ),
        ("device: device", "device: gadget", r"line 14: interactions.context.device: .*no column `gadget`"),
        ("tap: click", "tap: klick", r"line 9: interactions.action: `klick` is no action; they are impression"),
        ("zone: Europe/Berlin", "zone: Berlin", r"line 10: interactions.timestamp: `Berlin` is no time zone"),
        ("zone: Europe/Berlin", "zoom: Berlin", r"line 10: interactions.timestamp: .*unknown field `zoom`"),
        ("unit: s}", "unit: min}", r"line 22: impressions.timestamp.unit: invalid enum value 'min'"),
        ("{column: picture, folder: pictures}", "{column: picture, unit: s}", r"`unit` means nothing for a file"),
        ("{value: DE}", "{value: DE, column: c}", r"line 15: interactions.context.country: give one of"),
        ("  path: orders.csv", "  path: orders.txt", r"orders.txt is none of .parquet, .csv, .jsonl"),
        ("  path: orders.csv", "  path: order.csv", r"there is no .*order.csv"),
        ("  path: orders.csv", "  url: x", r"line 5: interactions: give a `path`, or a `url` and a `query`"),
        ("  user_id: customer\n", "", r"line 18: impressions: give `user_id`, or `session_id`"),
        ("terms: ours", "name: again", r"line 2: `name` is given a second time"),
        ("terms: ours", "terms: [ours", r"line \d+: it is not YAML"),
        ("FROM customers", "FROM clients", r"sqlite:///shop.db does not answer: no such table: clients"),
        ("unit: s}", "unit: ms}", r"impressions.*timestamp: 1768467000 ms is before 1973: give its `unit`"),
    ],
)
def test_mistakes_are_named_with_their_place(
    shop: Path, before: str, after: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(shop, before, after)
    try:
        write(shop)
        said = (shop / "to/rejects.jsonl").read_text() + capsys.readouterr().out
    except SystemExit as error:
        said = str(error)
    assert re.search(reason, said), said


def test_vectors_of_different_lengths_are_refused(shop: Path) -> None:
    pd.DataFrame(PRODUCTS | {"sound": [[0.5], None, [0.0, 2.0]]}).to_parquet(shop / "products.parquet")
    with pytest.raises(SystemExit, match="audio_vector of 9 has 2 numbers, others have 1"):
        write(shop)


def test_a_source_without_a_single_good_row_is_an_error(shop: Path) -> None:
    (shop / "slates.jsonl").write_text("")
    (shop / "orders.csv").write_text("\n".join([ORDERS.splitlines()[0], ORDERS.splitlines()[4]]))
    text = (shop / "shop.yaml").read_text()
    (shop / "shop.yaml").write_text(text[: text.index("impressions:")] + text[text.index("items:") :])
    with pytest.raises(SystemExit, match="interactions has no row that can be read; row 2 of interactions: action"):
        write(shop)


def test_the_documented_keys_are_those_of_a_mapping() -> None:
    text = DOCS.read_text()
    for kind in (Impressions, Items, Users):
        ours = set(kind.__struct_fields__) - set(Table.__struct_fields__)
        assert all(f"`{name}`" in text for name in ours)
    assert all(f"`{name}`" in text for name in Cell.__struct_fields__)
