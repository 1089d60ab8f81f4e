"""Pure: what an API key is, and how it is told from a wrong one.

A key's text is ``frk_<id>_<secret>``: the id names it in lists and logs, the secret has 256 random bits. Stored is the
id and the SHA-256 of the whole text; a slow hash would buy nothing, for there is no dictionary of random bits.
"""

import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

PREFIX = "frk"
_ID_BYTES, _SECRET_BYTES = 6, 32
_NOBODY = bytes(32)  # no text has this digest


class Scope(StrEnum):
    """What a key may be good for; ``admin`` is good for everything."""

    WRITE_EVENTS = "write-events"
    READ_RANKINGS = "read-rankings"
    READ_METRICS = "read-metrics"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is stored; times are epoch milliseconds."""

    key_id: str
    name: str
    digest: bytes
    scopes: frozenset[Scope]
    created_at: int
    per_second: float | None = None  # requests of this key in one API process; the setting where it says nothing
    expires_at: int | None = None
    revoked_at: int | None = None

    def allows(self, needed: Scope) -> bool:
        return needed in self.scopes or Scope.ADMIN in self.scopes

    def in_force(self, now_ms: int) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now_ms < self.expires_at)


def issue() -> tuple[str, str]:
    """A new key: its id, and its text, which nobody can make again."""
    key_id = secrets.token_hex(_ID_BYTES)
    return key_id, f"{PREFIX}_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def digest(text: str) -> bytes:
    """What is stored of a key's text."""
    return sha256(text.encode()).digest()


def id_of(text: str) -> str:
    """The id within a key's text; anything within another text."""
    return text[len(PREFIX) + 1 : len(PREFIX) + 1 + 2 * _ID_BYTES]


def same(known: Key | None, text: str) -> bool:
    """Whether ``text`` is the text of ``known``; takes as long when there is none."""
    return hmac.compare_digest(known.digest if known else _NOBODY, digest(text))
