"""The catalogue's text vectors and the gradients that go back through them."""

import pytest
import torch

from training.language import load, trained
from training.text_cache import TextCache, encode

TEXTS = ["tea cup", "saw nail", "red", "blue saw saw"]
TUNED = pytest.mark.parametrize("tuning", ["lora", "top-k", "full"])


def cache(encoder: str, tuning: str = "lora", rate: float = 0.05, **schedule: int) -> TextCache:
    torch.manual_seed(0)
    tokenizer, language = load(encoder, tuning, 1, 2)
    return TextCache(tokenizer, language, TEXTS, 8, rate, **schedule)


def pull(found: TextCache) -> float:
    """Add the gradient that draws the first two texts together; returns their distance."""
    distance = (found.vectors[0] - found.vectors[1]).square().sum()
    distance.backward()  # type: ignore[no-untyped-call]
    return distance.item()


@TUNED
def test_a_refresh_follows_the_gradients_the_cache_collected(encoder: str, tuning: str) -> None:
    found = cache(encoder, tuning, 0.05 if tuning == "lora" else 0.002)
    before = pull(found)
    found.refresh()
    for _ in range(10):
        pull(found)
        found.refresh()
    assert pull(found) < 0.9 * before


@TUNED
def test_the_cached_gradient_is_the_gradient_through_the_language_model(encoder: str, tuning: str) -> None:
    found = cache(encoder, tuning)
    pull(found)
    assert found.vectors.grad is not None
    collected, weights = found.vectors.grad.clone(), list(trained(found.language).values())
    vectors = torch.cat([encode(found.language, tokens) for _, tokens in found.batches])
    rows = torch.cat([rows for rows, _ in found.batches])
    direct = torch.autograd.grad((vectors[rows.argsort()][0] - vectors[rows.argsort()][1]).square().sum(), weights)
    vectors = torch.cat([encode(found.language, tokens) for _, tokens in found.batches])
    cached = torch.autograd.grad(vectors, weights, collected[rows])
    for one, other in zip(direct, cached, strict=True):
        assert torch.allclose(one, other, atol=0.02)


def test_only_texts_that_collected_a_gradient_are_encoded_for_it(encoder: str) -> None:
    found, read = cache(encoder), list[int]()
    pull(found)
    found.language.register_forward_pre_hook(
        lambda _, __, given: read.append(len(given["input_ids"])) if torch.is_grad_enabled() else None, with_kwargs=True
    )
    found.refresh()
    assert read == [2]


def test_an_untuned_language_model_stays_as_it_is(encoder: str) -> None:
    found = cache(encoder, "frozen")
    before = found.vectors.clone()
    found.refresh()
    assert torch.equal(before, found.vectors) and not found.vectors.requires_grad


def moved(found: TextCache) -> float:
    """How far a refresh moves the trained weights."""
    before = {name: weight.detach().clone() for name, weight in trained(found.language).items()}
    pull(found)
    found.refresh()
    return sum((weight - before[name]).abs().sum().item() for name, weight in trained(found.language).items())


def test_the_learning_rate_rises_over_the_first_refreshes(encoder: str) -> None:
    cold, warming = moved(cache(encoder, "full", 1e-3)), moved(cache(encoder, "full", 1e-3, warmup=3))
    assert warming == pytest.approx(cold / 4, rel=0.01)


def test_a_refresh_may_take_several_steps(encoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.text_cache.BATCH", 1)
    assert moved(cache(encoder, "full", 1e-3, steps=2)) > 1.2 * moved(cache(encoder, "full", 1e-3))


@TUNED
def test_a_state_can_be_put_back(encoder: str, tuning: str) -> None:
    found = cache(encoder, tuning)
    state = found.state()
    assert state.keys() == {"text", *trained(found.language)}
    pull(found)
    found.refresh()
    assert not torch.equal(found.vectors, state["text"])
    found.restore(state)
    assert all(torch.equal(tensor, state[name]) for name, tensor in found.state().items())
