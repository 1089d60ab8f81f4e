"""Images and sound of items, as vectors: from the catalogue to item vectors, ONNX and Triton's configuration."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from google.protobuf import text_format
from torch import Tensor
from tritonclient.grpc import model_config_pb2

from feature_repo.item_text import EncoderInput, encoder_input
from training.config import TrainConfig
from training.example_inputs import encoder_inputs
from training.item_media import media_of
from training.item_tower import ItemEncoder, ItemTower, item_matrix, media_sizes
from training.language import load
from training.onnx_models import export_encoder
from training.parity import check_parity
from training.publish import media_config, next_version, publish, triton_names
from training.recommender import build

REPOSITORY = Path(__file__).parents[2] / "triton_models"
TEXT, ATTRIBUTES = torch.rand(3, 5), torch.tensor([[5, 0], [6, 7], [0, 0]])


def asked(image: list[float], audio: list[float] | None = None) -> EncoderInput:
    return encoder_input({"item_title": "Tea", "item_image_vector": image, "item_audio_vector": audio})


def tower(dropout: float = 0.0) -> ItemTower:
    torch.manual_seed(0)
    return ItemTower(5, {"image": 4, "audio": 3}, dropout)


def test_a_catalogue_has_a_matrix_for_each_kind_of_media_it_has() -> None:
    found = media_of(["a", "b"], [asked([1, 2]), asked([])])
    assert found.keys() == {"image"} and found["image"].tolist() == [[1, 2], [0, 0]]
    assert media_of(["a"], [asked([])]) == {}


def test_vectors_of_another_size_than_most_count_as_missing_and_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    found = media_of(["a", "b", "odd"], [asked([1, 2]), asked([3, 4]), asked([5])])
    assert found["image"].tolist() == [[1, 2], [3, 4], [0, 0]]
    assert "1 items have image vectors of another size than the 2 numbers of most" in capsys.readouterr().out


def test_what_an_item_lacks_adds_nothing() -> None:
    plain, made = tower()(TEXT, ATTRIBUTES), tower()
    given = {"image": torch.rand(3, 4), "audio": torch.zeros(3, 3)}
    given["image"][1] = 0
    vectors = made(TEXT, ATTRIBUTES, given)
    assert torch.allclose(vectors[1], plain[1]) and not torch.allclose(vectors[0], plain[0])
    assert torch.equal(made(TEXT, ATTRIBUTES, {}), plain)


def test_the_length_of_a_media_vector_does_not_matter() -> None:
    image, made = torch.rand(3, 4) + 0.1, tower()
    assert torch.allclose(
        made(TEXT, ATTRIBUTES, {"image": image}), made(TEXT, ATTRIBUTES, {"image": 30 * image}), atol=1e-5
    )


def test_items_go_without_their_media_in_training_and_never_in_use() -> None:
    made, image = tower(dropout=0.5), torch.rand(200, 4)
    text, attributes = torch.zeros(200, 5), torch.zeros(200, 1, dtype=torch.int64)
    plain = made(text, attributes)
    without = (made(text, attributes, {"image": image}) == plain).all(1).float().mean()
    assert 0.3 < without < 0.7
    assert not (made.eval()(text, attributes, {"image": image}) == plain).all(1).any()


def test_an_image_teaches_where_texts_say_nothing() -> None:
    made = ItemTower(5, {"image": 2})
    text, attributes = torch.zeros(4, 5), torch.zeros(4, 1, dtype=torch.int64)
    images = {"image": torch.tensor([[1.0, 0], [1, 0.1], [0, 1], [0.1, 1]])}
    wanted = torch.zeros(4, 64)
    wanted[2:] = 1
    optimizer = torch.optim.Adam(made.parameters(), lr=0.05)
    for _ in range(60):
        loss = (made(text, attributes, images) - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert loss.item() < 0.02


def test_an_item_with_an_image_ranks_differently() -> None:
    media = {"image": torch.zeros(3, 4)}
    recommender = build(TrainConfig(), 5, ATTRIBUTES, media)
    before = recommender.matrix(TEXT)
    recommender.media["image"][1] = 1.0
    changed = (recommender.matrix(TEXT) != before).any(1)
    assert changed.tolist() == [False, False, True, False]


def test_a_cold_item_keeps_its_image() -> None:
    made, image = tower().eval(), {"image": torch.rand(3, 4)}
    matrix = item_matrix(made, torch.ones(3, 64), TEXT, ATTRIBUTES, torch.tensor([True] * 3), image)
    assert torch.allclose(matrix[1:], made(TEXT, ATTRIBUTES, image))


@pytest.mark.parametrize("media", [{}, {"image": 6, "audio": 3}])
def test_the_exported_encoder_agrees_with_and_without_media(
    encoder: str, media: dict[str, int], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    model = ItemEncoder(load(encoder)[1], ItemTower(16, media)).eval()
    export_encoder(model, tmp_path / "item_encoder.onnx")
    rows = [encoder_inputs(*shape, model.vocabulary, media=media) for shape in ((1, 2), (5, 9))]

    def eager(inputs: dict[str, Tensor]) -> Tensor:
        made: Tensor = model(**inputs)
        return made

    assert check_parity(eager, tmp_path / "item_encoder.onnx", rows) < 1e-4
    names = {each.name for each in onnxruntime.InferenceSession(str(tmp_path / "item_encoder.onnx")).get_inputs()}
    assert names == {"input_ids", "attention_mask", "item_attributes", *(f"item_{kind}" for kind in media)}
    assert media_sizes(model.tower) == media


def test_tritons_configuration_with_media_is_the_one_without_and_its_inputs() -> None:
    base = (REPOSITORY / "item_encoder" / "config.pbtxt").read_text()
    made = text_format.Parse(media_config(base, "item_encoder_image6", {"image": 6}), model_config_pb2.ModelConfig())
    plain = text_format.Parse(base, model_config_pb2.ModelConfig())
    assert made.name == "item_encoder_image6" and list(made.output) == list(plain.output)
    assert list(made.input)[:-1] == list(plain.input)
    added = made.input[-1]
    assert (added.name, added.data_type, list(added.dims)) == ("item_image", model_config_pb2.TYPE_FP32, [6])


def test_an_encoder_with_media_is_a_triton_model_of_its_own_under_the_same_count(tmp_path: Path) -> None:
    (tmp_path / "item_encoder").mkdir()
    (tmp_path / "item_encoder" / "config.pbtxt").write_text('name: "item_encoder"\n')
    assert triton_names(tmp_path, {}) == {name: name for name in ("ranker", "user_encoder", "item_encoder")}
    name = triton_names(tmp_path, {"audio": 3, "image": 6})["item_encoder"]
    assert name == "item_encoder_image6_audio3"
    (tmp_path / "some.onnx").write_text("weights")
    publish(tmp_path / "some.onnx", tmp_path, name, 4)
    assert next_version(tmp_path) == 5 and (tmp_path / name / "4" / "model.onnx").exists()
    assert np.array_equal(asked([0.5, 1]).image, np.array([0.5, 1], np.float32))
