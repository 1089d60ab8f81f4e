"""What both MovieLens sets share: terms, age groups, and the year as a time."""

from datetime import UTC, datetime

TERMS = """{name}, collected by GroupLens Research at the University of Minnesota. Its terms, in short:
  research use; no endorsement by GroupLens may be implied; no redistribution without permission;
  no commercial use without permission from a faculty member of GroupLens; cite, in publications,
  F. M. Harper and J. A. Konstan, The MovieLens Datasets: History and Context, ACM TiiS 5(4):19, 2015."""

AGES = ((18, "under-18"), (25, "18-24"), (35, "25-34"), (45, "35-44"), (50, "45-49"), (56, "50-55"), (1000, "56-plus"))


def age_group(age: int) -> str:
    """MovieLens-1M's age groups."""
    return next(name for limit, name in AGES if age < limit)


def new_year(year: str) -> int:
    """A year as the epoch milliseconds of its 1st of January, 0 where it is unknown.

    Films from before the epoch count as published in 1974: all that matters of so old a film is that it is old.
    """
    return int(datetime(max(int(year), 1974), 1, 1, tzinfo=UTC).timestamp() * 1000) if year else 0
