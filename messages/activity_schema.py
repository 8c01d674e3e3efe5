"""ACTIVITY_SCHEMA: give an activity templates to display it with."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from messages.base import Message, Payload
from messages.fields import Indexed, LogField


class ActivitySchemaData(Payload):
    """Which activity."""

    activity_id: Annotated[str, Field(min_length=1, max_length=128), LogField, Indexed]


class ActivitySchemaMessage(Message):
    """Stores a title and a body template made from the activity's JSON Schema."""

    queue: ClassVar[str] = "activity_schema"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"activityId": "activity-1"},)

    message_type: Literal["ACTIVITY_SCHEMA"] = "ACTIVITY_SCHEMA"
    data: ActivitySchemaData

    @classmethod
    def of(cls, activity_id: str) -> Self:
        """Build the message for one activity.

        Args:
            activity_id: Id of the activity.
        """
        return cls(data=ActivitySchemaData(activity_id=activity_id))
