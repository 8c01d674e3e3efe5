"""A worker that is told to stop just after it has registered."""

import signal

from typing_extensions import override

from workers import MessageWorker


class StoppedEarly(MessageWorker):
    @override
    def subscribe(self) -> None:
        signal.raise_signal(signal.SIGTERM)
        super().subscribe()
