"""What jobs may bring to a device with a nucleus: nothing that a deployment brings. Never the same thing by both.

| kind | owner |
|---|---|
| application | deployments: it is made of components |
| configuration | deployments, and the thing's shadow: each component's own configuration |
| model | the component ``io.thresher.EdgeModel`` where it is deployed, or a document that names one; else jobs |
"""

from contract.jobs import Kind
from device_agent.greengrass.place import EDGE_MODEL, Place
from device_agent.greengrass.published_model import CURRENT


def refusal(place: Place, kind: Kind) -> str:
    """Why a job may not bring a kind here, for a person; empty if it may."""
    if kind == "application":
        return "applications of this gateway are updated by Greengrass deployments, never by jobs"
    if kind == "configuration":
        return "the configuration of this gateway comes by Greengrass deployments and its shadow, never by jobs"
    if (place.work_of(EDGE_MODEL) / CURRENT).is_symlink():
        return f"the model of this gateway is deployed as {EDGE_MODEL}, so no job changes it"
    return ""
