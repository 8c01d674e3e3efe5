"""What a worker calls itself, in either lane."""

import os
import re
import secrets
import socket

_MADE_UP = re.compile("[0-9a-f]{32}")  # by RQ, for workers that nobody named


def new_worker_name() -> str:
    """A name that no worker had before, and that says where it runs.

    Returns:
        Host, process and six random digits, such as `mail-1-4711-9f30c2`.
    """
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def telling_name(name: str | None) -> str:
    """The name that somebody gave a worker, or one that says where it runs.

    Args:
        name: As RQ passes it on; its pools name each worker by 32 digits that tell nobody anything.
    """
    return new_worker_name() if not name or _MADE_UP.fullmatch(name) else name
