"""Sends made-up requests to the HTTP API: such as its description allows, and such as it does not.

Whoever asks has an ADMIN's token and finds data, so that most requests reach what they ask for.
"""

import random
from asyncio import Runner
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import cycle, islice
from typing import Any

import httpx2
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.schemas import OpenApiSchema

Known = Mapping[str, Sequence[str]]
"""What path parameters may name, by their names."""

Ask = Callable[..., Any]
"""Sends a request, with the arguments of an HTTP client."""

_ENDLESS = "/live"  # what goes on until the client leaves has tests of its own
_PAGE = "browser"  # the tag of pages, which refuse in words for people
_KNOWN = 0.6  # the share of path parameters that name something which is there
_BASE = "http://testserver"
_PARTS = ("method", "url", "params", "json", "data", "content")


@dataclass
class Report:
    """What came of it.

    Args:
        statuses: Status -> how many answers had it.
        routes: Method and path -> how many requests it was sent.
        faults: What no request may bring about, in words, with the request.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """How many were sent."""
        return self.statuses.total()

    @property
    def let_in(self) -> float:
        """The share of requests that were answered otherwise than by 401 or 403."""
        return 1 - (self.statuses[401] + self.statuses[403]) / max(1, self.requests)

    def words(self) -> str:
        """All of it, in lines."""
        fewest = min(self.routes.values(), default=0)
        told = (f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return "\n".join(
            (
                f"{self.requests} requests to {len(self.routes)} routes, {fewest} or more to each",
                f"{self.let_in:.0%} were let in; by status {', '.join(told)}",
                *self.faults[:20],
            )
        )


@dataclass(frozen=True)
class Fuzz:
    """Where requests go.

    Args:
        app: The application.
        token: An ADMIN's.
        fill: Puts data there; returns what path parameters may name, by their names.
        chance: All chance of its own depends on this number.
    """

    app: FastAPI
    token: str
    fill: Callable[[], Known]
    chance: int = 1

    def send(self, requests: int) -> Report:
        """Send requests, as many to each route.

        Args:
            requests: How many at least; half of them such as the description does not allow.
        """
        report = Report()
        with Runner() as runner:
            client = _client(self.app, self.token)
            ask: Ask = lambda **request: runner.run(client.request(**request))  # noqa: E731
            operations = [*self._operations(ask)]
            for operation in operations:
                self._fuzz(operation, -(-requests // len(operations)), ask, report)
        return report

    def _operations(self, ask: Ask) -> Iterator[Any]:
        described = ask(method="GET", url="/openapi.json").json()
        schema: OpenApiSchema = schemathesis.openapi.from_dict(described)
        for found in schema.get_all_operations():
            operation = found.ok()
            is_page = _PAGE in operation.definition.raw.get("tags", ())
            if not is_page and not operation.path.endswith(_ENDLESS):
                yield operation

    def _fuzz(self, operation: Any, each: int, ask: Ask, report: Report) -> None:
        route, known = f"{operation.method.upper()} {operation.path}", self.fill()
        chance = random.Random(self.chance)
        wrong = each // 2 if _can_be_asked_wrongly(operation) else 0
        cases = [
            *_made_up(operation, GenerationMode.NEGATIVE, wrong, self.chance),
            *_made_up(operation, GenerationMode.POSITIVE, each - each // 2, self.chance),
        ]
        for case in islice(cycle(cases), each):  # there may be fewer forms than that
            _name_what_is_there(case, known, chance)
            report.routes[route] += 1
            _note(report, _asked(ask, case))


def _client(app: FastAPI, token: str) -> httpx2.AsyncClient:
    # In the loop of this thread: the client of the tests starts a thread for each request.
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
        base_url=_BASE,
        headers={"Authorization": f"Bearer {token}"},
    )


def _can_be_asked_wrongly(operation: Any) -> bool:
    """Whether anything but any text in its path may be sent: of that, no value is wrong.

    Hypothesis finds out by itself, after some 460 futile attempts.
    """
    described = operation.definition.raw
    if "requestBody" in described:
        return True
    return any(
        parameter["in"] != "path" or set(parameter["schema"]) > {"type", "title"}
        for parameter in described.get("parameters", ())
    )


def _made_up(operation: Any, mode: GenerationMode, count: int, chance: int) -> list[Any]:
    """Some requests; none of a mode that the operation cannot have."""
    cases: list[Any] = []
    if not count:
        return cases

    @seed(chance)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def keep(case: Any) -> None:
        if _can_be_sent(case):
            cases.append(case)

    with suppress(Unsatisfiable):  # what has no parameters cannot be asked wrongly
        keep()
    return cases


def _name_what_is_there(
    case: Any, known: Mapping[str, Sequence[str]], chance: random.Random
) -> None:
    for name in case.path_parameters or ():
        if known.get(name) and chance.random() < _KNOWN:
            case.path_parameters[name] = chance.choice(known[name])


def _can_be_sent(case: Any) -> bool:
    """Whether the client sends it: it takes no address of more than 64 kB, nor do servers."""
    try:
        httpx2.Request(**_request_of(case))
    except httpx2.InvalidURL:
        return False
    return True


def _asked(ask: Ask, case: Any) -> Any:
    return ask(**_request_of(case))


def _request_of(case: Any) -> dict[str, Any]:
    request = case.as_transport_kwargs(base_url=_BASE)
    kept = {name: request[name] for name in _PARTS if request.get(name) is not None}
    if isinstance(kept.get("data"), str | bytes):  # what is no form
        kept["content"] = kept.pop("data")
    return kept


def _note(report: Report, answer: Any) -> None:
    report.statuses[answer.status_code] += 1
    fault = _fault_of(answer)
    if fault:
        request = answer.request
        report.faults.append(f"{fault}: {request.method} {request.url} {answer.text[:300]}")


def _fault_of(answer: Any) -> str:
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "it broke"
    if answer.status_code < HTTPStatus.BAD_REQUEST:
        return ""
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return "an error without a body"
    is_whole = all(error.get(part) for part in ("code", "message", "remedy"))
    return "" if is_whole else "an error without one of its parts"
