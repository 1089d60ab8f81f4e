"""Which model a ranking is pinned to."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from benchmarks.tiny_model import write_bundle
from feature_repo.vocabulary import VECTOR_SIZE
from serving import readiness
from serving.catalogue import Catalogue
from serving.errors import NoModel
from serving.models import NONE, Models
from serving.ranker import Triton


def bundle(folder: Path, version: int, *item_ids: str) -> None:
    write_bundle(folder / "bundles", folder / "triton", list(item_ids), np.ones((len(item_ids), VECTOR_SIZE)), version)


def models(folder: Path, in_triton: set[int]) -> Models:
    async def has(model: str, version: int) -> bool:
        return version in in_triton

    return Models(folder / "bundles", Catalogue(), has)


def test_without_a_bundle_there_is_no_model_and_the_reason_says_what_to_run(tmp_path: Path) -> None:
    none = models(tmp_path, set())
    asyncio.run(none.refresh())
    with pytest.raises(NoModel, match="make train export"):
        none.current()
    assert none.awaited and none.in_use() is NONE


def test_a_first_bundle_that_cannot_be_used_is_no_reason_to_be_content_without(tmp_path: Path) -> None:
    bundle(tmp_path, 1, "a")
    (tmp_path / "bundles" / "tiny-1" / "tokenizer.json").write_text("{")
    broken = models(tmp_path, {1})
    asyncio.run(broken.refresh())
    assert broken.in_use() is NONE and not broken.awaited


@pytest.mark.parametrize("required", [True, False])
def test_before_the_first_model_an_api_that_requires_none_is_ready(tmp_path: Path, required: bool) -> None:
    async def told() -> str:
        none, triton = models(tmp_path, set()), Triton("127.0.0.1:1", 1)
        await none.refresh()
        problem = await readiness.model(none, triton, required)()
        await triton.close()
        return problem

    assert ("make train export" in asyncio.run(told())) == required


def test_the_promoted_bundle_is_the_model_also_while_triton_is_away(tmp_path: Path) -> None:
    bundle(tmp_path, 1, "a")
    first = models(tmp_path, set())
    asyncio.run(first.refresh())
    assert (first.current().model_version, first.current().triton_version) == ("tiny-1", 1)


def test_a_newly_promoted_bundle_takes_over_once_triton_has_it(tmp_path: Path) -> None:
    in_triton = {1}
    bundle(tmp_path, 1, "a")
    following = models(tmp_path, in_triton)
    asyncio.run(following.refresh())
    bundle(tmp_path, 2, "b")
    asyncio.run(following.refresh())
    assert following.current().triton_version == 1
    in_triton.add(2)
    asyncio.run(following.refresh())
    assert following.current().triton_version == 2


def test_a_bundle_that_cannot_be_used_leaves_the_model_in_use(tmp_path: Path) -> None:
    bundle(tmp_path, 1, "a")
    following = models(tmp_path, {1, 2})
    asyncio.run(following.refresh())
    bundle(tmp_path, 2, "b")
    (tmp_path / "bundles" / "tiny-2" / "tokenizer.json").write_text("{")
    asyncio.run(following.refresh())
    assert following.current().model_version == "tiny-1"
