"""Where Redis is, and how to log in there, read from the environment with the other settings."""

import re
import stat
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

from workers.logger import get_logger

log = get_logger("postroom.settings")


class RedisCredentials(BaseModel):
    """The content of REDIS_CREDENTIALS_FILE (requirement 002)."""

    host: str
    port: int = Field(default=6379, ge=1, le=65535)
    password: SecretStr | None = None
    username: str | None = None
    db: int = Field(default=0, ge=0)
    tls: bool = False


def listed(value: object) -> object:
    """The parts of a comma-separated text, without spaces around them; else the value itself.

    Args:
        value: What the environment says, or what a caller gives.
    """
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


Names = Annotated[tuple[str, ...], NoDecode]
"""A comma-separated list in the environment."""


class RedisSettings(BaseSettings):
    """Values with their units; each is the environment variable of the same name in capitals."""

    redis_url: str | None = None
    """`redis://`, `rediss://` or `unix://`; wins over everything below."""
    redis_sentinels: Names = ()
    """`host:port` of each Sentinel; wins over REDIS_HOST."""
    redis_sentinel_master: str = "mymaster"
    redis_sentinel_password: SecretStr | None = None
    redis_host: str = "127.0.0.1"
    redis_port: int = Field(default=6379, ge=1, le=65535)
    redis_db: int = Field(default=0, ge=0)
    redis_username: str | None = None
    redis_password: SecretStr | None = None
    redis_password_file: Path | None = None
    """A file that holds only the password."""
    redis_credentials_file: Path | None = None
    """A JSON file with host, port, password, username, db, tls."""
    redis_ssl: bool = False
    redis_ssl_ca_certs: Path | None = None
    redis_ssl_certfile: Path | None = None
    redis_ssl_keyfile: Path | None = None
    redis_timeout: float = Field(default=10.0, gt=0)
    """Seconds to wait for a connection, and for an answer."""

    @field_validator("redis_sentinels", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return listed(value)

    @field_validator("redis_url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None and not _is_redis_url(value):
            message = (
                "write it as redis://[user:password@]host:port/db, rediss://... or unix://path"
            )
            raise ValueError(message)
        return value

    @field_validator("redis_sentinels")
    @classmethod
    def _sentinels(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"[^:\s]+:\d{1,5}", entry) for entry in value):
            message = "write it as host:port,host:port"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        for path in (self.redis_password_file, self.redis_credentials_file):
            if path is not None and not path.is_file():
                message = f"{path} is not a file that can be read"
                raise ValueError(message)
        return self

    def address(self) -> RedisCredentials:
        """Host, port and credentials, files included, when neither URL nor Sentinel is set."""
        if self.redis_credentials_file:
            return RedisCredentials.model_validate_json(_private(self.redis_credentials_file))
        return RedisCredentials(
            host=self.redis_host,
            port=self.redis_port,
            db=self.redis_db,
            username=self.redis_username,
            password=self.password(),
            tls=self.redis_ssl,
        )

    def password(self) -> SecretStr | None:
        """REDIS_PASSWORD, or the content of REDIS_PASSWORD_FILE."""
        if self.redis_password_file:
            return SecretStr(_private(self.redis_password_file).strip())
        return self.redis_password

    def sentinels(self) -> list[tuple[str, int]]:
        """Host and port of each Sentinel."""
        pairs = (entry.rpartition(":") for entry in self.redis_sentinels)
        return [(host, int(port)) for host, _, port in pairs]

    def names_a_server(self) -> bool:
        """Whether the environment says where Redis is; else a running demo may say so."""
        told = {
            "redis_url",
            "redis_sentinels",
            "redis_host",
            "redis_port",
            "redis_credentials_file",
        }
        return bool(told & self.model_fields_set)


def _is_redis_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port  # a property that parses
    except ValueError:
        return False
    return parts.scheme == "unix" or (parts.scheme in {"redis", "rediss"} and bool(parts.netloc))


def _private(path: Path) -> str:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        log.warning("secret_file_is_open", path=str(path), remedy=f"chmod 600 {path}")
    return path.read_text()
