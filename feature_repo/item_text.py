"""title, text, categories -> the one text an item is encoded from, in training and in serving."""

from collections.abc import Sequence


def item_text(title: str, text: str, categories: Sequence[str]) -> str:
    """``title. category, category. text`` without what is empty."""
    parts = (title, ", ".join(categories), text)
    return ". ".join(part.strip() for part in parts if part.strip())
