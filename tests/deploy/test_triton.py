"""The real Triton, serving small models with the ranker's exact interface."""

import asyncio
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from tritonclient.grpc import InferenceServerClient, InferenceServerException, InferInput, aio
from tritonclient.utils import np_to_triton_dtype

from deploy.laptop.ports import free_environment
from deploy.laptop.ready import triton_ready
from deploy.laptop.settings import ROOT
from deploy.laptop.system import System, running
from deploy.laptop.triton import refresh
from tests.deploy.onnx_models import columns, write_ranker, write_slow

pytestmark = pytest.mark.process
CONFIG = ROOT / "triton_models/ranker/config.pbtxt"
Columns = dict[str, np.ndarray[Any, Any]]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Triton with version 1 of the ranker; the item encoder has none."""
    environment = free_environment(tmp_path_factory.mktemp("triton"))
    repository = Path(environment["FRESHRANK_MODEL_REPOSITORY"])
    ignore = shutil.ignore_patterns("[0-9]*")
    shutil.copytree(ROOT / "triton_models", repository, ignore=ignore)
    write_ranker(CONFIG, repository / "ranker/1/model.onnx", scale=1.0)
    with running(environment, ["triton"]) as system:
        yield system


@pytest.fixture
def client(system: System) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(system.settings.triton) as opened:
        yield opened


def tensors(inputs: Columns) -> list[InferInput]:
    return [
        InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype)).set_data_from_numpy(values)
        for name, values in inputs.items()
    ]


def scores(client: InferenceServerClient, inputs: Columns, version: str = "") -> np.ndarray[Any, Any]:
    return client.infer("ranker", tensors(inputs), model_version=version).as_numpy("scores")  # type: ignore[no-any-return]


@pytest.mark.parametrize(("users", "items"), [(1, 100), (3, 7), (64, 20), (1, 1), (1, 0), (1, 10_000)])
def test_triton_answers_what_onnx_runtime_answers(
    system: System, client: InferenceServerClient, users: int, items: int
) -> None:
    inputs = columns(CONFIG, users, items)
    model = onnxruntime.InferenceSession(system.settings.model_repository / "ranker/1/model.onnx")
    np.testing.assert_allclose(scores(client, inputs, "1"), model.run(["scores"], inputs)[0], rtol=1e-6)


def test_a_refresh_serves_the_new_version_and_keeps_the_old_one(system: System, client: InferenceServerClient) -> None:
    write_ranker(CONFIG, system.settings.model_repository / "ranker/2/model.onnx", scale=2.0)
    assert refresh(system.settings) == ["ranker"]
    inputs = columns(CONFIG, 1, 100)
    np.testing.assert_array_equal(scores(client, inputs), 2 * scores(client, inputs, "1"))


def test_a_broken_version_is_refused_and_the_one_before_keeps_serving(
    system: System, client: InferenceServerClient
) -> None:
    inputs = columns(CONFIG, 1, 5)
    before = scores(client, inputs)
    broken = system.settings.model_repository / "ranker/9/model.onnx"
    broken.parent.mkdir()
    broken.write_bytes(b"not a model")
    with pytest.raises(InferenceServerException, match="version 9 is at UNAVAILABLE state"):
        refresh(system.settings)
    np.testing.assert_array_equal(scores(client, inputs), before)
    shutil.rmtree(broken.parent)
    refresh(system.settings)


def test_a_request_with_inputs_that_do_not_fit_gets_an_error(client: InferenceServerClient) -> None:
    inputs = columns(CONFIG, 1, 100)
    inputs["user_item_affinity"] = inputs["user_item_affinity"][:, :50]
    with pytest.raises(InferenceServerException, match="ONNXRuntimeError"):
        scores(client, inputs)


def test_requests_abandoned_by_their_callers_harm_nobody(system: System, client: InferenceServerClient) -> None:
    inputs = columns(CONFIG, 1, 100)

    async def abandon(count: int) -> list[Any]:
        async with aio.InferenceServerClient(system.settings.triton) as caller:
            tasks = [asyncio.ensure_future(caller.infer("ranker", tensors(inputs))) for _ in range(count)]
            await tasks[0]
            for task in tasks[1::2]:
                task.cancel()
            return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asyncio.run(abandon(100))
    expected = scores(client, inputs)
    for answer in answers[::2]:
        np.testing.assert_allclose(answer.as_numpy("scores"), expected, rtol=1e-5)


def test_what_its_callers_gave_up_is_not_computed(system: System) -> None:
    """Triton drops what is cancelled while it waits, but for one or two that it has got ready for the model."""
    write_slow(system.settings.model_repository / "slow")
    assert "slow" in refresh(system.settings)
    asked = tensors({"x": np.ones((1, 1), np.float32)})

    async def give_up(count: int) -> None:
        async with aio.InferenceServerClient(system.settings.triton) as caller:
            started = time.perf_counter()
            assert (await caller.infer("slow", asked)).as_numpy("y") == 1
            took = time.perf_counter() - started
            tasks = [asyncio.ensure_future(caller.infer("slow", asked)) for _ in range(count)]
            await asyncio.sleep(took / 3)  # the first is being computed, the others wait
            for task in tasks[1:]:
                task.cancel()
            assert (await tasks[0]).as_numpy("y") == 1
            assert (await caller.infer("slow", asked)).as_numpy("y") == 1

    asyncio.run(give_up(10))
    dropped = counted(system, "nv_inference_request_failure", "slow", 'reason="CANCELED"')
    assert dropped >= 6
    assert counted(system, "nv_inference_exec_count", "slow") == 12 - dropped


def metrics(system: System) -> str:
    url = f"http://127.0.0.1:{system.settings.triton_metrics_port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()  # type: ignore[no-any-return]


def counted(system: System, metric: str, model: str, label: str = "") -> float:
    """What Triton has counted of a model so far."""
    lines = [line for line in metrics(system).splitlines() if line.startswith(metric)]
    return sum(float(line.split()[-1]) for line in lines if f'model="{model}"' in line and label in line)


def test_metrics_are_served_on_their_port(system: System) -> None:
    assert 'nv_inference_request_success{model="ranker"' in metrics(system)


def test_triton_starts_without_any_model_and_ends_on_sigterm(tmp_path: Path) -> None:
    with running(free_environment(tmp_path), ["triton"]) as system:
        assert triton_ready(system.settings)
        process = system.processes["triton"]
    assert process.returncode == 0
