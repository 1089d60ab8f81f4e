"""What an item is encoded from, and how a change of it shows."""

import numpy as np

from feature_repo.features import item_content
from feature_repo.inputs import item_attribute_buckets, with_defaults
from feature_repo.item_text import NOTHING, content_fingerprint, encoder_input, item_text, media_vector


def test_an_items_text_is_title_categories_and_description() -> None:
    assert item_text("Heat", "A heist.", ["crime", "drama"]) == "Heat. crime, drama. A heist."


def test_what_is_empty_leaves_no_trace() -> None:
    assert [item_text("Heat", " ", []), item_text("", "", [])] == ["Heat", ""]


def test_the_encoder_reads_text_and_attribute_buckets_of_a_row() -> None:
    asked = encoder_input({"item_title": "Heat", "item_categories": ["crime"], "item_attributes": None})
    assert asked.text == "Heat. crime"
    np.testing.assert_array_equal(asked.attributes, item_attribute_buckets(["crime"], []))


def test_a_fingerprint_is_the_same_tomorrow() -> None:
    """A bundle keeps them: a change here makes every item be encoded again."""
    row = {"item_title": "Heat", "item_categories": ["crime"], "item_attributes": ["year=1995"]}
    assert content_fingerprint(row) == 5664881500764703028


def test_text_and_attributes_change_the_fingerprint_and_nothing_else_does() -> None:
    row = {"item_title": "Heat", "item_attributes": ["year=1995"]}
    same = [row | {"item_available": False}, row | {"item_published_at": 5}, row | {"item_title": " Heat "}]
    assert {content_fingerprint(each) for each in same} == {content_fingerprint(row)}
    others = [row | {"item_title": "heat"}, row | {"item_text": "A heist."}, row | {"item_attributes": []}, {}]
    assert len({content_fingerprint(each) for each in (row, *others)}) == 5


def test_a_deleted_item_has_nothing_to_encode() -> None:
    deleted = with_defaults(item_content.name, {}) | {"item_available": False}
    assert content_fingerprint(deleted) == NOTHING
    assert content_fingerprint(deleted | {"item_available": True}) != NOTHING  # an item of which only the id is known


def test_media_vectors_are_read_and_change_the_fingerprint() -> None:
    row = {"item_title": "Heat", "item_image_vector": [0.5, 1.0]}
    assert encoder_input(row).image.tolist() == [0.5, 1.0] and not len(encoder_input(row).audio)
    others = [
        row | {"item_image_vector": [0.5, 2.0]},
        row | {"item_image_vector": None},
        row | {"item_image_vector": []},
    ]
    heard = {"item_title": "Heat", "item_audio_vector": [0.5, 1.0]}
    assert len({content_fingerprint(each) for each in (row, heard, *others)}) == 4
    assert content_fingerprint({"item_image_vector": [1.0], "item_available": False}) != NOTHING


def test_a_vector_of_another_size_than_the_models_counts_as_none() -> None:
    asked = encoder_input({"item_image_vector": [0.5, 1.0]})
    assert media_vector(asked, "image", 2).tolist() == [0.5, 1.0]
    assert media_vector(asked, "image", 3).tolist() == media_vector(asked, "audio", 3).tolist() == [0, 0, 0]
