"""The tables of the documents say what the code says."""

import inspect
import os
import re
import tomllib
from collections.abc import Iterator, Mapping

import pytest
from pydantic import AliasChoices, BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from handlers.parts.settings import HandlerSettings
from messages import message_types
from monitoring.alerts import METRICS, AlertSettings, read_rules
from monitoring.alerts.rules_file import Written
from monitoring.scale.settings import ScaleSettings
from monitoring.web.settings import WebSettings
from postroom.settings import ShellSettings
from tests.docs.documents import ROOT, table
from tests.messages.oracle import TYPES
from workers import keys, stream_keys, tenant_keys, watch_keys
from workers.dead_letters import DeadLetter
from workers.options import EnqueueOptions
from workers.settings import Settings

DOCS = ROOT / "docs"
EVERY_SETTINGS = (
    *(Settings, AlertSettings, HandlerSettings, WebSettings, ScaleSettings, ShellSettings),
)

Cells = Mapping[str, tuple[str, str, str]]


@pytest.fixture(scope="module")
def settings_page() -> Cells:
    rows = table(DOCS / "settings.md", "Variable")
    return {code(name): (default, unit, meaning) for name, default, unit, meaning in rows}


def code(cell: str) -> str:
    return cell.strip("`")


def variable(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    return str(alias.choices[0] if isinstance(alias, AliasChoices) else name).upper()


def fields(settings: type[BaseSettings]) -> Iterator[tuple[str, FieldInfo]]:
    return ((variable(name, field), field) for name, field in settings.model_fields.items())


def shown(default: object) -> str:
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if default is None:
        return "unset"
    if default in ("", (), {}):
        return "empty"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        mark = "," if isinstance(default[0], str) else ":"
        return f"`{mark.join(map(str, default))}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


@pytest.mark.parametrize("settings", EVERY_SETTINGS, ids=lambda cls: cls.__name__)
def test_the_settings_page_has_every_default(
    settings: type[BaseSettings], settings_page: Cells
) -> None:
    listed = {name: settings_page.get(name, ("missing",))[0] for name, _ in fields(settings)}

    assert listed == {name: shown(field.default) for name, field in fields(settings)}


def test_the_settings_page_lists_nothing_that_does_not_exist(settings_page: Cells) -> None:
    known = {name for settings in EVERY_SETTINGS for name, _ in fields(settings)}

    assert set(settings_page) - known == set()


def test_a_setting_that_is_a_number_has_a_unit(settings_page: Cells) -> None:
    numbers = [
        name
        for settings in EVERY_SETTINGS
        for name, field in fields(settings)
        if isinstance(field.default, int | float) and not isinstance(field.default, bool)
    ]

    assert [name for name in numbers if not settings_page[name][1]] == []


def test_other_names_of_a_setting_are_told(settings_page: Cells) -> None:
    others = {
        name: [str(other) for other in field.validation_alias.choices[1:]]
        for name, field in fields(Settings)
        if isinstance(field.validation_alias, AliasChoices)
    }

    assert others
    for name, also in others.items():
        assert all(f"`{other}`" in settings_page[name][2] for other in also)


def test_the_example_environment_names_only_settings_that_exist() -> None:
    known = {name for settings in EVERY_SETTINGS for name, _ in fields(settings)}
    text = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", text, re.MULTILINE))

    # RQ reads the first, macOS the second.
    assert named - known - {"RQ_CONFIG", "OBJC_DISABLE_INITIALIZE_FORK_SAFETY"} == set()


def test_the_readme_lists_every_shipped_type_with_its_queue_and_fields() -> None:
    rows = table(ROOT / "README.md", "Type")
    listed = {
        code(kind): (code(queue), set(re.findall(r"`(\w+)", data))) for kind, data, queue, _ in rows
    }

    assert listed == {
        kind: (cls.queue, wire_fields(cls.model_fields["data"].annotation))
        for kind, cls in message_types().items()
        if kind in TYPES  # an application adds its own, and tests of this process others
    }


def wire_fields(payload: object) -> set[str]:
    assert isinstance(payload, type)
    assert issubclass(payload, BaseModel)
    return {str(field.alias) for field in payload.model_fields.values()}


def test_every_reason_of_a_dead_letter_is_explained() -> None:
    described = re.search(r"reason: (.*?)error:", DeadLetter.__doc__ or "", re.DOTALL)
    assert described

    explained = {code(row[0]) for row in table(DOCS / "lifecycle.md", "Reason")}
    assert explained == set(re.findall(r"`(\w+)`", described[1]))


def test_every_option_of_enqueue_is_explained() -> None:
    explained = {code(row[0]) for row in table(DOCS / "send-a-message.md", "Option")}

    assert explained == set(EnqueueOptions.__annotations__)


def test_every_rule_metric_and_field_of_a_rule_is_explained() -> None:
    page = DOCS / "alerts.md"
    shipped = read_rules(AlertSettings(), ())

    for heading, expected in (
        ("Rule", {rule.name for rule in shipped}),
        ("Metric", set(METRICS)),
        ("Field", set(Written.model_fields)),
    ):
        assert {code(row[0]) for row in table(page, heading)} == expected
    told = {code(row[0]): row[2:] for row in table(page, "Rule")}
    expected_rows = {
        rule.name: [f"{rule.for_seconds:g} s" if rule.for_seconds else "at once", rule.severity]
        for rule in shipped
    }
    assert told == expected_rows


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    declared = [
        *project["dependencies"],
        *(p for n, e in optional.items() if n != "dev" for p in e),
    ]
    names = {re.split(r"[<>=\[]", entry)[0] for entry in declared}

    explained = {code(row[0]) for row in table(DOCS / "why.md", "Package")}
    assert explained == names


def test_the_paragraphs_of_why_are_dated_newest_first() -> None:
    dates = re.findall(r"^## (.*?):", (DOCS / "why.md").read_text(), re.MULTILINE)

    assert dates
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for date in dates)
    assert dates == sorted(dates, reverse=True)


