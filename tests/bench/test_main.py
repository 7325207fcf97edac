"""``python -m bench`` runs sections and ends as it should."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import SECTIONS, main
from bench.output import show

ROOT = Path(__file__).parents[2]


def test_an_unknown_section_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "wear,colour"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "'colour'" in said
    assert "wear" in said


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_is_a_module_that_runs(section: str) -> None:
    code = f"import bench.{section} as s; assert callable(s.run)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_the_last_line_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    show({"wear": {"passed": True}}, as_json=True)
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"wear": {"passed": True}}
