"""Mail texts from Jinja templates: `NAME.txt`, `NAME.html`, or both.

An application's own folders (TEMPLATE_DIRS) come first, then the shipped ones beside this file.
The sandbox keeps a template from reaching Python; a value that is missing is an error, not a gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import (
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    UndefinedError,
    select_autoescape,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from messages import JsonObject
from workers import PermanentError

_SHIPPED = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Text:
    """A rendered mail; at least one of the two is there."""

    plain: str | None
    html: str | None


def render(name: str, values: JsonObject, *, folders: Sequence[Path]) -> Text:
    """Fill in a mail template.

    Args:
        name: The template's name, without its ending.
        values: What it uses.
        folders: The application's own folders of templates, first choice first.

    Returns:
        The text, the HTML, or both.

    Raises:
        PermanentError: If there is no such template, or it cannot be filled in.
    """
    environment = _environment(tuple(folders))
    found = environment.list_templates(extensions=("txt", "html"))
    text = Text(
        plain=_filled(environment, f"{name}.txt", values, found),
        html=_filled(environment, f"{name}.html", values, found),
    )
    if text.plain is None and text.html is None:
        known = sorted({Path(file).stem for file in found})
        raise PermanentError(f"There is no mail template {name!r}; known are {', '.join(known)}.")
    return text


def _filled(
    environment: ImmutableSandboxedEnvironment,
    file: str,
    values: JsonObject,
    found: Sequence[str],
) -> str | None:
    if file not in found:
        return None
    try:
        return environment.get_template(file).render(values)
    except UndefinedError as error:
        raise PermanentError(f"Template {file} needs a value it was not given: {error}.") from error
    except TemplateSyntaxError as error:
        raise PermanentError(f"Template {file}, line {error.lineno}: {error.message}.") from error
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise PermanentError(f"Template {file} cannot be filled in: {error}.") from error


@lru_cache(maxsize=8)
def _environment(folders: tuple[Path, ...]) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([*folders, _SHIPPED]),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html",), default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
