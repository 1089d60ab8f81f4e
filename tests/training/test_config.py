import argparse

import pytest

from training.config import SnapshotConfig, TrainConfig, add_flags, from_flags


def parse(config: type, *flags: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_flags(parser, config)
    return parser.parse_args(flags)


def test_flags_replace_defaults_and_keep_their_types() -> None:
    config = from_flags(TrainConfig, parse(TrainConfig, "--learning-rate", "0.5", "--epochs", "7"))
    assert (config.learning_rate, config.epochs, config.layers) == (0.5, 7, TrainConfig().layers)


def test_a_flag_wins_over_a_preset() -> None:
    assert from_flags(TrainConfig, parse(TrainConfig, "--epochs", "7"), epochs=2, layers=1).epochs == 7


def test_a_switch_can_be_turned_on() -> None:
    assert from_flags(SnapshotConfig, parse(SnapshotConfig, "--as-written")).as_written


def test_an_unknown_flag_is_refused() -> None:
    with pytest.raises(SystemExit):
        parse(TrainConfig, "--learning-rte", "0.5")
