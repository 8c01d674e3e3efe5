"""The settings of the shell itself, and the environment it gives to what it starts."""

import os
import sys
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ShellSettings(BaseSettings):
    """Values with their units; each is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    postroom_procfile: Path = Path("Procfile")
    """What `run demo` and `run dev` start."""
    postroom_grace_seconds: float = Field(default=10.0, gt=0, le=3600)
    """How long a process may take to finish what it has in hand when it is told to end."""
    postroom_demo_deadline: float = Field(default=90.0, gt=0, le=3600)
    """Seconds that `run demo --once` waits for every message to have its effect."""


def adopt(changes: dict[str, str]) -> None:
    """Set variables of this process, before anything reads them.

    Args:
        changes: What the started processes are told as well.
    """
    os.environ.update(changes)


def child_environment(changes: dict[str, str]) -> dict[str, str]:
    """The environment of a process that the shell starts.

    Args:
        changes: Variables to set; they win.

    Returns:
        This process's variables, with the commands of its virtualenv first on PATH, output that
        is not held back, and no proxy between processes of this machine.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    here = {"PATH": path, "PYTHONUNBUFFERED": "1", "NO_PROXY": _no_proxy(), "no_proxy": _no_proxy()}
    return os.environ | here | changes


def _no_proxy() -> str:
    others = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    return ",".join(filter(None, (others, "127.0.0.1", "localhost")))
