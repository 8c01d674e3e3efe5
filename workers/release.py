"""Which release of the application runs here: for failures, workers and deployments."""

from functools import lru_cache
from pathlib import Path

UNKNOWN = "unknown"

_LONGEST = 100  # characters
_DIGITS = 12  # of a commit, as many as git shows of a large repository


@lru_cache(maxsize=4)
def code_version(told: str) -> str:
    """The release.

    Args:
        told: The setting CODE_VERSION.

    Returns:
        What was told, else the commit that the working folder has checked out, else `unknown`.
    """
    return told or _commit(Path.cwd()) or UNKNOWN


def release_name(version: str) -> str:
    """A release as the groups of failures know it: a line of at most 100 characters.

    Args:
        version: As `code_version` has it, or a person wrote it.
    """
    return " ".join(version.split())[:_LONGEST] or UNKNOWN


def _commit(folder: Path) -> str:
    try:
        git = _git_folder(folder)
        head = (git / "HEAD").read_text().strip()
        name = head.removeprefix("ref: ")
        return (head if name == head else _resolved(git, name))[:_DIGITS]
    except (OSError, StopIteration, UnicodeDecodeError):
        return ""


def _git_folder(folder: Path) -> Path:
    found = next(at / ".git" for at in (folder, *folder.parents) if (at / ".git").exists())
    if found.is_dir():
        return found
    # A further working folder names the folder of its own HEAD.
    return Path(found.read_text().removeprefix("gitdir: ").strip())


def _resolved(git: Path, name: str) -> str:
    shared = git / "commondir"
    places = [git, git / shared.read_text().strip()] if shared.exists() else [git]
    for place in places:
        if (place / name).exists():
            return (place / name).read_text().strip()
    packed = (places[-1] / "packed-refs").read_text().splitlines()
    return next(line.split()[0] for line in packed if line.endswith(f" {name}"))
