"""What is measured of a variant, and when it is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.tiny import language_model
from training.cases import Case
from training.config import TrainConfig
from training.example_inputs import ranker_inputs
from training.item_tower import ItemEncoder
from training.language import load
from training.onnx_models import export_encoder, export_ranker
from training.parity import session
from training.recommender import build
from training.samples import Catalogue
from training.trial import Trial, difference, rank_correlation, scores
from training.variants import Measured, VariantRefused, measure, page, put_variant, refusals

EXACT = Measured("ranker", "fp32", 1_000_000, 0.4, 0.20, 0.0, 1.0)
SMALL = replace(EXACT, variant="int8", bytes=400_000, milliseconds=0.3, difference=0.05, rank_correlation=0.99)


def test_a_variant_that_ranks_as_well_is_not_refused() -> None:
    assert refusals([EXACT, SMALL, replace(SMALL, ndcg=0.1970)]) == ["", "", ""]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ndcg": 0.19}, "ranker as int8 has NDCG@10 0.1900, fp32 0.2000: more than 2% less"),
        ({"difference": 0.11}, "ranker as int8 differs by 0.11, more than 0.1"),
        ({"difference": float("nan")}, "ranker as int8 differs by nan, more than 0.1"),
        ({"variant": "fp16"}, "ranker as fp16 differs by 0.05, more than 0.01"),
    ],
)
def test_a_variant_that_ranks_worse_or_computes_something_else_is_refused(
    changed: dict[str, float], reason: str
) -> None:
    worse = replace(SMALL, **changed)  # type: ignore[arg-type]
    assert refusals([EXACT, worse]) == ["", reason]
    assert reason in page([EXACT, worse]) and "refused" in page([EXACT, worse])


def test_each_model_is_held_against_its_own_fp32() -> None:
    encoder = replace(EXACT, model="item_encoder", ndcg=0.1)
    assert refusals([EXACT, encoder, replace(SMALL, model="item_encoder", ndcg=0.1)]) == ["", "", ""]


def test_differences_are_in_units_of_the_largest_number_above_one() -> None:
    assert difference(np.array([0.5, 0.1]), np.array([0.5, 0.2])) == pytest.approx(0.1)
    assert difference(np.array([9.0, 1.0]), np.array([10.0, 1.0])) == pytest.approx(0.1)


def test_rank_correlation_is_of_orders_and_not_of_numbers() -> None:
    expected = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    assert rank_correlation(np.exp(expected), expected) == pytest.approx(1.0)
    assert rank_correlation(-expected, expected) == pytest.approx(-1.0)


ITEMS, VECTORS = 40, ("history_vectors", "item_vectors")


def some_cases(count: int) -> list[Case]:
    """Users with a history of catalogue items and all items as candidates."""
    draw, rows = np.random.default_rng(0), ranker_inputs(count + 1, ITEMS)
    cases = []
    for place in range(1, count + 1):
        tensors = {
            name: array[place] for name, array in rows.items() if name not in ("history_vectors", "item_vectors")
        }
        tensors["history_rows"] = draw.integers(1, ITEMS + 1, 64)
        cases.append(Case("u", "i", int(draw.integers(ITEMS)), np.array([], np.int64), 0, tensors, {}))
    return cases


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trial]:
    """The models of an untrained recommender, and a trial in which its own favourites are what came."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("bundle")
    tokenizer, language = load(language_model(folder / "language"))
    attributes = torch.randint(1, 4096, (ITEMS, 8))
    recommender = build(TrainConfig(layers=1, hidden=16), 16, attributes)
    recommender.modules().eval()
    export_ranker(recommender.ranker, folder / "ranker.onnx")
    export_encoder(ItemEncoder(language, recommender.tower).eval(), folder / "item_encoder.onnx")
    tokenizer.backend_tokenizer.enable_padding()
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    texts = [["tea cup", "saw nail red", "blue"][place % 3] for place in range(ITEMS)]
    nothing = np.zeros((ITEMS, 0), np.int64)
    catalogue = Catalogue([], texts, attributes.numpy(), nothing, {}, [], nothing, {}, [], {})
    catalogue.ids.extend(map(str, range(ITEMS)))
    with torch.no_grad():
        matrix = recommender.matrix(torch.randn(ITEMS, 16))
    trial = Trial(some_cases(6), catalogue, recommender, matrix, None)
    best = scores(session(folder / "ranker.onnx"), trial, matrix, "ranker").argmax(1).tolist()
    return folder, replace(
        trial, cases=[replace(case, target=row) for case, row in zip(trial.cases, best, strict=True)]
    )


def test_every_variant_of_both_models_is_measured(exported: tuple[Path, Trial], tmp_path: Path) -> None:
    found = {(each.model, each.variant): each for each in measure(exported[0], tmp_path, exported[1])}
    assert len(found) == 6
    exact = found["ranker", "fp32"]
    assert (exact.difference, exact.ndcg, exact.milliseconds > 0) == (0.0, 1.0, True)
    for variant in ("int8", "fp16"):
        small = found["ranker", variant]
        assert small.bytes < exact.bytes and 0 < small.difference < 0.1 and small.rank_correlation > 0.9
        assert 0 < found["item_encoder", variant].difference < 0.1


def test_a_variant_takes_the_place_of_the_models_unless_it_is_refused(
    exported: tuple[Path, Trial], tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name in ("ranker.onnx", "item_encoder.onnx", "tokenizer.json"):
        (folder / name).write_bytes((exported[0] / name).read_bytes())
    put_variant(folder, exported[1], "fp16")
    assert (folder / "ranker.onnx").stat().st_size < (exported[0] / "ranker.onnx").stat().st_size
    assert sorted(path.name for path in folder.iterdir()) == ["item_encoder.onnx", "ranker.onnx", "tokenizer.json"]
    broken = exported[0].parent / "broken"
    broken.mkdir()
    unlike = replace(exported[1], cases=exported[1].cases[:1])
    with pytest.raises(VariantRefused, match="differs by"), pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("training.variants").variants.TOLERANCES, "int8", 0.0)
        put_variant(exported[0], unlike, "int8")
