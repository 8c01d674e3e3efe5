"""`postroom alerts`: what holds, what people were told, which rules there are, and a test."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from monitoring.alerts import (
    METRICS,
    Alerter,
    AlertSettings,
    ChannelFailed,
    Rule,
    get_alerts,
    get_history,
    read_rules,
)
from monitoring.alerts.channels import channel_names
from postroom.acting import AsJson
from postroom.columns import columns, printable
from postroom.printing import answer
from workers.connection import default_connection, storage_errors
from workers.settings import load_settings

app = typer.Typer(help="List alerts and rules, look back, and try a channel.", no_args_is_help=True)

_FAILED = 1
_MOST = 1_000


@app.command("list")
def list_alerts(as_json: AsJson = False) -> None:  # noqa: FBT002
    """List the alerts that hold now, most urgent first."""
    with answer(as_json=as_json) as say:
        found = get_alerts(connection=default_connection(), rules=_rules())
        say({"alerts": found}, _alerts(found))


@app.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many, newest first.")] = 20,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show what people were told, newest first."""
    with answer(as_json=as_json) as say:
        found = get_history(limit, connection=default_connection())
        say({"notices": found}, _notices(found))


@app.command()
def rules(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Show the rules in force: the shipped ones, as the settings and ALERT_RULES change them."""
    with answer(as_json=as_json) as say:
        found = _rules()
        say({"rules": [rule.as_dict() for rule in found]}, _table(found))


@app.command("test")
def try_channels(
    channel: Annotated[str | None, typer.Argument(help="Only this one; else all.")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Send a test to the channels of ALERT_CHANNELS; exit code 1 if one does not take it."""
    with answer(as_json=as_json) as say, storage_errors():
        alerter = Alerter(
            connection=default_connection(), settings=AlertSettings.load(), engine=load_settings()
        )
        found = [_tried(alerter, name) for name in ([channel] if channel else alerter.channels)]
        say({"channels": found}, _trials(found))
    if any(each["error"] for each in found):
        raise SystemExit(_FAILED)


def _rules() -> tuple[Rule, ...]:
    settings = AlertSettings.load()
    return read_rules(settings, channel_names(settings))


def _alerts(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return "No alert holds."
    header = ("SEVERITY", "RULE", "ABOUT", "STATE", "SINCE (UTC)", "WHAT")
    rows = [
        (
            each["severity"].upper(),
            each["rule"],
            each["scope"] or "-",
            each["state"],
            _time(each["since"]),
            each["said"],
        )
        for each in found
    ]
    return columns(header, rows)


def _notices(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return "Nobody was told anything yet."
    header = ("TIME (UTC)", "KIND", "TO", "TITLE", "TEXT")
    rows = [
        (
            _time(each["at"]),
            each["kind"],
            ", ".join(each["channels"]) or "nobody",
            each["title"],
            each["text"].partition("\n")[0],
        )
        for each in found
    ]
    return columns(header, rows)


def _table(found: Sequence[Rule]) -> str:
    header = ("RULE", "SEVERITY", "METRIC", "LIMIT", "FOR", "ABOUT", "QUIET", "CHANNELS")
    rows = [
        (
            rule.name,
            rule.severity,
            rule.metric,
            f"{rule.limit} {METRICS[rule.metric].unit}",
            f"{rule.for_seconds:g} s",
            rule.scope,
            str(rule.quiet_hours or "-"),
            ", ".join(rule.channels) or "all",
        )
        for rule in found
    ]
    return columns(header, rows)


def _tried(alerter: Alerter, name: str) -> dict[str, Any]:
    try:
        alerter.send_test(name)
    except ChannelFailed as error:
        return {"channel": name, "error": error.as_dict()}
    return {"channel": name, "error": None}


def _trials(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return "There is no channel: set ALERT_CHANNELS, such as ops=https://example.com/alerts."
    return "\n".join(_trial(each["channel"], each["error"]) for each in found)


def _trial(name: str, error: Mapping[str, str] | None) -> str:
    if error is None:
        return f"{name}: sent."
    return f"{name}: {printable(error['message'])}\n  Do: {error['remedy']}"


def _time(text: str) -> str:
    return text[:19].replace("T", " ")
