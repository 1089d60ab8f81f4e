"""The RankLens catalogue, movies.json -> texts and attributes by MovieLens id.

They were collected twenty years after MovieLens-1M's events: they describe the films, but tags may know of their
fame.
"""

from pathlib import Path
from typing import NamedTuple

import msgspec

from training.datasets.tables import DatasetError

TAGS, ACTORS = 10, 3  # of a film, the first ones


class _Person(msgspec.Struct):
    name: str


class _Movie(msgspec.Struct):
    id: int
    overview: str | None = None
    tags: list[str] = []
    director: _Person | None = None
    topActors: list[_Person] = []


class Film(NamedTuple):
    """What the catalogue adds to a film."""

    text: str
    attributes: list[str]


def films(path: Path) -> dict[str, Film]:
    """Every film of the catalogue; raises DatasetError where the file is not it."""
    try:
        movies = msgspec.json.decode(path.read_bytes(), type=list[_Movie])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DatasetError(f"--text {path} is not RankLens' movies.json: {error}") from error
    return {str(movie.id): Film(_text(movie), _attributes(movie)) for movie in movies}


def _text(movie: _Movie) -> str:
    """Tags first: they say most in the few words that an encoder reads."""
    people = [f"directed by {movie.director.name}"] if movie.director else []
    people += [f"with {', '.join(actor.name for actor in movie.topActors[:ACTORS])}"] if movie.topActors else []
    parts = (", ".join(movie.tags[:TAGS]), ", ".join(people), movie.overview or "")
    return ". ".join(part for part in parts if part)


def _attributes(movie: _Movie) -> list[str]:
    director = [f"director={movie.director.name}"] if movie.director else []
    return director + [f"actor={actor.name}" for actor in movie.topActors[:ACTORS]]
