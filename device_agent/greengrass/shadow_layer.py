"""What the thing's shadow lays over a component's configuration, where that names one (``uplink.shadow``).

Whoever holds the link hears it and keeps it (``device_agent.desired``); the others read what it kept:

```
Gateway                                  all keys         <work of Gateway>/shadow.json
SensorReader                             ``sensors``      <work of EdgeFilter>/shadow.json
EdgeFilter, EventForwarder               all others       the same
```
Not here: which keys no shadow changes (``device_agent.config.reading``).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from device_agent.config.layers import Layer, merged
from device_agent.config.reading import SHADOW_FILE, desired_layer
from device_agent.greengrass.exclusion import SPLIT_SET
from device_agent.greengrass.place import EDGE_FILTER, GATEWAY, SENSOR_READER, Place

Values = Mapping[str, Any]


def shadow_file(place: Place) -> Path:
    """Where the layer of a component is kept."""
    return (place.work_of(EDGE_FILTER) if place.component in SPLIT_SET else place.work) / SHADOW_FILE


def opens_sensors(place: Place) -> bool:
    """Whether this component reads its document's sensors itself."""
    return place.component in {GATEWAY, SENSOR_READER}


def laid_over(document: Values, place: Place, *, source: str, desired: Values | None = None) -> Layer:
    """The document as the shadow wants it, or as it is.

    Args:
        document: A component's, complete.
        place: Of the component.
        source: As errors name it.
        desired: In place of the layer that is kept.

    Raises:
        ConfigError: The layer cannot be read, or holds what is not a shadow's to change.
    """
    uplink = document.get("uplink")
    wanted = isinstance(uplink, Mapping) and uplink.get("shadow")
    layer = desired_layer(shadow_file(place), desired) if wanted else None
    if layer is None:
        return Layer(source, document)
    own = {key: value for key, value in layer.values.items() if _concerns(key, place)}
    whole = merged([Layer(source, document), Layer(layer.source, own)]).values
    return Layer(f"{source}, changed by {layer.source}", whole)


def _concerns(key: str, place: Place) -> bool:
    return place.component not in SPLIT_SET or (key == "sensors") == (place.component == SENSOR_READER)
