"""What embed.md shows is done: in plain HTML, with its colours, and in React 19."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect
from redis import Redis

from monitoring.web.identity import Role
from tests.board.browsing import PATIENCE_MS, Complaints
from tests.board.embedding import open_to, streams, token
from tests.board.hosting import Host
from tests.board.packages import installed
from tests.docs.documents import ROOT, blocks
from tests.workers.letters import email
from workers import enqueue

OURS = "https://ops.example"
REACT = ("react@19.3.1", "react-dom@19.3.1", "esbuild@0.25.12")

APPLICATION = """
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { JobMonitor } from "./JobMonitor.jsx";

function Shop() {
  const [waiting, setWaiting] = useState(-1);
  const [shown, setShown] = useState(true);
  const told = ({ totals }) => setWaiting(totals.waiting);
  return (
    <main>
      <h1>Shop</h1>
      <output>{waiting}</output>
      <button onClick={() => setShown(!shown)}>Turn</button>
      {shown && (
        <JobMonitor apiUrl="API" getAuthToken={async () => "TOKEN"} refreshInterval={1000}
          onUpdate={told} />
      )}
    </main>
  );
}

createRoot(document.getElementById("root")).render(<StrictMode><Shop /></StrictMode>);
"""

PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>{head}{body}</html>'


def shown(language: str) -> str:
    """The block of embed.md in a language."""
    text = (ROOT / "docs" / "embed.md").read_text()
    (found,) = (each.text for each in blocks(text, "embed.md") if each.language == language)
    return found


@pytest.fixture
def app(redis: Redis, shop: Host) -> FastAPI:
    return open_to(shop, redis)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page, which complains of nothing at the end."""
    complaints = Complaints()
    with browser.new_context(reduced_motion="reduce") as context:
        complaints.hear(context)
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()
    assert complaints.of == []


def serve(shop: Host, files: Mapping[str, str]) -> None:
    shop.files, shop.policy = files, ""


def test_plain_html_and_colours_of_the_page(page: Page, shop: Host, address: str) -> None:
    html = shown("html").replace(OURS, address)
    css = '<link rel="stylesheet" href="/shop.css">'
    serve(shop, {"/": PAGE.format(head=css, body=html), "/shop.css": shown("css")})
    page.add_init_script(f"sessionStorage.setItem('token', '{token(Role.MODERATOR)}')")
    page.goto(f"{shop.origin}/")

    expect(page.locator("#age")).to_have_text("Live")
    panel = page.locator("job-monitor #queues")
    expect(panel).to_have_css("background-color", "rgb(255, 253, 248)")
    expect(panel).to_have_css("font-family", '"Shop Sans", sans-serif')


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The application with the component of the document, as a bundler makes it."""
    packages, folder = installed(REACT), tmp_path_factory.mktemp("shop")
    (folder / "JobMonitor.jsx").write_text(shown("jsx"))
    (folder / "shop.jsx").write_text(APPLICATION)
    return bundle(folder / "shop.jsx", packages / "node_modules")


def bundle(entry: Path, modules: Path) -> str:
    """React as it is while one develops: it warns of what is wrong."""
    esbuild = str(modules / ".bin" / "esbuild")
    command = [esbuild, entry.name, "--bundle", "--format=esm", "--jsx=automatic"]
    told = {**os.environ, "NODE_PATH": str(modules)}
    ran = subprocess.run(
        [*command, "--log-level=error"],
        cwd=entry.parent,
        env=told,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_in_react_it_bears_the_token_polls_without_a_stream_and_streams_again(  # noqa: PLR0913, PLR0917
    page: Page, shop: Host, address: str, app: FastAPI, redis: Redis, bundled: str, eventually
) -> None:
    good = token(Role.MODERATOR)
    script = bundled.replace('"API"', f'"{address}"').replace('"TOKEN"', f'"{good}"')
    body = '<div id="root"></div><script type="module" src="/shop.js"></script>'
    serve(shop, {"/": PAGE.format(head="", body=body), "/shop.js": script})
    asked: list[tuple[str, str]] = []
    page.on(
        "request",
        lambda each: asked.append((each.url, each.headers.get("authorization", ""))),
    )
    app.state.live._most = 0
    page.goto(f"{shop.origin}/")

    expect(page.locator("#age")).to_have_text("Every 1 s")
    borne = [bearer for url, bearer in asked if "/admin/jobs/live" in url]
    assert borne
    assert set(borne) == {f"Bearer {good}"}
    app.state.live._most = 9
    expect(page.locator("#age")).to_have_text("Live")

    enqueue(email(), connection=redis)
    expect(page.locator("output")).to_have_text("1")  # told to the application, which renders anew
    enqueue(email(), connection=redis)
    expect(page.locator("output")).to_have_text("2")
    assert streams(app) == 1
    page.get_by_role("button", name="Turn").click()
    eventually(lambda: streams(app) == 0)
    page.get_by_role("button", name="Turn").click()
    expect(page.locator("#age")).to_have_text("Live")
