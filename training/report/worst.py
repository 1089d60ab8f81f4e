"""Cases -> the users who were served worst, with what they did, what was ranked and what came."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from feature_repo.pseudonym import shown
from training.metrics import ndcg
from training.report.evidence import MODEL, Evidence

USERS, ENOUGH = 10, 5  # users shown; cases that make a user's mean worth a look
HISTORY, CASES, TOP = 12, 5, 5  # of a user: past items, cases, and items on top of a ranking


def worst(evidence: Evidence) -> dict[str, Any]:
    """The users with the lowest NDCG@10 among those with enough cases."""
    ranks = evidence.ranks(MODEL)
    cases = evidence.cases.assign(gain=ndcg(ranks), inverse=1 / ranks)
    people = cases.groupby("user_id").agg(cases=("gain", "size"), ndcg=("gain", "mean"), mrr=("inverse", "mean"))
    enough = min(ENOUGH, int(people["cases"].max()))
    people = people[people["cases"] >= enough].sort_values(["ndcg", "mrr", "cases"], ascending=[True, True, False])
    before = earlier(evidence, list(people.index[:USERS]))
    return {
        "how": f"Users of at least {enough} cases, lowest NDCG@10 first, then lowest MRR. A history is what the log "
        f"had before the cutoff, its last {HISTORY} items. The first {CASES} cases are shown, with the {TOP} best "
        "items of each.",
        "users_with_enough_cases": len(people),
        "users": [_user(evidence, cases, row, before) for row in people[:USERS].reset_index().to_dict("records")],
    }


def masked(section: dict[str, Any], salt: str | None) -> dict[str, Any]:
    """The section with its users under the names that logs have for them."""
    users = [user | {"user_id": shown(user["user_id"], salt)} for user in section["users"]]
    return section | {"users": users}


def earlier(evidence: Evidence, user_ids: Sequence[str]) -> dict[str, list[str]]:
    """What each of these users met before the cutoff, oldest first."""
    past = evidence.past[evidence.past["user_id"].isin(user_ids)]
    return {str(user_id): list(item_ids) for user_id, item_ids in past.groupby("user_id")["item_id"]}


def _user(evidence: Evidence, cases: pd.DataFrame, row: dict[str, Any], before: dict[str, list[str]]) -> dict[str, Any]:
    mine = cases[cases["user_id"] == row["user_id"]].sort_values("timestamp", kind="stable")
    history = before.get(row["user_id"], [])
    return {
        "user_id": row["user_id"],
        "cases": int(row["cases"]),
        "ndcg@10": float(row["ndcg"]),
        "mrr": float(row["mrr"]),
        "events_before": len(history),
        "history": [evidence.title(item_id) for item_id in history[-HISTORY:]],
        "rankings": [_ranking(evidence, case) for case in mine.head(CASES).to_dict("records")],
    }


def _ranking(evidence: Evidence, case: dict[str, Any]) -> dict[str, Any]:
    place = float(case[f"rank_{MODEL}"])
    top = case.get(f"top_{MODEL}")
    return {
        "timestamp": int(case["timestamp"]),
        "came": evidence.title(case["item_id"]),
        "rank": int(place) if place < float("inf") else None,
        "events_of_item": int(evidence.counts.get(case["item_id"], 0)),
        "ranked": [evidence.title(item_id) for item_id in (top if top is not None else [])[:TOP]],
    }
