import mailbox
from contextlib import nullcontext
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
from tests.handlers.run import run_message
from tests.handlers.servers import MailServer, free_port
from workers import PermanentError, ResourceUnavailable


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


def test_without_a_server_the_mail_lies_in_the_maildir() -> None:
    sent_at = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
    data = EmailData(
        to="ada@example.com", subject="Grüße", template="welcome", template_data={"name": "Ada"}
    )
    message = EmailMessage(data=data, timestamp=sent_at)

    result = run_message(message)

    [mail] = _mails()
    assert result["transport"] == "maildir"
    assert (mail["To"], mail["Subject"]) == ("ada@example.com", "Grüße")
    assert mail["Date"].datetime == sent_at
    assert mail["Message-ID"] == f"<{message.message_id}@localhost>"
    assert "Hello Ada," in _body(mail, "plain")
    assert "<p>Hello Ada,</p>" in _body(mail, "html")


def test_a_mail_that_was_read_is_not_delivered_again() -> None:
    message = _message()
    run_message(message)
    maildir = handler_settings().mail_dir
    [file] = mails_in(maildir)
    file.rename(maildir / "cur" / f"{file.name}:2,S")

    run_message(message)

    assert len(mails_in(maildir)) == 1


def test_values_are_escaped_in_html_and_only_there() -> None:
    run_message(_message(name="<b>Ada</b> & Co"))

    [mail] = _mails()
    assert "Hello <b>Ada</b> & Co," in _body(mail, "plain")
    assert "Hello &lt;b&gt;Ada&lt;/b&gt; &amp; Co," in _body(mail, "html")


def test_an_unknown_template_is_a_permanent_error_that_names_the_known_ones() -> None:
    with pytest.raises(PermanentError, match="notice, password_reset, weekly_summary, welcome"):
        run_message(_message(template="nothing"))


def test_a_value_that_is_missing_is_a_permanent_error_that_names_it() -> None:
    with pytest.raises(PermanentError, match="'sessions' is undefined"):
        run_message(_message(template="weekly_summary"))


def test_an_application_has_its_own_templates_and_may_replace_a_shipped_one(
    setting: Setting, tmp_path: Path
) -> None:
    (tmp_path / "welcome.txt").write_text("Ahoy {{ name }}")
    (tmp_path / "only_html.html").write_text("<i>{{ name }}</i>")
    setting("TEMPLATE_DIRS", tmp_path)

    run_message(_message())
    run_message(_message(template="only_html"))

    own, html = sorted(_mails(), key=lambda mail: mail.get_content_type())
    assert "Ahoy Ada" in _body(own, "plain")
    assert html.get_content().strip() == "<i>Ada</i>"


def test_a_template_cannot_reach_python(setting: Setting, tmp_path: Path) -> None:
    (tmp_path / "evil.txt").write_text("{{ name.__class__.__mro__[1].__subclasses__() }}")
    setting("TEMPLATE_DIRS", tmp_path)

    with pytest.raises(PermanentError, match=r"evil\.txt"):
        run_message(_message(template="evil"))


def test_a_mail_is_pure_ascii_on_its_way_whatever_it_says() -> None:
    run_message(_message(name="Grüße 🎉"))

    [file] = mails_in(handler_settings().mail_dir)
    assert file.read_bytes().isascii()
    assert "Grüße 🎉" in _body(_mails()[0], "plain")


def test_no_header_can_be_smuggled_in_through_the_subject() -> None:
    data = EmailData(
        to="ada@example.com",
        subject="Hi\u2028Bcc: eve@example.com\x0b\x00",
        template="welcome",
        template_data={"name": "Ada"},
    )

    run_message(EmailMessage(data=data))

    [mail] = _mails()
    assert mail["Subject"] == "Hi Bcc: eve@example.com"
    assert mail["Bcc"] is None


def test_a_recipient_that_is_no_address_is_a_permanent_error() -> None:
    message = EmailMessage.of("a..b@example.com", "Hello", "welcome", {"name": "Ada"})

    with pytest.raises(PermanentError, match=r"data\.to"):
        run_message(message)


