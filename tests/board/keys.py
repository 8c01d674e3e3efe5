"""A keyboard and nothing else: how tests get about a page as people without a mouse do."""

import re

import pytest
from playwright.sync_api import Locator, Mouse, Page, Touchscreen, expect

_MOST = 200  # stops of a page, before the search is given up
_HANDS = {
    Mouse: ("click", "dblclick", "down", "move", "wheel"),
    Touchscreen: ("tap",),
    **dict.fromkeys(
        (Locator, Page),
        (
            *("click", "dblclick", "tap", "hover", "focus", "fill", "clear", "type", "press"),
            *("check", "uncheck", "set_checked", "select_option", "drag_to", "drag_and_drop"),
            *("press_sequentially", "dispatch_event"),
        ),
    ),
}
"""What is done at a place that no key led to."""

# The name of what has the focus, also within an element of ours: its label, or else its words.
_FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  if (!at || at === document.body) return "";
  const label = at.labels?.[0]?.textContent;
  const said = at.getAttribute("aria-label") || label || at.textContent || at.title || "";
  return said.replace(/\\s+/g, " ").trim().slice(0, 80);
}"""


def take_the_mouse_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test fail that reaches for anything but keys."""
    for kind, names in _HANDS.items():
        for name in names:
            if hasattr(kind, name):
                monkeypatch.setattr(kind, name, _refusal(f"{kind.__name__}.{name}"))


def _refusal(name: str) -> object:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError(f"{name} takes more than a keyboard.")

    return refuse


def focused(page: Page) -> str:
    """The name of what has the focus."""
    name: str = page.evaluate(_FOCUSED)
    return name


def tab_to(page: Page, name: str, *, back: bool = False) -> None:
    """Go on by Tab until something has the focus whose name begins so.

    Args:
        page: Where; what has the focus now is tried first.
        name: How it begins.
        back: Whether to go the other way.
    """
    key, met = "Shift+Tab" if back else "Tab", []
    for _ in range(_MOST):
        met.append(focused(page))
        if met[-1].startswith(name):
            return
        page.keyboard.press(key)
    raise AssertionError(f"No key leads to {name!r}; there were {sorted(set(met))}.")


def press(page: Page, name: str, *, back: bool = False) -> None:
    """Go to a button or a link, and press it."""
    tab_to(page, name, back=back)
    page.keyboard.press("Enter")


def ask(page: Page, name: str, title: str) -> Locator:
    """Press a button that opens a dialog.

    Args:
        page: Where.
        name: Of the button.
        title: Of the dialog, which gets the focus.
    """
    press(page, name)
    return asked(page, title)


def asked(page: Page, title: str | re.Pattern[str]) -> Locator:
    """The dialog that a key has opened; the focus is within."""
    dialog = page.get_by_role("dialog", name=title)
    expect(dialog.locator(":focus")).to_have_count(1)
    return dialog


def write(page: Page, **texts: str) -> None:
    """Go on to each field and write into it, in the place of what it has; `_` is a space."""
    for name, text in texts.items():
        tab_to(page, name.replace("_", " "))
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(text) if text else page.keyboard.press("Delete")


def choose(page: Page, name: str, text: str) -> None:
    """Go to a list and choose what begins so, by its first letters."""
    tab_to(page, name)
    page.keyboard.type(text)
