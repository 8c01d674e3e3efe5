"""Tries what handlers need besides Redis: the mail server, the text service, the database."""

import socket
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from handlers.parts.settings import HandlerSettings, handler_settings
from handlers.parts.smtp import smtp_session
from monitoring.doctor import Probe
from workers import ResourceUnavailable

_SECONDS = 5.0  # a doctor who is waited for at night must not take the minute a handler may take


def probes() -> Sequence[Probe]:
    """What to try, as far as the settings name it.

    Raises:
        InvalidOption: If a setting of the handlers cannot be used.
    """
    settings = handler_settings()
    found = [Probe("database", partial(_database, settings), "Start it, or correct DATABASE_URL.")]
    if settings.smtp_host is not None:
        remedy = "Start it, or correct SMTP_HOST, SMTP_PORT, SMTP_SECURITY or the login."
        found.append(Probe("mail server", partial(_mail_server, settings), remedy))
    if settings.robo_base_url is not None:
        remedy = "Start it, or correct ROBO_BASE_URL."
        found.append(Probe("text service", partial(_text_service, settings), remedy))
    return found


def _mail_server(settings: HandlerSettings) -> str | None:
    hasty = settings.model_copy(update={"smtp_timeout": min(_SECONDS, settings.smtp_timeout)})
    try:
        with smtp_session(hasty, settings.smtp_host or ""):
            return None
    except ResourceUnavailable as error:
        return str(error)


def _text_service(settings: HandlerSettings) -> str | None:
    try:
        address = urlsplit(settings.robo_base_url or "")
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname or "", port), _SECONDS).close()
    except ValueError:  # its text would repeat the URL, which may hold a password
        return "ROBO_BASE_URL is not a URL."
    except OSError as error:
        return f"The text service {address.hostname}:{port} cannot be reached: {error}."
    return None


def _database(settings: HandlerSettings) -> str | None:
    try:
        url = make_url(settings.database_url.get_secret_value())
    except ArgumentError:
        return "DATABASE_URL is not a URL."
    try:
        if url.get_backend_name() == "sqlite":
            _read_file(Path(url.database or ""))
        else:
            _select(url, min(_SECONDS, settings.database_timeout))
    except (SQLAlchemyError, sqlite3.Error, OSError, ModuleNotFoundError) as error:
        # Only the driver's first line: SQLAlchemy adds the statement and its values.
        cause = str(getattr(error, "orig", None) or error).partition("\n")[0].strip(" .")
        return f"The database in DATABASE_URL is not available: {cause}."
    return None


def _read_file(path: Path) -> None:
    if not path.exists():  # the first worker makes it
        return
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("PRAGMA schema_version")


def _select(url: URL, seconds: float) -> None:
    arguments = {"connect_timeout": max(2, int(seconds))}  # libpq does not take less than 2 s
    url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool, connect_args=arguments)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
