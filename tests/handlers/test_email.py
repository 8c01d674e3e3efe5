import mailbox
from datetime import UTC, datetime
from email.message import EmailMessage as Mail
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest

from handlers.parts.settings import handler_settings
from messages import EmailData, EmailMessage
from tests.handlers.conftest import Setting
from tests.handlers.effects import mails_in
from tests.handlers.servers import MailServer, free_port
from workers import enqueue
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]


def _message(template: str = "welcome", **values: str) -> EmailMessage:
    return EmailMessage.of("ada@example.com", "Hello", template, {"name": "Ada", **values})


def _mails() -> list[Mail]:
    box = mailbox.Maildir(handler_settings().mail_dir, create=False)
    contents = [box.get_bytes(key) for key in box.iterkeys()]
    return [BytesParser(_class=Mail, policy=default).parsebytes(content) for content in contents]


def _body(mail: Mail, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_without_a_server_the_mail_lies_in_the_maildir(postroom: Postroom) -> None:
    sent_at = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
    data = EmailData(
        to="ada@example.com", subject="Grüße", template="welcome", template_data={"name": "Ada"}
    )
    message = EmailMessage(data=data, timestamp=sent_at)

    result = postroom.run(message)

    [mail] = _mails()
    assert result["transport"] == "maildir"
    assert (mail["To"], mail["Subject"]) == ("ada@example.com", "Grüße")
    assert mail["Date"].datetime == sent_at
    assert mail["Message-ID"] == f"<{message.message_id}@localhost>"
    assert "Hello Ada," in _body(mail, "plain")
    assert "<p>Hello Ada,</p>" in _body(mail, "html")


def test_a_mail_that_was_read_is_not_delivered_again(postroom: Postroom) -> None:
    message = _message()
    postroom.run(message)
    maildir = handler_settings().mail_dir
    [file] = mails_in(maildir)
    file.rename(maildir / "cur" / f"{file.name}:2,S")

    postroom.deliver_again(message)

    assert len(mails_in(maildir)) == 1


def test_values_are_escaped_in_html_and_only_there(postroom: Postroom) -> None:
    postroom.run(_message(name="<b>Ada</b> & Co"))

    [mail] = _mails()
    assert "Hello <b>Ada</b> & Co," in _body(mail, "plain")
    assert "Hello &lt;b&gt;Ada&lt;/b&gt; &amp; Co," in _body(mail, "html")


def test_an_unknown_template_is_a_permanent_error_that_names_the_known_ones(
    postroom: Postroom,
) -> None:
    job = enqueue(_message(template="nothing"))
    postroom.drain()

    postroom.assert_buried(
        job, reason="permanent", match="notice, password_reset, weekly_summary, welcome"
    )


def test_a_value_that_is_missing_is_a_permanent_error_that_names_it(postroom: Postroom) -> None:
    job = enqueue(_message(template="weekly_summary"))
    postroom.drain()

    postroom.assert_buried(job, reason="permanent", match="'sessions' is undefined")


def test_an_application_has_its_own_templates_and_may_replace_a_shipped_one(
    postroom: Postroom, setting: Setting, tmp_path: Path
) -> None:
    (tmp_path / "welcome.txt").write_text("Ahoy {{ name }}")
    (tmp_path / "only_html.html").write_text("<i>{{ name }}</i>")
    setting("TEMPLATE_DIRS", tmp_path)

    postroom.run(_message())
    postroom.run(_message(template="only_html"))

    own, html = sorted(_mails(), key=lambda mail: mail.get_content_type())
    assert "Ahoy Ada" in _body(own, "plain")
    assert html.get_content().strip() == "<i>Ada</i>"


def test_a_template_cannot_reach_python(
    postroom: Postroom, setting: Setting, tmp_path: Path
) -> None:
    (tmp_path / "evil.txt").write_text("{{ name.__class__.__mro__[1].__subclasses__() }}")
    setting("TEMPLATE_DIRS", tmp_path)

    job = enqueue(_message(template="evil"))
    postroom.drain()

    postroom.assert_buried(job, reason="permanent", match=r"evil\.txt")


def test_a_mail_is_pure_ascii_on_its_way_whatever_it_says(postroom: Postroom) -> None:
    postroom.run(_message(name="Grüße 🎉"))

    [file] = mails_in(handler_settings().mail_dir)
    assert file.read_bytes().isascii()
    assert "Grüße 🎉" in _body(_mails()[0], "plain")


def test_no_header_can_be_smuggled_in_through_the_subject(postroom: Postroom) -> None:
    data = EmailData(
        to="ada@example.com",
        subject="Hi\u2028Bcc: eve@example.com\x0b\x00",
        template="welcome",
        template_data={"name": "Ada"},
    )

    postroom.run(EmailMessage(data=data))

    [mail] = _mails()
    assert mail["Subject"] == "Hi Bcc: eve@example.com"
    assert mail["Bcc"] is None


def test_a_recipient_that_is_no_address_is_a_permanent_error(postroom: Postroom) -> None:
    message = EmailMessage.of("a..b@example.com", "Hello", "welcome", {"name": "Ada"})

    enqueue(message)
    postroom.drain()

    postroom.assert_buried(message, reason="permanent", match=r"data\.to")


def test_a_server_that_answers_451_and_then_250_gets_the_mail_on_the_second_run(
    postroom: Postroom,
    mail_server: MailServer,
) -> None:
    mail_server.answers = ["451 greylisted, come back later"]
    message = _message()

    enqueue(message)
    postroom.drain()
    postroom.assert_retried(message, delay="2s", match="answered 451 greylisted")
    postroom.advance("2s")

    result = postroom.assert_completed(message)
    [mail] = mail_server.mails
    assert result == {
        "to": "ada@example.com",
        "transport": "smtp",
        "messageId": f"<{message.message_id}@localhost>",
    }
    assert mail["Message-ID"] == result["messageId"]
    assert mails_in(handler_settings().mail_dir) == []


def test_a_mail_is_sent_once_by_smtp_though_its_process_dies_and_it_is_delivered_again(
    postroom: Postroom, mail_server: MailServer
) -> None:
    message = _message()
    postroom.crash_next(EmailMessage)

    enqueue(message)
    postroom.advance("1s")
    postroom.deliver_again(message)

    assert [run.outcome for run in postroom.runs] == ["crashed", "completed", "completed"]
    assert len(mail_server.mails) == 1


@pytest.mark.parametrize("answer", ["550 no such user", "554 looks like spam"])
def test_a_server_that_answers_5xx_to_the_mail_is_a_permanent_error(
    postroom: Postroom, mail_server: MailServer, answer: str
) -> None:
    mail_server.answers = [answer]

    job = enqueue(_message())
    postroom.drain()

    postroom.assert_buried(job, reason="permanent", match=answer)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("450 mailbox busy", "retried"), ("550 no such user", "buried")],
)
def test_a_recipient_is_refused_for_now_or_for_ever(
    postroom: Postroom, mail_server: MailServer, answer: str, outcome: str
) -> None:
    mail_server.to_recipient = answer

    enqueue(_message())
    [run] = postroom.drain()

    assert run.outcome == outcome
    assert answer in run.error


