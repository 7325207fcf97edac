"""Which model a component's filters use: one owner at a time.

A document that names a model wins: it is the operator's word for this one device. Else the one that a deployment of
``io.thresher.EdgeModel`` published; where that component was never deployed, the one that a job brought.

Not here: publishing (``device_agent.greengrass.published_model``), refusing a job's model where a deployment owns it
(``device_agent.greengrass.updating``).
"""

from device_agent.config import GatewayConfig
from device_agent.filters.models import ConfiguredModel, Models
from device_agent.filters.published import MODELS, PublishedModels
from device_agent.greengrass.place import EDGE_MODEL, FLEET_AGENT, Place
from device_agent.greengrass.published_model import CURRENT


def models_of(config: GatewayConfig, place: Place) -> Models:
    """What filters of this component use."""
    path = config.model_path()
    if path is not None:
        return ConfiguredModel(path)
    return PublishedModels(place.work_of(EDGE_MODEL) / CURRENT, place.work_of(FLEET_AGENT) / MODELS / CURRENT)
