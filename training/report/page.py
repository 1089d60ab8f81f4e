"""report.json -> one HTML page that needs nothing else: its style and its charts are inside."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from training.report import figures

FOLDER = Path(__file__).parent
NONE = "–"


def render(report: Mapping[str, Any]) -> str:
    """The page of a report; every text in it is escaped."""
    pages = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "number": number,
        "share": share,
        "signed": signed,
        "bounds": bounds,
        "count": count,
        "moment": moment,
        "measure": lambda name: figures.NAMES.get(name, name),
    }
    return pages.get_template("template.html.j2").render(report=report, figures=figures)


def number(value: float | None, digits: int = 4) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def share(value: float | None) -> str:
    return NONE if value is None else f"{value:.1%}".replace("%", " %")


def signed(value: float | None, digits: int = 4) -> str:
    """With its sign, a minus being as long as a plus."""
    return NONE if value is None else f"{value:+.{digits}f}".replace("-", "−")


def bounds(mean: Mapping[str, Any], digits: int = 4, sign: str = "") -> str:
    """An interval as ``low to high``."""
    if mean["low"] is None:
        return "no interval: one user"
    return f"{mean['low']:{sign}.{digits}f} to {mean['high']:{sign}.{digits}f}".replace("-", "−")


def count(value: float | None) -> str:
    """Thousands parted by a narrow space."""
    return NONE if value is None else f"{value:,.0f}".replace(",", "\u202f")


def moment(timestamp_ms: int) -> str:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
