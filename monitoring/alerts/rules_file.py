"""Rules of one's own, and changes to the shipped ones, in the TOML file that ALERT_RULES names."""

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from messages import PostroomError
from monitoring.alerts.metrics import METRICS
from monitoring.alerts.quiet import quiet_hours
from monitoring.alerts.rule import Comparison, Rule
from monitoring.doctor.finding import Severity

_NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
_SECONDS = Annotated[float, Field(ge=0, le=604_800)]


class InvalidRules(PostroomError, ValueError):
    """The file of rules cannot be used."""

    code = "invalid_alert_rules"
    remedy_text = "Correct the file, and see its fields in docs/alerts.md."


class Written(BaseModel):
    """What the file may say of a rule. What it leaves out is as shipped, or as for a new rule."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    metric: str | None = None
    comparison: Comparison | None = None
    threshold: Annotated[float, Field(allow_inf_nan=False)] | None = None
    for_seconds: _SECONDS | None = None
    scope: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    severity: Severity | None = None
    cool_down_seconds: _SECONDS | None = None
    quiet_hours: str | None = None
    channels: list[str] | None = None
    enabled: bool = True


def with_file(
    shipped: Sequence[Rule],
    path: Path,
    *,
    like: Rule,
    zone: ZoneInfo,
    channels: Collection[str],
) -> tuple[Rule, ...]:
    """The shipped rules as a file changes them, and then its own.

    Args:
        shipped: The rules without the file.
        path: The file.
        like: What a new rule has where the file says nothing; its metric and threshold do not
            count.
        zone: Whose clock the quiet hours mean.
        channels: The channels that there are.

    Raises:
        InvalidRules: If the file cannot be read, or used; the error names rule and field.
    """
    known = {rule.name: rule for rule in shipped}
    for name, entry in _tables(path).items():
        written = _written(path, name, entry)
        _check(path, name, written, known.get(name), channels)
        changed = _changed(path, name, written, known.get(name, like), zone)
        if written.enabled:
            known[name] = changed
        else:
            known.pop(name, None)
    return tuple(known.values())


def _tables(path: Path) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidRules(
            f"{path} cannot be read: {error.strerror}.",
            field="ALERT_RULES",
            remedy="Correct ALERT_RULES, or unset it to use the shipped rules alone.",
        ) from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise InvalidRules(f"{path} is not TOML: {error}.", field="ALERT_RULES") from None
    for name in content:
        if name != "rules":
            raise InvalidRules(
                f"{path}: {name} is not known.", field=name, remedy="Write `[rules.NAME]`."
            )
    rules = content.get("rules", {})
    if not isinstance(rules, dict):
        raise InvalidRules(f"{path}: rules is no table.", field="rules")
    return rules


def _written(path: Path, name: str, entry: Any) -> Written:
    if not re.fullmatch(_NAME, name):
        raise _wrong(path, name, "", "a rule's name has lower-case letters, digits, - and _")
    try:
        return Written.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"] if not str(part).startswith("function"))
        raise _wrong(path, name, where, first["msg"]) from None


def _check(
    path: Path, name: str, written: Written, before: Rule | None, channels: Collection[str]
) -> None:
    if before is None and written.enabled:
        for needed in ("metric", "threshold"):
            if getattr(written, needed) is None:
                text = f"a rule that is not shipped needs a {needed}"
                raise _wrong(path, name, needed, text)
    if written.metric is not None and written.metric not in METRICS:
        text = f"there is no metric {written.metric!r}; there is {', '.join(METRICS)}"
        raise _wrong(path, name, "metric", text)
    for channel in written.channels or ():
        if channel not in channels:
            there = ", ".join(channels) or "none"
            text = f"ALERT_CHANNELS has no channel {channel!r}; there is {there}"
            raise _wrong(path, name, "channels", text)


def _changed(path: Path, name: str, written: Written, before: Rule, zone: ZoneInfo) -> Rule:
    given = written.model_dump(exclude_none=True, exclude={"enabled", "quiet_hours", "channels"})
    rule = replace(before, name=name, **given)
    if written.channels is not None:
        rule = replace(rule, channels=tuple(written.channels))
    if written.quiet_hours is None:
        return rule
    try:
        return replace(rule, quiet_hours=quiet_hours(written.quiet_hours, zone))
    except ValueError as error:
        raise _wrong(path, name, "quiet_hours", str(error)) from None


def _wrong(path: Path, name: str, field: str, text: str) -> InvalidRules:
    where = f"rules.{name}{field and '.'}{field}"
    return InvalidRules(f"{path}: rule {name}: {field and f'{field}: '}{text}.", field=where)
