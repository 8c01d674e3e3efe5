"""The settings of the web process and of rq-dashboard, read from the environment in one place."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WebSettings(BaseSettings):
    """Each value is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    postroom_web_host: str = "127.0.0.1"
    """Where the web process listens; only addresses of this machine are accepted."""
    postroom_web_port: int = Field(default=8000, ge=1, le=65535)
    postroom_dashboard_host: str = "127.0.0.1"
    """Where rq-dashboard listens; only addresses of this machine are accepted."""
    postroom_dashboard_port: int = Field(default=9181, ge=1, le=65535)
