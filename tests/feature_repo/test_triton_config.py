"""triton_models/ranker/config.pbtxt says what ranking_v1 says."""

from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as config

from feature_repo.inputs import tensors

RANKER = Path(__file__).parents[2] / "triton_models/ranker/config.pbtxt"
TYPES = {"float32": config.TYPE_FP32, "int64": config.TYPE_INT64}


def test_the_rankers_inputs_in_triton_are_the_tensors_of_ranking_v1() -> None:
    model = text_format.Parse(RANKER.read_text(), config.ModelConfig())
    written = sorted((each.name, tuple(each.dims), each.data_type) for each in model.input)
    ours = [(name, tuple(-1 if size == "N" else size for size in shape), TYPES[t]) for name, shape, t in tensors()]
    assert written == ours


def test_the_ranker_in_triton_answers_scores_and_the_click_probabilities_they_stand_for() -> None:
    model = text_format.Parse(RANKER.read_text(), config.ModelConfig())
    assert [(each.name, list(each.dims)) for each in model.output] == [("scores", [-1]), ("click_probability", [-1])]
