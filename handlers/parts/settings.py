"""Every setting of the handlers, read from the environment in one place.

The engine's own settings (Redis, queues, timeouts of jobs) are in `workers.settings`.
"""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from workers import InvalidOption

_MOST_WORDS = 2  # of a command that is allowed
_BETWEEN_URLS = re.compile(r"[,\s]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")


class HandlerSettings(BaseSettings):
    """Values with their units; each is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr = SecretStr("sqlite:///.data/postroom.sqlite3")
    """A SQLAlchemy URL: `sqlite:///FILE` or `postgresql+psycopg://user:password@host/name`."""
    database_timeout: float = Field(default=10.0, gt=0, le=600)
    """Seconds to wait for a connection, for another writer's lock and for one statement."""
    ledger_days: int = Field(default=30, ge=1)
    """Days for which it is remembered that a message was handled; longer than any retry."""

    mail_dir: Path = Path(".data/maildir")
    """The folder mails are put into while SMTP_HOST is not set."""
    smtp_host: str | None = None
    """The mail server; None stores mails in MAIL_DIR instead."""
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_user: str | None = None
    """The login; None sends without one."""
    smtp_password: SecretStr = SecretStr("")
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    """`starttls` upgrades the connection (often port 587), `tls` begins with TLS (often 465)."""
    smtp_timeout: float = Field(default=30.0, gt=0, le=600)
    """Seconds to wait for a connection, and for each answer."""
    mail_from: str = Field(default="postroom@localhost", pattern=r"^[^\s@<>]+@[^\s@<>]+$")
    """The sender's address."""
    template_dirs: Annotated[tuple[Path, ...], NoDecode] = ()
    """Folders of mail templates, comma-separated; they are looked into before the shipped one."""

    notify_urls: SecretStr = SecretStr("")
    """Where notifications are pushed to: Apprise URLs, comma-separated; empty pushes nowhere."""

    backup_url: str = ".data/backups"
    """Where DATA_SYNC writes and reads when a message names no destination: an fsspec URL."""
    sync_timeout: float = Field(default=60.0, gt=0, le=3_600)
    """Seconds to wait for remote storage, where its fsspec package has such a limit."""

    build_dir: Path = Path(".data/builds")
    """Where builds run, and where their output and their caches are kept."""
    build_allowed_commands: Annotated[tuple[str, ...], NoDecode] = ()
    """The commands that BUILD may run, by commas: `make`, or with a word more, `cargo build`."""

    image_dir: Path = Path(".data/images")
    """Where the images of guild messages are."""
    thumbnail_dir: Path = Path(".data/thumbnails")
    """Where THUMBNAIL_RETRY puts thumbnails."""
    thumbnail_pixels: int = Field(default=256, ge=16, le=4_096)
    """The longest side of a thumbnail."""

    robo_base_url: str | None = Field(default=None, pattern=r"^https?://")
    """An OpenAI-compatible service, such as `http://127.0.0.1:8080/v1`; None renders locally."""
    robo_api_key: SecretStr = SecretStr("")
    robo_model: str = Field(default="default", min_length=1)
    """The model's name; servers of a single model ignore it."""
    robo_timeout: float = Field(default=60.0, gt=0, le=600)
    """Seconds to wait for a connection, and for each part of the answer."""

    @field_validator("template_dirs", mode="before")
    @classmethod
    def _paths(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(Path(part.strip()) for part in value.split(",") if part.strip())

    @field_validator("build_allowed_commands", mode="before")
    @classmethod
    def _commands(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(" ".join(part.split()) for part in value.split(",") if part.strip())

    @field_validator("build_allowed_commands")
    @classmethod
    def _one_or_two_words(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            if len(entry.split()) > _MOST_WORDS:
                message = "an entry is one word or two; steps are compared with no more"
                raise ValueError(message)
        return value

    def notify_targets(self) -> tuple[str, ...]:
        """The Apprise URLs. A comma within a URL does not divide it."""
        text = self.notify_urls.get_secret_value().strip(" ,")
        return tuple(_BETWEEN_URLS.split(text)) if text else ()


def program_environment() -> dict[str, str]:
    """The variables that a program which a handler starts may see."""
    return {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}


@lru_cache(maxsize=1)
def handler_settings() -> HandlerSettings:
    """The settings of this process, read once; `handler_settings.cache_clear()` reads anew.

    Returns:
        The settings.

    Raises:
        InvalidOption: If a variable has a value that cannot be used. The value itself is not
            shown, it may be a secret.
    """
    try:
        return HandlerSettings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]).upper()
        raise InvalidOption(
            f"The setting {name} cannot be used: {first['msg']}.",
            field=name,
            remedy="Correct it in the environment and start the worker again.",
        ) from None
