"""`postroom web`: the web process."""

import gc
from typing import Annotated

import typer

from monitoring.web.sessions import OneTimeCode
from monitoring.web.settings import WebSettings
from postroom.acting import ErrorsAsJson
from postroom.address import listener, loopback_listener
from postroom.printing import answer
from postroom.reader import reader_of
from postroom.signals import end_on_signal
from workers.connection import connect
from workers.loading import load_packages
from workers.logs import configure_logs
from workers.settings import load_settings


def web(
    host: Annotated[str | None, typer.Option(help="An address of this machine.")] = None,
    port: Annotated[int | None, typer.Option(help="Where to listen.")] = None,
    as_json: ErrorsAsJson = False,  # noqa: FBT002
) -> None:
    """Serve the HTTP API, to those who have a token."""
    # Slow to load, and `postroom --help` loads every module here.
    from monitoring.web.app import create_app  # noqa: PLC0415
    from postroom.web_server import ToldOnce, WebServer  # noqa: PLC0415

    with answer(as_json=as_json):
        settings, engine = WebSettings(), load_settings()
        configure_logs(engine)
        load_packages(engine.message_packages, setting="MESSAGE_PACKAGES")
        app = create_app(
            connection=connect(engine),
            reader=reader_of(settings, engine),
            settings=settings,
            engine=engine,
        )
        is_open = app.state.one_time_code is None
        opened = (listener if is_open else loopback_listener)(
            host or settings.postroom_web_host, port or settings.postroom_web_port
        )
        end_on_signal()  # uvicorn finishes the requests in hand, then hands the signal on to us
    address = opened.getsockname()
    if not as_json:
        _tell(
            app.state.one_time_code,
            f"http://{_shown(address[0])}:{address[1]}{settings.api_prefix}",
        )
    # What is loaded stays: to look through it again and again took the collector as long as a tick
    # of the numbers takes, and in the middle of it.
    gc.collect()
    gc.freeze()
    WebServer(ToldOnce(app), settings, live=app.state.live).run(sockets=[opened])


def _tell(code: OneTimeCode | None, url: str) -> None:
    typer.echo(f"Postroom is at {url}/")
    if code is not None:
        typer.echo(f"Log in once at {url}/login?code={code.text}")


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
