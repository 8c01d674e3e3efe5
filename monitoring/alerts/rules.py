"""The rules that are in force: the shipped ones, as the settings and a file change them."""

from collections.abc import Collection

from monitoring.alerts.defaults import default_rules
from monitoring.alerts.rule import Rule
from monitoring.alerts.rules_file import with_file
from monitoring.alerts.settings import AlertSettings


def read_rules(settings: AlertSettings, channels: Collection[str]) -> tuple[Rule, ...]:
    """The rules in force.

    Args:
        settings: Thresholds, and the file.
        channels: The names of the channels that there are.

    Raises:
        InvalidRules: If the file cannot be used.
    """
    shipped = default_rules(settings)
    if settings.alert_rules is None:
        return shipped
    like = Rule(
        "",
        "waiting",
        ">",
        0.0,
        cool_down_seconds=float(settings.alert_cool_down),
        quiet_hours=settings.quiet,
    )
    return with_file(
        shipped, settings.alert_rules, like=like, zone=settings.zone, channels=channels
    )
