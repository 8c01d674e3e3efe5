"""A Redis of our own for the demo, `run dev` and the tests: started, or joined where it runs.

Everything else is told where Redis is: a worker that started a private server because a variable
was missing would lose what it was sent. Nothing here changes a server that it did not start.
"""

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from postroom import watchdog
from postroom.address import free_port
from postroom.errors import DataInUse, ServerUnavailable
from postroom.programs import find_server
from postroom.recorded import answering_url, check_answers, end_recorded, server_pid, write_record

_START_SECONDS = 60.0  # a large AOF is read before the server answers
_STOP_SECONDS = 10.0
_TICK_SECONDS = 0.02
_PORTS_TO_TRY = 5  # another process may take the free port before the server does

CONFIG = {
    "bind": "127.0.0.1",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "daemonize": "no",
    # Smaller jobs and results in memory; the old name of hash-max-listpack-value, which 6.2 knows.
    "hash-max-ziplist-value": "1024",
    "stream-node-max-bytes": "512",
}


Origin = Literal["given", "started", "joined"]


@dataclass(frozen=True)
class Server:
    """A Redis that answered.

    Args:
        url: Where it is.
        origin: `given` by REDIS_URL, `started` here, or `joined`: another process started it.
    """

    url: str
    origin: Origin


@dataclass(frozen=True)
class _Home:
    """Where the server of one data folder keeps what."""

    data_dir: Path

    @property
    def folder(self) -> Path:
        return self.data_dir / "redis"

    @property
    def record(self) -> Path:
        return self.data_dir / "redis.json"

    @property
    def users(self) -> Path:
        """A named pipe: each process that uses the server holds its writing side open."""
        return self.folder / "users"

    @property
    def deciding(self) -> Path:
        """Lock: held while starting, joining, or deciding that nobody is left."""
        return self.folder / "deciding.lock"

    @property
    def running(self) -> Path:
        """Lock: held by the watchdog and the server for as long as the files are open."""
        return self.folder / "running.lock"


@dataclass(frozen=True)
class _Hold:
    """What keeps the server alive: the writing side of the pipe, and our child if we started it."""

    server: Server
    link: int
    child: "subprocess.Popen[bytes] | None" = None


@contextmanager
def redis_server(data_dir: Path, *, url: str | None = None) -> Iterator[Server]:
    """A Redis for as long as the block runs; ours ends when its last user has left or died.

    Args:
        data_dir: The folder that holds the server's files; made if needed.
        url: The setting REDIS_URL; if given, that server is used and none is started.

    Yields:
        The server; it has answered.

    Raises:
        ServerUnavailable: If `url` does not answer, or no server is installed or starts.
        DataInUse: If a server that does not answer has the files open.
    """
    if url is not None:
        check_answers(url)
        yield Server(url, "given")
        return
    home = _Home(data_dir.resolve())
    hold = _start_or_join(home)
    try:
        yield hold.server
    finally:
        os.close(hold.link)
        _wait_for_the_end(home, hold.child)


def _start_or_join(home: _Home) -> _Hold:
    home.folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        with _locked(home.deciding):
            hold = _join(home) or _start(home)
        if hold is not None:
            return hold
        time.sleep(_TICK_SECONDS)  # the last one is still writing its files
    raise DataInUse(
        f"A server that does not answer has {home.folder} open.",
        remedy=f"End it (`fuser {home.running}` names it), or set DATA_DIR to another folder.",
    )


def _join(home: _Home) -> _Hold | None:
    url = answering_url(home.record)
    if url is None:
        return None
    try:
        link = os.open(home.users, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # nobody reads: its watchdog was killed, and nothing would ever end it
        end_recorded(home.record)
        return None
    return _Hold(Server(url, "joined"), link)


def _start(home: _Home) -> _Hold | None:
    with home.running.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        program = find_server()
        for _ in range(_PORTS_TO_TRY):
            hold = _launch(home, program, free_port(), lock.fileno())
            if _comes_up(hold):
                write_record(home.record, hold.server.url, server_pid(hold.server.url))
                return hold
            os.close(hold.link)
    raise ServerUnavailable(
        f"{program} does not start: {_last_line(home.folder / 'server.log')}",
        remedy=f"Read {home.folder / 'server.log'}, or set REDIS_URL to a server that runs.",
    )


def _launch(home: _Home, program: Path, port: int, lock: int) -> _Hold:
    reader, link = _pipe(home.users)
    settings = CONFIG | {"dir": str(home.folder), "port": str(port)}
    arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
    options = ["--grace", str(_STOP_SECONDS), "--lock", str(home.deciding)]
    options += ["--keep-open", str(lock), "--remove", str(home.record)]
    with (home.folder / "server.log").open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - our own file, and the server found on PATH
            watchdog.watched([str(program), *arguments], *options),
            stdin=reader,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(lock,),
        )
    os.close(reader)
    return _Hold(Server(f"redis://127.0.0.1:{port}/0", "started"), link, child)


def _pipe(path: Path) -> tuple[int, int]:
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    return reader, os.open(path, os.O_WRONLY | os.O_NONBLOCK)


def _comes_up(hold: _Hold) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while hold.child and hold.child.poll() is None and time.monotonic() < deadline:
        with suppress(ServerUnavailable):
            check_answers(hold.server.url)
            return True
        time.sleep(_TICK_SECONDS)
    return False


def _wait_for_the_end(home: _Home, child: "subprocess.Popen[bytes] | None") -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline and not _has_users(home):
        if child is not None and child.poll() is not None:
            return
        if child is None and answering_url(home.record) is None:
            return
        time.sleep(_TICK_SECONDS)


def _has_users(home: _Home) -> bool:
    reader = os.open(home.users, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(reader, 1) != b""
    except BlockingIOError:  # somebody holds the writing side
        return True
    finally:
        os.close(reader)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return lines[-1] if lines else "it says nothing"
