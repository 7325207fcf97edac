"""Scenes made for tests: four channels, noise, and a level that leaves in one of them."""

import numpy as np

from training.rivals.scene import Scene

CALIBRATION = 400


def scene(*, rows: int = 700, fault: tuple[int, int] = (550, 620), seed: int = 7, gaps: bool = False) -> Scene:
    random = np.random.default_rng(seed)
    values = random.normal((20.0, 5.0, 0.0, 230.0), (1.0, 0.2, 3.0, 2.0), size=(rows, 4))
    values[fault[0] : fault[1], 1] += 1.5
    if gaps:
        values[random.random(values.shape) < 0.02] = np.nan
    return Scene(("a", "b", "c", "d"), np.arange(rows, dtype=np.float64), values, CALIBRATION)


def with_normal_rows_before(given: Scene, count: int) -> Scene:
    """More normal rows between calibration and the rest: what follows is the same, its row numbers are not."""
    more = scene(rows=CALIBRATION + count, fault=(0, 0), seed=11).values[CALIBRATION:]
    calibration, rest = given.values[:CALIBRATION], given.values[CALIBRATION:]
    values = np.vstack([calibration, more, rest])
    return given._replace(times_s=np.arange(len(values), dtype=np.float64), values=values)
