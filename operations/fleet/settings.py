"""How a rollout is done. The defaults are for a fleet that nobody can visit: slow, and quick to stop."""

import msgspec

from contract.rollout import Bounds


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Each has an option of ``thresher fleet rollout``.

    Attributes:
        canaries: How many begin: ``3`` or ``5%``.
        rate: Gateways of a job that are told in a minute, at first and at most.
        failed_percent: Of a job's gateways that fail, time out or reject, for the service to stop telling more.
        retries: How often the service tries a gateway again that failed or timed out.
        timeout_minutes: How long one gateway may take.
        soak_seconds: How long a wave must do well.
        deadline_seconds: How long a wave waits for who is away.
        quorum_percent: Of a wave's gateways that did not fail, to go on after its deadline.
        bounds: When it is taken back.
        baseline_seconds: How much of the past is compared with.
        poll_seconds: How often it is judged; 0 as often as the workflow can.
        windows: Maintenance windows, UTC: ``cron(0 2 * * ? *)/180``, with minutes behind the slash.
        start: When jobs begin, ``YYYY-MM-DDThh:mm`` UTC.
        end: When nobody is told any more.
    """

    canaries: str = "5%"
    rate: tuple[int, int] = (10, 200)
    failed_percent: float = 10.0
    retries: int = 0
    timeout_minutes: int = 60
    soak_seconds: int = 3600
    deadline_seconds: int = 86_400
    quorum_percent: float = 80.0
    bounds: Bounds = Bounds()
    baseline_seconds: int = 86_400
    poll_seconds: int = 0
    windows: list[str] = []
    start: str = ""
    end: str = ""
