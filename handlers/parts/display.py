"""Templates to display an activity's data with, made from the JSON Schema of that data.

A template is text in which `$field` stands for the value of a property; `${heart-rate}` where the
name is no plain word, and `$$` for a dollar sign. `fill` puts values in.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

from handlers.parts.markdown import visible
from handlers.parts.titles import MAX_TITLE, shorten
from workers import PermanentError

_NAMING = ("title", "name", "label", "subject")  # properties that say best what an entry is
_LONG_TEXT = 200  # characters from which a text gets a section of its own
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COMBINING = ("allOf", "anyOf", "oneOf")


class FieldTemplate(Template):
    """A template whose braces may hold any name without braces."""

    braceidpattern = r"[^{}]+"


@dataclass(frozen=True)
class Templates:
    """How to display one activity.

    Args:
        title: At most 50 characters.
        body: Markdown that names every property.
    """

    title: str
    body: str


def templates_of(name: str, schema: Mapping[str, Any]) -> Templates:
    """Make the templates of an activity: the local renderer, no service needed.

    Args:
        name: The activity's name.
        schema: The JSON Schema of its data.

    Returns:
        The templates; the same schema always gives the same ones.

    Raises:
        PermanentError: If a property has a name that no template can hold.
    """
    fields = properties(schema)
    heading = _literal(name) or "Activity"
    short = [_line(field, about) for field, about in fields.items() if not _is_long(about)]
    long = [_section(field, about) for field, about in fields.items() if _is_long(about)]
    parts = (f"# {heading}", "\n".join(short), *long)
    return Templates(_title(name, schema, tuple(fields)), "\n\n".join(filter(None, parts)))


def repaired(written: Templates, name: str, schema: Mapping[str, Any]) -> Templates:
    """Make templates that somebody else wrote keep the promises.

    Args:
        written: What a text service answered.
        name: The activity's name.
        schema: The JSON Schema of its data.

    Returns:
        Templates that name every property of the schema and nothing else; the title is the
        local one if the written one is empty or too long.
    """
    fields = properties(schema)
    title = _known_only(" ".join(visible(written.title).split()), fields)
    body = _known_only(visible(written.body).strip(), fields)
    named = set(FieldTemplate(body).get_identifiers())
    missing = [_line(field, about) for field, about in fields.items() if field not in named]
    if not 0 < len(title) <= MAX_TITLE:
        title = _title(name, schema, tuple(fields))
    return Templates(title, "\n\n".join(filter(None, (body, "\n".join(missing)))))


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Put values into a template.

    Args:
        template: A title or a body.
        values: Property to value; what is missing shows as a dash.

    Returns:
        The text.
    """
    names = FieldTemplate(template).get_identifiers()
    return FieldTemplate(template).substitute({name: _shown(values.get(name)) for name in names})


def properties(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The properties of a JSON Schema, those of the schemas it is combined from included.

    Args:
        schema: The schema; references within it are followed.

    Returns:
        Name to the property's own schema, in the order they are written.

    Raises:
        PermanentError: If a name is empty or holds a brace.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for part in _parts(schema, schema, frozenset()):
        for name, about in _mapping(part.get("properties")).items():
            if not re.fullmatch(r"[^{}]+", name):
                raise PermanentError(f"The property {name!r} has a name no template can hold.")
            found.setdefault(name, _mapping(about))
    return found


def _parts(
    schema: Mapping[str, Any], root: Mapping[str, Any], followed: frozenset[str]
) -> Iterator[Mapping[str, Any]]:
    yield schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in followed:
        yield from _parts(_resolved(reference, root), root, followed | {reference})
    for word in _COMBINING:
        branches = schema.get(word)
        for branch in branches if isinstance(branches, list) else ():
            yield from _parts(_mapping(branch), root, followed)


def _resolved(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    steps = reference.removeprefix("#").strip("/").split("/")
    place: Mapping[str, Any] = root
    for step in filter(None, steps):
        place = _mapping(place.get(step.replace("~1", "/").replace("~0", "~")))
    return place


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _title(name: str, schema: Mapping[str, Any], fields: Sequence[str]) -> str:
    plain = " ".join(visible(name).replace("$", "").split()) or "Activity"
    required = schema.get("required")
    wanted = (*_NAMING, *(required if isinstance(required, list) else ()), *fields)
    chosen = next((field for field in wanted if field in fields), None)
    title = plain if chosen is None else f"{plain}: {_placeholder(chosen)}"
    return title if len(title) <= MAX_TITLE else shorten(plain)


def _line(field: str, about: Mapping[str, Any]) -> str:
    return f"- **{_label(field, about)}:** {_placeholder(field)}"


def _section(field: str, about: Mapping[str, Any]) -> str:
    return f"## {_label(field, about)}\n\n{_placeholder(field)}"


def _is_long(about: Mapping[str, Any]) -> bool:
    longest = about.get("maxLength")
    return about.get("type") == "string" and isinstance(longest, int) and longest > _LONG_TEXT


def _label(field: str, about: Mapping[str, Any]) -> str:
    title = about.get("title")
    if isinstance(title, str) and _literal(title):
        return _literal(title)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_-]+", " ", field)
    return _literal(words[:1].upper() + words[1:].lower()) or _literal(field)


def _placeholder(field: str) -> str:
    return f"${field}" if _PLAIN_NAME.fullmatch(field) else f"${{{field}}}"


def _literal(text: str) -> str:
    return " ".join(visible(text).split()).replace("$", "$$")


def _known_only(template: str, fields: Mapping[str, Any]) -> str:
    def keep(match: re.Match[str]) -> str:
        name = match["named"] or match["braced"]
        if match["escaped"] or name in fields:
            return match[0]
        return f"$${match[0][1:]}"

    return FieldTemplate.pattern.sub(keep, template)


def _shown(value: object) -> str:
    if value is None:
        return "–"  # noqa: RUF001 - a dash, not a minus
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
