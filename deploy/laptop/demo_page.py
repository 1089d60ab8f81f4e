"""What the demo found -> the page it ends with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import indent

import pandas as pd

from deploy.laptop.demo_probes import Percentiles

WIDTH = 46
NONE = Percentiles(0.0, 0.0, 0)


@dataclass
class Findings:
    """The numbers and texts of one run."""

    evaluation: str
    users: int = 0
    differing: list[str] = field(default_factory=list)
    ranking: str = ""
    freshness: Percentiles = NONE
    latency: Percentiles = NONE
    skew: str = ""
    seconds: float = 0.0


def page(found: Findings, url: str) -> str:
    """The results, as a newcomer reads them."""
    equal = found.users - len(found.differing)
    return f"""
{"=" * 100}
freshrank demo: results after {found.seconds / 60:.1f} minutes
{"=" * 100}

RANKING QUALITY (next click among the whole catalogue, test window, features updated by every event)

{indent(found.evaluation.strip(), "  ")}

EXACTNESS  the worker was killed with SIGKILL during the replay
  {equal} of {found.users} users' features equal those of an undisturbed run
  what the model saw in its rankings, against Feast's history at those instants:
  {found.skew}

{found.ranking}
FRESHNESS  click published -> visible in a ranking ({found.freshness.count} clicks)
  p50 {found.freshness.p50:.0f} ms   p99 {found.freshness.p99:.0f} ms

LATENCY    POST /v1/rank, 100 candidates, over HTTP ({found.latency.count} requests)
  p50 {found.latency.p50:.1f} ms   p99 {found.latency.p99:.1f} ms

THE API    {url}   (documentation: {url}/docs)
  curl -s {url}/health/ready
  curl -s {url}/v1/rank -d '{{"user_id": "1", "items": ["50", "181", "258", "1"]}}'
  curl -s {url}/v1/events -d '{{"user_id": "1", "item_id": "258", "action": "click"}}'
"""


def side_by_side(
    user_id: str,
    category: str,
    clicked: Sequence[str],
    before: Sequence[str],
    after: Sequence[str],
    items: pd.DataFrame,
) -> str:
    """Two rankings as columns of titles; what is new after the clicks is marked."""
    titles = dict(zip(items["item_id"], items["title"], strict=True))
    lines = [f"RANKING OF USER {user_id}, before and after five clicks on {category}:"]
    lines += [f"    clicks {titles[item_id]}" for item_id in clicked]
    lines += ["", f"  {'before':<{WIDTH}}  after"]
    for place, (old, new) in enumerate(zip(before, after, strict=True), start=1):
        mark = " " if new in before else "*"
        lines.append(f"  {place:>2} {titles[old][: WIDTH - 4]:<{WIDTH - 3}} {mark} {titles[new][:WIDTH]}")
    fresh = len(set(after) - set(before))
    return "\n".join([*lines, f"  {fresh} of 10 are new (*)", ""])
