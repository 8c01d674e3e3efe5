"""What a trim would remove from a stream, and what stays. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.streams.trimming import KEPT_DONE


@dataclass(frozen=True)
class Trimmable:
    """What a trim of one key of a stream does.

    Args:
        key: The key.
        length: Entries now, done or not.
        waiting: Entries that the group that is furthest behind was not given.
        pending: Entries in hand.
        done: Entries that every group has finished; at least so many with several groups.
        goes: Of these, how many a trim removes at least.
        share: What is not done, of a hundred that the limit allows.
        limit: Unfinished entries that there may be.
    """

    key: str
    length: int
    waiting: int
    pending: int
    done: int
    goes: int
    share: float
    limit: int


def trimmable(info: Mapping[str, Any], *, keep: int = KEPT_DONE) -> Trimmable:
    """What a trim does.

    Args:
        info: What `get_stream_info` returns.
        keep: Of the newest entries, how many stay in any case.
    """
    length, groups = info["length"], info["groups"]
    waiting = max((each["queued_count"] for each in groups), default=length)
    pending = sum(each["pending_count"] - each["trimmed_count"] for each in groups)
    done = max(0, length - waiting - pending)
    unfinished = max((each["queued_count"] + each["pending_count"] for each in groups), default=0)
    return Trimmable(
        key=info["stream_name"],
        length=length,
        waiting=waiting,
        pending=pending,
        done=done,
        goes=max(0, done - max(0, keep - waiting)),
        share=100 * (unfinished if groups else length) / info["limit"],
        limit=info["limit"],
    )
