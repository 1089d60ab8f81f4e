"""Sound files -> vectors, and the checkpoint their network comes from."""

import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from training.media import __main__ as command
from training.media.checkpoint import MAGIC
from training.media.checkpoint import read as read_checkpoint
from training.media.kinds import Unreadable
from training.media.musicnn import MusicNet
from training.media.sounds import Sounds, mel_filters, read

RATE = 22_050


def tone(path: Path, hertz: float, seconds: float = 1.0, channels: int = 2) -> Path:
    wave = np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)
    soundfile.write(path, np.stack([wave] * channels, 1), RATE)
    return path


def test_a_second_of_sound_is_a_piece_and_ten_are_three(tmp_path: Path) -> None:
    assert read(tone(tmp_path / "short.wav", 440)).shape == (1, 187, 96)
    assert read(tone(tmp_path / "long.flac", 440, 10)).shape == (3, 187, 96)


def test_a_tone_is_loud_in_its_band_only(tmp_path: Path) -> None:
    low, high = (read(tone(tmp_path / f"{hertz}.wav", hertz))[0].mean(0).argmax() for hertz in (440, 4000))
    bands = mel_filters() * torch.linspace(0, 8000, 257)
    centers = bands.sum(1) / mel_filters().sum(1)
    assert abs(centers[low] - 440) < 40 and abs(centers[high] - 4000) < 150


@pytest.mark.parametrize("content", [b"", b"no sound", b"RIFF\0\0\0\0WAVE"])
def test_a_file_without_sound_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "some.wav").write_bytes(content)
    with pytest.raises(Unreadable, match="some"):
        read(tmp_path / "some.wav")
    soundfile.write(tmp_path / "some.wav", np.zeros((0, 1)), RATE)
    with pytest.raises(Unreadable, match="no sound"):
        read(tmp_path / "some.wav")


def test_a_sounds_vector_is_the_mean_over_its_pieces(tmp_path: Path) -> None:
    torch.manual_seed(0)
    sounds = Sounds(MusicNet().eval())
    once, twice = read(tone(tmp_path / "a.wav", 440)), read(tone(tmp_path / "b.wav", 900))
    vectors = sounds.vectors([once, twice, np.concatenate([once, twice])])
    assert vectors.shape == (3, 200)
    np.testing.assert_allclose(vectors[2], (vectors[0] + vectors[1]) / 2, atol=1e-4)


def test_a_missing_network_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"item_id": ["a"], "audio": ["a.wav"]}), tmp_path / "items.parquet")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="--no-deps musicnn"):
        command.main([str(tmp_path / "items.parquet"), "--audio"])


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def table(*blocks: bytes) -> bytes:
    """A block of a checkpoint's index: entries, the one restart, no compression, a checksum that nobody reads."""
    return b"".join(blocks) + struct.pack("<II", 0, 1) + b"\0" + b"\0" * 4


def entry(key: bytes, value: bytes, shared: int = 0) -> bytes:
    return varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value


def checkpoint(prefix: str, kind: int = 1, compressed: bool = False) -> None:
    """Two arrays, as TensorFlow writes them: ``layer/bias`` [2] and ``layer/kernel`` [2, 1]."""
    Path(f"{prefix}.data-00000-of-00001").write_bytes(np.array([1, 2, 3, 4], "<f4").tobytes())
    two, one = b"\x12\x02\x08\x02", b"\x12\x02\x08\x01"
    bias = b"\x08\x01" + b"\x12\x04" + two + b"\x28\x08" + b"\x35\0\0\0\0"
    kernel = bytes([8, kind]) + b"\x12\x08" + two + one + b"\x20\x08" + b"\x28\x08"
    data = table(
        entry(b"", b"\x08\x01"), entry(b"layer/bias", bias), entry(b"layer/kernel", kernel, shared=len("layer/"))
    )
    data = data[:-5] + (b"\1" if compressed else b"\0") + data[-4:]
    index = table(entry(b"zzz", varint(0) + varint(len(data) - 5)))
    handles = varint(0) + varint(0) + varint(len(data)) + varint(len(index) - 5)
    Path(f"{prefix}.index").write_bytes(data + index + handles.ljust(40, b"\0") + MAGIC)


def test_a_checkpoint_is_read_without_tensorflow(tmp_path: Path) -> None:
    checkpoint(f"{tmp_path}/some")
    found = read_checkpoint(f"{tmp_path}/some")
    assert {name: array.tolist() for name, array in found.items()} == {"layer/bias": [1, 2], "layer/kernel": [[3], [4]]}


def test_numbers_that_are_no_floats_are_left_out_and_other_files_refused(tmp_path: Path) -> None:
    checkpoint(f"{tmp_path}/some", kind=3)
    assert read_checkpoint(f"{tmp_path}/some").keys() == {"layer/bias"}
    checkpoint(f"{tmp_path}/some", compressed=True)
    with pytest.raises(ValueError, match="compressed"):
        read_checkpoint(f"{tmp_path}/some")
    (tmp_path / "some.index").write_bytes(b"0" * 60)
    with pytest.raises(ValueError, match="no TensorFlow checkpoint"):
        read_checkpoint(f"{tmp_path}/some")


@pytest.mark.skipif(importlib.util.find_spec("musicnn") is None, reason="pip install --no-deps musicnn==0.1.0")
def test_the_pretrained_network_tells_a_tone_from_noise(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    soundfile.write(tmp_path / "noise.wav", np.random.default_rng(0).normal(size=RATE) * 0.1, RATE)
    paths = [tone(tmp_path / "a.wav", 440), tone(tmp_path / "b.wav", 470), tmp_path / "noise.wav"]
    alike = np.corrcoef(Sounds().vectors([read(path) for path in paths]))
    assert alike[0, 1] > alike[0, 2]
