"""The command `postroom`: each module here is a noun, and a new file is a new command.

A module holds a function of its own name, or an `app` where a noun has several verbs.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules

import typer
from pydantic import ValidationError

from messages.errors import PostroomError
from postroom import usage
from postroom.printing import USAGE_ERROR, answer
from workers.errors import setting_invalid


def build_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """The command line.

    Args:
        arguments: What follows `postroom`; if a noun is named, only its module is imported, so
            that sending a message does not load a web server.
    """
    app = typer.Typer(
        name="postroom",
        help="Typed message workers on RQ. REDIS_URL points every command at a server.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(_nouns)
    nouns = [found.name for found in iter_modules(__path__)]
    for noun in [noun for noun in nouns if _shown(noun) in arguments[:1]] or nouns:
        module = import_module(f"{__name__}.{noun}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=_shown(noun))
        else:
            app.command(_shown(noun))(getattr(module, noun))
    return app


def main() -> None:
    """Run the command line; an error a person can mend is one line, and exit code 2."""
    words = sys.argv[1:]
    if "--json" in words:
        with answer(as_json=True):
            usage.run(build_app(words), words)
    try:
        build_app(words)()
    except (PostroomError, ValidationError) as error:
        known = setting_invalid(error) if isinstance(error, ValidationError) else error
        sys.stderr.write(f"postroom: {known}\n")
        raise SystemExit(USAGE_ERROR) from None


def _nouns() -> None:
    # With a callback typer keeps the noun in the command line, even while there is only one.
    pass


def _shown(noun: str) -> str:
    return noun.replace("_", "-")
