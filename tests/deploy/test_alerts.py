"""The alerting rules name metrics that exist, and say what to do."""

import re

import yaml

from deploy.laptop.settings import ROOT

RULES = [
    rule for group in yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
DESCRIBED = set(re.findall(r"^\| `(freshrank_\w+)` \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))


def test_every_rule_asks_a_metric_that_is_described() -> None:
    for rule in RULES:
        [metric] = re.findall(r"freshrank_\w+", rule["expr"])
        assert re.sub(r"_(total|bucket|sum|count)$", "", metric) in DESCRIBED, metric


def test_every_rule_says_what_is_wrong_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES) == 10
    assert all(rule["annotations"].keys() == {"summary", "do"} for rule in RULES)
    assert all(set(rule) <= {"alert", "expr", "for", "annotations"} for rule in RULES)


def test_parentheses_and_braces_of_the_expressions_are_balanced() -> None:
    for rule in RULES:
        for opening, closing in ("()", "{}", "[]"):
            assert rule["expr"].count(opening) == rule["expr"].count(closing)
