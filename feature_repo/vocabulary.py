"""The constants every feature is made of: actions, half-lives, lengths. Order is part of the contract."""

from typing import Final

ACTIONS: Final = ("impression", "view", "click", "like", "cart", "purchase", "rating", "dismiss")
ACTION_CODE: Final = {action: code for code, action in enumerate(ACTIONS, start=1)}  # 0 pads a history
HISTORY_ACTIONS: Final = frozenset(ACTION_CODE.values()) - {ACTION_CODE["impression"]}

HALF_LIVES: Final = {"1h": 3_600_000, "1d": 86_400_000, "7d": 604_800_000}  # window -> milliseconds

HISTORY_LENGTH: Final = 64  # interactions
SESSION_GAP: Final = 30 * 60_000  # milliseconds without an interaction that end a session
CATEGORIES_KEPT: Final = 32  # affinities a user row remembers
ITEM_CATEGORIES: Final = 8  # categories of one item that a ranking looks at
ATTRIBUTES: Final = 8  # hashed attributes of one user or item
ATTRIBUTE_BUCKETS: Final = 4096  # bucket 0 is "none"
VECTOR_SIZE: Final = 64  # numbers in an item vector

CTR_PRIOR: Final = (1.0, 20.0)  # clicks, impressions every item starts with
