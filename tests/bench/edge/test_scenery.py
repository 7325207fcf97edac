"""A real gateway under a real broker delivers all that it took, and the bench can tell."""

from bench.edge import beginning
from bench.edge.scenery import Scenery
from bench.edge.throughput import attempt


def test_a_calm_rate_is_delivered_whole(tmp_path) -> None:
    with Scenery(tmp_path / "scenery") as scenery:
        trial = attempt(scenery, 800, unlimited=True, stretch_s=2.0)
        started_ms = beginning.measure(scenery, 1)
    assert (trial.lost, trial.shed, trial.undelivered) == (0, 0, 0)
    assert trial.taken > 2000
    assert trial.delivered > 400
    assert started_ms > 50
