"""python -m serving.slate"""

from pathlib import Path

import pytest

from serving.slate.__main__ import main


def test_the_shipped_surfaces_are_printed_stage_by_stage(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "rank"
    assert '  seen {"actions":["purchase","rating","dismiss"],"days":null}' in printed


def test_a_mistake_ends_it_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "slate.yaml").write_text("surfaces: {}")
    with pytest.raises(SystemExit, match="no stages for rank, recommend, similar, search"):
        main([str(tmp_path / "slate.yaml")])
