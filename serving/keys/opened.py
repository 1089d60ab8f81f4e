"""settings -> the gate with its keys and its record, closed when the API stops."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError

from feature_repo.settings import StoreSettings
from serving.background import background
from serving.errors import AuditUnavailable
from serving.keys.gate import Gate
from serving.keys.keyring import Keyring
from serving.keys.tables import Action, Tables, open_tables
from serving.settings import ServingSettings

log = logging.getLogger(__name__)


class Record:
    """The record of admin actions in a table."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def record(self, action: Action) -> None:
        """Append it. Raises AuditUnavailable."""
        try:
            await asyncio.to_thread(self._tables.record, action)
        except SQLAlchemyError as error:
            log.error("%s cannot be recorded: %s", action, error)
            raise AuditUnavailable("actions of admins cannot be recorded, so they are not done") from error


@asynccontextmanager
async def open_gate(settings: ServingSettings, stores: StoreSettings) -> AsyncIterator[Gate]:
    """The gate; it opens to everybody where keys are off, and says so."""
    tables = open_tables(stores)
    try:
        if not settings.keys_on:
            log.warning(
                "API keys are off: whoever reaches %s:%d may do everything", settings.api_host, settings.api_port
            )
            yield Gate(None, Record(tables), settings.rate_limit, settings.salt)
            return
        keyring = Keyring(tables.every_key)
        await keyring.refresh()
        log.info("API keys are on")
        async with background(keyring.watch()):
            yield Gate(keyring, Record(tables), settings.rate_limit, settings.salt)
    finally:
        await asyncio.to_thread(tables.close)
