"""The two checksums that sensors put behind their bytes, both of the polynomial x⁸ + x⁵ + x⁴ + 1."""

_POLYNOMIAL = 0x31
_REFLECTED = 0x8C


def sensirion(data: bytes) -> int:
    """Most significant bit first, begun with 0xFF (SHT3x data sheet, 4.12; 0xBEEF gives 0x92)."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ _POLYNOMIAL if crc & 0x80 else crc << 1) & 0xFF
    return crc


def maxim(data: bytes) -> int:
    """Least significant bit first, begun with 0 (Maxim, application note 27)."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ _REFLECTED if crc & 1 else crc >> 1
    return crc
