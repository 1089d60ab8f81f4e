from pathlib import Path

import optuna
import pytest
from feast import FeatureStore

from feature_repo.settings import StoreSettings
from training.config import TrainConfig
from training.search_space import SPACE
from training.tune import Table, main, open_study, page, read_table, tune

NAMES = ("learning_rate", "dropout", "layers")


@pytest.fixture(scope="module")
def table(store: FeatureStore, settings: StoreSettings, snapshot: Path) -> Table:
    return read_table(store, settings, snapshot)


@pytest.fixture
def base(encoder: str) -> TrainConfig:
    return TrainConfig(encoder=encoder, encoder_tuning="frozen", hidden=16, epochs=2, windows=8, labels=8, threads=1)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/tune.db"


def test_a_study_goes_on_where_it_was_left(table: Table, base: TrainConfig, url: str) -> None:
    tune(open_study(url, "shop", 0), table, base, NAMES, trials=2, minutes=5)
    tune(open_study(url, "shop", 0), table, base, NAMES, trials=1, minutes=5)
    study = open_study(url, "shop", 0)
    assert len(study.trials) == 3
    assert len({trial.params["learning_rate"] for trial in study.trials}) == 3
    assert all(set(trial.params) == set(NAMES) and 1 in trial.intermediate_values for trial in study.trials)


def test_the_best_settings_are_a_command_line() -> None:
    study = optuna.create_study(study_name="shop", direction="maximize")
    study.optimize(lambda trial: trial.suggest_float("learning_rate", 0.001, 0.002), n_trials=2)
    best = f"--learning-rate {study.best_params['learning_rate']:.4g}"
    assert page(study, {"epochs": 3, "cpu": True}).endswith(f"python -m training.train --epochs 3 --cpu {best}")


def test_a_study_without_trials_says_so() -> None:
    assert page(optuna.create_study(study_name="shop"), {}) == "study shop: no trial yet"


def test_a_trial_that_falls_behind_is_given_up(table: Table, base: TrainConfig) -> None:
    pruner = optuna.pruners.ThresholdPruner(lower=1.1)  # no NDCG reaches that
    study = optuna.create_study(direction="maximize", pruner=pruner)
    tune(study, table, base, NAMES, trials=1, minutes=5)
    assert study.trials[0].state is optuna.trial.TrialState.PRUNED


def test_every_setting_of_the_search_space_is_one_of_the_trainer() -> None:
    assert SPACE.keys() <= vars(TrainConfig()).keys()


def test_a_setting_that_is_not_in_the_search_space_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--search", "learning_rate,luck"])
    assert "luck is not in the search space" in capsys.readouterr().err
