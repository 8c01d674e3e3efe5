"""The settings of alerts, read from the environment in one place."""

from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from monitoring.alerts.quiet import QuietHours, quiet_hours
from workers.errors import setting_invalid


class AlertSettings(BaseSettings):
    """Values with their units; each is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    alert_channels: SecretStr = SecretStr("")
    """Where alerts go: `name=URL`, comma-separated; empty sends nothing."""
    alert_webhook_secret: SecretStr = SecretStr("")
    """What webhooks are signed with; needed where a channel is one."""
    alert_private_addresses: bool = False
    """Whether a webhook may be at a loopback or private address."""
    alert_rules: Path | None = None
    """A TOML file with rules of one's own, and changes to the shipped ones."""
    alert_seconds: float = Field(default=10.0, gt=0, le=300)
    """Seconds between two looks."""
    alert_cool_down: int = Field(default=900, ge=0)
    """Seconds after an alert in which the same one is not sent again."""
    alert_quiet_hours: str = ""
    """When only critical alerts are sent, as `22:00-07:00`; empty is never."""
    alert_timezone: str = "UTC"
    """The time zone of quiet hours, such as `Europe/Berlin`."""

    alert_waiting: int = Field(default=100, ge=0)
    """Jobs that may wait in a queue."""
    alert_success_percent: float = Field(default=90.0, ge=0, le=100)
    """Per cent of the jobs of the last 15 minutes that have to succeed."""
    alert_stuck_seconds: int = Field(default=1_800, ge=1)
    """Seconds that a job may run."""
    alert_overdue_seconds: int = Field(default=60, ge=1)
    """Seconds that a scheduled job may be late for its queue."""
    alert_dead_letters: int = Field(default=1_000, ge=0)
    """Dead letters that there may be."""
    alert_stream_lag: int = Field(default=1_000, ge=0)
    """Entries that may wait for a group of a stream."""
    alert_stream_percent: float = Field(default=80.0, ge=0, le=100)
    """Per cent of STREAM_LIMIT from which on a stream is too long."""
    alert_pending_seconds: int = Field(default=1_800, ge=1)
    """Seconds that an entry may be in the hands of a consumer."""
    alert_memory_percent: float = Field(default=80.0, ge=0, le=100)
    """Per cent of maxmemory from which on Redis is too full."""

    @field_validator("alert_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        # Not by `available_timezones`, which opens each of six hundred files.
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones
            message = "it is no time zone, such as Europe/Berlin"
            raise ValueError(message) from None

    @field_validator("alert_quiet_hours")
    @classmethod
    def _readable_hours(cls, value: str) -> str:
        quiet_hours(value, ZoneInfo("UTC"))
        return value

    @classmethod
    def load(cls) -> Self:
        """Read them from the environment.

        Raises:
            SettingInvalid: If one cannot be used.
        """
        try:
            return cls()
        except ValidationError as error:
            raise setting_invalid(error) from None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of quiet hours."""
        return ZoneInfo(self.alert_timezone)

    @property
    def quiet(self) -> QuietHours | None:
        """The quiet hours of rules that name none; None is never."""
        return quiet_hours(self.alert_quiet_hours, self.zone)
