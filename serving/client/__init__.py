"""What applications import: ask the API, say what happened."""

from serving.client.answers import Known, RankedItem, Ranking, Visit
from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.client.errors import Broken, FreshrankError, Lost, NotTaken, QueueFull, Refused, Unavailable
from serving.client.event_queue import EventQueue
from serving.client.reasons import Explanation
from serving.client.retries import Retries
from streaming.events import Interaction, Item, Merge, User

__all__ = [
    "AsyncClient",
    "Broken",
    "Client",
    "EventQueue",
    "Explanation",
    "FreshrankError",
    "Interaction",
    "Item",
    "Known",
    "Lost",
    "Merge",
    "NotTaken",
    "QueueFull",
    "RankedItem",
    "Ranking",
    "Refused",
    "Retries",
    "Unavailable",
    "User",
    "Visit",
]
