"""Webhooks, Slack and mail, each with a real receiver, and which addresses are refused."""

import base64
import hashlib
import hmac
import importlib.util
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from apprise.plugins.slack import NotifySlack

from monitoring.alerts import AlertSettings, ChannelFailed
from monitoring.alerts.address import is_allowed
from monitoring.alerts.apprise_channel import LOCAL, AppriseChannel
from monitoring.alerts.channels import read_channels
from monitoring.alerts.notice import trial
from monitoring.alerts.webhook import Webhook, is_webhook
from postroom.address import free_port
from tests.handlers.servers import MailServer
from workers.errors import SettingInvalid
from workers.secret_settings import secret_values

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
NOTICE = replace(
    trial("ops", turn="7", installation="production", now=NOW), title="[WARNING] waiting: email"
)
KEY = b"sixteen or more bytes"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def channels(text, **given):
    return read_channels(AlertSettings(alert_channels=text, **given))


def hook(sink, path="/alerts?room=1", **given):
    known = {"private": True, "clock": lambda: NOW}
    return Webhook("ops", sink.url + path, SECRET, **{**known, **given})


# --- webhooks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("secret", "key"), [(SECRET, KEY), ("plain text", b"plain text")])
def test_a_webhook_is_signed_as_a_receiver_would_check_it(sink, secret, key):
    Webhook("ops", sink.url + "/a?b=c", secret, private=True, clock=lambda: NOW).send(NOTICE)

    [got] = sink.got
    name, moment = got.headers["webhook-id"], got.headers["webhook-timestamp"]
    signed = f"{name}.{moment}.".encode() + got.body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    assert (name, int(moment)) == (NOTICE.id, int(NOW.timestamp()))
    assert got.headers["idempotency-key"] == got.json["id"] == NOTICE.id
    assert got.headers["content-type"] == "application/json"
    assert got.path == "/a?b=c"
    assert got.json["title"] == NOTICE.title


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_a_webhook_that_does_not_answer_with_2xx_has_failed(sink, status):
    sink.statuses.append(status)

    with pytest.raises(ChannelFailed, match=f"The webhook ops answered {status}"):
        hook(sink).send(NOTICE)


def test_a_redirect_is_not_followed(sink):
    sink.statuses.append(307)
    sink.headers["Location"] = f"{sink.url}/elsewhere"

    with pytest.raises(ChannelFailed, match="307, and redirects are not followed"):
        hook(sink).send(NOTICE)
    assert [got.path for got in sink.got] == ["/alerts?room=1"]


def test_a_loopback_address_is_refused_unless_it_is_allowed(sink):
    with pytest.raises(ChannelFailed, match="is at an address where") as caught:
        hook(sink, private=False).send(NOTICE)

    assert "ALERT_PRIVATE_ADDRESSES" in caught.value.remedy
    assert sink.got == []


def test_a_name_that_leads_to_loopback_is_refused_too(sink):
    with pytest.raises(ChannelFailed, match="localhost is at an address"):
        Webhook("ops", f"http://localhost:{sink.port}/", SECRET).send(NOTICE)


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("8.8.8.8", True, True),
        ("2606:4700::1111", True, True),
        ("127.0.0.1", False, True),
        ("10.1.2.3", False, True),
        ("192.168.0.1", False, True),
        ("100.64.0.1", False, True),
        ("::1", False, True),
        ("::ffff:10.0.0.1", False, True),
        ("fd00::1", False, True),
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("fe80::1", False, False),
        ("0.0.0.0", False, False),
        ("224.0.0.1", False, False),
    ],
)
def test_addresses_that_the_internet_does_not_know(address, public, private):
    assert is_allowed(address, private=False) is public
    assert is_allowed(address, private=True) is private


def test_a_receiver_that_never_answers_is_left_after_a_while(sink, monkeypatch):
    monkeypatch.setattr("monitoring.alerts.webhook.LONGEST", 0.2)
    sink.open.clear()
    began = time.monotonic()

    with pytest.raises(ChannelFailed, match="cannot be reached"):
        hook(sink).send(NOTICE)
    assert time.monotonic() - began < 2


def test_an_error_does_not_tell_the_address():
    url = f"http://127.0.0.1:{free_port()}/services/very-secret-token"

    with pytest.raises(ChannelFailed) as caught:
        Webhook("ops", url, SECRET, private=True).send(NOTICE)
    assert "very-secret-token" not in f"{caught.value}{caught.value.__cause__}"
    assert "Connection refused" in caught.value.message
    assert "very-secret" not in repr(Webhook("ops", url, "very-secret"))


@pytest.mark.parametrize(
    "url", ["ftp://example.com", "https://", "https://u:p@example.com", "http://a:99999", "x"]
)
def test_what_cannot_be_a_webhook(url):
    assert not is_webhook(url)


