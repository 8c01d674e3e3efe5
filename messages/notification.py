"""NOTIFICATION: a line for a person's inbox, and a push where one is configured."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from messages.base import Message, Payload
from messages.fields import Indexed, LogField

NotificationType = Literal["info", "warning", "error", "success"]


class NotificationData(Payload):
    """Whom to tell what."""

    recipient_id: Annotated[str, Field(min_length=1, max_length=128), LogField, Indexed]
    title: str = Field(min_length=1, max_length=200)
    message: str = Field(max_length=10_000)
    type: NotificationType = "info"
    action_url: str | None = Field(default=None, max_length=2_000)


class NotificationMessage(Message):
    """Stores to the recipient's inbox and pushes through Apprise where a URL is set."""

    queue: ClassVar[str] = "notifications"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "recipientId": "user-123",
            "title": "Workout complete!",
            "message": "Great job on finishing your workout!",
            "type": "success",
            "actionUrl": "/workouts",
        },
    )

    message_type: Literal["NOTIFICATION"] = "NOTIFICATION"
    data: NotificationData

    @classmethod
    def of(
        cls,
        recipient: str,
        title: str,
        message: str,
        type: NotificationType = "info",  # noqa: A002 - the field's name on the wire
        action_url: str | None = None,
    ) -> Self:
        """Build the message from its parts.

        Args:
            recipient: Id of the user to tell.
            title: The headline, at most 200 characters.
            message: The text.
            type: How it is meant.
            action_url: Where a click leads.
        """
        data = NotificationData(
            recipient_id=recipient, title=title, message=message, type=type, action_url=action_url
        )
        return cls(data=data)
