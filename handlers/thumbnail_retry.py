"""THUMBNAIL_RETRY: renders the thumbnails of a channel's images that failed before."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from handlers.parts.database import snapshot
from handlers.parts.files import file_stem
from handlers.parts.guild_tables import Attachment, GuildMessage, ThumbnailStatus
from handlers.parts.once import delivery
from handlers.parts.settings import handler_settings
from handlers.parts.thumbnails import Rendered, Unrenderable, render
from messages import JsonObject, ThumbnailRetryData, ThumbnailRetryMessage
from workers import Context, PermanentError, handles

Found = dict[str, Rendered | Unrenderable]


@handles(ThumbnailRetryMessage)
def retry_thumbnails(message: ThumbnailRetryMessage, context: Context) -> JsonObject:
    """Render what is missing, and note of each image how it went.

    A broken image does not stop the others.

    Returns:
        The ids of the images that were rendered, and of those that failed again, with the reason.

    Raises:
        PermanentError: If every image failed.
    """
    with delivery(message) as done:
        if done.result is None:
            with snapshot() as session:
                wanted = _wanted(session, message.data)
            found = _rendered(wanted, context)
            done.apply(lambda session: _note(session, found))
    result = done.result or {}
    if result.get("failed") and not result.get("rendered"):
        raise PermanentError(f"No image could be rendered: {result['failed']}.")
    return result


def _wanted(session: Session, data: ThumbnailRetryData) -> Sequence[tuple[str, str]]:
    here = (
        select(Attachment.id, Attachment.path)
        .join(GuildMessage, GuildMessage.id == Attachment.message_id)
        .where(GuildMessage.guild_id == data.guild_id, GuildMessage.channel_id == data.channel_id)
        .where(Attachment.status != ThumbnailStatus.COMPLETED)
        .order_by(Attachment.id)
    )
    if data.message_ids:
        here = here.where(GuildMessage.id.in_(data.message_ids))
    return [(attachment, path) for attachment, path in session.execute(here)]


def _rendered(wanted: Sequence[tuple[str, str]], context: Context) -> Found:
    found: Found = {}
    for number, (attachment, path) in enumerate(wanted):
        context.progress(number / len(wanted), f"image {number + 1} of {len(wanted)}")
        try:
            found[attachment] = render(path, file_stem(attachment), handler_settings())
        except Unrenderable as error:
            context.log.warning("thumbnail_failed", attachment=attachment, reason=str(error))
            found[attachment] = error
    return found


def _note(session: Session, found: Found) -> JsonObject:
    for attachment, outcome in found.items():
        row = session.get_one(Attachment, attachment)
        row.attempts += 1
        if isinstance(outcome, Rendered):
            row.status, row.error = ThumbnailStatus.COMPLETED, None
            row.thumbnail, row.width, row.height = outcome.path, outcome.width, outcome.height
        else:
            row.status, row.error = ThumbnailStatus.FAILED, str(outcome)
    return {
        "rendered": [name for name, each in found.items() if isinstance(each, Rendered)],
        "failed": {name: str(e) for name, e in found.items() if isinstance(e, Unrenderable)},
    }
