"""The sequence baseline: the network, its training, and that a stopped training goes on as if it had not been."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from feast import FeatureStore

from feature_repo.settings import StoreSettings
from training import sasrec
from training.baselines.sasrec import SASRec, Scorer, padded, sequence_loss
from training.baselines.trained_sasrec import trained
from training.cases import Case, cases_among
from training.config import SasrecConfig, SnapshotConfig
from training.log import interactions
from training.plain_cases import plain_cases
from training.samples import read_catalogue
from training.sasrec import name_of, train_epoch, train_sasrec, windows
from training.snapshot import write_snapshot

TINY = SasrecConfig(length=8, layers=1, epochs=4, batch=4, patience=2)


@pytest.fixture
def alone(snapshot: Path, tmp_path: Path) -> Path:
    """The snapshot in a folder of its own: trainings are kept beside it."""
    return Path(shutil.copytree(snapshot, tmp_path / snapshot.name))


def network(size: int = 6) -> SASRec:
    torch.manual_seed(0)
    return SASRec(size, 8, 1, 2, 0.0)


def test_a_history_is_read_from_its_newest_entries() -> None:
    assert padded([np.array([0, 1, 2]), np.array([4])], 2).tolist() == [[2, 3], [5, 0]]
    assert padded([np.array([], int)], 3).tolist() == [[0]]


def test_windows_teach_every_entry_but_the_first_once() -> None:
    taught = [entry for window in windows([np.arange(12), np.arange(1)], 5) for entry in window[1:].tolist()]
    assert sorted(taught) == list(range(1, 12))
    assert max(map(len, windows([np.arange(12)], 5))) == 6


def test_the_loss_is_the_cross_entropy_of_every_next_entry() -> None:
    made = network().eval()
    rows = padded([np.array([0, 1, 2]), np.array([4, 3])], 3)
    scores = [made.scores([history])[0].log_softmax(0) for history in (np.array([0]), np.array([0, 1]), np.array([4]))]
    expected = -(scores[0][1] + scores[1][2] + scores[2][3]) / 3
    assert sequence_loss(made, rows, 100).item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_target_is_no_negative_of_itself() -> None:
    made = network(1)  # the only item there is to draw
    assert sequence_loss(made, padded([np.array([0, 0])], 2), 0).item() == pytest.approx(0.0)


def test_cases_together_score_as_each_alone() -> None:
    scorer = Scorer(network())
    cases = [Case("u", "i", 0, np.array(seen, np.int64), 0, {}, {}) for seen in ([0, 1], [], [5, 4, 3, 2, 1, 0] * 3)]
    torch.testing.assert_close(
        torch.tensor(scorer(cases)), torch.tensor(np.concatenate([scorer([each]) for each in cases]))
    )


def test_it_learns_that_one_item_follows_another() -> None:
    made = network()
    optimizer = torch.optim.Adam(made.parameters(), lr=0.01)
    sequences = [np.roll(np.arange(6), turn) for turn in range(6)]
    for _ in range(60):
        train_epoch(made, optimizer, sequences, TINY)
    assert made.scores([np.array([2, 3]), np.array([5, 0])]).argmax(1).tolist() == [4, 1]


def test_plain_cases_are_those_of_the_walk(settings: StoreSettings, snapshot: Path) -> None:
    catalogue, found = read_catalogue(snapshot), interactions(settings)
    middle = len(found) // 2
    past, later = found[:middle], found[middle:].reset_index(drop=True)
    met = {user_id: len(rows) for user_id, rows in past.groupby("user_id")}
    chosen = later[cases_among(later, met, set(past.item_id), 10, 1)]
    cases = plain_cases(past, later, catalogue)
    assert [(case.user_id, case.item_id) for case in cases] == list(zip(chosen.user_id, chosen.item_id, strict=True))
    place = int(chosen.index[-1])
    before = found[: middle + place]
    seen = before[before.user_id == cases[-1].user_id].item_id.tolist()
    assert [catalogue.ids[row] for row in cases[-1].seen] == seen


def test_a_training_is_kept_beside_its_snapshot_and_found_there(settings: StoreSettings, alone: Path) -> None:
    weights = train_sasrec(settings, alone, TINY)
    assert weights and weights == train_sasrec(settings, alone, TINY)
    made = json.loads(weights.with_suffix(".json").read_text())
    phases = [record["phase"] for record in made["history"]]
    assert phases.count("final") == made["epochs"] <= phases.count("search") <= TINY.epochs
    assert made["seconds"]["search"] > 0 and not list(alone.glob("*.part.pt"))
    size = len(read_catalogue(alone))
    case = Case("u", "i", 0, np.array([0], np.int64), 0, {}, {})
    final, validated = (trained(alone, size, which, 0) for which in ("final", "validated"))
    assert final and validated and final([case]).shape == (1, size)
    assert not np.allclose(final([case]), validated([case]))


def test_a_snapshot_that_is_made_again_keeps_what_was_trained_on_it(
    store: FeatureStore, settings: StoreSettings, tmp_path: Path
) -> None:
    config = SnapshotConfig(until="0.8", validation=0.3, negatives=1, stride=8)
    made = write_snapshot(store, settings, tmp_path, config)
    (made / "sasrec-0-abc.json").write_text("{}")
    assert write_snapshot(store, settings, tmp_path, config) == made
    assert (made / "sasrec-0-abc.json").read_text() == "{}"


def test_the_training_of_the_runs_own_seed_is_preferred(settings: StoreSettings, alone: Path) -> None:
    size, quick = len(read_catalogue(alone)), SasrecConfig(length=8, layers=1, epochs=1, batch=4)
    assert trained(alone, size, "final", 0) is None
    for seed in (0, 1):
        train_sasrec(settings, alone, SasrecConfig(**{**vars(quick), "seed": seed}))
    case = Case("u", "i", 0, np.array([0], np.int64), 0, {}, {})
    scores = [scorer([case]) for seed in (0, 1, 7) if (scorer := trained(alone, size, "final", seed))]
    assert not np.allclose(scores[0], scores[1])
    np.testing.assert_array_equal(scores[1], scores[2])  # no seed 7: the newest


def test_a_stopped_training_ends_as_one_that_was_not(
    settings: StoreSettings, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = train_sasrec(settings, alone, TINY)
    assert at_once
    expected = torch.load(at_once, weights_only=True)
    at_once.unlink()
    ticks = iter(range(10_000))
    monkeypatch.setattr(sasrec.time, "monotonic", lambda: next(ticks))  # every look at the clock is a second later
    stops = 0
    while train_sasrec(settings, alone, TINY, minutes=4 / 60) is None:
        assert (alone / f"{name_of(TINY)}.part.pt").exists()
        stops += 1
    found = torch.load(at_once, weights_only=True)
    assert stops > 2
    for which in ("validated", "final"):
        for name, tensor in expected[which].items():
            torch.testing.assert_close(found[which][name], tensor, rtol=0, atol=0)
