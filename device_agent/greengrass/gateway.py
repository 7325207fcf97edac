"""``io.thresher.Gateway``: senses, filters, keeps and forwards, in one process with one connection to the nucleus.

```
sense: sampler ─▶ condenser ─▶ spool (fsync)        forward: spool ─▶ nucleus ─▶ … ◀─ stored
```
Two threads of work that share the spool's file and nothing else, as ``thresher run`` and ``thresher agent`` do.
"""

from device_agent.greengrass.component import Inside
from device_agent.greengrass.forwarding_stage import Forward
from device_agent.greengrass.sensing_stage import Sense
from device_agent.greengrass.serving import Service


def gateway(inside: Inside) -> None:
    """Runs until told to stop; see ``Service.run``."""
    service = Service(inside)
    sense = Sense(inside.place, inside.machine, beside=service.notice)
    documents = service.documents
    forward = Forward(inside.client, inside.machine, layer=documents.shadow, judge=documents.judge)
    service.run([sense.stage(), forward.stage()], busy=sense.busy)
