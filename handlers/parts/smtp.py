"""Talks to the SMTP server, and says of each refusal whether trying again can help."""

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage as Mail

from handlers.parts.settings import HandlerSettings
from messages import JsonObject
from workers import PermanentError, ResourceUnavailable

_REFUSED = 500  # from here on an answer means "never", below it "not now" (RFC 5321, 4.2.1)


@contextmanager
def smtp_session(settings: HandlerSettings, host: str) -> Iterator[Callable[[Mail], JsonObject]]:
    """Connect, log in, and say goodbye at the end.

    Args:
        settings: Port, login, security and timeout.
        host: The server.

    Yields:
        A function that hands over one mail. When it returns, the server has taken
        responsibility for the mail; whatever happens to the connection then does not matter.

    Raises:
        ResourceUnavailable: If the server cannot be reached or does not let us in. That is never
            the message's fault, so it is worth waiting for.
    """
    try:
        client = _connect(settings, host)
    except (OSError, smtplib.SMTPException) as error:
        raise ResourceUnavailable(f"The mail server {host} is not available: {error}.") from error
    try:
        yield lambda mail: _hand_over(client, mail, host)
    finally:
        with suppress(OSError, smtplib.SMTPException):
            client.quit()
        client.close()


def _connect(settings: HandlerSettings, host: str) -> smtplib.SMTP:
    port, timeout = settings.smtp_port, settings.smtp_timeout
    us = socket.gethostname()  # smtplib's own way asks the DNS, and knows no timeout for that
    client: smtplib.SMTP
    if settings.smtp_security == "tls":
        context = ssl.create_default_context()
        client = smtplib.SMTP_SSL(host, port, us, timeout=timeout, context=context)
    else:
        client = smtplib.SMTP(host, port, us, timeout=timeout)
    try:
        if settings.smtp_security == "starttls":
            client.starttls(context=ssl.create_default_context())
        if settings.smtp_user is not None:
            client.login(settings.smtp_user, settings.smtp_password.get_secret_value())
    except BaseException:
        client.close()
        raise
    return client


def _hand_over(client: smtplib.SMTP, mail: Mail, host: str) -> JsonObject:
    to = str(mail["To"])
    try:
        client.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise _refusal(host, code, text) from error
    except smtplib.SMTPResponseException as error:
        raise _refusal(host, error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise PermanentError(f"The mail server {host} cannot send to {to}: {error}.") from error
    except (OSError, smtplib.SMTPException) as error:
        raise ResourceUnavailable(
            f"The connection to {host} broke while the mail was handed over; the server may or "
            f"may not have taken it: {error}."
        ) from error
    return {"to": to, "transport": "smtp", "messageId": str(mail["Message-ID"])}


def _refusal(host: str, code: int, answer: bytes | str) -> Exception:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    sentence = f"The mail server {host} answered {code} {' '.join(text.split())}."
    return PermanentError(sentence) if code >= _REFUSED else ResourceUnavailable(sentence)
