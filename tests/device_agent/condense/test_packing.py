import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contract.traces import BLOCK, Trace, pack, steps_of
from device_agent.condense.grid import MAX_STEPS
from device_agent.condense.packing import pack_columns

whole = st.one_of(
    st.just(math.nan), st.integers(-9, 9), st.integers(-(2**20), 2**20), st.integers(-int(MAX_STEPS), int(MAX_STEPS))
).map(float)


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    scans, channels = draw(st.integers(1, 150)), draw(st.integers(1, 3))
    columns = [draw(st.lists(draw(st.sampled_from([whole, st.just(5.0)])), min_size=scans, max_size=scans))
               for _ in range(channels)]  # fmt: skip
    return np.array(columns).T


@given(tables(), st.integers(-5, 5))
def test_columns_at_once_are_the_bytes_of_the_contract(table: np.ndarray, slope: int) -> None:
    packed = pack_columns(table)
    for i, column in enumerate(table.T):
        steps = [None if math.isnan(value) else int(value) for value in column]
        assert packed.trace(i, 0, packed.blocks) == pack(steps, base=packed.bases[i][0])
    sloped = pack_columns(np.nan_to_num(table), slope)
    for i, column in enumerate(np.nan_to_num(table).T):
        trace = Trace(
            unit="",
            resolution=1.0,
            slope=slope,
            base=sloped.bases[i][0] - slope,
            packed=sloped.trace(i, 0, sloped.blocks),
        )
        assert steps_of(trace, len(column)) == [int(value) for value in column]


@given(tables())
def test_any_stretch_of_blocks_stands_for_itself(table: np.ndarray) -> None:
    packed = pack_columns(table)
    for first in range(packed.blocks):
        rows = table[first * BLOCK :, 0]
        trace = Trace(
            unit="", resolution=1.0, base=packed.bases[0][first], packed=packed.trace(0, first, packed.blocks)
        )
        assert steps_of(trace, len(rows)) == [None if math.isnan(value) else int(value) for value in rows]


def test_noise_takes_its_own_bits() -> None:
    noise = np.rint(np.random.default_rng(3).normal(0, 1000, (6400, 8)))
    packed = pack_columns(noise)
    assert len(packed.data) / noise.size < 1.75
