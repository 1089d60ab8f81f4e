import msgspec
import numpy as np
import pytest

from feature_repo.features import MODEL_TENSORS
from feature_repo.inputs import tensors
from feature_repo.rankings import LOGGED, PER_ITEM, STAMP, LoggedRanking, decode, encode, packed, raw


def inputs(candidates: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    shapes = {each.name: [candidates if size == "N" else int(size) for size in each.shape] for each in tensors()}
    return {each.name: (draw.random(shapes[each.name]) * 100).astype(each.dtype) for each in tensors()}


def ranking(candidates: int) -> LoggedRanking:
    ids = [f"i{number}" for number in range(candidates)]
    return LoggedRanking(
        request_id="r",
        user_id="u",
        instant=1_750_000_000_123_000,
        model_version="m",
        slate=[*reversed(ids), "unknown"],
        item_ids=ids,
        scores=raw(np.arange(candidates), "<f4"),
        tensors=packed(inputs(candidates)),
        history_item_ids=["i1", "i0"],
        user_stamps={"user_profile": 0, "user_activity": 1_750_000_000_123_457},
        item_stamps={
            "item_content": raw(np.arange(candidates), STAMP),
            "item_activity": raw(np.arange(candidates), STAMP),
        },
    )


@pytest.mark.parametrize("candidates", [0, 1, 7])
def test_a_ranking_comes_back_bit_by_bit(candidates: int) -> None:
    back = decode(encode(ranking(candidates)))
    assert back == ranking(candidates)
    for name in LOGGED:
        seen, sent = back.tensor(name), inputs(candidates)[name]
        assert (seen.dtype, seen.shape) == (sent.dtype, sent.shape)
        assert (seen == sent).all()
    assert back.stamps("item_activity").tolist() == list(range(candidates))
    assert back.stamps("user_activity").tolist() == [1_750_000_000_123_457]


def test_all_but_what_follows_from_the_model_is_logged() -> None:
    vectors = {"item_vectors", "history_vectors", "query_vector"}
    assert {each.name for each in tensors()} - set(LOGGED) == vectors | set(MODEL_TENSORS)
    assert "item_ctr_7d" in PER_ITEM and "user_actions_1h" not in PER_ITEM


def test_a_hundred_candidates_fit_into_sixteen_kilobytes() -> None:
    assert len(encode(ranking(100))) < 16_000


@pytest.mark.parametrize("message", [b"", b"{}", b"\x80", b"\xc1"])
def test_another_message_is_refused(message: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(message)
