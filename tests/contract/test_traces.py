import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ContractError
from contract.traces import Trace, pack, readings_of, steps_of

LARGEST = 2**51
integers = st.integers(-LARGEST, LARGEST)
steps = st.lists(st.none() | integers, max_size=200) | st.lists(st.none() | st.integers(-9, 9), max_size=200)


@given(steps, integers, st.integers(-(2**20), 2**20))
def test_integers_and_gaps_come_back_as_they_were(given_steps, base, slope):
    trace = Trace(unit="V", resolution=1.0, packed=pack(given_steps, base=base, slope=slope), base=base, slope=slope)
    assert steps_of(trace, len(given_steps)) == given_steps


@given(st.binary(max_size=80), st.integers(0, 300))
def test_whatever_the_bytes_it_is_the_readings_or_an_error(raw, count):
    trace = Trace(unit="", resolution=0.5, packed=base64.b64encode(raw).decode())
    try:
        found = readings_of(trace, count)
    except ContractError:
        return
    assert len(found) == count


@pytest.mark.parametrize("packed", ["", "AA", "A!==", "BQ==", "f/////8=", "ä", "AAAAAA=="])
def test_bytes_that_do_not_hold_the_readings_are_refused(packed):
    with pytest.raises(ContractError, match="trace"):
        steps_of(Trace(unit="", resolution=1.0, packed=packed), 65)


def test_readings_that_do_not_change_take_a_byte_for_sixty_four():
    assert len(base64.b64decode(pack([7] * 640, base=7))) == 10


def test_the_bytes_are_those_that_were_agreed():
    trace = Trace(unit="V", resolution=0.5, base=10, packed=pack([12, None, 9, 9], base=10))
    assert base64.b64decode(trace.packed) == bytes([0x40 | 3, 0b101_000_11, 0b0_001_0000])
    assert readings_of(trace, 4) == [6.0, None, 4.5, 4.5]
