"""USER_ACTION: something a person did, for the activity log."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from messages.base import Message, Payload
from messages.fields import Indexed, JsonObject, LogField


class UserActionData(Payload):
    """What was done to which thing."""

    action: str = Field(min_length=1, max_length=200)
    entity_type: str = Field(min_length=1, max_length=200)
    entity_id: Annotated[str, Field(min_length=1, max_length=200), LogField, Indexed]
    payload: JsonObject = Field(default_factory=dict)


class UserActionMessage(Message):
    """Appends to the activity log."""

    queue: ClassVar[str] = "activity"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "action": "session_completed",
            "entityType": "session",
            "entityId": "session-101",
            "payload": {"minutes": 48, "feeling": "good"},
        },
    )

    message_type: Literal["USER_ACTION"] = "USER_ACTION"
    data: UserActionData

    @classmethod
    def of(
        cls,
        action: str,
        entity_type: str,
        entity_id: str,
        payload: JsonObject | None = None,
        *,
        user_id: str | None = None,
    ) -> Self:
        """Build the message from its parts.

        Args:
            action: What was done, such as `session_completed`.
            entity_type: What kind of thing it was done to.
            entity_id: Which one.
            payload: Anything else worth keeping, as JSON.
            user_id: Who did it.
        """
        data = UserActionData(
            action=action, entity_type=entity_type, entity_id=entity_id, payload=payload or {}
        )
        return cls(data=data, user_id=user_id)
