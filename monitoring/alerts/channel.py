"""What a channel is: something that takes notices."""

from typing import Protocol

from messages import PostroomError
from monitoring.alerts.notice import Notice


class ChannelFailed(PostroomError):
    """A channel did not take a notice. Its message has no secret."""

    code = "alert_channel_failed"
    remedy_text = "Correct the channel in ALERT_CHANNELS, then try it: `postroom alerts test`."


class Channel(Protocol):
    """Takes notices to people.

    Args:
        name: As rules call it.
        kind: `webhook`, or what the service is called.
    """

    @property
    def name(self) -> str:
        """As rules call it."""

    @property
    def kind(self) -> str:
        """`webhook`, or what the service is called."""

    def send(self, notice: Notice) -> None:
        """Hand a notice over; within some seconds.

        Args:
            notice: What to say.

        Raises:
            ChannelFailed: If it was not taken.
        """
