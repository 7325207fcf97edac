import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.errors import ConfigError
from device_agent.sensors.modbus_registers import (
    MOST_REGISTERS,
    Register,
    Request,
    Type,
    places,
    requests,
)
from device_agent.sensors.rates import Missing

FORMATS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "float32": ">f",
    "int64": ">q",
    "uint64": ">Q",
    "float64": ">d",
}


def words(packed: bytes) -> list[int]:
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int16", -2),
        ("uint16", 65534),
        ("int32", -70_000),
        ("uint32", 4_000_000_000),
        ("int64", -(2**40)),
        ("uint64", 2**40),
        ("float32", 230.5),
        ("float64", -1.25e-3),
    ],
)
def test_every_type_is_read_in_each_order_of_words_and_bytes(kind: Type, value: float) -> None:
    plain = words(struct.pack(FORMATS[kind], value))
    swapped = [word >> 8 | (word & 255) << 8 for word in plain]
    assert Register(address=0, type=kind).value(plain) == value
    assert Register(address=0, type=kind, words="low_first").value(plain[::-1]) == value
    assert Register(address=0, type=kind, bytes="low_first").value(swapped) == value
    assert Register(address=0, type=kind, words="low_first", bytes="low_first").value(swapped[::-1]) == value


def test_123456_78_in_the_order_of_a_well_known_meter() -> None:
    # 0x47F12068 is 123456.8125 as an IEEE 754 single
    assert Register(address=0, type="float32").value([0x47F1, 0x2068]) == 123456.8125
    assert Register(address=0, type="float32", words="low_first").value([0x2068, 0x47F1]) == 123456.8125


def test_a_value_is_scaled_then_shifted() -> None:
    assert Register(address=0, type="int16", scale=0.1, offset=-40).value([650]) == pytest.approx(25.0)


def test_one_bit_of_a_register() -> None:
    register = Register(address=0, type="bit", bit=9)
    assert (register.value([0x0200]), register.value([0xFDFF])) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("register", "raw", "reason"),
    [
        (Register(address=0, type="float32"), [0x7FC0, 0], "not a finite number: nan"),
        (Register(address=0, type="float32"), [0xFF80, 0], "not a finite number: -inf"),
        (Register(address=0, absent=0x8000), [0x8000], "the device has no value"),
        (Register(address=0, type="int16", absent=-32768), [0x8000], "the device has no value"),
    ],
)
def test_what_is_no_number_is_a_gap(register: Register, raw: list[int], reason: str) -> None:
    assert register.value(raw) == Missing(reason)


@pytest.mark.parametrize(
    ("register", "part"),
    [
        (Register(address=0, table="coil", type="int16"), "a coil is a bit"),
        (Register(address=0, type="bit"), "belong together"),
        (Register(address=0, bit=3), "belong together"),
        (Register(address=65535, type="int32"), "passes the last address"),
        (Register(address=0, scale=0), "scale of 0"),
    ],
)
def test_keys_that_contradict_each_other_are_refused_with_their_place(register: Register, part: str) -> None:
    with pytest.raises(ConfigError, match=rf"registers\.a: .*{part}"):
        register.check("registers.a")


def test_neighbours_are_asked_for_together_and_strangers_apart() -> None:
    found = requests(
        [
            Register(address=12, type="float32"),
            Register(address=10, type="int32"),
            Register(address=20),
            Register(address=10, table="input"),
            Register(address=14, device=7),
        ],
        device=1,
        bridge=0,
    )
    assert found == (
        Request(1, "holding", 10, 4),
        Request(1, "holding", 20, 1),
        Request(1, "input", 10, 1),
        Request(7, "holding", 14, 1),
    )


def test_a_bridge_reads_a_few_unwanted_registers_along() -> None:
    registers = [Register(address=0), Register(address=4)]
    assert len(requests(registers, device=1, bridge=2)) == 2
    assert requests(registers, device=1, bridge=3) == (Request(1, "holding", 0, 5),)


REGISTERS = st.lists(
    st.builds(
        Register,
        address=st.integers(0, 600),
        type=st.sampled_from(sorted(FORMATS)),
        table=st.sampled_from(["holding", "input"]),
        device=st.sampled_from([None, 1, 2]),
    ),
    min_size=1,
    max_size=60,
)


@given(REGISTERS, st.integers(0, 10))
def test_every_register_lies_whole_in_a_request_that_a_device_may_answer(
    registers: list[Register], bridge: int
) -> None:
    asked = requests(registers, device=1, bridge=bridge)
    assert all(request.length <= MOST_REGISTERS for request in asked)
    named = {str(number): register for number, register in enumerate(registers)}
    for register, (index, start) in zip(registers, places(named, asked, device=1), strict=True):
        assert asked[index].address + start == register.address
        assert start + register.width <= asked[index].length
