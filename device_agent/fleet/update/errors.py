"""What ends an update, by what may help. The tree of all errors: ``device_agent/errors.py``.

UpdateError
├── BusyError        another try later: one update at a time
├── HopelessError    nothing: no other try will ever succeed here
├── WithdrawnError   nothing: whoever asked for it took it back
└── DownloadError    another try of the download
    └── ExpiredError a fresh URL
"""

from device_agent.errors import UpdateError


class BusyError(UpdateError):
    """Another order is not over."""


class HopelessError(UpdateError):
    """It can never be applied here: the order ends as ``REJECTED``."""


class WithdrawnError(UpdateError):
    """The order was cancelled; what was done of it is undone."""


class DownloadError(UpdateError):
    """The bytes could not be had this time; what arrived is kept."""


class ExpiredError(DownloadError):
    """The server no longer takes this URL."""
