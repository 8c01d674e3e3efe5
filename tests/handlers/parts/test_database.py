import os
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, inspect, select

from handlers.parts.database import close_database, database, snapshot, transaction
from handlers.parts.once import apply_once
from handlers.parts.tables import Applied, Base, User
from messages import UserActionMessage
from tests.handlers.conftest import Setting
from tests.handlers.processes import FORKS, Crew
from workers import InvalidOption, PermanentError, ResourceUnavailable, TransientError


def _add_user(user_id: str) -> None:
    with transaction() as session:
        session.add(User(id=user_id, name="Ada", email="ada@example.com"))


def _users() -> int:
    with snapshot() as session:
        return session.scalar(select(func.count()).select_from(User)) or 0


@pytest.mark.usefixtures("any_database")
def test_all_tables_are_there_from_the_start() -> None:
    assert set(Base.metadata.tables) <= set(inspect(database()).get_table_names())


@pytest.mark.usefixtures("any_database")
def test_processes_that_open_a_new_database_at_once_do_not_disturb_each_other(crew: Crew) -> None:
    messages = [UserActionMessage.of("opened", "database", str(number)) for number in range(4)]

    ended = crew.run_together(messages)

    assert [each.result.get("action") for each in ended] == ["opened"] * 4


@pytest.mark.usefixtures("any_database")
def test_what_is_raised_in_a_transaction_undoes_it() -> None:
    def fail() -> None:
        with transaction() as session:
            session.add(User(id="user-1", name="Ada", email="ada@example.com"))
            session.flush()
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert _users() == 0


@pytest.mark.usefixtures("any_database")
def test_a_snapshot_does_not_see_what_is_written_after_it_began() -> None:
    with snapshot() as session:
        before = session.scalar(select(func.count()).select_from(User))
        _add_user("user-1")
        after = session.scalar(select(func.count()).select_from(User))

    assert (before, after) == (0, 0)
    assert _users() == 1


def _fork_and_write(answer: Connection, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    _add_user("parent-1")
    child = os.fork()
    if child == 0:
        inherited = _connections()
        _add_user("child")
        os._exit(inherited)
    _add_user("parent-2")
    _, status = os.waitpid(child, 0)
    answer.send((os.waitstatus_to_exitcode(status), _users()))
    close_database()


def _connections() -> int:
    """Open files of SQLite and connections to a server."""
    process = psutil.Process()
    files = [file for file in process.open_files() if ".sqlite3" in file.path]
    return len(files) + len(process.net_connections(kind="inet"))


@pytest.mark.usefixtures("any_database")
def test_a_process_that_forks_shares_no_connection_with_its_child() -> None:
    ours, theirs = FORKS.Pipe(duplex=False)
    environment = {"DATABASE_URL": os.environ["DATABASE_URL"]}
    process = FORKS.Process(target=_fork_and_write, args=(theirs, environment))

    process.start()
    theirs.close()
    with ours:
        inherited, users = ours.recv()
    process.join()

    assert (inherited, users, process.exitcode) == (0, 3, 0)
    process.close()


def test_a_lock_held_too_long_is_transient(setting: Setting, tmp_path: Path) -> None:
    setting("DATABASE_TIMEOUT", 0.1)
    database()
    other = sqlite3.connect(tmp_path / "test.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(TransientError, match="database is locked"):
        _add_user("user-1")

    other.close()


def test_a_short_lock_is_waited_for(tmp_path: Path) -> None:
    database()
    locked = FORKS.Event()
    process = FORKS.Process(target=_hold_lock, args=(str(tmp_path / "test.sqlite3"), locked))
    process.start()
    locked.wait(10)

    _add_user("user-1")

    process.join()
    process.close()
    assert _users() == 1


def _hold_lock(path: str, locked: Event) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    locked.set()
    time.sleep(0.2)
    connection.close()


def test_a_database_that_cannot_be_opened_is_worth_waiting_for(
    setting: Setting, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    setting("DATABASE_URL", f"sqlite:///{tmp_path}/folder")

    with pytest.raises(ResourceUnavailable, match="unable to open database file"):
        _users()


def test_a_database_server_that_is_not_there_is_worth_waiting_for_and_keeps_its_password(
    setting: Setting,
) -> None:
    setting("DATABASE_URL", "postgres://me:hidden@127.0.0.1:1/name")

    with pytest.raises(ResourceUnavailable, match="database is not available") as caught:
        _users()

    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://me:hidden@host/name", "hidden"]
)
def test_a_url_that_is_not_supported_is_refused_without_being_shown(
    setting: Setting, url: str
) -> None:
    setting("DATABASE_URL", url)

    with pytest.raises(InvalidOption) as caught:
        database()

    assert caught.value.field == "DATABASE_URL"
    assert "hidden" not in str(caught.value)


def test_a_value_that_the_database_can_never_store_is_permanent(any_database: str) -> None:
    if any_database == "sqlite":
        pytest.skip("SQLite stores a text with a zero character")

    with pytest.raises(PermanentError, match="cannot store this value"):
        _add_user("zero \x00")


@pytest.mark.usefixtures("any_database")
def test_the_ledger_forgets_what_is_older_than_its_days(setting: Setting) -> None:
    old, new = (UserActionMessage.of("did", "thing", "1") for _ in range(2))
    for message in (old, new):
        apply_once(message, lambda _: {})
    with transaction() as session:
        session.get_one(Applied, (old.message_id, "")).applied_at = datetime.now(UTC) - timedelta(
            days=8
        )
    close_database()
    setting("LEDGER_DAYS", 7)

    with snapshot() as session:
        left = session.scalars(select(Applied.message_id)).all()

    assert left == [new.message_id]


@pytest.mark.usefixtures("any_database")
def test_the_ledger_says_which_process_made_the_effect(crew: Crew) -> None:
    message = UserActionMessage.of("did", "thing", "1")
    crew.run(message)

    with snapshot() as session:
        applied = session.get_one(Applied, (message.message_id, ""))

    assert applied.worker_pid not in {0, os.getpid()}
    assert applied.message_type == "USER_ACTION"
