"""Feast imported without what nobody here needs; and that our definitions pass the checks that are left out."""

import subprocess
import sys

CHECKED = """
import feast  # as it is, arguments checked by typeguard
from typeguard import TypeCheckError
from feature_repo import features
try:
    feast.Field(name=5, dtype=feast.types.String)
except TypeCheckError:
    print(len(features.VIEWS), "views pass")
"""

LEAN = """
import sys, typeguard
before = typeguard.typechecked
import feature_repo.lean_feast
assert typeguard.typechecked is before and "torch" not in sys.modules, "something is left behind"
import torch, feast
print(torch.ones(1).item(), feast.Field(name="x", dtype=feast.types.String).name)
"""


def said(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    ).stdout


def test_our_definitions_pass_feasts_own_checks() -> None:
    assert said(CHECKED) == "4 views pass\n"


def test_a_lean_import_leaves_torch_and_typeguard_as_they_were() -> None:
    assert said(LEAN) == "1.0 x\n"
