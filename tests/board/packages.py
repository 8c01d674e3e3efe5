"""Packages of npm for the tests, kept from run to run beside other data of the project."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.board.browsing import REQUIRED

_ROOT = Path(__file__).parents[2]
_SECONDS = 120


def installed(packages: Sequence[str]) -> Path:
    """A folder with `node_modules`; skips the test if there is none, unless one is required.

    Args:
        packages: With their versions, such as `react@19.3.1`; no script of theirs is run.
    """
    folder = _ROOT / ".data" / "npm" / "-".join(each.replace("@", "-") for each in packages)
    if (folder / "done").exists():
        return folder
    npm = shutil.which("npm")
    if npm is None:
        _miss("no npm: `apt-get install npm`")
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit"]
    ran = subprocess.run(
        [*command, "--no-fund", *packages],
        timeout=_SECONDS,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        _miss(f"npm cannot install {', '.join(packages)}: {ran.stderr[-300:]}")
    (folder / "done").touch()
    return folder


def _miss(what: str) -> None:
    pytest.fail(what) if os.environ.get(REQUIRED) else pytest.skip(what)
