"""The pages of the board in a browser: what they weigh, how soon they can be used, if they grow."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.errors import BenchFailed

_NAMES = ("chromium", "chromium-browser", "google-chrome")

_LOADED = """() => [...performance.getEntriesByType('navigation'),
  ...performance.getEntriesByType('resource').filter(each => each.initiatorType !== 'fetch')]
  .map(each => each.decodedBodySize)"""
_INTERACTIVE = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
_PATIENCE_SECONDS = 900.0  # for 2,000 updates of about 150 ms each, and a busy machine


@dataclass(frozen=True)
class Loaded:
    """One cold load of a page.

    Args:
        path: The page.
        bytes: Of all that it loads, uncompressed.
        requests: How many files that is.
        interactive_ms: From the navigation until its scripts have run.
        painted_ms: Until something was to be seen.
        script_ms: Of scripts on the main thread in the first second.
    """

    path: str
    bytes: int
    requests: int
    interactive_ms: float
    painted_ms: float
    script_ms: float


@contextmanager
def browser_running() -> Iterator[Browser]:
    """A browser for as long as the block runs.

    Raises:
        BenchFailed: If none is installed.
    """
    path = os.environ.get("TEST_BROWSER") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        raise BenchFailed("There is no browser: `apt-get install chromium`, or set TEST_BROWSER.")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--js-flags=--expose-gc"]  # without the sandbox: perhaps as root
        yield playwright.chromium.launch(executable_path=path, args=flags)


def load(browser: Browser, address: str, path: str, token: str) -> Loaded:
    """Open a page in a browser that knows nothing yet.

    Args:
        browser: It.
        address: Of the server.
        path: The page.
        token: What the requests bear.
    """
    context = _context(browser, token)
    try:
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Performance.enable")
        page.goto(f"{address}{path}", wait_until="load")
        page.wait_for_timeout(1_000)
        sizes: list[int] = page.evaluate(_LOADED)
        told: Any = session.send("Performance.getMetrics")
        metrics = {each["name"]: each["value"] for each in told["metrics"]}
        return Loaded(
            path,
            sum(sizes),
            len(sizes),
            page.evaluate(_INTERACTIVE),
            page.evaluate(_PAINTED),
            metrics["ScriptDuration"] * 1000,
        )
    finally:
        context.close()


def middle(loads: Sequence[Loaded]) -> Loaded:
    """The median of each figure of several loads of one page.

    Args:
        loads: One or more.
    """
    return Loaded(
        loads[0].path,
        max(each.bytes for each in loads),
        max(each.requests for each in loads),
        median(each.interactive_ms for each in loads),
        median(each.painted_ms for each in loads),
        median(each.script_ms for each in loads),
    )


def heap_after(
    browser: Browser, url: str, token: str, *, ticks: int, change: Callable[[], object]
) -> float:
    """By how much the heap of an open page grows, as a share, after a fifth of its updates.

    Args:
        browser: It.
        url: The page, of a server that looks as often as it can.
        token: What the requests bear.
        ticks: How many updates it shall see.
        change: Changes something that the page shows.
    """
    context = _context(browser, token)
    try:
        page = context.new_page()
        page.goto(url)
        page.evaluate("window.ticks = 0; addEventListener('shown', () => (window.ticks += 1))")
        _updated(page, ticks // 5, change)
        before = _heap(page)
        _updated(page, ticks, change)
        return _heap(page) / before - 1
    finally:
        context.close()


def _updated(page: Page, ticks: int, change: Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while page.evaluate("window.ticks") < ticks:
        if time.monotonic() > deadline:
            raise BenchFailed(f"The page saw fewer than {ticks} updates in {_PATIENCE_SECONDS} s.")
        change()
        page.keyboard.press("Shift")  # a page that nobody touches asks seldom
        page.wait_for_timeout(10)


def _heap(page: Page) -> float:
    page.evaluate("gc(); gc()")
    used: float = page.evaluate("performance.memory.usedJSHeapSize")
    return used


def _context(browser: Browser, token: str) -> BrowserContext:
    return browser.new_context(
        viewport={"width": 1440, "height": 900},
        extra_http_headers={"Authorization": f"Bearer {token}"},
    )
