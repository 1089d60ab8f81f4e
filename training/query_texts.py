"""A trained run and queries it has not met -> text vectors, by its own language model, loaded for them alone."""

import torch
from torch import Tensor

from training.language import load, restore_weights
from training.queries import Queries
from training.runs import Run
from training.text_cache import batches, encode


def with_queries(run: Run, queries: Queries) -> Tensor:
    """The text vectors of a run's items with those of some queries behind them [n + q, text_size]."""
    items = run.text[: len(run.item_ids)]
    return torch.cat([items, encoded(run, queries.texts)]) if queries.texts else items


@torch.no_grad()
def encoded(run: Run, texts: list[str]) -> Tensor:
    """Text vectors [q, text_size] by the run's language model as it was tuned. Raises EncoderMissing."""
    config = run.config
    tokenizer, language = load(config.encoder, config.encoder_tuning, config.encoder_layers, config.lora_rank)
    restore_weights(language, run.adapter)
    made = torch.empty(len(texts), run.text.shape[1])
    for rows, tokens in batches(tokenizer, texts, config.text_tokens):
        made[rows] = encode(language, tokens)
    return made
