"""Which of a queue's three lists goes first, so that urgent is quick and low never starves."""

from collections.abc import Iterator, Sequence

from workers.routing import Priority


def rotation(weights: Sequence[int]) -> Iterator[Priority]:
    """Who goes first, for ever.

    Args:
        weights: How often high, normal and low go first in a round; each at least 1.

    Yields:
        Priorities spread evenly over the round (smooth weighted round-robin, as nginx does it).
    """
    order = tuple(Priority)
    credit = dict.fromkeys(order, 0)
    while True:
        for priority, weight in zip(order, weights, strict=True):
            credit[priority] += weight
        first = max(order, key=lambda priority: credit[priority])
        credit[first] -= sum(weights)
        yield first


def starting_with(first: Priority) -> Sequence[Priority]:
    """All priorities, one of them in front, the others most urgent first."""
    return (first, *(priority for priority in Priority if priority is not first))
