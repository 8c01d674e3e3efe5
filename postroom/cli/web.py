"""`postroom web`: the web process, on this machine only."""

from typing import Annotated

import typer
import uvicorn

from monitoring.app import create_app
from monitoring.settings import WebSettings
from postroom.acting import ErrorsAsJson
from postroom.address import loopback_listener
from postroom.printing import answer
from postroom.signals import end_on_signal
from workers.connection import connect
from workers.settings import load_settings


def web(
    host: Annotated[str | None, typer.Option(help="An address of this machine.")] = None,
    port: Annotated[int | None, typer.Option(help="Where to listen.")] = None,
    as_json: ErrorsAsJson = False,  # noqa: FBT002
) -> None:
    """Serve /healthz and /readyz on this machine only."""
    with answer(as_json=as_json):
        settings = WebSettings()
        listener = loopback_listener(
            host or settings.postroom_web_host, port or settings.postroom_web_port
        )
        end_on_signal()  # uvicorn finishes the requests in hand, then hands the signal on to us
        app = create_app(connection=connect(load_settings()))
    uvicorn.Server(uvicorn.Config(app, access_log=False)).run(sockets=[listener])
