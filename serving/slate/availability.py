"""slate -> the same without what cannot be had."""

from serving.slate.slate import Given, Slate, Stage


class Available(Stage, frozen=True, tag="available"):
    """Leave out what is hidden or deleted, and what is published later."""

    phase = "drop"

    published: bool = True  # false lets through what is published later


def available(slate: Slate, given: Given, settings: Available) -> Slate:
    kept = given.column(slate, "item_available")
    if settings.published:
        kept = kept & (given.column(slate, "item_published_at") <= given.now_ms)
    return slate.keep(kept)
