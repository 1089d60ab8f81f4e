"""Tensors -> Triton's messages."""

import asyncio
from typing import Any

import numpy as np

from benchmarks.timing import tensors_for
from benchmarks.tiny_model import tokenizer
from feature_repo.inputs import item_attribute_buckets, tensors
from feature_repo.item_text import EncoderInput, encoder_input
from feature_repo.vocabulary import VECTOR_SIZE
from serving.encoder import TOKENS, Encoder, encoder_requests
from serving.ranker import ranker_request


def test_every_tensor_is_named_typed_shaped_and_sent_as_bytes() -> None:
    inputs = tensors_for(3)
    request = ranker_request(inputs, 3, version=7)
    assert (request.model_name, request.model_version) == ("ranker", "7")
    for tensor, described, content in zip(tensors(), request.inputs, request.raw_input_contents, strict=True):
        sent = np.frombuffer(content, tensor.dtype).reshape(tuple(described.shape))
        assert described.name == tensor.name
        np.testing.assert_array_equal(sent[0], inputs[tensor.name])


def test_one_request_does_not_change_the_next() -> None:
    ranker_request(tensors_for(9), 9, version=1)
    request = ranker_request(tensors_for(2), 2, version=1)
    shapes = {each.name: list(each.shape) for each in request.inputs}
    assert shapes["item_ctr_7d"] == [1, 2] and len(request.raw_input_contents) == len(tensors())


def of_text(text: str) -> EncoderInput:
    return EncoderInput(text, item_attribute_buckets([], []))


def sent(request: Any, place: int) -> Any:
    """One tensor of a request."""
    return np.frombuffer(request.raw_input_contents[place], np.int64).reshape(tuple(request.inputs[place].shape))


def padded_tokenizer() -> Any:
    words = tokenizer()
    words.enable_padding(pad_id=0, pad_token="[PAD]")
    return words


def test_texts_of_different_lengths_are_padded_to_one_batch() -> None:
    row = {"item_title": "One two three", "item_categories": ["War"], "item_attributes": ["year=1977"]}
    ((places, request),) = encoder_requests(padded_tokenizer(), [encoder_input(row), of_text("One")], version=1)
    assert places == [1, 0]
    assert sent(request, 1).sum(1).tolist() == [1, 5]  # One two three . War
    np.testing.assert_array_equal(sent(request, 2)[1], item_attribute_buckets(["War"], ["year=1977"]))


def test_long_texts_are_spread_over_inferences_with_texts_of_like_length_together() -> None:
    lengths = [3, TOKENS, 5, TOKENS // 2, TOKENS // 2, 4]
    asked = [of_text("word " * length) for length in lengths]
    requests = encoder_requests(padded_tokenizer(), asked, version=1)
    assert [places for places, _ in requests] == [[0, 5, 2], [3, 4], [1]]
    assert [sent(request, 0).shape for _, request in requests] == [(3, 5), (2, TOKENS // 2), (1, TOKENS)]


def test_items_without_any_text_are_encoded_from_their_attributes() -> None:
    ((_, request),) = encoder_requests(padded_tokenizer(), [of_text("")] * 2, version=1)
    assert sent(request, 1).tolist() == [[0, 0], [0, 0]]


def test_vectors_come_back_in_the_order_of_the_items() -> None:
    class CountingTriton:
        async def infer(self, request: Any, output: str) -> Any:
            return np.repeat(sent(request, 1).sum(1, keepdims=True), VECTOR_SIZE, 1).astype(np.float32)

    lengths = [3, TOKENS, 5, TOKENS // 2, 1]
    encoder = Encoder(CountingTriton())  # type: ignore[arg-type]
    vectors = asyncio.run(encoder.vectors(padded_tokenizer(), [of_text("word " * each) for each in lengths], 1))
    assert vectors[:, 0].tolist() == lengths


def test_an_encoder_that_reads_images_is_asked_with_them_and_zeros_where_there_are_none() -> None:
    asked = [encoder_input({"item_title": "One two", "item_image_vector": [0.5, 1.0]}), of_text("One")]
    ((places, request),) = encoder_requests(padded_tokenizer(), asked, 1, {"image": 2})
    assert request.model_name == "item_encoder_image2" and request.inputs[3].name == "item_image"
    image = np.frombuffer(request.raw_input_contents[3], np.float32).reshape(tuple(request.inputs[3].shape))
    assert image.tolist() == [[0, 0], [0.5, 1.0]] and places == [1, 0]


def test_an_encoder_without_images_is_asked_without_them() -> None:
    asked = [encoder_input({"item_title": "One two", "item_image_vector": [0.5, 1.0]})]
    ((_, request),) = encoder_requests(padded_tokenizer(), asked, 1)
    assert request.model_name == "item_encoder" and len(request.inputs) == 3
