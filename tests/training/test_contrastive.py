"""Items that follow each other in histories come to have like texts."""

import numpy as np
import pytest
import torch

from training.contrastive import Batch, _batches, _Known, _vectors, info_nce, neighbours, tune
from training.language import EncoderMissing, load
from training.text_cache import tokenized

TEXTS = ["tea", "cup", "saw", "nail", "red", "blue"]
PAIRS = np.array([[0, 1], [1, 0]] * 8 + [[2, 3], [3, 2]] * 8 + [[4, 5], [5, 4]] * 8)  # three stretches


def windows(*histories: list[int]) -> dict[str, np.ndarray]:
    rows = np.array(histories)
    return {"history_rows": rows, "fresh": rows > 0}


def test_pairs_are_items_that_came_shortly_after_each_other() -> None:
    found = neighbours(windows([0, 3, 1, 2, 5]), 2)
    assert found.tolist() == [[2, 0], [0, 1], [2, 1], [1, 4], [0, 4]]


def test_an_item_is_no_pair_with_itself_and_old_entries_teach_nothing() -> None:
    given = windows([4, 4, 2])
    given["fresh"][0, 2] = False
    assert not len(neighbours(given, 1))


def test_pairs_of_one_history_stay_together() -> None:
    found = neighbours(windows([1, 2, 3], [4, 5, 6]), 2)
    assert [int(each > 2) for each in found[:, 0]] == [0, 0, 0, 1, 1, 1]


def test_tuning_draws_texts_of_pairs_together_and_others_apart(encoder: str) -> None:
    torch.manual_seed(0)
    tokenizer, language = load(encoder, "full")
    made = {"steps": 30, "batch": 6, "tokens": 8, "learning_rate": 0.01, "seed": 0}
    losses = tune(tokenizer, language, TEXTS, PAIRS, **made)
    with torch.no_grad():
        vectors = _vectors(language, tokenized(tokenizer, TEXTS, 8), np.arange(6))
    alike = vectors @ vectors.T
    assert losses[-1] < 0.5 * losses[0]
    assert alike[0, 1] > alike[0, [2, 3, 4, 5]].max() and alike[2, 3] > alike[2, [0, 1, 4, 5]].max()


def test_the_same_seed_tunes_alike(encoder: str) -> None:
    made = {"steps": 3, "batch": 4, "tokens": 8, "learning_rate": 0.01, "seed": 3}
    one, other = (tune(*load(encoder, "top-k", 1), TEXTS, PAIRS, **made) for _ in range(2))
    assert one == other


def test_only_what_learns_is_tuned(encoder: str) -> None:
    tokenizer, language = load(encoder, "top-k", 1)
    before = language.get_input_embeddings().weight.clone()  # type: ignore[operator]
    tune(tokenizer, language, TEXTS, PAIRS, steps=2, batch=4, tokens=8, learning_rate=0.01, seed=0)
    assert torch.equal(language.get_input_embeddings().weight, before)  # type: ignore[operator]


def test_a_frozen_encoder_and_histories_of_one_item_are_refused(encoder: str) -> None:
    made = {"steps": 2, "batch": 4, "tokens": 8, "learning_rate": 0.01, "seed": 0}
    with pytest.raises(EncoderMissing, match="needs an encoder that learns"):
        tune(*load(encoder), TEXTS, PAIRS, **made)
    with pytest.raises(EncoderMissing, match="no two items follow each other"):
        tune(*load(encoder, "full"), TEXTS, PAIRS[:0], **made)


def test_known_followers_and_items_of_the_same_stretch_are_no_negatives() -> None:
    known = _Known(np.array([[0, 1], [0, 2], [3, 4]]), 6)
    items = np.arange(5)
    drawn = Batch(items, np.array([0, 3]), np.array([1, 4]), np.array([0, 1]))
    apart = torch.eye(5)
    apart[2] = apart[1]  # as likely as the target, and known to follow: it must not count against it
    free = info_nce(apart, drawn, known)
    apart[2] = torch.zeros(5)
    assert torch.allclose(info_nce(apart, drawn, known), free, atol=1e-4)


def test_the_chance_to_be_in_a_step_rises_with_popularity() -> None:
    known = _Known(np.array([[0, 1], [0, 2], [0, 3]]), 4)
    chances = known.log_chance(np.arange(4)).exp()
    assert chances[0] > chances[1] == pytest.approx(chances[2].item()) and chances.max() < 1


def test_every_pair_comes_once_a_round() -> None:
    pairs = np.stack([np.arange(64), np.arange(64) + 64], 1)
    made = list(_batches(pairs, 4, 32, seed=0))
    assert sorted(np.concatenate([each.items[each.anchors] for each in made]).tolist()) == list(range(64))
    assert all(len(each.items) == 32 for each in made)


def test_texts_are_encoded_in_their_order_whatever_their_length(encoder: str) -> None:
    tokenizer, language = load(encoder)
    read = tokenized(tokenizer, ["tea cup saw", "tea", "saw saw"], 8)
    with torch.no_grad():
        alone = torch.cat([_vectors(language, read, np.array([row])) for row in range(3)])
        assert torch.allclose(_vectors(language, read, np.arange(3)), alone, atol=0.02)
