"""Every Redis key of what monitoring remembers for itself, below `postroom:watch:`."""

from workers.keys import our_prefix


def watch_logins(address: str) -> str:
    """String: how often an address failed to log in; expires after a minute."""
    return f"{our_prefix()}watch:logins:{address}"


def watch_totals() -> str:
    """Hash: what has ended since somebody first counted for Prometheus, and up to when."""
    return f"{our_prefix()}watch:totals"


def alerts() -> str:
    """Hash: per rule and what it is about, an alert, as JSON."""
    return f"{our_prefix()}watch:alerts"


def alert_turn() -> str:
    """String: the number of the turn and the process that evaluates alerts; expires."""
    return f"{alerts()}:turn"


def alert_turns() -> str:
    """String: counts the turns."""
    return f"{alerts()}:turns"


def alert_outbox() -> str:
    """Hash: per channel and notice, what is on its way, as JSON."""
    return f"{alerts()}:outbox"


def alert_history() -> str:
    """Stream: what people were told, newest last; capped."""
    return f"{alerts()}:history"


def alert_channels() -> str:
    """Hash: per channel, its last success and since when it fails, as JSON."""
    return f"{alerts()}:channels"


def watch_depths() -> str:
    """List: how much there was in each queue, as JSON, oldest first; capped, expires."""
    return f"{our_prefix()}watch:depths"


def watch_depths_turn() -> str:
    """String: somebody has written such a sample; expires after 10 s."""
    return f"{our_prefix()}watch:depths-turn"


def stuck_turn() -> str:
    """String: somebody has looked for jobs that a policy is to resolve; expires after 9 s."""
    return f"{our_prefix()}watch:stuck-turn"
