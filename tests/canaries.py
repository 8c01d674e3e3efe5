"""Secrets that tests plant wherever a secret may stand, each told from all the others."""

from collections.abc import Mapping
from uuid import uuid4

NAMES = (
    *("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "SECRET_KEY", "DJANGO_SECRET_KEY", "JWT_SECRET"),
    *("STRIPE_API_KEY", "SLACK_BOT_TOKEN", "DB_PASSWORD", "POSTGRES_PASSWORD", "MYSQL_PASSWD"),
    *("SENTRY_AUTH_TOKEN", "NPM_TOKEN", "PRIVATE_KEY", "ACCESS_TOKEN", "CLIENT_SECRET"),
    *("APP_APIKEY", "SESSION_SECRET", "VAULT_TOKEN", "SMTP_PASSWORD", "ROBO_API_KEY"),
)
"""Variables whose names say that they hold a secret; the last two are settings of our handlers."""

URLS = {
    "AMQP_URL": "amqp://ada:{}@broker.example.com/vhost",
    "CELERY_BROKER": "redis://:{}@broker.example.com:6379/3",
    "HTTP_UPSTREAM": "https://ada:{}@example.com/path",
    "ALERT_CHANNELS": "ops=json://ada:{}@127.0.0.1:9/hook",
    "NOTIFY_URLS": "json://ada:{}@127.0.0.1:9/hook",
    "ROBO_BASE_URL": "http://ada:{}@127.0.0.1:9/v1",
}

SLIPS = {
    "header": "Authorization: Bearer {}1",
    "header of a dict": "{{'Authorization': 'Basic {}'}}",
    "json header": '{{"authorization": "Bearer {}"}}',
    "api key": "X-Api-Key: {}",
    "auth token": "X-Auth-Token={}",
    "cookie": "Cookie: session={}",
    "set cookie": "Set-Cookie: id={}; HttpOnly",
    "query": "https://example.com/hook?token={}&x=1",
    "signed url": "https://example.com/file?x=1&signature={}",
    "redis url": "redis://:{}@10.0.0.1:6379/0",
    "tls url": "rediss://ada:{}@10.0.0.1",
    "database url": "postgresql+psycopg://ada:{}@db/notes",
    "dsn": "host=db user=ada password={} dbname=notes",
    "keyword": "connect(password='{}')",
    "json": '{{"client_secret": "{}"}}',
    "token url": "https://{}@github.com/a/b",
    "two urls": "from ftp://a:{}@x to sftp://b:{}@y",
}
"""What careless code writes; nothing but the look of it tells that it is a secret."""

PAYLOAD = ("pin", "number", "second number", "note", "new pin", "refused pin", "code")
"""In fields that are marked as secret."""

FILES = ("redis password", "wrong password", "file password", "file api_key")
"""In files that a variable names, and in the URL of Redis."""

_TO_ESCAPE = ("PRIVATE_KEY", "pin", "number")
"""Those that go on in a second line, with what Python and JSON escape."""

_ESCAPED = '\n\'\\ \N{KEY}"end"'

Canaries = Mapping[str, str]


def new_canaries() -> Canaries:
    """Where a secret stands -> the secret."""
    names = (*NAMES, *URLS, *SLIPS, *PAYLOAD, *FILES)
    plain = {name: f"canary{at:02}x{uuid4().hex}" for at, name in enumerate(names)}
    escaped = {name: plain[name] + _ESCAPED for name in _TO_ESCAPE}
    return plain | escaped | {"code": str(uuid4().int)[:18]}  # a number


def leaks(text: str, canaries: Canaries) -> list[str]:
    """The secrets that stand in a text."""
    return [name for name, canary in canaries.items() if core(canary) in text]


def core(canary: str) -> str:
    """The part of a secret that stands in a text however it is escaped."""
    return canary.partition("\n")[0]
