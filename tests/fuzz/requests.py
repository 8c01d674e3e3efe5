"""Sends made-up requests to the HTTP API: such as its description allows, and such as it does not.

Whoever asks has an ADMIN's token and finds data, so that most requests reach what they ask for.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.schemas import OpenApiSchema

Known = Mapping[str, Sequence[str]]
"""What path parameters may name, by their names."""

_ENDLESS = "/live"  # what goes on until the client leaves has tests of its own
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

    def send(self, each: int) -> Report:
        """Send so many requests to each route.

        Args:
                each: How many; half of them such as the description does not allow.
        """
        report = Report()
        client = TestClient(self.app, raise_server_exceptions=False)
        client.headers["Authorization"] = f"Bearer {self.token}"
        for operation in self._operations(client):
            self._fuzz(operation, each, client, report)
        return report

    def _operations(self, client: TestClient) -> Iterator[Any]:
        described = client.get("/openapi.json").json()
        schema: OpenApiSchema = schemathesis.openapi.from_dict(described)
        for found in schema.get_all_operations():
            operation = found.ok()
            if not operation.path.endswith(_ENDLESS):
                yield operation

    def _fuzz(self, operation: Any, each: int, client: TestClient, report: Report) -> None:
        route, known = f"{operation.method.upper()} {operation.path}", self.fill()
        chance = random.Random(self.chance)

        def send(case: Any) -> None:
            _name_what_is_there(case, known, chance)
            report.routes[route] += 1
            _note(report, _asked(client, case))

        wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        with suppress(Unsatisfiable):  # what has no parameters cannot be asked wrongly
            _each_of(wrong, each // 2, self.chance)(send)
        allowed = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        for turn in range(each):  # one turn gives each form once, and there may be few of them
            if (left := each - report.routes[route]) > 0:
                _each_of(allowed, left, self.chance + turn)(send)


def _each_of(strategy: Any, count: int, chance: int) -> Callable[[Callable[[Any], None]], None]:
    def run(send: Callable[[Any], None]) -> None:
        @seed(chance)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def once(case: Any) -> None:
            send(case)

        once()

    return run


def _name_what_is_there(
    case: Any, known: Mapping[str, Sequence[str]], chance: random.Random
) -> None:
    for name in case.path_parameters or ():
        if known.get(name) and chance.random() < _KNOWN:
            case.path_parameters[name] = chance.choice(known[name])


def _asked(client: TestClient, case: Any) -> Any:
    request = case.as_transport_kwargs(base_url=_BASE)
    kept = {name: request[name] for name in _PARTS if request.get(name) is not None}
    if isinstance(kept.get("data"), str | bytes):  # what is no form
        kept["content"] = kept.pop("data")
    return client.request(**kept, follow_redirects=False)


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