def test_a_server_that_answers_451_and_then_250_gets_the_mail_on_the_second_run(
    mail_server: MailServer,
) -> None:
    mail_server.answers = ["451 greylisted, come back later"]
    message = _message()

    with pytest.raises(ResourceUnavailable, match="answered 451 greylisted"):
        run_message(message)
    result = run_message(message)

    [mail] = mail_server.mails
    assert result == {
        "to": "ada@example.com",
        "transport": "smtp",
        "messageId": f"<{message.message_id}@localhost>",
    }
    assert mail["Message-ID"] == result["messageId"]
    assert mails_in(handler_settings().mail_dir) == []


@pytest.mark.parametrize("answer", ["550 no such user", "554 looks like spam"])
def test_a_server_that_answers_5xx_to_the_mail_is_a_permanent_error(
    mail_server: MailServer, answer: str
) -> None:
    mail_server.answers = [answer]

    with pytest.raises(PermanentError, match=answer):
        run_message(_message())


@pytest.mark.parametrize(
    ("answer", "error"),
    [("450 mailbox busy", ResourceUnavailable), ("550 no such user", PermanentError)],
)
def test_a_recipient_is_refused_for_now_or_for_ever(
    mail_server: MailServer, answer: str, error: type[Exception]
) -> None:
    mail_server.to_recipient = answer

    with pytest.raises(error, match=answer):
        run_message(_message())


def test_a_server_that_is_not_there_is_worth_waiting_for(setting: Setting) -> None:
    setting("SMTP_HOST", "127.0.0.1")
    setting("SMTP_PORT", free_port())

    with pytest.raises(ResourceUnavailable, match=r"127\.0\.0\.1 is not available"):
        run_message(_message())


def test_a_server_that_is_silent_is_left_after_the_timeout(
    mail_server: MailServer, setting: Setting
) -> None:
    mail_server.seconds = 1.0
    setting("SMTP_TIMEOUT", 0.2)

    with pytest.raises(ResourceUnavailable, match="may or may not have taken it"):
        run_message(_message())


def test_a_login_that_the_server_does_not_offer_is_no_fault_of_the_message(
    mail_server: MailServer, setting: Setting
) -> None:
    setting("SMTP_USER", "postroom")
    setting("SMTP_PASSWORD", "hidden")

    with pytest.raises(ResourceUnavailable) as caught:
        run_message(_message())

    assert mail_server.mails == []
    assert "hidden" not in str(caught.value)


# aiosmtpd warns its operators that passwords travel in the open; here they stay on this machine.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
@pytest.mark.parametrize(("password", "mails"), [("right", 1), ("wrong", 0)])
def test_a_password_lets_in_and_a_wrong_one_is_no_fault_of_the_message(
    setting: Setting, password: str, mails: int
) -> None:
    with MailServer(password="right") as server:
        setting("SMTP_HOST", "127.0.0.1")
        setting("SMTP_PORT", server.port)
        setting("SMTP_USER", "postroom")
        setting("SMTP_PASSWORD", password)
        refused = pytest.raises(ResourceUnavailable, match="535")

        with nullcontext() if mails else refused:
            run_message(_message())

    assert len(server.mails) == mails


def test_a_server_without_tls_is_not_given_the_mail_when_tls_is_asked_for(
    mail_server: MailServer, setting: Setting
) -> None:
    setting("SMTP_SECURITY", "starttls")

    with pytest.raises(ResourceUnavailable):
        run_message(_message())

    assert mail_server.mails == []


@pytest.mark.parametrize("template", ["welcome", "weekly_summary", "password_reset", "notice"])
def test_each_shipped_template_has_text_and_html(template: str) -> None:
    values = {
        "sessions": "4",
        "minutes": "190",
        "reset_url": "https://example.com/r",
        "title": "News",
        "text": "All is well",
    }

    run_message(_message(template, **values))

    [mail] = _mails()
    assert _body(mail, "plain").strip()
    assert _body(mail, "html").startswith("<!doctype html>")
