"""Every Redis key of the streams lane, below `postroom:`; the streams are called as they like."""

from workers.keys import our_prefix


def streams(tenant: str = "") -> str:
    """Set: the keys of all streams that are known, or of those of one tenant."""
    return f"{our_prefix()}streams:{tenant}" if tenant else f"{our_prefix()}streams"


def consumers(group: str) -> str:
    """Sorted set: the consumers of a group that show signs of life, by the time until when."""
    return f"{our_prefix()}consumers:{group}"


def orphaned(group: str) -> str:
    """Sorted set: the consumers whose entries anybody in the group may claim, by when they died."""
    return f"{our_prefix()}orphaned:{group}"


def consumes(group: str, consumer: str) -> str:
    """Set: the streams in which a consumer may have entries."""
    return f"{our_prefix()}consumes:{group}:{consumer}"


def consumer(group: str, name: str) -> str:
    """Hash: what a consumer tells of itself; expires."""
    return f"{our_prefix()}consumer:{group}:{name}"


def orders(group: str, consumer: str) -> str:
    """List: what a consumer is told to do with entries that it runs; expires."""
    return f"{our_prefix()}orders:{group}:{consumer}"


def stuck_entry(group: str, consumer: str, stream: str, entry_id: str) -> str:
    """String: what the policy for stuck jobs did with the run of an entry; expires."""
    return f"{our_prefix()}stuck-entry:{group}:{consumer}:{entry_id}:{stream}"


def delayed() -> str:
    """Sorted set: the entries that are due later, by the time in ms."""
    return f"{our_prefix()}delayed"


def delayed_entries() -> str:
    """Hash: per entry that is due later, its fields as JSON."""
    return f"{our_prefix()}delayed-entries"


def displaced(stream: str) -> str:
    """Any type: what somebody had put in the place of a stream, kept for a week."""
    return f"{our_prefix()}displaced:{stream}"


def counted_loss(group: str, stream: str, harm: str) -> str:
    """String: a loss was counted, for all workers that see it; expires after 10 s."""
    return f"{our_prefix()}counted-loss:{group}:{harm}:{stream}"
