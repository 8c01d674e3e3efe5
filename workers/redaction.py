"""Takes secrets out of texts before they are written: log lines, errors, tracebacks.

Hidden are the secrets this process was given, those of the message whose handler is running, and
whatever looks like one: a password in a URL, a header, `password=...`.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any

from messages.masking import MASK, SECRET_NAME
from workers.context import SHORTEST_SECRET, current_run
from workers.secret_settings import secret_values

_LEVELS = 8

_SAME_WHEREVER = re.compile(r"[ !#-&(-\[\]-~]+")  # ASCII without quotes and backslashes

_NEXT_LINE = r"\r?\n[ |]*"  # the traceback of an `ExceptionGroup` draws a margin

# Quotes may be escaped, once for each time that a text was put into another.
_PATTERNS = (
    (re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,20}://[^\s/@:'\"<>]*:)[^\s/'\"<>]+@"), rf"\1{MASK}@"),
    (re.compile(r"(https?://)[^\s/@:'\"<>]{16,}@"), rf"\1{MASK}@"),
    (
        re.compile(
            r"((?:password|passwd|secret|token|api[_-]?key|signature)[\"'\\]*\s*"
            r"(?:=\s*[\"'\\]*|:\s*[\"'\\]+))[^\s\"'\\,;&})\]]+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (
        re.compile(
            r"((?:x-api-key|x-auth-token|api-key)[\"'\\]*\s*[:=]\s*[\"'\\]*)[^\s\"'\\,;}]+"
            r"|(\bcookie[\"'\\]*\s*[:=]\s*[\"'\\]*)[^\"'\\\r\n}]+"
            r"|(authorization[\"'\\]*\s*[:=]\s*[\"'\\]*(?:bearer|basic|digest|token)\s+)"
            r"[^\s\"'\\,;}]+",
            re.IGNORECASE,
        ),
        rf"\1\2\3{MASK}",
    ),
    (
        re.compile(r"(\bbearer\s+)(?=[^\s\d]*\d)[A-Za-z0-9._~+/=\-]{8,}", re.IGNORECASE),
        rf"\1{MASK}",
    ),
)

_HINTS = re.compile(r"://|pass|secret|token|key|cookie|author|bearer|signature", re.IGNORECASE)

_hidden: ContextVar[frozenset[str]] = ContextVar("postroom_hidden", default=frozenset())


def redacted(text: str) -> str:
    """A text without secrets.

    Args:
        text: What is about to be written.
    """
    text = _without_known(text)
    if _HINTS.search(text):
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
    return text


def redacted_value(value: Any, *, name: str = "", levels: int = _LEVELS) -> Any:
    """A value of a log line, or JSON data, without secrets.

    Args:
        value: Anything; texts and numbers within objects and lists are looked at, too.
        name: The name it is logged under; one such as `api_key` hides the whole value.
        levels: How many levels of objects and lists are kept; what is deeper becomes text.
    """
    if isinstance(value, str):
        return MASK if value and SECRET_NAME.search(name) else redacted(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        text = text_of(value)
        return value if _without_known(text) == text else MASK
    if isinstance(value, Mapping) and levels > 0:
        return {
            _without_known(str(key)): redacted_value(part, name=str(key), levels=levels - 1)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset) and levels > 0:
        return [redacted_value(part, name=name, levels=levels - 1) for part in value]
    return redacted(text_of(value))


@contextmanager
def hiding(secrets: frozenset[str]) -> Iterator[None]:
    """Hide further texts for a while: those of a message that nobody is handling.

    Args:
        secrets: The texts.
    """
    token = _hidden.set(secrets)
    try:
        yield
    finally:
        _hidden.reset(token)


def text_of(value: object) -> str:
    """A value's text, also of one that cannot tell it: logging must not fail."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - whatever a foreign __str__ raises
        return "(its text cannot be read)"


def read_secrets_anew() -> None:
    """Forget which secrets this process was given; the next text looks at the environment again."""
    known_secrets.cache_clear()


@lru_cache(maxsize=1)
def known_secrets() -> frozenset[str]:
    """The secrets that this process was given, read from its environment once."""
    return secret_values()


def _without_known(text: str) -> str:
    run = current_run()
    for secrets in (known_secrets(), run.secrets if run else None, _hidden.get()):
        if secrets:
            text = _hide(secrets, text)
    return text


def _hide(secrets: frozenset[str], text: str) -> str:
    # No pattern of them all: making one takes longer than most runs, and the next run has others.
    for form in _forms(secrets):
        if form in text:
            text = text.replace(form, MASK) if len(form) >= SHORTEST_SECRET else _word(form, text)
        elif "\n" in form and form.partition("\n")[0] in text:
            text = re.sub(re.escape(form).replace("\\\n", _NEXT_LINE), MASK, text)
    return text


def _word(form: str, text: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", MASK, text)


@lru_cache(maxsize=64)
def _forms(secrets: frozenset[str]) -> tuple[str, ...]:
    """Secrets as they may stand in a text, in another that it quotes, too."""
    forms = {again for text in secrets for form in _written(text) for again in _written(form)}
    # The longest first: one secret may be the beginning of another.
    return tuple(sorted(forms, key=len, reverse=True))


def _written(text: str) -> set[str]:
    """A text as it is, and as Python and JSON write it between quotes."""
    if _SAME_WHEREVER.fullmatch(text):
        return {text}
    return {
        text,
        repr(text)[1:-1],
        repr('"' + text)[2:-1],  # where a text with both quotes has it, ' is escaped
        ascii(text)[1:-1],
        repr(text.encode(errors="replace"))[2:-1],
        encode_basestring_ascii(text)[1:-1],
        encode_basestring(text)[1:-1],
    }
