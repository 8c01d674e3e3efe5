"""`postroom dashboard`: rq-dashboard on our queues, on this machine only."""

from typing import Annotated

import typer

from monitoring.settings import WebSettings
from postroom.acting import ErrorsAsJson
from postroom.address import loopback_listener
from postroom.printing import answer
from postroom.signals import end_on_signal
from workers.connection import connect
from workers.settings import load_settings


def dashboard(
    host: Annotated[str | None, typer.Option(help="An address of this machine.")] = None,
    port: Annotated[int | None, typer.Option(help="Where to listen.")] = None,
    as_json: ErrorsAsJson = False,  # noqa: FBT002
) -> None:
    """Serve rq-dashboard on this machine only."""
    # Slow to load, and `postroom --help` loads every module here.
    from werkzeug.serving import make_server  # noqa: PLC0415

    from postroom.dashboard_app import dashboard_app  # noqa: PLC0415

    with answer(as_json=as_json):
        settings = WebSettings()
        listener = loopback_listener(
            host or settings.postroom_dashboard_host, port or settings.postroom_dashboard_port
        )
        address = listener.getsockname()
        listener.listen()
        app = dashboard_app(connect(load_settings()))
    server = make_server(address[0], address[1], app, threaded=True, fd=listener.fileno())
    end_on_signal()
    if not as_json:
        typer.echo(f"rq-dashboard is at http://{address[0]}:{address[1]}/")
    try:
        server.serve_forever()
    finally:
        server.server_close()
