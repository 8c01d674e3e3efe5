"""What can go wrong before any message is sent: servers, ports and the Procfile."""

from messages.errors import PostroomError


class ServerUnavailable(PostroomError):
    """There is no Redis to work with, and none can be started."""

    code = "redis_unavailable"


class DataInUse(PostroomError):
    """Another process has the embedded server's data open and does not answer."""

    code = "data_in_use"


class ProcfileInvalid(PostroomError):
    """The Procfile cannot be read or has a line that cannot be run."""

    code = "invalid_procfile"


class AddressRefused(PostroomError):
    """A server cannot listen where it was told to."""

    code = "address_refused"
