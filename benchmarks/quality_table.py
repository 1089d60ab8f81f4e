"""metrics.json of runs that differ in their seed -> one table for people."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

Table = Mapping[str, Mapping[str, Any]]  # scorer -> metric -> value
COLUMNS = {"recall@10": "recall@10", "mrr": "MRR", "auc": "AUC"}  # beside NDCG@10


def summary(tables: Sequence[Table]) -> dict[str, dict[str, float]]:
    """Means over the seeds; ``sd`` is between seeds and 0 where there is one, ``ndcg@10_se`` over the cases."""
    rows = {}
    for name in tables[0]:
        found = [table[name] for table in tables if name in table]
        means = {metric: fmean(row[metric] for row in found) for metric in _numbers(found)}
        spread = stdev(row["ndcg@10"] for row in found) if len(found) > 1 else 0.0
        rows[name] = {**means, "sd": spread, "seeds": float(len(found))}
    return rows


def _numbers(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Metrics that every row has as a number."""
    return [name for name in rows[0] if all(isinstance(row.get(name), int | float) for row in rows)]


def page(title: str, rows: Mapping[str, Mapping[str, float]]) -> str:
    """The table, best last; its AUC where slates were ranked."""
    cases = max(row.get("cases", 0) for row in rows.values())
    lines = [f"{title}: {cases:,.0f} cases" if cases else title]
    metrics = [name for name in COLUMNS if any(name in row for row in rows.values())]
    lines.append(f"{'':24}{'NDCG@10':>16}{'sd of seeds':>13}" + "".join(f"{COLUMNS[name]:>11}" for name in metrics))
    for name, row in sorted(rows.items(), key=lambda pair: pair[1]["ndcg@10"]):
        ndcg = f"{row['ndcg@10']:.4f} ±{row.get('ndcg@10_se', 0):.4f}"
        spread = f"{row['sd']:.4f} ({row['seeds']:.0f})" if row["seeds"] > 1 else ""
        rest = "".join(f"{row[metric]:>11.4f}" if metric in row else f"{'':>11}" for metric in metrics)
        lines.append(f"{name:24}{ndcg:>16}{spread:>13}{rest}")
    return "\n".join(lines)
