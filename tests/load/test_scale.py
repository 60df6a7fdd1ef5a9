"""`make scale` with one to three servers, a second each: groups of the kernel, a law, a file, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.load.scale import _ROOTS, main

LEFT = "watchfloor-scale-*"


@pytest.mark.alone
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("wrk"), reason="needs root, and wrk")
def test_one_to_three_servers_are_measured_and_fitted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "scale.json"
    assert main(["--counts", "1,2,3", "--seconds", "1", "--rounds", "1", "--out", str(file)]) == 0
    told = json.loads(file.read_text(encoding="utf-8"))
    assert [count for count, _ in told["found"]] == [1, 2, 3]
    (_, one), (_, two), _ = told["found"]
    assert one > 0
    assert two > one
    assert "one does" in capsys.readouterr().out
    assert [left for root in _ROOTS if root.is_dir() for left in root.glob(LEFT)] == []


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("wrk"), reason="needs root, and wrk")
@pytest.mark.parametrize("counts", ["many", "1,0", "1,,2", "-1"])
def test_a_count_that_is_none_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path, counts: str) -> None:
    assert main([f"--counts={counts}", "--out", str(tmp_path / "scale.json")]) == 2
    assert f"--counts {counts}: give numbers" in capsys.readouterr().err
    assert not (tmp_path / "scale.json").exists()