def test_the_words_of_the_field_stand_in_the_glossary() -> None:
    words = [code(row[0]) for row in table(DOCS / "glossary.md", "Word")]

    assert words == sorted(words)
    assert {"message", "payload", "handler", "job", "attempt", "dead letter"} <= set(words)


_PLACES = {
    "unique": {},
    "watch_logins": {"address": "ADDRESS"},
    "consumer": {"group": "GROUP", "name": "CONSUMER"},
}
"""Functions of keys whose parameters mean something else than they do elsewhere."""


def test_every_key_in_redis_is_listed() -> None:
    placeholders = {"job_id": "ID", "name": "LIST", "digest": "DIGEST", "paused": "PAUSE"}
    placeholders |= {"message_type": "TYPE", "field": "FIELD", "holder": "HOLDER"}
    placeholders |= {"group": "GROUP", "consumer": "CONSUMER", "stream": "STREAM", "harm": "HARM"}
    placeholders |= {"entry_id": "ENTRY"}
    placeholders |= {
        "tenant": "TENANT",
        "resolution": "RESOLUTION",
        "begin": "BEGIN",
        "queue": "QUEUE",
        "fingerprint": "FINGERPRINT",
        "execution": "EXECUTION",
    }
    functions = {
        name: found
        for module in (keys, stream_keys, tenant_keys, watch_keys)
        for name, found in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and not name.endswith("_prefix")
    }
    expected = {
        found(*(_PLACES.get(name, placeholders).get(each, "KEY") for each in parameters))
        for name, found in functions.items()
        for parameters in [inspect.signature(found).parameters]
    }
    expected |= {keys.recent(), stream_keys.streams(), "postroom:step:CONSUMER"}
    text = (DOCS / "redis-keys.md").read_text()
    listed = set(re.findall(r"^\| `([^`]*:[^`]*)` \|", text, re.MULTILINE))

    prefix = os.environ.get("RQ_KEY_PREFIX", "rq")
    written = {key.removeprefix(f"{prefix}:") for key in expected}
    assert {key.removeprefix("rq:") for key in listed} == written
