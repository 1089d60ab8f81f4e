"""What every source found -> one list of candidates, each with the source it is owed to. Pure."""

from collections.abc import Mapping, Sequence
from itertools import islice
from math import ceil


def merge(found: Mapping[str, Sequence[int]], quotas: Mapping[str, float], size: int) -> dict[int, str]:
    """Up to ``size`` rows -> source, those within the quotas first, source by source.

    Each source, in the order of ``found``, claims its share of ``size`` of what no other has claimed; what is left goes
    to all of them in turns.
    """
    claimed: dict[int, str] = {}
    for source, rows in found.items():
        fresh = (row for row in rows if row not in claimed)
        quota = min(ceil(quotas.get(source, 0.0) * size), size - len(claimed))
        claimed |= dict.fromkeys(islice(fresh, quota), source)
    return claimed | _in_turns(found, claimed, size - len(claimed))


def _in_turns(found: Mapping[str, Sequence[int]], claimed: Mapping[int, str], size: int) -> dict[int, str]:
    taken: dict[int, str] = {}
    queues = [(source, iter(rows)) for source, rows in found.items()]
    while queues and len(taken) < size:
        source, rows = queues.pop(0)
        row = next((row for row in rows if row not in claimed and row not in taken), None)
        if row is not None:
            taken[row] = source
            queues.append((source, rows))
    return taken
