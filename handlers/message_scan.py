"""MESSAGE_SCAN: indexes the messages of a channel by author and by link."""

from sqlalchemy.orm import Session

from handlers.parts.once import apply_once
from handlers.parts.scan import scan
from messages import JsonObject, MessageScanMessage
from workers import Context, handles


@handles(MessageScanMessage)
def scan_messages(message: MessageScanMessage, context: Context) -> JsonObject:
    """Note who wrote each message and which links are in it, and how far the channel is.

    Without ids it goes on where the last scan of the channel ended.

    Returns:
        How many were scanned, the links and authors in them, and which ids were not found.

    Raises:
        PermanentError: If there is no such channel.
    """
    asked = len(message.data.message_ids)

    def tell(scanned: int) -> None:
        context.progress(scanned / asked if asked else 0.5, f"{scanned} messages scanned")

    def change(session: Session) -> JsonObject:
        return scan(session, message.data, tell)

    return apply_once(message, change)
