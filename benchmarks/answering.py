"""The handler of the idle workers: it tells at once when it was called, to whoever sent the job."""

import os
import socket
import time

from benchmarks.answers import ADDRESS, MOMENT
from messages import TestMessage
from workers import handles

_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


@handles(TestMessage)
def answer(message: TestMessage) -> None:
    """Tell the time.

    Args:
        message: The message.
    """
    del message
    _socket.sendto(MOMENT.pack(time.monotonic()), os.environ[ADDRESS])
