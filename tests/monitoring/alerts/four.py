"""Four processes that each have an alerter, as four web processes do: `python -m ... SECONDS`.

It prints their ids, and goes on until it is ended.
"""

import os
import signal
import sys
import time

from monitoring.alerts import Alerter, AlertSettings
from monitoring.alerts.channels import read_channels
from workers import load_settings
from workers.connection import connect


def run(turn_seconds: float) -> None:
    settings = load_settings()
    alerter = Alerter(
        connection=connect(settings),
        settings=AlertSettings.load(),
        engine=settings,
        turn_seconds=turn_seconds,
    )
    alerter.start()
    while True:
        time.sleep(60)


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    read_channels(AlertSettings.load())  # loads the plugins once, and not in each process
    pids = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            run(float(sys.argv[1]))
        pids.append(pid)
    print("pids", *pids, "all", flush=True)  # noqa: T201 - the test reads it
    signal.sigwait({signal.SIGTERM})
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
