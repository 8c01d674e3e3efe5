"""Pushes a notification to phones and chats through Apprise."""

from collections.abc import Mapping
from types import MappingProxyType

from apprise import Apprise, AppriseAsset, NotifyType

from messages import NotificationData
from workers import PermanentError, ResourceUnavailable

_TYPES: Mapping[str, NotifyType] = MappingProxyType(
    {
        "info": NotifyType.INFO,
        "warning": NotifyType.WARNING,
        "error": NotifyType.FAILURE,
        "success": NotifyType.SUCCESS,
    }
)


def push(url: str, notification: NotificationData) -> None:
    """Push to one address.

    Apprise waits at most 4 s to connect and 4 s for an answer, unless the URL says otherwise
    (`?cto=10&rto=10`).

    Args:
        url: An Apprise URL. It may hold a secret, so no error repeats it.
        notification: What to say.

    Raises:
        PermanentError: If Apprise does not understand the address.
        ResourceUnavailable: If the service did not take it.
    """
    service = url.partition("://")[0]
    targets = Apprise(asset=AppriseAsset(async_mode=False, app_id="Postroom"))
    if not targets.add(url):
        raise PermanentError(f"NOTIFY_URLS holds a {service}:// address that is not valid.")
    body = "\n".join(filter(None, (notification.message, notification.action_url)))
    taken = targets.notify(
        body=body or notification.title,
        title=notification.title,
        notify_type=_TYPES[notification.type],
    )
    if not taken:
        raise ResourceUnavailable(f"The {service}:// service did not take the notification.")
