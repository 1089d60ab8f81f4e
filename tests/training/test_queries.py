from pathlib import Path

import torch

from training.item_tower import ItemEncoder, ItemTower
from training.language import load
from training.queries import Queries, queries_among, query_matrix, read_queries, write_queries
from training.text_cache import batches, encode

CONTEXTS = [
    '{"query":"tea"}',
    "",
    '{"device":"tv"}',
    '{"query":" red  cup","device":"tv"}',
    '{"query":"tea"}',
    '{"query":7}',
]


def test_every_query_has_a_row_and_none_is_row_0() -> None:
    queries = queries_among(CONTEXTS)
    assert queries.texts == ["7", "red cup", "tea"]
    asked = [{"query": "tea"}, {"query": "red cup "}, {"query": "never met"}, {"device": "tv"}, None]
    assert [queries.row(context) for context in asked] == [3, 2, 0, 0, 0]


def test_a_snapshot_keeps_its_queries(tmp_path: Path) -> None:
    assert read_queries(tmp_path).texts == []  # of before they were kept
    write_queries(tmp_path, CONTEXTS)
    assert read_queries(tmp_path).texts == ["7", "red cup", "tea"]
    write_queries(tmp_path, [])
    assert read_queries(tmp_path).texts == []


def test_without_queries_nothing_is_computed() -> None:
    assert query_matrix(ItemTower(3), torch.zeros(0, 3)) is None
    assert Queries().row({"query": "tea"}) == 0


@torch.no_grad()
def test_a_query_has_the_vector_that_the_item_encoder_gives_its_text_alone(encoder: str) -> None:
    tokenizer, language = load(encoder)
    tower = ItemTower(16).eval()
    [(rows, tokens)] = batches(tokenizer, ["tea cup", "red saw"], 8)
    text = torch.empty(2, 16)
    text[rows] = encode(language, tokens)
    matrix = query_matrix(tower, text)
    served = ItemEncoder(language, tower)(
        tokens["input_ids"], tokens["attention_mask"], torch.zeros(2, 8, dtype=torch.int64)
    )
    assert matrix is not None and not matrix[0].any()
    assert torch.allclose(matrix[1:][rows], served, atol=0.02)  # training reads texts in bfloat16
