"""Tensors -> Triton's messages."""

from typing import Any

import numpy as np

from benchmarks.rank import tensors_for
from benchmarks.tiny_model import tokenizer
from feature_repo.inputs import item_attribute_buckets, tensors
from serving.encoder import encoder_request
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


def test_texts_of_different_lengths_are_padded_to_one_batch() -> None:
    words = tokenizer()
    words.enable_padding(pad_id=0, pad_token="[PAD]")
    rows: list[dict[str, Any]] = [
        {"item_title": "One two three", "item_categories": ["War"], "item_attributes": ["year=1977"]},
        {"item_title": "One"},
    ]
    request = encoder_request(words, rows, version=1)
    mask = np.frombuffer(request.raw_input_contents[1], np.int64).reshape(tuple(request.inputs[1].shape))
    codes = np.frombuffer(request.raw_input_contents[2], np.int64).reshape(tuple(request.inputs[2].shape))
    assert mask.sum(1).tolist() == [5, 1]  # One two three . War
    np.testing.assert_array_equal(codes[0], item_attribute_buckets(["War"], ["year=1977"]))
