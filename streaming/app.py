"""The worker: a Faust app, its topics, and one agent per flow.

    interactions --> user_activity --> interactions-by-item --> item_activity --> item-changes
    items ---------> item_content -----------------------------------------------^
    users ---------> user_profile                     whatever cannot be read --> dead-letters

Every agent reads raw bytes, writes the whole batch, and only then acknowledges it.
"""

from typing import Any

import faust
from faust.types import StreamT

from feature_repo.erasure import open_erasures
from feature_repo.features import item_activity, item_content, user_activity, user_profile
from feature_repo.online import OnlineRows
from feature_repo.settings import StoreSettings
from feature_repo.store import open_applied
from streaming import catalogue, events, items_flow, users_flow
from streaming.broker import LARGEST_OUT
from streaming.catalogue import Catalogue
from streaming.erase_flow import erase_every
from streaming.erasing import stores_of
from streaming.flow import Flow
from streaming.item_activity import ItemTracker
from streaming.lag import GROUP
from streaming.ledger import log_key
from streaming.metrics import Metrics
from streaming.row_log import open_log
from streaming.settings import StreamSettings
from streaming.transport import PromptApp, RawSchema
from streaming.user_activity import UserTracker


def create_app(stream: StreamSettings, stores: StoreSettings, topic_ids: dict[str, str], metrics: Metrics) -> faust.App:
    """The worker on these stores; ``topic_ids`` is what create_topics returned."""
    app = faust_app(stream, stores)
    store = open_applied(stores)
    offline, erasures = open_log(stores), open_erasures(stores)
    contents, profiles = OnlineRows(store, item_content), OnlineRows(store, user_profile)
    logs = {topic: log_key(topic_id) for topic, topic_id in topic_ids.items()}
    activities, source = OnlineRows(store, user_activity), logs[events.TOPIC_INTERACTIONS]
    users = UserTracker(activities, contents, offline, source, stream.cached_rows, erasures)
    items = ItemTracker(OnlineRows(store, item_activity), offline, stream.cached_rows, erasures)
    catalogue_items = Catalogue(contents, offline, logs[events.TOPIC_ITEMS], erasures)
    catalogue_users = Catalogue(profiles, offline, logs[events.TOPIC_USERS], erasures)

    topics = {name: app.topic(name, schema=RawSchema()) for name in topic_ids}
    flow = Flow(app, topics, stream, metrics, erasures)
    if stream.erase_every_s:
        erase_every(stream, app, flow, stores_of(store, offline, erasures, stores))

    @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]
    async def forget(app: faust.App, revoked: set[Any], **_: Any) -> None:
        users.forget()
        items.forget()

    @app.agent(topics[events.TOPIC_INTERACTIONS])  # type: ignore[untyped-decorator]
    async def track_users(interactions: StreamT[bytes]) -> None:
        await flow.watch(users_flow.track(interactions, users, flow))

    @app.agent(topics[events.TOPIC_BY_ITEM])  # type: ignore[untyped-decorator]
    async def track_items(envelopes: StreamT[bytes]) -> None:
        await flow.watch(items_flow.track(envelopes, items, flow))

    @app.agent(topics[events.TOPIC_ITEMS])  # type: ignore[untyped-decorator]
    async def keep_items(upserts: StreamT[bytes]) -> None:
        await flow.watch(catalogue.keep(upserts, catalogue_items, events.item, flow))

    @app.agent(topics[events.TOPIC_USERS])  # type: ignore[untyped-decorator]
    async def keep_users(upserts: StreamT[bytes]) -> None:
        await flow.watch(catalogue.keep(upserts, catalogue_users, events.user, flow))

    return app


def faust_app(stream: StreamSettings, stores: StoreSettings, group: str = GROUP) -> faust.App:
    """A Faust app without agents, with the settings every worker has."""
    return PromptApp(
        stream,
        id=group,
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        store="memory://",
        datadir=str(stores.data_dir.resolve() / "faust"),
        broker_session_timeout=stream.session_timeout_s,
        broker_heartbeat_interval=stream.session_timeout_s / 3,
        broker_commit_interval=stream.commit_interval_s,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=4 * stream.batch_size,
        producer_max_request_size=LARGEST_OUT,
        worker_redirect_stdouts=False,
    )
