"""Opens the database: one engine for each process, safe to fork around, SQLite or PostgreSQL.

What the database itself reports is said in the words of the retry tiers: down is
`ResourceUnavailable`, a lock that somebody held too long is `TransientError`.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, delete, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from handlers.parts import guild_tables  # noqa: F401 - declares tables that are created here
from handlers.parts.settings import handler_settings
from handlers.parts.tables import Applied, Base
from workers import InvalidOption, PermanentError, ResourceUnavailable, TransientError

_LOCKED = ("database is locked", "database table is locked")  # what SQLite says
_CONFLICTS = frozenset({"40001", "40P01", "55P03"})  # PostgreSQL: serialization, deadlock, lock
_CREATING = 0x706F7374  # any fixed number: the advisory lock under which tables are created
_READS = "postroom_reads"

_REMEDY = "Use sqlite:///FILE or postgresql+psycopg://user:password@host/name."


@contextmanager
def transaction() -> Iterator[Session]:
    """A session whose changes are committed at the end, or rolled back if anything is raised.

    Yields:
        The session. On SQLite it holds the only write lock: do nothing slow in it.

    Raises:
        TransientError: If another transaction held a lock too long.
        ResourceUnavailable: If the database is down.
        PermanentError: If the database can never store such a value.
    """
    with said_in_tiers(), Session(database(), expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def snapshot() -> Iterator[Session]:
    """A session that only reads, and sees one state of the database from first to last.

    Yields:
        The session. It blocks no writer.

    Raises:
        ResourceUnavailable: If the database is down.
    """
    engine = database()
    options = {"isolation_level": "REPEATABLE READ"} if is_postgres(engine) else {_READS: True}
    with said_in_tiers(), Session(engine.execution_options(**options)) as session:
        yield session


def database() -> Engine:
    """The engine of this process, with all tables created.

    Returns:
        The engine; the same one until the process forks or `close_database` is called.

    Raises:
        InvalidOption: If DATABASE_URL names no SQLite file and no PostgreSQL database.
    """
    return _opened(os.getpid())


def close_database() -> None:
    """Close the connections that are not in use. The next transaction reads DATABASE_URL anew."""
    if _opened.cache_info().currsize:
        database().dispose()
        _opened.cache_clear()


# A child must not share a connection with its parent: there is none while the process forks.
os.register_at_fork(before=close_database)


def is_postgres(engine: Engine) -> bool:
    """Whether this is PostgreSQL; else it is SQLite."""
    return engine.dialect.name == "postgresql"


def insert_missing(session: Session, model: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that leaves out the rows whose keys are there already.

    Args:
        session: Tells which database it is for.
        model: The table.

    Returns:
        The statement, without values.
    """
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(model).on_conflict_do_nothing()
    return sqlite.insert(model).on_conflict_do_nothing()


@contextmanager
def said_in_tiers() -> Iterator[None]:
    """Turn what the database reports into the handler errors that say when to try again.

    Yields:
        Nothing.

    Raises:
        TransientError: For a lock held too long, or a conflict with another transaction.
        ResourceUnavailable: For a database that is down.
        PermanentError: For a value that it can never store.
    """
    try:
        yield
    except DataError as error:
        raise PermanentError(f"The database cannot store this value: {_cause(error)}.") from error
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        if _is_conflict(error):
            raise TransientError(f"Another transaction was faster: {_cause(error)}.") from error
        raise ResourceUnavailable(f"The database is not available: {_cause(error)}.") from error


@lru_cache(maxsize=1)
def _opened(pid: int) -> Engine:
    del pid  # only the key: a child process opens its own
    settings = handler_settings()
    url = _url(settings.database_url.get_secret_value())
    if url.get_backend_name() == "sqlite":
        engine = _sqlite(url, settings.database_timeout)
    else:
        engine = _postgres(url, settings.database_timeout)
    try:
        with said_in_tiers():
            _prepare(engine, settings.ledger_days)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _url(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        # The text itself is not repeated: it may hold a password.
        raise InvalidOption(
            "DATABASE_URL is not a URL.", field="DATABASE_URL", remedy=_REMEDY
        ) from None
    name = url.get_backend_name()
    if name in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if name != "sqlite" or url.database in {None, "", ":memory:"}:
        raise InvalidOption(
            f"DATABASE_URL names {name!r} without a file, or a database that is not supported.",
            field="DATABASE_URL",
            remedy=_REMEDY,
        )
    return url


def _sqlite(url: URL, timeout: float) -> Engine:
    Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": timeout})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # or the driver would begin transactions on its own
        connection.execute("PRAGMA foreign_keys=ON")
        _use_write_ahead_log(connection, timeout)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # Immediate: a transaction that reads first and writes later could not wait its turn.
        reads = connection.get_execution_options().get(_READS, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _use_write_ahead_log(connection: sqlite3.Connection, timeout: float) -> None:
    # SQLite does not wait its busy timeout when two processes switch a new file at once.
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _postgres(url: URL, timeout: float) -> Engine:
    milliseconds = int(timeout * 1000)
    limits = f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
    arguments: dict[str, Any] = {
        "connect_timeout": max(2, int(timeout)),  # libpq does not take less than 2 s
        "tcp_user_timeout": milliseconds,
        "options": f"{url.query.get('options', '')} {limits}".strip(),
    }
    try:
        return create_engine(url, connect_args=arguments, pool_pre_ping=True, pool_timeout=timeout)
    except ModuleNotFoundError as error:
        raise InvalidOption(
            f"DATABASE_URL names PostgreSQL, but {error.name} is not installed.",
            field="DATABASE_URL",
            remedy="Install the extra `postgres`.",
        ) from error


def _prepare(engine: Engine, ledger_days: int) -> None:
    oldest = datetime.now(UTC) - timedelta(days=ledger_days)
    with engine.begin() as connection:
        if is_postgres(engine):
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_CREATING})"))
        Base.metadata.create_all(connection)
        connection.execute(delete(Applied).where(Applied.applied_at < oldest))


def _is_conflict(error: Exception) -> bool:
    cause = getattr(error, "orig", None)
    return getattr(cause, "sqlstate", None) in _CONFLICTS or str(cause).startswith(_LOCKED)


def _cause(error: Exception) -> str:
    # Only the driver's first line: SQLAlchemy adds the statement and its values.
    return str(getattr(error, "orig", None) or error).partition("\n")[0].strip(" .")
