"""Image or sound files of items -> columns `image_vector`, `audio_vector` of their table: ``python -m training.media``.

The table has a column `image` or `audio` with file names, relative to its own folder. What has a vector is left alone,
so a later run encodes new items only. `pip install "freshrank[media]"` brings what it needs.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import torch

from training.command_line import command
from training.media.column import Encoded, encode
from training.media.kinds import Encoder

NAMED = 20  # unreadable files that are printed
EXAMPLES = """examples:
  python -m training.media shop/items.parquet --images
  python -m training.media shop/items.parquet --images --audio --to with-vectors.parquet
"""


class MediaError(Exception):
    """A table whose files cannot be encoded, with what to do about it."""


def _images() -> Encoder:
    from training.media.images import Images

    return Images()


def _sounds() -> Encoder:
    from training.media.sounds import Sounds

    made: Encoder = Sounds()
    return made


EXTRA = 'pip install "freshrank[media]"'
_INSTALL = {"musicnn": "pip install --no-deps musicnn==0.1.0 (only its weights are read, its requirements are of 2019)"}
ENCODERS: dict[str, Callable[[], Encoder]] = {"image": _images, "audio": _sounds}


def write_vectors(source: Path, target: Path, kinds: list[str], again: bool) -> None:
    """Encode the files of each kind and write the table, by one rename. Raises MediaError."""
    if source.suffix != ".parquet" or not source.exists():
        raise MediaError(f"{source} is no parquet file: write the items as one, with a column of file names")
    table = pq.read_table(source)
    for kind in kinds:
        if missing := [name for name in ("item_id", kind) if name not in table.schema.names]:
            raise MediaError(f"{source} has no column `{missing[0]}`; it has {', '.join(table.schema.names)}")
        try:
            encoder = ENCODERS[kind]()
        except ImportError as error:
            raise MediaError(
                f"{error.name or error} is not installed: {_INSTALL.get(error.name or '', EXTRA)}"
            ) from error
        encoded = encode(table, kind, source.parent, encoder, again)
        table = encoded.table
        _tell(kind, encoded)
    scratch = target.with_name(f".{target.name}")
    pq.write_table(table, scratch)
    scratch.replace(target)


def _tell(kind: str, encoded: Encoded) -> None:
    print(f"{kind}: {encoded.made} encoded, {encoded.kept} were there, {len(encoded.unreadable)} cannot be read")
    for each in encoded.unreadable[:NAMED]:
        print(f"  {each}")
    if len(encoded.unreadable) > NAMED:
        print(f"  and {len(encoded.unreadable) - NAMED} more")


def main(arguments: list[str] | None = None) -> None:
    parser = command("media", __doc__, EXAMPLES)
    parser.add_argument("table", type=Path, help="items.parquet")
    parser.add_argument("--images", dest="kinds", action="append_const", const="image", help="encode column `image`")
    parser.add_argument("--audio", dest="kinds", action="append_const", const="audio", help="encode column `audio`")
    parser.add_argument("--to", type=Path, help="file to write (default: the table itself)")
    parser.add_argument("--again", action="store_true", help="encode files whose items have a vector, too")
    parser.add_argument("--threads", type=int, default=2, help="default: 2")
    chosen = parser.parse_args(arguments)
    if not chosen.kinds:
        parser.error("nothing to do: give --images, --audio or both")
    torch.set_num_threads(chosen.threads)
    try:
        write_vectors(chosen.table, chosen.to or chosen.table, chosen.kinds, chosen.again)
    except MediaError as error:
        sys.exit(str(error))
    print(f"-> {chosen.to or chosen.table}")


if __name__ == "__main__":
    main()