# --- Apprise --------------------------------------------------------------------------------------


def test_slack_takes_an_alert_at_the_address_that_slack_gives(sink, monkeypatch):
    monkeypatch.setattr(NotifySlack, "webhook_url", f"{sink.url}/services")
    url = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    found = channels(f"team={url}")

    found["team"].send(replace(NOTICE, text="<!channel> is a queue."))

    [got] = sink.got
    assert got.path == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    [attachment] = got.json["attachments"]
    assert attachment["title"] == NOTICE.title
    assert "<!channel>" not in attachment["text"], "a queue's name must not call everybody"
    assert "is a queue." in attachment["text"]


def test_a_service_that_refuses_has_failed(sink, monkeypatch):
    monkeypatch.setattr(NotifySlack, "webhook_url", f"{sink.url}/services")
    sink.statuses.append(500)

    with pytest.raises(ChannelFailed, match="Slack did not take it for the channel team"):
        channels("team=slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")["team"].send(NOTICE)


def test_an_alert_goes_out_by_mail():
    with MailServer() as server:
        url = f"mailto://127.0.0.1:{server.port}?from=postroom@example.com&to=ops@example.com"

        channels(f"mail={url}")["mail"].send(NOTICE)

        [mail] = server.mails
    assert mail["Subject"] == NOTICE.title
    assert "ops@example.com" in mail["To"]
    assert NOTICE.text in mail.get_content()


LOCAL_URLS = ("syslog://", "macosx://", "gnome://", "dbus://", "windows://", "glib://", "blink1://")


@pytest.mark.parametrize("url", ["syslog://", *(f"{scheme}localhost" for scheme in LOCAL_URLS)])
def test_what_would_do_something_on_this_machine_is_no_channel(url):
    with pytest.raises(SettingInvalid, match="channel local in ALERT_CHANNELS cannot be used"):
        channels(f"local={url}")


def test_every_plugin_that_can_start_programs_is_known():
    # Read from the files of the release that is installed: a new one may bring another plugin.
    origin = importlib.util.find_spec("apprise.plugins").origin
    folder = Path(origin).parent
    dangerous = re.compile(
        r"^\s*(?:import|from) (?:subprocess|dbus|gi|ctypes|win32api|syslog|multiprocessing)\b"
        r"|\bos\.(?:system|popen|exec|spawn)",
        re.MULTILINE,
    )
    found = {
        path.relative_to(folder).parts[0].removesuffix(".py")
        for path in folder.rglob("*.py")
        if dangerous.search(path.read_text())
    }

    assert {"dbus", "macosx", "syslog"} <= found
    assert found <= LOCAL


# --- the setting ----------------------------------------------------------------------------------


def test_channels_are_named_and_a_comma_within_an_address_does_not_divide_it():
    found = channels(
        "ops=https://example.com/a?b=1,2, mail=mailto://example.com?from=a@example.com"
        "&to=b@example.com,c@example.com",
        alert_webhook_secret="s",
    )

    assert [(name, channel.kind) for name, channel in found.items()] == [
        ("ops", "webhook"),
        ("mail", "E-Mail"),
    ]
    assert found["ops"].url == "https://example.com/a?b=1,2"
    assert isinstance(found["mail"], AppriseChannel)
    assert len(found["mail"].target.targets) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://example.com/secret-path", "The channel 1 of ALERT_CHANNELS has no name"),
        ("Ops=https://example.com/secret-path", "The channel 1 of ALERT_CHANNELS has no name"),
        ("a=https://e.com/secret-path,a=https://e.com/b", "two channels called a"),
        ("a=nonsense://secret-path", "The address of the channel a"),
        ("a=https://user:secret-path@example.com", "The address of the channel a"),
    ],
)
def test_a_wrong_channel_is_named_without_its_address(text, said):
    with pytest.raises(SettingInvalid) as caught:
        channels(text, alert_webhook_secret="s")

    assert said in caught.value.message
    assert "secret-path" not in str(caught.value)
    assert caught.value.field == "ALERT_CHANNELS"


def test_a_webhook_needs_something_to_sign_with():
    with pytest.raises(SettingInvalid, match="nothing to sign with") as caught:
        channels("ops=https://example.com/")

    assert caught.value.field == "ALERT_WEBHOOK_SECRET"


def test_addresses_are_hidden_in_what_is_written_and_names_of_channels_are_not(monkeypatch):
    text = "operations=https://example.com/AbCdEfGh1,mailing=mailto://u:PassWord1@example.com"
    monkeypatch.setenv("ALERT_CHANNELS", text)

    assert {"AbCdEfGh1", "PassWord1"} <= secret_values()
    assert not {"operations", "mailing"} & secret_values()
