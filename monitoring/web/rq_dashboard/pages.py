"""Makes rq-dashboard's pages safe: what their scripts insert is text, and nothing else may run.

Its pages hold templates that a script turns into functions at run time, which needs a policy that
lets any text become code, and inserts values from Redis without escaping them. Here the templates
become functions before the page is sent, and each value in them is escaped.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_TEMPLATE = re.compile(r'<script name="([a-z-]+)" type="text/template">(.*?)</script>', re.DOTALL)
_INLINE = re.compile(r'(<script type="text/javascript">)(.*?)(</script>)', re.DOTALL)
_STYLE = re.compile(r'\sstyle="([^"]*)"')
_HEAD = "</head>"
_PART = re.compile(r"<%([=-]?)(.*?)%>", re.DOTALL)
_ESCAPES_ITSELF = re.compile(r"\$\('<div/>'\)\.text\([\w.]+\)\.html\(\)")
_TEXT_IN_SCRIPT = re.compile(r"\.val\('([^']+)'\)")
_BUTTON = r'<a [^>]*id="%s".*?</a>'

_PRELUDE = """
var templates = {%s};
_.template = function (name) { return templates[name.trim()]; };
var shown = function (value) { return value == null ? "" : _.escape(value); };
"""
_FUNCTION = """%s: function (given) { var html = ""; with (given) {
%s
} return html; }"""


@dataclass(frozen=True)
class Page:
    """A page, and what a browser may do with it.

    Args:
        text: The HTML.
        policy: The value of the header Content-Security-Policy.
    """

    text: str
    policy: str


def safe_page(text: str, *, without: Collection[str] = ()) -> Page:
    """A page of rq-dashboard under a policy that lets only its own scripts and styles do anything.

    Args:
        text: The page as rq-dashboard makes it; what comes from Redis is escaped in it.
        without: The ids of buttons to leave out.
    """
    text = text.replace("\r\n", "\n")  # as browsers read it before they hash it
    for button in without:
        text = re.sub(_BUTTON % re.escape(button), "", text, flags=re.DOTALL)
    functions = ",\n".join(_functions(text))
    text = _TEMPLATE.sub(_named, text)
    text = _INLINE.sub(lambda found: f"{found[1]}{_script(functions, found[2])}{found[3]}", text)
    styles = dict.fromkeys(_STYLE.findall(text))
    text = _STYLE.sub(lambda found: f' data-style="{found[1]}"', text)
    sheet = "".join(f'[data-style="{each}"] {{ {each} }}\n' for each in styles)
    text = text.replace(_HEAD, f"<style>{sheet}</style>{_HEAD}", 1)
    scripts = [_hash(found[2]) for found in _INLINE.finditer(text)]
    return Page(text, _policy(scripts, [_hash(sheet)]))


def inert_json(text: str) -> str:
    """JSON that means the same, and holds nothing that could be read as HTML.

    Args:
        text: Any JSON.
    """
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _functions(text: str) -> Iterator[str]:
    for name, body in _TEMPLATE.findall(text):
        if "<%" in body:
            yield _FUNCTION % (json.dumps(name), "\n".join(_statements(body)))


def _statements(body: str) -> Iterator[str]:
    end = 0
    for found in _PART.finditer(body):
        yield f"html += {_in_script(body[end : found.start()])};"
        kind, code = found[1], found[2].strip()
        if kind:
            yield f"html += {code if _ESCAPES_ITSELF.fullmatch(code) else f'shown({code})'};"
        else:
            yield code
        end = found.end()
    yield f"html += {_in_script(body[end:])};"


def _named(found: re.Match[str]) -> str:
    # The page's script asks for a template by the content of its element.
    return found[0] if "<%" not in found[2] else found[0].replace(found[2], found[1])


def _script(functions: str, text: str) -> str:
    # A queue's name stands here escaped for HTML, in which a backslash is nothing special.
    repaired = _TEXT_IN_SCRIPT.sub(
        lambda found: f".val({_in_script(html.unescape(found[1]))})", text
    )
    return _PRELUDE % functions + repaired


def _in_script(text: str) -> str:
    return inert_json(json.dumps(text))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _policy(scripts: Collection[str], styles: Collection[str]) -> str:
    return (
        f"default-src 'none'; script-src 'self' {' '.join(scripts)}; "
        f"style-src 'self' {' '.join(styles)}; img-src 'self' data:; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
