"""A work horse must not outlive its worker: a second copy of its job will be started."""

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1  # from linux/prctl.h


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends, however it ends.

    Linux only; elsewhere a horse whose worker was killed ends with its job.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
