"""Lets who watches see at once what was done here, and not at the next tick."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitoring.board.page import Board
from monitoring.live.live import Live
from monitoring.web.auth import SAFE


class Stirring:
    """Has the streams and the pages look after each request that may have changed something.

    One that was refused has not: whoever may do nothing does not make it look more often.

    Args:
        app: What answers.
        live: The streams.
        board: The pages.
    """

    def __init__(self, app: ASGIApp, live: Live, board: Board) -> None:
        self._app = app
        self._live = live
        self._board = board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        may_change = scope["type"] == "http" and _may_change(scope)
        is_refused = False

        async def send_on(message: Message) -> None:
            nonlocal is_refused
            is_refused = is_refused or message.get("status", 0) >= HTTPStatus.BAD_REQUEST
            await send(message)

        await self._app(scope, receive, send_on if may_change else send)
        if may_change and not is_refused:
            self._board.stir()
            self._live.stir()


def _may_change(scope: Scope) -> bool:
    # Fragments of pages may be sent what somebody types, and change nothing.
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return scope["method"] not in SAFE and not path.startswith("/board/")
