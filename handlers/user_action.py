"""USER_ACTION: appends to the activity log."""

from sqlalchemy.orm import Session

from handlers.parts.once import apply_once
from handlers.parts.tables import LoggedAction
from messages import JsonObject, UserActionMessage
from workers import handles


@handles(UserActionMessage)
def log_action(message: UserActionMessage) -> JsonObject:
    """Append what somebody did, with the time at which the message says it was done.

    Returns:
        The entry's id, which is the message's.
    """
    data = message.data

    def append(session: Session) -> JsonObject:
        session.add(
            LoggedAction(
                message_id=message.message_id,
                user_id=message.user_id,
                action=data.action,
                entity_type=data.entity_type,
                entity_id=data.entity_id,
                payload=data.payload,
                occurred_at=message.timestamp,
            )
        )
        return {"entryId": message.message_id, "action": data.action}

    return apply_once(message, append)
