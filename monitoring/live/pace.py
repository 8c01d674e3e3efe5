"""How often the streams look. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """How often there is a look while somebody watches, all in seconds.

    Args:
        seconds: Between two looks while things change.
        quiet: After how long without a change the pauses grow.
        longest: The longest pause.
        heartbeat: After how long without an event a comment is sent; shorter than the minute
            after which proxies take a connection for dead.
        stream: How long a stream is kept; then its client comes back, and is asked again who it is.
    """

    seconds: float = 2.0
    quiet: float = 60.0
    longest: float = 30.0
    heartbeat: float = 15.0
    stream: float = 3600.0

    @property
    def shortest(self) -> float:
        """The shortest time between two looks, whatever new clients want to see."""
        return self.seconds / 8

    def next_pause(self, last: float, *, quiet_for: float) -> float:
        """How long to wait for the next look.

        Args:
            last: The pause before.
            quiet_for: For how long nothing has changed.
        """
        if quiet_for < self.quiet:
            return self.seconds
        return min(last * 2, max(self.longest, self.seconds))
