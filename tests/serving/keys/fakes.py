"""Keys without a database, and an API behind them."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from starlette.testclient import TestClient

from serving.app import create_app
from serving.errors import AuditUnavailable
from serving.keys.gate import Gate
from serving.keys.key import Key, Scope, digest
from serving.keys.keyring import Keyring
from serving.keys.tables import Action
from tests.serving.fakes import World

TEXTS = {scope: f"frk_{place:012x}_{scope}-secret" for place, scope in enumerate(Scope)}


def key_of(scope: Scope, text: str = "", per_second: float | None = None) -> Key:
    """A key that is good for one scope."""
    text = text or TEXTS[scope]
    return Key(text[4:16], scope, digest(text), frozenset([scope]), 0, per_second)


def bearer(scope: Scope) -> dict[str, str]:
    return {"authorization": f"Bearer {TEXTS[scope]}"}


@dataclass
class FakeTrail:
    """Keeps what was recorded; refuses when ``away``."""

    away: bool = False
    actions: list[Action] = field(default_factory=list)

    async def record(self, action: Action) -> None:
        if self.away:
            raise AuditUnavailable("away")
        self.actions.append(action)


@contextmanager
def guarded_api(
    world: World, keys: Sequence[Key], trail: FakeTrail | None = None, salt: str | None = None
) -> Iterator[TestClient]:
    """A client of an API that only these keys open."""
    keyring = Keyring(lambda: keys)

    @asynccontextmanager
    async def gate() -> AsyncIterator[Gate]:
        await keyring.refresh()
        yield Gate(keyring, trail or FakeTrail(), 1000.0, salt)

    with _client(world, gate) as client:
        yield client


@contextmanager
def unguarded_api(world: World, trail: FakeTrail) -> Iterator[TestClient]:
    """A client of an API whose keys are off."""

    @asynccontextmanager
    async def gate() -> AsyncIterator[Gate]:
        yield Gate(None, trail, 1000.0)

    with _client(world, gate) as client:
        yield client


def _client(world: World, gate: Callable[[], AbstractAsyncContextManager[Gate]]) -> TestClient:
    return TestClient(create_app(world.settings, world.neighbours, gate), raise_server_exceptions=False)
