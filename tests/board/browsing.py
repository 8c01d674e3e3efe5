"""A real browser for the tests of the board, and what it must never say."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first is the same browser without windows, which costs a third of the processor's time."""

REQUIRED = "TEST_BROWSER_REQUIRED"
DESKTOP, PHONE = (1440, 900), (360, 780)
PATIENCE_MS = 15_000
MOST_BYTES = 60_000

# The first because root may not have a sandbox; the others save work that no test looks at.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--js-flags=--max-lazy --no-opt --no-maglev",
    "--disable-extensions",
    "--disable-background-networking",
    "--renderer-process-limit=1",
)
_COARSE = ("--force-device-scale-factor=0.5",)  # a quarter of the dots, which no test looks at

# What is no fault of the page: a test that takes Redis away is answered 503, and who sends what
# cannot be used 422.
_EXPECTED = re.compile(r"the server responded with a status of (503|422)")


def program() -> str:
    """The browser's program; skips the test if there is none, unless one is required."""
    found = os.environ.get("TEST_BROWSER") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        missing = f"no browser: `apt-get install {_NAMES[0]}`, or name one in TEST_BROWSER"
        pytest.fail(missing) if os.environ.get(REQUIRED) else pytest.skip(missing)
    return found


class Shared:
    """The browser of a test process, for as long as tests of the board come one after the other.

    Its driver has a loop of events that runs in the main thread, where other tests want none.
    """

    def __init__(self) -> None:
        self._stack: ExitStack | None = None
        self._browser: Browser | None = None

    def get(self) -> Browser:
        """The browser, started if it does not run."""
        if self._browser is None:
            self._stack = ExitStack()
            self._browser = self._stack.enter_context(browser_running(*_COARSE))
        return self._browser

    def close(self) -> None:
        """End it, if it runs."""
        if self._stack is not None:
            self._stack.close()
        self._stack = self._browser = None


SHARED = Shared()


@contextmanager
def browser_running(*flags: str) -> Iterator[Browser]:
    """Start the browser.

    Args:
        flags: Of its program, beside those that save work.
    """
    path = program()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_FLAGS, *flags])
        yield browser
        browser.close()


@dataclass
class Complaints:
    """What a browser complained of: scripts that failed, and what the policy refused."""

    of: list[str] = field(default_factory=list)

    def hear(self, context: BrowserContext) -> None:
        """Listen to all pages of a context."""
        context.on("page", self._hear)

    def _hear(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.of.append(str(error)))
        page.on("console", lambda said: self._said(said.type, said.text))

    def _said(self, kind: str, text: str) -> None:
        if kind == "error" and not _EXPECTED.search(text) and "net::ERR" not in text:
            self.of.append(text)


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA, and its own best practices."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for each in found
        for node in each["nodes"]
    ]


def barriers(page: Page) -> list[str]:
    """What keeps people out of a page: light on a desktop, and dark on a phone of 360 pixels."""
    found = violations(page)
    width, height = PHONE
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found += [f"on a phone: {each}" for each in violations(page)]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("on a phone it moves sideways")
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    return found


_WEIGHT = """() => [...performance.getEntriesByType('navigation'),
  ...performance.getEntriesByType('resource').filter(each => each.initiatorType !== 'fetch')]
  .map(each => [each.name, each.decodedBodySize])"""


def weight(page: Page) -> dict[str, int]:
    """Bytes of all that a page has loaded, uncompressed, by address; not those of its updates."""
    found: list[tuple[str, int]] = page.evaluate(_WEIGHT)
    return dict(found)
