"""``io.thresher.EdgeFilter``: judges the blocks of ``io.thresher.SensorReader`` and keeps what matters in the spool."""

from device_agent.condenser import Surroundings
from device_agent.greengrass.component import Inside
from device_agent.greengrass.remote import RemoteSensors
from device_agent.greengrass.sensing_stage import Sense
from device_agent.greengrass.serving import Service
from device_agent.notice import Notice


class Judge:
    """The filter's stage, and what it counts beside it.

    Args:
        inside: What the component has.
    """

    def __init__(self, inside: Inside) -> None:
        self.service = Service(inside)
        self._client = inside.client
        self._sensors: RemoteSensors | None = None
        self.sense = Sense(inside.place, inside.machine, lines=self._open, beside=self._notice)

    def _open(self, around: Surroundings) -> RemoteSensors:
        self._sensors = RemoteSensors(around, self._client.share())
        return self._sensors

    def _notice(self) -> Notice:
        notice = self.service.notice()
        refused = self._sensors.refused if self._sensors else 0
        return notice._replace(counters={**notice.counters, "greengrass.blocks_refused": refused})


def edge_filter(inside: Inside) -> None:
    """Runs until told to stop; see ``Service.run``."""
    judge = Judge(inside)
    judge.service.run([judge.sense.stage()], busy=judge.sense.busy)
