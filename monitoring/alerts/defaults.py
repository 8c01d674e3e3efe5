"""The rules that are shipped, with the thresholds of the settings."""

from dataclasses import replace

from monitoring.alerts.rule import Rule
from monitoring.alerts.settings import AlertSettings


def default_rules(settings: AlertSettings) -> tuple[Rule, ...]:
    """The shipped rules.

    Args:
        settings: Thresholds, cool-down and quiet hours.
    """
    return tuple(_rule(settings, rule) for rule in _shipped(settings))


def _shipped(settings: AlertSettings) -> tuple[Rule, ...]:
    return (*_of_queues(settings), *_of_streams(settings), *_of_the_rest(settings))


def _of_queues(settings: AlertSettings) -> tuple[Rule, ...]:
    return (
        Rule("waiting", "waiting", ">", settings.alert_waiting, for_seconds=60),
        Rule("success_rate", "success_rate", "<", settings.alert_success_percent),
        Rule("stuck", "running", ">", settings.alert_stuck_seconds),
        # The policy itself says from when on.
        Rule("escalated", "escalated", ">", 0, severity="critical"),
        # Longer than it takes to restart a worker.
        Rule("no_worker", "without_worker", ">", 0, for_seconds=60, severity="critical"),
        Rule("overdue", "overdue", ">", settings.alert_overdue_seconds),
        Rule("new_dead_letters", "new_dead_letters", ">", 0),
        Rule("dead_letters", "dead_letters", ">", settings.alert_dead_letters),
    )


def _of_streams(settings: AlertSettings) -> tuple[Rule, ...]:
    return (
        Rule("stream_lag", "stream_lag", ">", settings.alert_stream_lag, for_seconds=60),
        Rule("stream_fill", "stream_fill", ">=", settings.alert_stream_percent),
        Rule("pending_age", "pending_age", ">", settings.alert_pending_seconds),
        # Others claim such entries within seconds, if there are any.
        Rule("dead_consumers", "dead_consumers", ">", 0, for_seconds=60),
    )


def _of_the_rest(settings: AlertSettings) -> tuple[Rule, ...]:
    return (
        Rule(
            "redis_memory", "redis_memory", ">=", settings.alert_memory_percent, severity="critical"
        ),
        # The first five tries take a minute and a half.
        Rule("channel_failing", "channel_failing", ">", 150),
    )


def _rule(settings: AlertSettings, rule: Rule) -> Rule:
    return replace(
        rule,
        cool_down_seconds=float(settings.alert_cool_down),
        quiet_hours=settings.quiet,
    )
