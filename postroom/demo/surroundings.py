"""Everything that runs beside the demo: Redis, the outside world, and what the Procfile names."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from monitoring.web.settings import WebSettings
from postroom.address import free_port
from postroom.demo.neighbours import refuse_neighbours
from postroom.demo.standins import mail_server, text_service
from postroom.embedded import Server, redis_server
from postroom.procfile import Command, read_procfile
from postroom.settings import ShellSettings, adopt
from postroom.supervisor import Supervised, supervised
from workers.settings import Settings, load_settings


@dataclass(frozen=True)
class Surroundings:
    """What runs.

    Args:
        server: The Redis.
        running: What the Procfile names.
        data: The folder of database, mails, backups and logs.
        urls: Name in the Procfile and address, of what can be opened in a browser.
    """

    server: Server
    running: Supervised
    data: Path
    urls: dict[str, str]

    @property
    def mails(self) -> Path:
        """The Maildir."""
        return self.data / "maildir"

    @property
    def backups(self) -> Path:
        """The folder of backups."""
        return self.data / "backups"


@contextmanager
def everything(shell: ShellSettings) -> Iterator[Surroundings]:
    """Run Redis and what the Procfile names, as they would run for real.

    Args:
        shell: The Procfile, and the time for the end.

    Yields:
        What runs; all of it ends with the block, or with this process.
    """
    settings = load_settings()
    commands = read_procfile(shell.postroom_procfile)
    with (
        redis_server(settings.data_dir, url=settings.redis_url) as server,
        _started(commands, shell, settings, server, _readable(settings)) as surroundings,
    ):
        yield surroundings


def _readable(settings: Settings) -> dict[str, str]:
    # The logs are read by a person, unless the environment says otherwise.
    return {} if "log_format" in settings.model_fields_set else {"LOG_FORMAT": "console"}


@contextmanager
def everything_and_the_world(shell: ShellSettings) -> Iterator[Surroundings]:
    """As `everything`, with a mail server and a text service of the demo's own.

    Args:
        shell: The Procfile, and the time for the end.

    Yields:
        What runs; this process uses the same database and the same Redis.
    """
    settings = load_settings()
    commands = read_procfile(shell.postroom_procfile)
    data = settings.data_dir
    with (
        redis_server(data, url=settings.redis_url) as server,
        mail_server(data / "maildir") as smtp_port,
        text_service() as text_url,
    ):
        _check_alone(server)
        variables = _of_the_demo(data) | {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(smtp_port),
            "SMTP_SECURITY": "none",
            "ROBO_BASE_URL": text_url,
        }
        adopt(variables)
        with _started(commands, shell, settings, server, variables) as surroundings:
            yield surroundings


def _check_alone(server: Server) -> None:
    with Redis.from_url(server.url) as redis:
        refuse_neighbours(redis, origin=server.origin)


def _of_the_demo(data: Path) -> dict[str, str]:
    # The defaults, told once more: a .env for real work must not reach the demo. A blank is not
    # empty, which would mean "look into .env".
    return {
        "DATABASE_URL": f"sqlite:///{data / 'postroom.sqlite3'}",
        "MAIL_DIR": str(data / "maildir"),
        "BACKUP_URL": str(data / "backups"),
        "NOTIFY_URLS": " ",
        "BUILD_DIR": str(data / "builds"),
        "BUILD_ALLOWED_COMMANDS": "echo,sleep",
        "IMAGE_DIR": str(data / "images"),
        "THUMBNAIL_DIR": str(data / "thumbnails"),
    }


@contextmanager
def _started(
    commands: Sequence[Command],
    shell: ShellSettings,
    settings: Settings,
    server: Server,
    variables: dict[str, str],
) -> Iterator[Surroundings]:
    web = WebSettings()
    web_port = free_port(web.postroom_web_port)
    code = secrets.token_urlsafe(32)
    environment = variables | {
        "POSTROOM_DEMO": "1",
        "POSTROOM_LOGIN_CODE": code,
        "REDIS_URL": server.url,
        "RQ_CONFIG": "worker_settings",
        "POSTROOM_WEB_PORT": str(web_port),
    }
    addresses = {"web": f"http://127.0.0.1:{web_port}/login?code={code}"}
    adopt({"REDIS_URL": server.url})
    with supervised(
        commands,
        logs=settings.data_dir / "logs",
        environment=environment,
        grace_seconds=shell.postroom_grace_seconds,
    ) as running:
        names = {command.name for command in commands}
        urls = {name: url for name, url in addresses.items() if name in names}
        yield Surroundings(server, running, settings.data_dir, urls)