def test_a_server_that_is_not_there_is_worth_waiting_for(
    postroom: Postroom, setting: Setting
) -> None:
    setting("SMTP_HOST", "127.0.0.1")
    setting("SMTP_PORT", free_port())

    job = enqueue(_message())
    postroom.drain()

    postroom.assert_retried(job, delay="2s", match=r"127\.0\.0\.1 is not available")


def test_a_server_that_is_silent_is_left_after_the_timeout(
    postroom: Postroom, mail_server: MailServer, setting: Setting
) -> None:
    mail_server.seconds = 1.0
    setting("SMTP_TIMEOUT", 0.2)

    job = enqueue(_message())
    postroom.drain()

    postroom.assert_retried(job, delay="2s", match="may or may not have taken it")


def test_a_login_that_the_server_does_not_offer_is_no_fault_of_the_message(
    postroom: Postroom, mail_server: MailServer, setting: Setting
) -> None:
    setting("SMTP_USER", "postroom")
    setting("SMTP_PASSWORD", "hidden")

    job = enqueue(_message())
    [run] = postroom.drain()

    postroom.assert_retried(job, delay="2s", match="127.0.0.1")
    assert mail_server.mails == []
    assert "hidden" not in run.error + run.traceback


# aiosmtpd warns its operators that passwords travel in the open; here they stay on this machine.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
@pytest.mark.parametrize(
    ("password", "outcome", "mails"), [("right", "completed", 1), ("wrong", "retried", 0)]
)
def test_a_password_lets_in_and_a_wrong_one_is_no_fault_of_the_message(
    postroom: Postroom, setting: Setting, password: str, outcome: str, mails: int
) -> None:
    with MailServer(password="right") as server:
        setting("SMTP_HOST", "127.0.0.1")
        setting("SMTP_PORT", server.port)
        setting("SMTP_USER", "postroom")
        setting("SMTP_PASSWORD", password)
        enqueue(_message())

        [run] = postroom.drain()

    assert (run.outcome, "535" in run.error) == (outcome, outcome == "retried")
    assert len(server.mails) == mails


def test_a_server_without_tls_is_not_given_the_mail_when_tls_is_asked_for(
    postroom: Postroom, mail_server: MailServer, setting: Setting
) -> None:
    setting("SMTP_SECURITY", "starttls")

    job = enqueue(_message())
    postroom.drain()

    postroom.assert_retried(job, delay="2s", match="127.0.0.1")
    assert mail_server.mails == []


@pytest.mark.parametrize("template", ["welcome", "weekly_summary", "password_reset", "notice"])
def test_each_shipped_template_has_text_and_html(postroom: Postroom, template: str) -> None:
    values = {
        "sessions": "4",
        "minutes": "190",
        "reset_url": "https://example.com/r",
        "title": "News",
        "text": "All is well",
    }

    postroom.run(_message(template, **values))

    [mail] = _mails()
    assert _body(mail, "plain").strip()
    assert _body(mail, "html").startswith("<!doctype html>")
