"""NOTIFICATION: stores to the recipient's inbox, and pushes where an address is set."""

import hashlib
from datetime import UTC, datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from handlers.parts.database import transaction
from handlers.parts.once import apply_once, claim
from handlers.parts.push import push
from handlers.parts.settings import handler_settings
from handlers.parts.tables import Applied, InboxEntry
from messages import JsonObject, NotificationMessage
from workers import HandlerError, RetryPolicy, handles


@handles(NotificationMessage, retry=RetryPolicy(max_attempts=5))
def notify(message: NotificationMessage) -> JsonObject:
    """Put the notification into the inbox, then push it to each address of NOTIFY_URLS.

    The inbox is exact: one entry for each message. A push is claimed for each address before it
    is sent, so two processes push once, and one that is killed in between leaves the entry in
    the inbox without a push. An address that refuses the push is tried again, alone.

    Returns:
        The entry's id, and how many addresses there are to push to.

    Raises:
        ResourceUnavailable: If an address did not take the push.
        PermanentError: If Apprise does not understand an address.
    """
    result = apply_once(message, lambda session: _store(session, message))
    targets = handler_settings().notify_targets()
    for url in targets:
        _push_once(message, url)
    return {**result, "pushTargets": len(targets)}


def _store(session: Session, message: NotificationMessage) -> JsonObject:
    data = message.data
    session.add(
        InboxEntry(
            message_id=message.message_id,
            recipient_id=data.recipient_id,
            title=data.title,
            message=data.message,
            type=data.type,
            action_url=data.action_url,
            created_at=datetime.now(UTC),
        )
    )
    return {"inboxId": message.message_id, "recipientId": data.recipient_id}


def _push_once(message: NotificationMessage, url: str) -> None:
    step = f"push:{hashlib.sha256(url.encode()).hexdigest()[:16]}"  # the URL may hold a secret
    with transaction() as session:
        if not claim(session, message, step):
            return
    try:
        push(url, message.data)
    except HandlerError:
        _give_up(message, step)
        raise


def _give_up(message: NotificationMessage, step: str) -> None:
    entry = (Applied.message_id == message.message_id) & (Applied.step == step)
    with transaction() as session:
        session.execute(delete(Applied).where(entry))
