"""Where a sampler under test puts its scans."""

import threading

from device_agent.sensors.port import Channel, Scan
from device_agent.sensors.scan_block import ScanBlock


class Enough:
    """Takes scans until there are so many, then stops the sampler; see ``ScanSink``.

    Attributes:
        taken: Scan by scan.
        blocks: Those that came together.
    """

    def __init__(self, stop: threading.Event, enough: int, channels: tuple[Channel, ...]) -> None:
        self.taken: list[Scan] = []
        self.blocks: list[ScanBlock] = []
        self._stop, self._enough, self._channels = stop, enough, channels

    def put(self, scan: Scan) -> bool:
        self.taken.append(scan)
        if len(self.taken) >= self._enough:
            self._stop.set()
        return True

    def put_block(self, block: ScanBlock) -> bool:
        self.blocks.append(block)
        for scan in block.singly(self._channels):
            self.put(scan)
        return True

    def close(self) -> None:
        pass
