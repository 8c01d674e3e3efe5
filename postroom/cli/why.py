"""`postroom why NAME`: why a job, a queue or a stream does not get on, and what to do."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Annotated

import typer

from monitoring.explain.explanations import Explanation
from monitoring.explain.why import why as explained
from postroom.columns import printable
from postroom.printing import answer

_WIDTH = 100
_LOOK_AGAIN = 2.0


def why(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A job's id, a queue, a stream's key, or a unique key."
        ),
    ],
    look_again: Annotated[
        float,
        typer.Option(
            "--look-again",
            min=0.0,
            max=60.0,
            help="Seconds until a second look, where jobs wait and nobody has watched; 0: none.",
        ),
    ] = _LOOK_AGAIN,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,  # noqa: FBT002
) -> None:
    """Say why a job, a queue or a stream does not get on, and what to do about it."""
    with answer(as_json=as_json) as say:
        found = explained(name, look_again_seconds=look_again)
        say({"explanations": [each.as_json() for each in found]}, _for_people(found))


def _for_people(found: Sequence[Explanation]) -> str:
    blocks = [_block(each) for each in found]
    if len(found) > 1:
        kinds = " and ".join(f"a {each.kind.replace('_', ' ')}" for each in found)
        blocks.insert(0, f"{printable(found[0].name)} is the name of {kinds}.")
    return "\n\n".join(blocks)


def _block(found: Explanation) -> str:
    kind, state = found.kind.replace("_", " ").capitalize(), found.state.replace("_", " ")
    lines = [printable(f"{kind} {found.name}: {state}")]
    for sentence in found.sentences:
        lines += wrap(printable(sentence), _WIDTH, break_long_words=False, break_on_hyphens=False)
    lines += [f"  Do: {printable(command)}" for command in found.do]
    return "\n".join(lines)
