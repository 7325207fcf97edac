"""What a deployment works with: folders, recipes, components, configuration, and a voice to speak to components.

Not here: what it does with them (``deployment``).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import msgspec

from twin.nucleus.configuration import ConfigurationStore
from twin.nucleus.deployed import DeployedFile
from twin.nucleus.library import Library
from twin.nucleus.recipe import Runtime
from twin.nucleus.roster import Roster
from twin.nucleus.trees import KeyPath

WAIT_S: Final = 300.0
"""For components to run; what the lite nucleus waits for each."""


class Voice(Protocol):
    """What a deployment says to components, by IPC; the methods wait for answers up to the time they are given."""

    def pre_update(self, deployment_id: str, *, is_restarting: bool, timeout_s: float) -> int:
        """Asks every component that wants to be asked; milliseconds after which to ask again, 0 to go ahead."""

    def post_update(self, deployment_id: str) -> None:
        """Tells them that it is done."""

    def validate(
        self, configurations: Mapping[str, dict[str, object]], deployment_id: str, *, timeout_s: float
    ) -> dict[str, str]:
        """Asks components whether they take these; reasons of those that do not."""

    def configuration_changed(self, component: str, key_path: KeyPath) -> None:
        """Tells whoever subscribed to this place."""


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployment works with.

    Attributes:
        root: Folder of the nucleus.
        runtime: Whose rules hold.
        library: Its recipes.
        roster: Its components.
        settings: Their configuration.
        voice: What is said to them.
        file: Where the outcome is kept.
        settle_s: Lite waits so long before it looks at the components (``wait_for_deployment_status``).
        wait_s: For components to run.
    """

    root: Path
    runtime: Runtime
    library: Library
    roster: Roster
    settings: ConfigurationStore
    voice: Voice
    file: DeployedFile
    settle_s: float = 0.0
    wait_s: float = WAIT_S
