"""Whether a job can be carried out here, before the cloud is told that it will be.

A job that nobody answers stays the next one for ever, hides every later one and, on a lite nucleus, every deployment:
so what can never be done is rejected at once, with its reason. What was begun is not judged again: an update may have
made another gateway of it meanwhile.

Not here: the form of documents (``contract.job_documents``), what a performer refuses (``port.Performer.refusal``).
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from contract.errors import ContractError
from contract.job_documents import JobDocument, parse_document
from contract.jobs import Action
from device_agent.fleet.port import Performers

_OF_GREENGRASS: Final = ("fleetConfigArn", "configurationArn", "deploymentId")

Steps = tuple[Action, ...]
Meant = Callable[[JobDocument], str]
"""Why a document does not mean this gateway; empty if it does."""


class Judge(NamedTuple):
    """Of a gateway's jobs.

    Attributes:
        performers: Who carries out what.
        meant: See ``Meant``.
    """

    performers: Performers
    meant: Meant = lambda _: ""

    def steps_of(self, document: object) -> Steps:
        """The actions of a document, its last step included.

        Raises:
            ContractError: It cannot be understood, or nobody here carries out one of its actions.
        """
        return self._steps(parse_document(document))

    def why_not(self, document: object) -> str:
        """Why this can never be done here; empty if it can."""
        try:
            parsed = parse_document(document)
            steps = self._steps(parsed)
        except ContractError as exc:
            remedy = getattr(exc, "remedy", "")
            return f"{exc}; {remedy}" if remedy else str(exc)
        if why := self.meant(parsed):
            return why
        for place, action in enumerate(steps):
            if why := self.performers[type(action)].refusal(action):
                return f"{name_of(place, steps)}: {why}"
        return ""

    def _steps(self, parsed: JobDocument) -> Steps:
        steps = parsed.steps if parsed.final_step is None else (*parsed.steps, parsed.final_step)
        for place, action in enumerate(steps):
            if type(action) not in self.performers:
                raise ContractError(f"{name_of(place, steps)}: this gateway carries out no {kind_of(action)}")
        return steps


def is_of_greengrass(document: object) -> bool:
    """Whether it is a deployment: the nucleus's. Those live in a namespace of their own and should not be seen."""
    return isinstance(document, dict) and any(key in document for key in _OF_GREENGRASS)


def kind_of(action: Action) -> str:
    """Its type, as in a document."""
    return str(type(action).__struct_config__.tag)


def name_of(place: int, steps: Steps) -> str:
    """A step for a person, e.g. ``2/3 restart it``."""
    return f"{place + 1}/{len(steps)} {steps[place].name or kind_of(steps[place])}"
