"""EMAIL: renders a template and sends it, by SMTP or into a Maildir."""

from handlers.parts.mail import compose, outbox
from handlers.parts.once import delivery
from handlers.parts.settings import handler_settings
from messages import EmailMessage, JsonObject
from workers import RetryPolicy, handles


@handles(EmailMessage, retry=RetryPolicy(max_attempts=5))
def send_email(message: EmailMessage) -> JsonObject:
    """Send one mail.

    Into a Maildir exactly once, because the file's name comes from the message's id. By SMTP at
    least once, and no protocol can do better: if this process dies after the server said 250 and
    before the ledger is written (one commit, the next thing that happens), or if the connection
    breaks while the server answers, the next run sends again. Both mails then carry the same
    Message-ID, by which mailboxes drop the second. Two processes at the same time send once:
    the second waits for the first.

    Returns:
        The recipient, the transport, and the file's name or the Message-ID.

    Raises:
        ResourceUnavailable: If the server is down or answers 4xx.
        PermanentError: If it answers 5xx, or the template cannot be rendered.
    """
    settings = handler_settings()
    mail = compose(message, settings)
    with delivery(message) as sent:
        if sent.result is None:
            with outbox(settings) as post:
                sent.record(post(mail))
    return sent.result or {}
