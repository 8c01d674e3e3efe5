"""The secrets that this process was given, so that they can be hidden in whatever it writes.

Read from the environment, from `.env` and from the files that these name. Not only our own
settings: an application's secrets are found by the names of their variables.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic_settings import BaseSettings, DotEnvSettingsSource

from messages.masking import SECRET_NAME

SHORTEST = 6
"""Characters; hiding a shorter value would make everything unreadable and hide no real secret."""

_NAME = re.compile(
    r"PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL", re.IGNORECASE
)
_BETWEEN_URLS = re.compile(r"[,\s]+(?=(?:[\w-]+=)?[A-Za-z][A-Za-z0-9+.-]*://)")
_NAME_OF_URL = re.compile(r"^[\w-]+=(?=[A-Za-z][A-Za-z0-9+.-]*://)")  # as in ALERT_CHANNELS
_LARGEST_FILE = 64_000
_TOKENS = {"ALERT_CHANNELS", "NOTIFY_URLS"}  # Apprise puts tokens into any part of a URL


def secret_values() -> frozenset[str]:
    """Every secret value that the environment gives.

    Returns:
        Texts of at least `SHORTEST` characters, without blanks around them.
    """
    dotenv = DotEnvSettingsSource(BaseSettings, env_file=".env").env_vars
    found = {value.strip() for source in (os.environ, dotenv) for value in _secrets(source)}
    return frozenset(value for value in found if len(value) >= SHORTEST)


def _secrets(variables: Mapping[str, str | None]) -> Iterator[str]:
    for name, value in variables.items():
        if not value:
            continue
        if "://" in value:
            yield from _in_urls(value, everywhere=name.upper() in _TOKENS)
        if name.upper().endswith("_FILE") and _NAME.search(name):
            yield from _in_file(Path(value))
        elif _NAME.search(name):
            yield value


def _in_urls(value: str, *, everywhere: bool) -> Iterator[str]:
    for named in _BETWEEN_URLS.split(value):
        text = _NAME_OF_URL.sub("", named.strip())
        try:
            url = urlsplit(text)
            passwords = [url.password or ""]
        except ValueError:
            continue
        parts = [part for part in re.split(r"[/@:?&=]", text) if "." not in part]
        long = [part for part in parts[1:] if len(part) > SHORTEST] if everywhere else []
        for secret in (*passwords, *long):
            yield from {secret, unquote(secret)}


def _in_file(path: Path) -> Iterator[str]:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
            return
        text = path.read_text(errors="replace").strip()
    except OSError:
        return
    try:
        yield from _in_json(json.loads(text))
    except ValueError:
        yield text


def _in_json(value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield str(value)
        return
    for name, part in value.items():
        if isinstance(part, dict):
            yield from _in_json(part)
        elif SECRET_NAME.search(name):
            yield str(part)
