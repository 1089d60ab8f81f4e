"""triton_models/ says what ranking_v1 says."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as config

from feature_repo.inputs import Tensor, asking_tensors, tensors
from feature_repo.vocabulary import VECTOR_SIZE

MODELS = Path(__file__).parents[2] / "triton_models"
TYPES = {"float32": config.TYPE_FP32, "int64": config.TYPE_INT64}


def read(name: str) -> Any:
    return text_format.Parse((MODELS / name / "config.pbtxt").read_text(), config.ModelConfig())


def written(model: Any) -> list[tuple[str, tuple[int, ...], int]]:
    return sorted((each.name, tuple(each.dims), each.data_type) for each in model.input)


def ours(named: Sequence[Tensor]) -> list[tuple[str, tuple[int | str, ...], int]]:
    return [(name, tuple(-1 if size == "N" else size for size in shape), TYPES[kind]) for name, shape, kind in named]


def test_the_rankers_inputs_in_triton_are_the_tensors_of_ranking_v1() -> None:
    assert written(read("ranker")) == ours(tensors())


def test_the_user_encoders_inputs_in_triton_are_those_of_them_that_no_candidate_changes() -> None:
    assert written(read("user_encoder")) == ours(asking_tensors())
    assert [(each.name, list(each.dims)) for each in read("user_encoder").output] == [("user_vector", [VECTOR_SIZE])]


def test_the_ranker_in_triton_answers_scores_and_the_click_probabilities_they_stand_for() -> None:
    outputs = [(each.name, list(each.dims)) for each in read("ranker").output]
    assert outputs == [("scores", [-1]), ("click_probability", [-1])]
