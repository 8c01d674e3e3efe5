"""The channel for programs: a signed POST of JSON, as https://www.standardwebhooks.com describes.

`webhook-signature` is `v1,` and the HMAC-SHA256, in base64, of `ID.TIMESTAMP.BODY`.
"""

import base64
import binascii
import hashlib
import hmac
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socket import SHUT_RDWR
from urllib.parse import SplitResult, urlsplit

from typing_extensions import override

from monitoring.alerts.address import open_socket
from monitoring.alerts.channel import ChannelFailed
from monitoring.alerts.notice import Notice, as_text
from workers.clock import Clock, utc_now

TIMEOUT = 5.0
"""Seconds to wait for a connection, and for each part of the answer."""
LONGEST = 10.0
"""Seconds that all of it may take."""
_MOST_READ = 1_024  # bytes of the answer, which nobody needs
_PREFIX = "whsec_"


@dataclass(frozen=True)
class Webhook:
    """One webhook.

    Args:
        name: As rules call it.
        url: `http://` or `https://`, without a login; `is_webhook` says whether it can be one.
        secret: What is signed with; `whsec_` and base64, or any other text.
        private: Whether it may be at a loopback or private address.
        clock: For the timestamp.
    """

    name: str
    url: str = field(repr=False)
    secret: str = field(repr=False)
    private: bool = False
    clock: Clock = utc_now
    kind: str = field(default="webhook", init=False)

    def send(self, notice: Notice) -> None:
        """See `Channel.send`. Redirects are not followed: they would lead where nobody looked."""
        body = as_text(notice).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "postroom",
            **signed(notice.id, body, self.secret, now=self.clock()),
        }
        try:
            status = _post(urlsplit(self.url), body, headers, private=self.private)
        except PermissionError as error:
            raise ChannelFailed(
                f"The webhook {self.name} is refused: {error}.",
                remedy="Set ALERT_PRIVATE_ADDRESSES=true if it belongs to your network.",
            ) from None
        except (OSError, HTTPException) as error:
            raise ChannelFailed(
                f"The webhook {self.name} cannot be reached: {_reason(error)}."
            ) from None
        _judge(self.name, status)


def is_webhook(url: str) -> bool:
    """Whether an address can be a webhook's."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    has_login = parts.username is not None or parts.password is not None
    return bool(
        parts.scheme in {"http", "https"} and parts.hostname and port != 0 and not has_login
    )


def signed(name: str, body: bytes, secret: str, *, now: datetime) -> Mapping[str, str]:
    """The headers that let a receiver know who sent it, when, and whether it is a repetition.

    Args:
        name: The notice's id.
        body: What is sent.
        secret: As `Webhook` has it.
        now: The time.
    """
    timestamp = str(int(now.timestamp()))
    text = b".".join((name.encode(), timestamp.encode(), body))
    digest = hmac.new(_key(secret), text, hashlib.sha256).digest()
    return {
        "webhook-id": name,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        "Idempotency-Key": name,
    }


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()


class _Plain(HTTPConnection):
    """A connection to an address that was judged."""

    def __init__(self, host: str, port: int | None, *, private: bool) -> None:
        super().__init__(host, port, timeout=TIMEOUT)
        self.private = private

    @override
    def connect(self) -> None:
        self.sock = open_socket(self.host, self.port, timeout=TIMEOUT, private=self.private)


class _Secure(HTTPSConnection):
    """The same with TLS, whose certificate is that of the name."""

    def __init__(self, host: str, port: int | None, *, private: bool) -> None:
        super().__init__(host, port, timeout=TIMEOUT)
        self.private = private

    @override
    def connect(self) -> None:
        plain = open_socket(self.host, self.port, timeout=TIMEOUT, private=self.private)
        context = ssl.create_default_context()
        try:
            self.sock = context.wrap_socket(plain, server_hostname=self.host)
        except OSError:
            plain.close()
            raise


def _post(url: SplitResult, body: bytes, headers: Mapping[str, str], *, private: bool) -> int:
    kind = _Secure if url.scheme == "https" else _Plain
    connection = kind(url.hostname or "", url.port, private=private)
    end = threading.Timer(LONGEST, _break_off, [connection])
    end.daemon = True
    end.start()
    try:
        path = f"{url.path or '/'}{url.query and '?'}{url.query}"
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        answer.read(_MOST_READ)
        return answer.status
    finally:
        end.cancel()
        connection.close()


def _break_off(connection: HTTPConnection) -> None:
    # A receiver that sends a byte now and then would never meet the timeout of a single answer.
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(SHUT_RDWR)
        except OSError:
            return


def _judge(name: str, status: int) -> None:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status < HTTPStatus.BAD_REQUEST:
        raise ChannelFailed(
            f"The webhook {name} answered {status}, and redirects are not followed.",
            remedy="Put the address that it leads to into ALERT_CHANNELS.",
        )
    raise ChannelFailed(f"The webhook {name} answered {status}.")


def _reason(error: Exception) -> str:
    # Never the error's whole text, in which the address may stand.
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
