"""THUMBNAIL_RETRY: renders the thumbnails of a channel's images that failed before."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from handlers.parts.database import snapshot
from handlers.parts.files import file_stem
from handlers.parts.guild_tables import Attachment, GuildMessage, ThumbnailStatus
from handlers.parts.once import apply_once, delivery, steps_of
from handlers.parts.settings import handler_settings
from handlers.parts.thumbnails import Rendered, Unrenderable, render
from messages import JsonObject, ThumbnailRetryMessage
from workers import Context, PermanentError, handles

Outcome = Rendered | Unrenderable


@handles(ThumbnailRetryMessage)
def retry_thumbnails(message: ThumbnailRetryMessage, context: Context) -> JsonObject:
    """Render what is missing, and note of each image how it went as soon as that is known.

    A broken image does not stop the others.

    Returns:
        The ids of the images that were rendered, and of those that failed again, with the reason.

    Raises:
        PermanentError: If every image failed.
    """
    with delivery(message) as done:
        if done.result is None:
            with snapshot() as session:
                wanted = _wanted(session, message)
            for number, image in enumerate(wanted):
                context.progress(number / len(wanted), f"image {number + 1} of {len(wanted)}")
                _retry(message, *image, context)
            done.apply(lambda session: _result(session, message))
    result = done.result or {}
    if result.get("failed") and not result.get("rendered"):
        raise PermanentError(f"No image could be rendered: {result['failed']}.")
    return result


def _wanted(session: Session, message: ThumbnailRetryMessage) -> Sequence[tuple[str, str]]:
    data, done = message.data, steps_of(session, message)
    here = (
        select(Attachment.id, Attachment.path)
        .join(GuildMessage, GuildMessage.id == Attachment.message_id)
        .where(GuildMessage.guild_id == data.guild_id, GuildMessage.channel_id == data.channel_id)
        .where(Attachment.status != ThumbnailStatus.COMPLETED)
        .order_by(Attachment.id)
    )
    if data.message_ids:
        here = here.where(GuildMessage.id.in_(data.message_ids))
    return [(image, path) for image, path in session.execute(here) if _step(image) not in done]


def _step(attachment: str) -> str:
    return f"image {attachment}"


def _retry(message: ThumbnailRetryMessage, attachment: str, path: str, context: Context) -> None:
    try:
        outcome: Outcome = render(path, file_stem(attachment), handler_settings())
    except Unrenderable as error:
        context.log.warning("thumbnail_failed", attachment=attachment, reason=str(error))
        outcome = error
    note = partial(_note, attachment=attachment, outcome=outcome)
    apply_once(message, note, step=_step(attachment))


def _note(session: Session, *, attachment: str, outcome: Outcome) -> JsonObject:
    row = session.get_one(Attachment, attachment, with_for_update=True)
    row.attempts += 1
    if isinstance(outcome, Rendered):
        row.status, row.error = ThumbnailStatus.COMPLETED, None
        row.thumbnail, row.width, row.height = outcome.path, outcome.width, outcome.height
    else:
        row.status, row.error = ThumbnailStatus.FAILED, str(outcome)
    return {"attachment": attachment, "error": row.error}


def _result(session: Session, message: ThumbnailRetryMessage) -> JsonObject:
    steps = steps_of(session, message).values()
    return {
        "rendered": [step["attachment"] for step in steps if step["error"] is None],
        "failed": {str(step["attachment"]): step["error"] for step in steps if step["error"]},
    }
