"""What a forwarder counted: a part of the agent's status file. Not here: the counting (``forwarder``)."""

import msgspec


class Traffic(msgspec.Struct, kw_only=True):
    """What the forwarder counted since its start.

    Attributes:
        publishes: Messages sent, second copies included.
        sent_bytes: Their payloads.
        resent: Of ``publishes``, second copies sent by this process.
        acknowledged: Taken by the broker.
        failed: Not acknowledged: the link went, or no answer came.
        refused: Refused by the broker.
        given_up: Blocks refused so often that they were quarantined and declared.
        watermarks: Answers of the cloud that were heeded.
        foreign: Answers about another spool, ignored.
        malformed: Answers that could not be read, ignored.
        unheard: Answers thrown away because too many came at once; a later one says the same and more.
        probes: Blocks sent again because the cloud had been silent for hours.
        spool_failures: Times the spool could not be read or written.
    """

    publishes: int = 0
    sent_bytes: int = 0
    resent: int = 0
    acknowledged: int = 0
    failed: int = 0
    refused: int = 0
    given_up: int = 0
    watermarks: int = 0
    foreign: int = 0
    malformed: int = 0
    unheard: int = 0
    probes: int = 0
    spool_failures: int = 0
