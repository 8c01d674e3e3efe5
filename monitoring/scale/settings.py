"""The settings of the forecast, read from the environment in one place."""

from functools import lru_cache

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from workers.errors import setting_invalid


class ScaleSettings(BaseSettings):
    """Each value is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    scale_drain_seconds: float = Field(default=300.0, gt=0)
    """Seconds in which `desired_workers` are to drain what waits."""
    scale_most_workers: int = Field(default=50, ge=1)
    """Workers of one queue that are asked for at most."""


@lru_cache(maxsize=1)
def scale_settings() -> ScaleSettings:
    """These settings of this process, read once.

    Raises:
        SettingInvalid: If a variable has a value that cannot be used.
    """
    try:
        return ScaleSettings()
    except ValidationError as error:
        raise setting_invalid(error) from None
