"""MESSAGE_SCAN: indexes the messages of a channel by author and by link."""

from handlers.parts.database import snapshot
from handlers.parts.once import apply_once, earlier
from handlers.parts.scan import Page, messages_to_scan, scan
from messages import JsonObject, MessageScanMessage
from workers import Context, handles


@handles(MessageScanMessage)
def scan_messages(message: MessageScanMessage, context: Context) -> JsonObject:
    """Note who wrote each message and which links are in it, and how far the channel is.

    Without ids it goes on where the last scan of the channel ended. What is indexed stays, also
    if the scan of a long channel does not come to its end.

    Returns:
        How many were scanned, the links and authors in them, and which ids were not found.

    Raises:
        PermanentError: If there is no such channel.
    """
    with snapshot() as session:
        done = earlier(session, message)
        if done is not None:
            return done
        wanted = messages_to_scan(session, message.data)
    total = Page()
    for page in scan(message):
        total += page
        seen = total.scanned + len(total.missing)
        context.progress(seen / max(seen, wanted, 1), f"{total.scanned} messages scanned")
    return apply_once(message, lambda _: _result(total))


def _result(total: Page) -> JsonObject:
    return {
        "scanned": total.scanned,
        "links": total.links,
        "authors": len(total.authors),
        "missing": [*total.missing],
    }
