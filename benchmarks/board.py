"""`python3 run bench --board`: what the pages of the board cost a browser, and the web process."""

import http.client
import json
import logging
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.board_pages import Loaded, browser_running, heap_after, load, middle
from benchmarks.board_static import files_of, serving
from benchmarks.crowd import SOME, fill
from benchmarks.listeners import listening
from benchmarks.live import changes
from benchmarks.saying import say
from benchmarks.server import bench_server
from benchmarks.web_process import CLIENTS, WebProcess, token, web_process
from monitoring.board.page import PLACES

MOST_BYTES = 60_000
MOST_FIRST_REQUESTS = 6
"""Before anything useful is painted: the page, its sheets and the modules of the shell."""
MOST_SCRIPT_MS = 100.0
MOST_RATIO = 2.5
"""How much later a page may be interactive than one that has the same files and does nothing."""
MOST_GROWTH_KIB = 10 * 1024
MOST_HEAP = 0.05

_LOADS, _LOADS_QUICK = 15, 3
_TICKS, _TICKS_QUICK = 2_000, 400
_SECONDS, _SECONDS_QUICK = 30.0, 8.0
_PACE = 2.0  # seconds between two updates of a page


@dataclass(frozen=True)
class Cost:
    """What was found.

    Args:
        pages: Each place.
        ratio: How much later the overview was interactive than its files without scripts.
        core: The share of a core that the web process used with fifty open pages.
        growth_kib: How much larger it was after a second round of fifty pages than after the first.
        heap: By how much the heap of a page that stayed open has grown, as a share.
    """

    pages: Sequence[Loaded]
    ratio: float
    core: float
    growth_kib: int
    heap: float

    @property
    def faults(self) -> list[str]:
        """What is over a limit, in words."""
        return [
            *(f"{e.path}: {e.bytes:,} bytes" for e in self.pages if e.bytes > MOST_BYTES),
            *(
                f"{e.path}: {e.script_ms:.0f} ms of scripts"
                for e in self.pages
                if e.script_ms > MOST_SCRIPT_MS
            ),
            *([f"{self.ratio:.2f} times a page that does nothing"] * (self.ratio > MOST_RATIO)),
            *([f"it grew by {self.growth_kib} KiB"] * (self.growth_kib > MOST_GROWTH_KIB)),
            *([f"the heap of a page grew by {self.heap:.1%}"] * (self.heap > MOST_HEAP)),
        ]


def measure(folder: Path, *, loads: int, ticks: int, seconds: float) -> Cost:
    """Open every place, and leave some open.

    Args:
        folder: For the server's files.
        loads: Cold loads of each page.
        ticks: Updates of the page that stays open.
        seconds: For how long fifty pages are open, each of two times.
    """
    with bench_server(folder) as server, browser_running() as browser:
        fill(SOME, connection=server.client)
        with web_process(server, live_seconds=_PACE) as web:
            address = f"http://127.0.0.1:{web.port}"
            pages = [_loaded(browser, address, f"/{path}", loads) for path, _, _ in PLACES]
            say(f"{loads} loads of the overview, and of one that does nothing")
            ratio = _ratio(browser, address, loads)
            say(f"{CLIENTS} open pages, twice for {seconds:.0f} s")
            core, first = _fifty(web, seconds)
            _, second = _fifty(web, seconds)
        with web_process(server, live_seconds=0.02) as web:
            say(f"{ticks:,} updates of one open page")
            change = partial(next, changes(server))
            url = f"http://127.0.0.1:{web.port}/"
            heap = heap_after(browser, url, token(), ticks=ticks, change=change)
    return Cost(pages, ratio, core, second - first, heap)


def bench_board(*, quick: bool, as_json: bool) -> int:
    """Measure and print.

    Args:
        quick: A fraction of the loads, the updates and the seconds.
        as_json: Print one JSON object.

    Returns:
        The exit code: 1 if something is over its limit.
    """
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
        found = measure(
            Path(folder),
            loads=_LOADS_QUICK if quick else _LOADS,
            ticks=_TICKS_QUICK if quick else _TICKS,
            seconds=_SECONDS_QUICK if quick else _SECONDS,
        )
    text = json.dumps({**asdict(found), "faults": found.faults}) + "\n"
    sys.stdout.write(text if as_json else as_text(found))
    return 1 if found.faults else 0


def as_text(found: Cost) -> str:
    """Lines for people.

    Args:
        found: What was found.
    """
    lines = [
        f"{'page':12} {'kB':>6} {'files':>6} {'painted':>9} {'interactive':>12} {'scripts':>9}",
        *(_line(each) for each in found.pages),
        f"the overview is interactive {found.ratio:.2f} times as late as without scripts",
        f"{CLIENTS} open pages: {found.core:.1%} of a core",
        f"after as many again: {found.growth_kib / 1024:+.1f} MiB",
        f"the heap of a page that stays open: {found.heap:+.1%}",
        *(f"OVER ITS LIMIT  {fault}" for fault in found.faults),
    ]
    return "\n".join(lines) + "\n"


def _line(each: Loaded) -> str:
    return (
        f"{each.path:12} {each.bytes / 1000:6.1f} {each.requests:6} {each.painted_ms:6.0f} ms "
        f"{each.interactive_ms:9.0f} ms {each.script_ms:6.0f} ms"
    )


def _loaded(browser: Browser, address: str, path: str, loads: int) -> Loaded:
    say(path)
    return middle([load(browser, address, path, token()) for _ in range(min(3, loads))])


def _ratio(browser: Browser, address: str, loads: int) -> float:
    """Alternating, so that whatever else the machine does meets both."""
    files = files_of(browser, address, "/", token())
    ours, idle = [], []
    with serving(files) as static:
        for _ in range(loads):
            ours.append(load(browser, address, "/", token()))
            idle.append(load(browser, static, "/", token()))
    return middle(ours).interactive_ms / middle(idle).interactive_ms


def _fifty(web: WebProcess, seconds: float) -> tuple[float, int]:
    """Fifty pages as the server sees them: a stream each, and a look every two seconds."""
    with listening(web.port, token(), count=CLIENTS):
        before, began = web.cpu_seconds(), time.monotonic()
        pages = [
            threading.Thread(target=_page, args=(web.port, each * _PACE / CLIENTS, began + seconds))
            for each in range(CLIENTS)
        ]
        for page in pages:
            page.start()
        for page in pages:
            page.join()
        core = (web.cpu_seconds() - before) / (time.monotonic() - began)
    return core, web.resident_kib()


def _page(port: int, offset: float, end: float) -> None:
    time.sleep(offset)
    tag, bears = "", {"Authorization": f"Bearer {token()}", "Accept": "text/html"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    while time.monotonic() < end:
        began = time.monotonic()
        connection.request("GET", "/", headers={**bears, "If-None-Match": tag})
        with suppress(http.client.HTTPException):
            answer = connection.getresponse()
            answer.read()
            tag = answer.headers.get("ETag", "")
        time.sleep(max(0.0, _PACE - (time.monotonic() - began)))
    connection.close()
