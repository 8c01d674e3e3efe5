"""The channels that the settings name."""

import re
from collections.abc import Iterator, Mapping, Sequence

from monitoring.alerts.channel import Channel
from monitoring.alerts.settings import AlertSettings
from monitoring.alerts.webhook import Webhook, is_webhook
from workers.errors import SettingInvalid

_BETWEEN = re.compile(r"[,\s]+(?=[a-z0-9_-]+=[A-Za-z][A-Za-z0-9+.-]*://)")
_CHANNEL = re.compile(r"(?P<name>[a-z0-9][a-z0-9_-]{0,31})=(?P<url>\S+)")
_FIELD = "ALERT_CHANNELS"


def read_channels(settings: AlertSettings) -> Mapping[str, Channel]:
    """The channels by name, in their order.

    Args:
        settings: Where they stand.

    Raises:
        SettingInvalid: If one cannot be used. No error repeats an address, which may be a secret.
    """
    found: dict[str, Channel] = {}
    for number, (name, url) in enumerate(_named(settings), 1):
        if not name:
            raise _wrong(
                f"The channel {number} of ALERT_CHANNELS has no name, or one that cannot be used.",
                "Write `name=URL`, with a name of lower-case letters, digits, - and _.",
            )
        if name in found:
            raise _wrong(
                f"ALERT_CHANNELS has two channels called {name}.", "Give each its own name."
            )
        found[name] = _channel(name, url, settings)
    return found


def channel_names(settings: AlertSettings) -> Sequence[str]:
    """The names of the channels, without loading what they need.

    Args:
        settings: Where they stand.
    """
    return [name for name, _ in _named(settings) if name]


def _named(settings: AlertSettings) -> Iterator[tuple[str, str]]:
    text = settings.alert_channels.get_secret_value().strip(" ,")
    for part in _BETWEEN.split(text) if text else ():
        match = _CHANNEL.fullmatch(part)
        yield (match["name"], match["url"]) if match else ("", "")


def _channel(name: str, url: str, settings: AlertSettings) -> Channel:
    # Slow to load, and only needed where a channel is named.
    from monitoring.alerts.apprise_channel import apprise_channel  # noqa: PLC0415

    known = apprise_channel(name, url)  # first: Slack's own addresses begin with https, too
    if known is not None:
        return known
    if not is_webhook(url):
        raise _wrong(
            f"The address of the channel {name} in ALERT_CHANNELS cannot be used.",
            "Use https://..., or an address of Apprise that does nothing on this machine.",
        )
    secret = settings.alert_webhook_secret.get_secret_value()
    if not secret:
        raise _wrong(
            f"The channel {name} in ALERT_CHANNELS is a webhook, and has nothing to sign with.",
            "Set ALERT_WEBHOOK_SECRET to a long random text that its receiver knows, too.",
            field="ALERT_WEBHOOK_SECRET",
        )
    return Webhook(name, url, secret, private=settings.alert_private_addresses)


def _wrong(message: str, remedy: str, *, field: str = _FIELD) -> SettingInvalid:
    return SettingInvalid(message, field=field, remedy=remedy)
