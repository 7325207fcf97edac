"""What is done with an execution that was met before: after a restart, after a cut, or when it is heard of again.

The journal is written before each act, so what it says may not be done yet, but what it does not say is not begun.
"""

from typing import Final, Literal

from device_agent.fleet.entry import Phase

Do = Literal["claim", "begin", "resume", "tell", "ignore"]

RECOVERY: Final[dict[Phase, Do]] = {
    # phase       what is certain                                    then
    "received": "claim",  #  nothing was done, maybe it was claimed   judged anew, and claimed
    "claimed": "begin",  #   the steps before this one are done       this step is performed
    "begun": "resume",  #    this step may be done, in part or whole  its performer goes on, or says what it undid
    "over": "tell",  #       all is done; maybe its sender knows      told until the service takes it or knows better
    "told": "ignore",  #     its sender knows                         nothing; told again if the service is still open
}
