"""Asks several things side by side, so that they share their round trips."""

from collections.abc import Sequence
from typing import Any

from monitoring.streams.reading import Plan, Question


def together(*plans: Plan[Any]) -> Plan[Sequence[Any]]:
    """One plan that carries out several at once; it takes as many rounds as the longest.

    Args:
        plans: See `monitoring.streams.reading`.

    Returns:
        What each of them returns, in their order.
    """
    results: list[Any] = [None] * len(plans)
    asking: dict[int, Sequence[Question]] = {}

    def go_on(at: int, answers: Sequence[Any] | None) -> None:
        try:
            asking[at] = next(plans[at]) if answers is None else plans[at].send(answers)
        except StopIteration as end:
            asking.pop(at, None)
            results[at] = end.value

    for at in range(len(plans)):
        go_on(at, None)
    while asking:
        asked = dict(asking)
        answers = iter((yield [each for questions in asked.values() for each in questions]))
        for at, questions in asked.items():
            go_on(at, [next(answers) for _ in questions])
    return results
