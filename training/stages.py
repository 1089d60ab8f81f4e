"""A snapshot and a configuration -> a run: choose the model on the validation window, then take that window in."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import feature_repo.lean_feast  # noqa: F401

import pandas as pd
import torch
from feast import FeatureStore

from feature_repo.settings import StoreSettings
from training import checkpoint
from training.batches import read_data
from training.calibrate import calibrate
from training.checkpoint import Checkpoint
from training.config import TrainConfig
from training.contrastive import Rows, neighbours, tune
from training.curves import CHOOSE, FINAL, Curves
from training.heads import taught
from training.held_out import HeldOut, held_out
from training.label_columns import read_labels
from training.language import learning_rate
from training.language import load as load_language
from training.loop import Around, fit
from training.near_cases import list_neighbours, past_of, weigh_parts
from training.processes import Processes, join
from training.progress import Progress, Record
from training.queries import read_queries
from training.recommender import Recommender, build
from training.runs import finish, new_run, read_history, write_config, write_weights
from training.samples import Catalogue, read_catalogue
from training.schedule import seed_everything
from training.shrinkage import settle
from training.text_cache import TextCache
from training.windows import read_windows


def train(
    store: FeatureStore,
    settings: StoreSettings,
    snapshot: Path,
    models: Path,
    config: TrainConfig,
    resume: Path | None = None,
    wandb: bool = False,
) -> Path:
    """Train on a snapshot and write the run, or go on with ``resume``; returns its folder. Raises Stopped, Diverged."""
    processes = join(config.cpu)
    torch.set_num_threads(max(1, config.threads // processes.count))
    saved = checkpoint.read(resume) if resume else None
    catalogue = read_catalogue(snapshot)
    queries = read_queries(snapshot)
    pairs = _pairs(config, snapshot, catalogue) if config.encoder_pretrain_steps and not saved else None
    recommender, cache = untrained(config, catalogue, processes.device, queries.texts, pairs)
    run: Path = resume or processes.agree(new_run(models) if processes.first else None)
    if processes.first and not resume:
        write_config(run, config, snapshot.name)
    with Curves(run, _before(run, saved), asdict(config), wandb) if processes.first else nullcontext() as curves:
        if not saved or saved.stage == CHOOSE:
            known = store, settings, snapshot, catalogue, queries, config.cases
            held = held_out(*known) if processes.first else HeldOut()
            data = read_data(snapshot, catalogue, ["train"], queries)
            if processes.first:
                print(f"{data}, {len(held.cases)} validation cases -> {run}", flush=True)
            around = _around(run, CHOOSE, processes, saved, curves)
            ready = taught(config, recommender.ranker.heads, data.users)
            history = fit(recommender, cache, data, held, config.epochs, ready, around)
            learned = recommender.residual.detach().clone()
            _settle(recommender, cache, past_of(settings, snapshot, "validation_after_ms"), catalogue, config)
            parts = processes.agree(weigh_parts(recommender, cache.vectors, held))
            unseen = read_labels(snapshot, catalogue, "validation", queries)
            calibration = calibrate(recommender, cache.vectors, unseen, config.click_rate)
            if processes.first:
                write_config(run, config, snapshot.name, history=history, calibration=calibration, parts=parts)
                write_weights(run / "validated.pt", recommender, cache.state(), catalogue)
            # The last epochs go on from what was learned, and it is settled anew.
            recommender.residual.data.copy_(learned)
        if config.final_epochs:
            # The newest events matter most to a stream: take the validation window in, at the pace training ended with.
            # What the numbers of a candidate are worth stays as it was measured: only the vectors learn on.
            late = replace(config, learning_rate=config.learning_rate * config.final_rate, encoder_refreshes=0)
            late = replace(late, ranking_weight=0.0, shown_weight=0.0, click_weight=0.0)
            data = read_data(snapshot, catalogue, ["train", "validation"], queries)
            around = _around(run, FINAL, processes, saved, curves)
            ready = taught(late, recommender.ranker.heads, data.users)
            fit(recommender, cache, data, HeldOut(), config.final_epochs, ready, around)
    _settle(recommender, cache, past_of(settings, snapshot, "until_ms"), catalogue, config)
    if processes.first:
        write_weights(run / "model.pt", recommender, cache.state(), catalogue)
        finish(run)
        checkpoint.remove(run)
    return run


def _settle(
    recommender: Recommender, cache: TextCache, past: pd.DataFrame, catalogue: Catalogue, config: TrainConfig
) -> None:
    """What is made of the past when all else is trained: residuals that are to be trusted, and lists of near items."""
    settle(recommender, cache.vectors, past, catalogue, config.borrowed_events)
    list_neighbours(recommender, cache.vectors, past, catalogue)


def untrained(
    config: TrainConfig,
    catalogue: Catalogue,
    device: torch.device,
    queries: Sequence[str] = (),
    pairs: Rows | None = None,
) -> tuple[Recommender, TextCache]:
    """What a training begins with: a recommender without training, and the language model behind its texts.

    With ``pairs`` of items (contrastive.neighbours) the language model is tuned on them first.
    """
    seed_everything(config.seed)
    tokenizer, language = load_language(config.encoder, config.encoder_tuning, config.encoder_layers, config.lora_rank)
    rate = learning_rate(config.encoder_tuning, config.encoder_learning_rate)
    if pairs is not None:
        plan = (config.encoder_pretrain_steps, config.encoder_pretrain_batch, config.text_tokens)
        tune(
            tokenizer,
            language.to(device),
            catalogue.texts,
            pairs,
            *plan,
            config.encoder_pretrain_rate or rate,
            config.seed,
        )
    schedule = (rate, config.encoder_warmup, config.encoder_steps)
    texts = [*catalogue.texts, *queries]
    cache = TextCache(tokenizer, language.to(device), texts, config.text_tokens, *schedule)
    media = {kind: torch.from_numpy(vectors) for kind, vectors in catalogue.media.items()}
    return build(config, cache.vectors.shape[1], torch.from_numpy(catalogue.attributes), media), cache


def _pairs(config: TrainConfig, snapshot: Path, catalogue: Catalogue) -> Rows:
    return neighbours(read_windows(snapshot, catalogue, "train"), config.encoder_pretrain_distance)


def _around(run: Path, stage: int, processes: Processes, saved: Checkpoint | None, curves: Curves | None) -> Around:
    """Checkpoints and curves of a stage, kept by the first process."""
    state = saved.state if saved and saved.stage == stage else None
    if curves is None:
        return Around(processes, stage, state)
    before, drawn = _steps_before(run, stage), curves

    def save(progress: Progress) -> None:
        checkpoint.write(run, stage, progress)

    def tell(kind: str, record: Record) -> None:
        drawn.write(kind, stage, before, record)

    advice = f"; go on with: python -m training.train --resume {run}"
    return Around(processes, stage, state, save, tell, advice)


def _before(run: Path, saved: Checkpoint | None) -> int:
    """Steps of both stages that a run has done."""
    return _steps_before(run, saved.stage) + saved.step if saved else 0


def _steps_before(run: Path, stage: int) -> int:
    history = read_history(run) if stage == FINAL else []
    return int(history[-1]["step"]) if history else 0
