"""The handler of the idle workers: it tells at once when it was called, to whoever sent the job."""

import os
import socket
import struct
import time

from messages import TestMessage
from workers import handles

ADDRESS = "BENCH_ANSWERS_TO"
"""The variable with the path of the socket that the answers go to."""

MOMENT = struct.Struct("=d")
"""An answer: the monotonic clock, which all processes of a machine share, in seconds."""

_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


@handles(TestMessage)
def answer(message: TestMessage) -> None:
    """Tell the time.

    Args:
        message: The message.
    """
    del message
    _socket.sendto(MOMENT.pack(time.monotonic()), os.environ[ADDRESS])
