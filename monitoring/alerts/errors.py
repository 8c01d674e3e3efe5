"""What can go wrong with alerts, beyond their rules and channels."""

from collections.abc import Iterable
from typing import Self

from messages import PostroomError


class ChannelNotFound(PostroomError, LookupError):
    """No channel of this name is in ALERT_CHANNELS."""

    code = "alert_channel_not_found"

    @classmethod
    def named(cls, name: str, known: Iterable[str]) -> Self:
        """What to say about a channel that is not there.

        Args:
            name: What was asked for.
            known: The channels that there are.
        """
        there = ", ".join(known)
        return cls(
            f"There is no channel {name!r} in ALERT_CHANNELS.",
            field="channel",
            remedy=f"There is {there}." if there else "Set ALERT_CHANNELS=name=URL.",
        )
