import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def photograph(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dashboard.screenshot", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_picture_of_a_gateway_is_taken(world, origin, tmp_path):
    world.add_gateway("pump")
    world.add_episode("pump")
    output = tmp_path / "images" / "page.png"
    done = photograph("--url", origin, "--gateway", "pump", "--episode", "--output", str(output))
    assert done.returncode == 0, done.stderr
    assert output.read_bytes().startswith(b"\x89PNG")


def test_without_a_page_it_says_what_to_try(tmp_path):
    done = photograph("--url", "http://127.0.0.1:9", "--output", str(tmp_path / "page.png"))
    assert done.returncode == 1
    assert "try: make demo" in done.stderr
    assert not (tmp_path / "page.png").exists()
