"""`python3 run screenshots`: pictures of every place of the board, from the running demo.

Each place is shown in light and dark, on a desktop and on a phone, after the demo's first incident.
"""

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.board.browsing import DESKTOP, PHONE, browser_running

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "pictures"

_LOGIN = re.compile(r"(http://\S+)/login\?code=(\S+)")
_START_SECONDS, _INCIDENT_SECONDS = 60.0, 240.0
_LETTERS = 6  # that the demo has buried when the pictures are taken
_RUNS_SECONDS = 200  # so that charts by the minute have three whole ones
_HELD = 6  # messages that wait in the queue that is paused
_QUALITY = 55
_TALLEST = 1_200  # pixels of a desktop; pages are shown whole where they are no longer
_SETTLES_MS = 1_200
_PAUSED = {"kind": "queue", "name": "notifications", "reason": "double pushes, a fix is in review"}


def main(arguments: Sequence[str]) -> int:
    """Take the pictures.

    Args:
        arguments: `--only NAME` takes those of one place; `--to FOLDER` puts them elsewhere.

    Returns:
        0; 1 if a table of a page has no row, so that the picture would show nothing.
    """
    parser = argparse.ArgumentParser(prog="python3 run screenshots", description=__doc__)
    parser.add_argument("--only", help="the name of one place")
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder; docs/pictures")
    options = parser.parse_args(arguments)
    options.to.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        demo(Path(data)) as (address, code),
        browser_running() as browser,
    ):
        empty = take(browser, address, code, options.to, options.only)
    for name in empty:
        sys.stderr.write(f"A table of {name} has no row.\n")
    return 1 if empty else 0


@contextmanager
def demo(data: Path) -> Iterator[tuple[str, str]]:
    """Run the demo; yields its address, and the code that logs in once."""
    log = data / "demo.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "postroom.demo", "demo"],
            cwd=ROOT,
            env={**os.environ, "DATA_DIR": str(data / "data"), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _login_of(log, process)
    finally:
        process.terminate()
        process.wait(30)


def take(browser: Browser, address: str, code: str, folder: Path, only: str | None) -> list[str]:
    """Take all pictures; returns the pages of which a table is empty."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/login?code={code}")
    page.get_by_role("button", name="Log in").click()
    places = _after_an_incident(page, address)
    state = context.storage_state()
    empty = []
    for name, path in places.items():
        if only in {None, name}:
            for is_dark, is_phone in product((False, True), repeat=2):
                looks = f"{'dark' if is_dark else 'light'}{'-phone' if is_phone else ''}"
                width, height = PHONE if is_phone else DESKTOP
                seen = browser.new_context(
                    storage_state=state,
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if is_dark else "light",
                    device_scale_factor=2 if is_phone else 1,
                    is_mobile=is_phone,
                    reduced_motion="reduce",
                )
                shown = seen.new_page()
                shown.goto(f"{address}{path}")
                if not is_phone:
                    height = shown.evaluate("document.documentElement.scrollHeight")
                    shown.set_viewport_size({"width": width, "height": min(height, _TALLEST)})
                shown.wait_for_timeout(_SETTLES_MS)
                _save(shown, folder / f"{name}-{looks}.webp")
                empty += [f"{name}-{looks}"] * _has_empty_table(shown)
                seen.close()
            sys.stdout.write(f"{name}\n")
            sys.stdout.flush()
    context.close()
    return empty


def _after_an_incident(page: Page, address: str) -> Mapping[str, str]:
    """Wait until messages have died, pause a queue, and name the pages to show."""
    api = page.request
    csrf = api.get(f"{address}/api/session").json()["csrfToken"]
    headers = {"X-CSRF-Token": csrf, "Origin": address}
    page.wait_for_timeout(1_000 * _RUNS_SECONDS)
    answer = api.post(f"{address}/api/pauses", data=_PAUSED, headers=headers)
    assert answer.ok, answer.text()
    deadline = time.monotonic() + _INCIDENT_SECONDS
    letters: Any = {"total": 0}
    held = 0
    while (letters["total"] < _LETTERS or held < _HELD) and time.monotonic() < deadline:
        page.wait_for_timeout(500)
        letters = api.get(f"{address}/api/dead-letters", params={"limit": 50}).json()
        held = api.get(f"{address}/api/queues/{_PAUSED['name']}").json()["waiting"]
    return _places(page, address, {each["fingerprint"] for each in letters["letters"]})


def _places(page: Page, address: str, died: Collection[str]) -> Mapping[str, str]:
    """The pages to show: of a group that died, and of a job that was tried again."""
    api = page.request
    groups = api.get(f"{address}/api/failures", params={"state": "open"}).json()["groups"]
    names = [each["fingerprint"] for each in groups]
    group = next(each for each in names if each in died)
    retried = next(each for each in names if each not in died)
    job = api.get(f"{address}/api/failures/{retried}").json()["jobs"][0]["jobId"]
    return {
        "overview": "/",
        "jobs": "/jobs",
        "job": f"/jobs/{job}",
        "failures": "/failures",
        "failure-group": f"/failures/{group}",
        "letters": "/failures/letters",
        "queues": "/queues",
        "queue": f"/queues/{_PAUSED['name']}",
        "stream": "/streams/raibid:jobs",
        "workers": "/workers",
        "messages": "/messages/EMAIL",
        "insights": "/insights",
        "settings": "/settings",
        "audit": "/settings?tab=audit",
    }


def _login_of(log: Path, process: "subprocess.Popen[bytes]") -> tuple[str, str]:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = _LOGIN.search(log.read_text(errors="replace"))
        if found and _answers(found.group(1)):
            return found.group(1), found.group(2)
        time.sleep(0.2)
    raise SystemExit(f"The demo did not start: {log.read_text(errors='replace')[-1000:]}")


def _answers(address: str) -> bool:
    with suppress(OSError), urlopen(f"{address}/healthz"):
        return True
    return False


def _save(page: Page, path: Path) -> None:
    picture = Image.open(io.BytesIO(page.screenshot()))
    # Nothing stands where a browser with a mouse would have its scroll bar.
    share = page.evaluate("document.documentElement.clientWidth / innerWidth")
    picture = picture.crop((0, 0, round(picture.width * share), picture.height))
    picture.convert("RGB").save(path, "WEBP", quality=_QUALITY, method=6)


def _has_empty_table(page: Page) -> bool:
    found: bool = page.evaluate(
        "[...document.querySelectorAll('#main table')].some(each => !each.tBodies[0]?.rows.length)"
    )
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
