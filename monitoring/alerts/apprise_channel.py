"""The channel for people: Slack, e-mail and all others that Apprise knows.

Plugins of Apprise that start programs, or show or write something on this machine, are refused:
who may choose where alerts go shall not be able to run anything.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType

from monitoring.alerts.channel import ChannelFailed
from monitoring.alerts.notice import Notice

LOCAL = frozenset({"blink1", "dbus", "glib", "gnome", "macosx", "syslog", "windows"})
"""The modules of plugins that do something on this machine instead of sending anything."""

_TYPES: Mapping[str, NotifyType] = MappingProxyType(
    {
        "info": NotifyType.INFO,
        "warning": NotifyType.WARNING,
        "critical": NotifyType.FAILURE,
    }
)
_LONGEST = 20.0  # seconds that a service may take in all


@dataclass(frozen=True)
class AppriseChannel:
    """One service.

    Args:
        name: As rules call it.
        url: Apprise's address of it, or one that the service itself gives, such as Slack's.
        kind: What the service is called.
        target: What Apprise made of the address.
    """

    name: str
    url: str = field(repr=False)
    kind: str
    target: Any = field(repr=False)  # apprise.NotifyBase, which is not typed

    def send(self, notice: Notice) -> None:
        """See `Channel.send`."""
        told = NotifyType.SUCCESS if notice.kind == "resolved" else _TYPES[notice.severity]
        targets = Apprise([self.target], asset=_asset())
        taken = targets.notify(
            body=notice.body,
            title=notice.title,
            notify_type=told,
            body_format=NotifyFormat.TEXT,
            interpret_escapes=False,
            timeout=_LONGEST,
        )
        if not taken:
            raise ChannelFailed(f"{self.kind} did not take it for the channel {self.name}.")


def apprise_channel(name: str, url: str) -> AppriseChannel | None:
    """Make a channel of an address.

    Args:
        name: As rules call it.
        url: An address that Apprise may know.

    Returns:
        The channel; None if Apprise does not know the address, or may not be used for it.
    """
    with _silence():
        target = Apprise.instantiate(url, asset=_asset(), suppress_exceptions=True)
    if target is None or type(target).__module__.split(".")[-1] in LOCAL:
        return None
    if getattr(target, "category", None) != "native":  # a plugin of somebody's own may do anything
        return None
    return AppriseChannel(name, url, str(target.service_name), target)


@contextmanager
def _silence() -> Iterator[None]:
    """Apprise logs an error for each address that is none of its own, such as a webhook."""
    log = logging.getLogger("apprise")
    log.addFilter(_nothing)
    try:
        yield
    finally:
        log.removeFilter(_nothing)


def _nothing(_: logging.LogRecord) -> bool:
    return False


def _asset() -> AppriseAsset:
    return AppriseAsset(
        app_id="Postroom",
        async_mode=False,
        http_redirects=False,
        pgp_autogen=False,  # it would write a key to the disk
        pem_autogen=False,
        allow_templates=False,
        plugin_paths=[],
    )
