"""The settings of the web process, read from the environment in one place."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from workers.cleanup_policies import read_policies


class WebSettings(BaseSettings):
    """Each value is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    postroom_web_host: str = "127.0.0.1"
    """Where the web process listens; others than this machine's need POSTROOM_SECRET."""
    postroom_web_port: int = Field(default=8000, ge=1, le=65535)
    postroom_demo: bool = False
    """Start on this machine without a secret, and print an address that logs in once."""
    postroom_login_code: SecretStr | None = Field(default=None, min_length=32)
    """What logs in once in a demo; None makes one up."""
    postroom_secret: SecretStr | None = None
    """Signs tokens and logins; 32 bytes or more."""
    postroom_secret_file: Path | None = None
    """A file with the secret, if POSTROOM_SECRET is not set."""
    postroom_scrape_token: SecretStr | None = Field(default=None, min_length=16)
    """What Prometheus may show instead of a token, for `/metrics` and `/scale` only."""
    session_hours: float = Field(default=12, gt=0, le=720)
    """How long a login in a browser is good for."""
    jwt_role_claim: str = Field(default="role", min_length=1)
    jwt_tenant_claim: str = Field(default="tenant", min_length=1)
    jwt_issuer: str = ""
    jwt_audience: str = ""
    jwt_jwks_url: str = ""
    """Where the public keys of RS256 tokens are."""
    jwt_public_key_file: Path | None = None
    """The public key of RS256 tokens, instead of JWT_JWKS_URL."""
    auth: str = ""
    """`module:function` of one's own that says who asks, instead of tokens and logins."""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """The origins whose pages may ask with a token; never with cookies."""
    forwarded_allow_ips: Annotated[tuple[str, ...], NoDecode] = ()
    """The proxies, addresses or networks, that say where a request comes from."""
    api_prefix: str = Field(default="", pattern=r"^(/[A-Za-z0-9_.~-]+)*$")
    """Stands in front of every path but the probes."""
    cleanup_policies: str = ""
    """What the web process removes each hour: `QUEUE:STATE:AGE:KEEP`, by commas."""
    monitoring_redis_url: SecretStr | None = None
    """A replica to look at; actions still go to REDIS_URL."""
    live_seconds: float = Field(default=2, ge=0.01, le=60)
    """How often there is a look for all streams together, and for those who poll."""
    live_clients: int = Field(default=50, ge=0, le=1_000)
    """How many streams one process serves at the same time; 0: none, as under WSGI."""

    @field_validator("cors_origins", "forwarded_allow_ips", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(filter(None, map(str.strip, value.split(","))))
            if isinstance(value, str)
            else value
        )

    @field_validator("cleanup_policies")
    @classmethod
    def _readable(cls, value: str) -> str:
        read_policies(value)
        return value

    @field_validator("forwarded_allow_ips")
    @classmethod
    def _addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ip_network(proxy)
            except ValueError as error:
                raise ValueError(
                    f"{proxy!r} is no address or network such as 127.0.0.1 or 10.0.0.0/8"
                ) from error
        return proxies

    @field_validator("cors_origins")
    @classmethod
    def _exact(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            url = urlsplit(origin)
            if (
                url.scheme not in {"http", "https"}
                or url.geturl() != f"{url.scheme}://{url.netloc}"
            ):
                raise ValueError(f"{origin!r} is no exact origin such as https://app.example.com")
        return origins
