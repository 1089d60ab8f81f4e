"""snapshot -> train -> evaluate -> export on the tiny shop, through the same functions as the commands."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from feast import FeatureStore
from tokenizers import Tokenizer

from feature_repo.bundle import current, read_bundle
from feature_repo.inputs import tensors
from feature_repo.item_text import content_fingerprint
from feature_repo.settings import StoreSettings
from tests.training.tiny import content, events
from training.baselines import FITS
from training.config import TrainConfig
from training.evaluate import page, run_evaluation
from training.example_inputs import ranker_inputs
from training.export import export
from training.log import EmptyLog
from training.metrics import summary
from training.onnx_models import Served
from training.parity import ParityError, check_parity
from training.report.__main__ import report, write
from training.rivals import read_weights
from training.runs import latest_run, read_run
from training.settings import TrainingSettings
from training.train import train
from training.variants import is_export_of

REPOSITORY = Path(__file__).parents[2] / "triton_models"


@pytest.fixture(scope="module")
def folder(
    store: FeatureStore, settings: StoreSettings, snapshot: Path, encoder: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    config = TrainConfig(
        encoder=encoder,
        layers=1,
        hidden=16,
        epochs=2,
        labels=16,
        windows=8,
        lora_rank=2,
        encoder_refreshes=1,
        encoder_pretrain_steps=2,
        final_epochs=1,
    )
    return train(store, settings, snapshot, tmp_path_factory.mktemp("models"), config)


@pytest.fixture(scope="module")
def folders(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingSettings:
    data = tmp_path_factory.mktemp("export")
    for name in ("ranker", "user_encoder", "item_encoder"):
        (data / "triton_models" / name).mkdir(parents=True)
        shutil.copy(REPOSITORY / name / "config.pbtxt", data / "triton_models" / name)
    return TrainingSettings(data_dir=data, model_repository=data / "triton_models")


@pytest.fixture(scope="module")
def bundle(folder: Path, folders: TrainingSettings) -> Path:
    return export(read_run(folder), folders)


def test_a_run_keeps_its_configuration_and_its_history(folder: Path) -> None:
    made = json.loads((folder / "config.json").read_text())
    assert made["config"]["lora_rank"] == 2 and len(made["history"]) == 2
    assert latest_run(folder.parent) == folder
    assert made["calibration"]["slope"] >= 0 and "sampled negatives" in made["calibration"]["fitted_to"]


def test_a_run_that_is_read_computes_what_was_saved(folder: Path) -> None:
    one, other = (read_run(folder) for _ in range(2))
    assert torch.equal(one.recommender.matrix(one.text), other.recommender.matrix(other.text))
    assert one.adapter and one.text.shape == (12, 16)


def test_evaluation_measures_model_and_baselines_on_the_same_cases(
    store: FeatureStore, settings: StoreSettings, snapshot: Path, folder: Path, tmp_path: Path
) -> None:
    events().to_parquet(tmp_path / "events.parquet")
    table = run_evaluation(store, settings, folder, snapshot, tmp_path / "events.parquet", validation=False)
    assert set(table) == {"model", *FITS}
    assert len({row["cases"] for row in table.values()}) == 1 and table["model"]["cases"] > 5
    assert json.loads((folder / "metrics.json").read_text())["test"] == table
    assert "item-kNN" in page(table)
    cases, scored = (pd.read_parquet(folder / f"{name}-test.parquet") for name in ("cases", "scored"))
    assert summary(cases["rank_EASE"])["ndcg@10"] == pytest.approx(table["EASE"]["ndcg@10"])
    assert set(scored.case) <= set(cases.index) and scored.groupby("case").label.sum().eq(1).all()


def test_a_run_that_was_evaluated_is_reported_on(
    store: FeatureStore, settings: StoreSettings, snapshot: Path, folder: Path, tmp_path: Path
) -> None:
    events().to_parquet(tmp_path / "events.parquet")
    run = tmp_path / "run"
    shutil.copytree(folder, run)
    run_evaluation(store, settings, run, snapshot, tmp_path / "events.parquet", False, "popularity")
    made = report(run, settings, snapshot.parent, None, tmp_path / "events.parquet", 6)
    assert made["headline"]["scorers"][0]["ndcg@10"]["value"] == pytest.approx(
        json.loads((run / "metrics.json").read_text())["test"]["model"]["ndcg@10"]
    )
    shuffled = {row["name"]: row for row in made["importance"]["rows"]}
    assert {"history", "history_gaps", "item_actions_7d", "text vectors", "item vectors"} <= set(shuffled)
    assert 0 < made["importance"]["cases"] <= 6 and made["tuning"]["texts"]["items"] == 12
    numbers = write(made, tmp_path / "report.html")
    assert json.loads(numbers.read_text())["run"]["name"] == "run"


def test_what_was_shown_is_evaluated_per_impression_and_against_another_run(
    store: FeatureStore, settings: StoreSettings, snapshot: Path, folder: Path, tmp_path: Path
) -> None:
    clicks = events().assign(position=0.0)
    clicks["request_id"] = [f"r{number}" for number in range(len(clicks))]
    others = clicks.assign(action="impression", item_id=clicks.item_id.shift(3, fill_value="i0"), position=1.0)
    shown = pd.concat([clicks.assign(action="impression"), others[others.item_id != clicks.item_id], clicks])
    shown.sort_values("timestamp", kind="stable").to_parquet(tmp_path / "events.parquet")
    for name in ("one", "other"):
        shutil.copytree(folder, tmp_path / name)
    given = (tmp_path / "events.parquet", False, "popularity", [tmp_path / "other"])
    table = run_evaluation(store, settings, tmp_path / "one", snapshot, *given)
    assert table["other"]["ndcg@10"] == table["model"]["ndcg@10"]
    found = json.loads((tmp_path / "one" / "metrics.json").read_text())["test_impressions"]
    assert set(found) == {"model", "other", "popularity", "click rate", "7-day click rate", "random"}
    assert found["other"]["auc"] == found["model"]["auc"] and found["model"]["log_loss"] > 0
    slates, items = (pd.read_parquet(tmp_path / "one" / f"{each}-test.parquet") for each in ("impressions", "shown"))
    assert len(slates) == found["model"]["slates"] and slates.shown.sum() == len(items)
    assert slates.auc_model.mean() == pytest.approx(found["model"]["auc"])


def test_a_training_that_has_not_ended_is_not_evaluated(tmp_path: Path) -> None:
    with pytest.raises(EmptyLog, match="has not ended"):
        read_weights(tmp_path, validation=False)


def test_the_log_itself_can_be_evaluated(
    store: FeatureStore, settings: StoreSettings, snapshot: Path, folder: Path
) -> None:
    run_evaluation(store, settings, folder, snapshot, None, validation=True)
    assert "validation" in json.loads((folder / "metrics.json").read_text())


def test_the_exported_bundle_fits_this_code_and_is_promoted(bundle: Path, folders: TrainingSettings) -> None:
    found = read_bundle(current(folders.bundle_folder))
    assert found.path == bundle.resolve()
    assert found.item_vectors.shape == (12, 64) and found.metadata.model_version == bundle.name
    assert found.metadata.triton_version == 1


def test_the_bundle_says_of_which_texts_its_vectors_are_and_what_goes_beyond_them(bundle: Path, folder: Path) -> None:
    found, run = read_bundle(bundle), read_run(folder)
    rows = [content(item_id) for item_id in found.item_ids]
    assert found.item_fingerprints is not None and found.item_residuals is not None
    assert found.item_fingerprints.tolist() == [content_fingerprint(row) for row in rows]
    with torch.no_grad():
        texts = run.recommender.tower(run.text, run.recommender.attributes).numpy()
    np.testing.assert_allclose(texts + found.item_residuals, found.item_vectors, atol=1e-6)


def test_a_run_of_before_fingerprints_were_kept_is_exported_without_them(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "old")
    saved = torch.load(tmp_path / "old" / "model.pt", weights_only=True)
    del saved["fingerprints"]
    torch.save(saved, tmp_path / "old" / "model.pt")
    assert read_run(tmp_path / "old").fingerprints is None


def test_triton_gets_all_models_under_one_version(bundle: Path, folders: TrainingSettings) -> None:
    for name in ("ranker", "user_encoder", "item_encoder"):
        published = folders.model_repository / name / "1" / "model.onnx"
        assert published.read_bytes() == (bundle / f"{name}.onnx").read_bytes()
    assert sorted(path.name for path in (folders.model_repository / "ranker").iterdir()) == ["1", "config.pbtxt"]


def test_the_ranker_takes_the_tensors_of_the_feature_service_in_any_batch(bundle: Path) -> None:
    session = onnxruntime.InferenceSession(str(bundle / "ranker.onnx"))
    assert sorted(each.name for each in session.get_inputs()) == [tensor.name for tensor in tensors()]
    for batch, items in ((1, 1), (4, 100)):
        assert session.run(["scores"], ranker_inputs(batch, items))[0].shape == (batch, items)


def test_a_model_that_differs_from_its_export_is_refused(bundle: Path, folder: Path) -> None:
    ranker = read_run(folder).recommender.ranker
    served, rows = Served(ranker), [ranker_inputs(2, 3)]
    assert check_parity(served, bundle / "ranker.onnx", rows) < 1e-4
    with torch.no_grad():
        ranker.scorer.scale.add_(0.1)
    with pytest.raises(ParityError, match="differs"):
        check_parity(served, bundle / "ranker.onnx", rows)


def test_variants_are_measured_of_the_run_that_was_exported_and_not_of_another_seed(bundle: Path, folder: Path) -> None:
    run, exported = read_run(folder), read_bundle(bundle)
    assert is_export_of(exported, run)
    with torch.no_grad():
        run.recommender.residual.add_(0.01)
    assert not is_export_of(exported, run)
    assert not is_export_of(exported, replace(run, snapshot_id="another"))


def test_a_new_item_gets_the_vector_of_its_text(bundle: Path) -> None:
    session, tokenizer = (
        onnxruntime.InferenceSession(str(bundle / "item_encoder.onnx")),
        Tokenizer.from_file(str(bundle / "tokenizer.json")),
    )
    encoded = tokenizer.encode_batch(["tea cup red", "saw"])
    vectors = session.run(
        ["item_vector"],
        {
            "input_ids": np.array([each.ids for each in encoded]),
            "attention_mask": np.array([each.attention_mask for each in encoded]),
            "item_attributes": np.zeros((2, 8), np.int64),
        },
    )[0]
    assert vectors.shape == (2, 64) and np.isfinite(vectors).all()
