"""Icons and shapes: drawn once at the end of a page, and only those that it uses."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from markupsafe import Markup

_VIEW = {"i": "0 0 16 16", "s": "0 0 14 14"}


class Marks:
    """The marks of one page.

    Templates call `icon` and `shape` where one belongs, and `sprite` after all of them.
    """

    def __init__(self) -> None:
        self._used: dict[str, str] = {}

    def icon(self, name: str) -> Markup:
        """A line drawing that stands beside a word.

        Args:
            name: Of `marks.json`.

        Raises:
            KeyError: If there is none of that name.
        """
        return self._use("i", name, "ic")

    def shape(self, name: str, colour: str = "") -> Markup:
        """A solid form that says a state without its colour.

        Args:
            name: Of `marks.json`.
            colour: A class, such as `t-bad`.

        Raises:
            KeyError: If there is none of that name.
        """
        return self._use("s", name, f"sh {colour}".rstrip())

    def sprite(self) -> Markup:
        """The drawings of all marks that were used."""
        drawn = "".join(self._used.values())
        return Markup(f'<svg class="sprite" aria-hidden="true">{drawn}</svg>')  # noqa: S704 - ours

    def _use(self, kind: str, name: str, classes: str) -> Markup:
        drawing = _drawings()[kind][name]
        self._used[f"{kind}-{name}"] = (
            f'<symbol id="{kind}-{name}" viewBox="{_VIEW[kind]}">{drawing}</symbol>'
        )
        return Markup('<svg class="{}" aria-hidden="true"><use href="#{}-{}"/></svg>').format(
            classes, kind, name
        )


@cache
def _drawings() -> Mapping[str, Mapping[str, str]]:
    stored = json.loads(Path(__file__).with_name("marks.json").read_text("utf-8"))
    return {"i": stored["icons"], "s": stored["shapes"]}
