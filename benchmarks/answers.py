"""How an idle worker answers: what its handler sends, and where to."""

import struct

ADDRESS = "BENCH_ANSWERS_TO"
"""The variable with the path of the socket that the answers go to."""

MOMENT = struct.Struct("=d")
"""An answer: the monotonic clock, which all processes of a machine share, in seconds."""
