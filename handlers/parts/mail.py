"""Mails: composed the same way each time, then handed to a Maildir or to an SMTP server."""

import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage as Mail
from email.policy import SMTP
from email.utils import format_datetime
from functools import partial
from pathlib import Path

from handlers.parts.files import file_stem
from handlers.parts.mail_text import render
from handlers.parts.markdown import visible
from handlers.parts.settings import HandlerSettings
from handlers.parts.smtp import smtp_session
from messages import EmailMessage, JsonObject
from workers import PermanentError, ResourceUnavailable

_SENT = SMTP.clone(cte_type="7bit")  # for servers without 8BITMIME
_ON_DISK = _SENT.clone(linesep="\n")

Post = Callable[[Mail], JsonObject]
"""Hands one mail over; returns where it went."""


def compose(message: EmailMessage, settings: HandlerSettings) -> Mail:
    """Make the mail of a message. The same message gives the same mail, to the last byte.

    Args:
        message: What to say to whom.
        settings: Sender and template folders.

    Returns:
        The mail. Its Message-ID comes from the message's id, so that mailboxes see a mail that
        is sent twice as one.

    Raises:
        PermanentError: If the template is unknown or lacks a value, or the address is none.
    """
    data = message.data
    text = render(data.template, data.template_data, folders=settings.template_dirs)
    mail = Mail(policy=_SENT)
    mail["From"] = settings.mail_from
    mail["To"] = _address(data.to)
    mail["Subject"] = " ".join(visible(data.subject).split())
    mail["Date"] = format_datetime(message.timestamp)
    mail["Message-ID"] = message_id_header(message.message_id, settings)
    mail["Auto-Submitted"] = "auto-generated"
    if text.plain is not None:
        mail.set_content(text.plain)
    if text.html is not None and text.plain is not None:
        mail.add_alternative(text.html, subtype="html")
        mail.set_boundary(hashlib.sha256(message.message_id.encode()).hexdigest()[:40])
    elif text.html is not None:
        mail.set_content(text.html, subtype="html")
    return mail


def message_id_header(message_id: str, settings: HandlerSettings) -> str:
    """The Message-ID header of a message's mail.

    Args:
        message_id: The message.
        settings: The sender, whose domain makes it unique in the world.
    """
    return f"<{file_stem(message_id)}@{settings.mail_from.rpartition('@')[2]}>"


def outbox(settings: HandlerSettings) -> AbstractContextManager[Post]:
    """Open what mails are handed to: the SMTP server if one is set, else the Maildir.

    Args:
        settings: Which, and how long to wait for it.

    Returns:
        A context that gives the function to post with.

    Raises:
        ResourceUnavailable: If the server does not take mails now.
    """
    if settings.smtp_host is None:
        return nullcontext(partial(_put_into_maildir, settings.mail_dir))
    return smtp_session(settings, settings.smtp_host)


def _put_into_maildir(folder: Path, mail: Mail) -> JsonObject:
    # The name comes from the message's id, so that the same mail cannot lie there twice.
    name = str(mail["Message-ID"])[1:].partition("@")[0] + ".postroom"
    try:
        for part in ("tmp", "new", "cur"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        if not _is_delivered(folder, name):
            _write_durably(folder / "tmp" / name, mail.as_bytes(policy=_ON_DISK))
            (folder / "tmp" / name).rename(folder / "new" / name)
    except OSError as error:
        raise ResourceUnavailable(f"The Maildir {folder} cannot be written: {error}.") from error
    return {"to": str(mail["To"]), "transport": "maildir", "file": name}


def _is_delivered(folder: Path, name: str) -> bool:
    # A reader moves it to cur and adds flags to its name.
    return (folder / "new" / name).exists() or any((folder / "cur").glob(f"{name}*"))


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _address(text: str) -> Address:
    try:
        return Address(addr_spec=text)
    except (MessageError, ValueError, IndexError) as error:
        raise PermanentError(f"data.to is no mail address: {error}.") from error
