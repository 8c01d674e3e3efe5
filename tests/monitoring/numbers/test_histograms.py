import pytest

from monitoring.numbers.histograms import Histogram, upper_ms
from tests.monitoring.ledger import place_of


def histogram(*milliseconds):
    places = {}
    for each in milliseconds:
        places[place_of(each)] = places.get(place_of(each), 0) + 1
    return Histogram.of(places, round(sum(milliseconds) * 1000))


def test_an_empty_histogram_has_no_average_and_no_percentile():
    empty = Histogram()

    assert empty.count == 0
    assert empty.average_ms is None
    assert empty.quantile_ms(0.95) is None


def test_an_average_is_exact():
    assert histogram(1, 2, 6.5).average_ms == 9.5 / 3


@pytest.mark.parametrize("time", [0.2, 1, 17, 600_000, 86_400_000])
def test_a_percentile_stands_where_the_exact_value_stands(time):
    told = histogram(time).quantile_ms(0.95)

    assert place_of(told) == place_of(time)
    assert told == pytest.approx(time, rel=0.025)


def test_the_shortest_times_are_told_as_some_of_them():
    assert histogram(0, 0.03, 0.1).quantile_ms(0.5) == 0.05


@pytest.mark.parametrize(
    ("share", "rank"), [(0, 1), (0.5, 50), (0.95, 95), (0.99, 99), (0.991, 100), (1, 100)]
)
def test_a_percentile_is_that_of_the_nearest_rank(share, rank):
    times = [1.2**each for each in range(1, 101)]

    told = histogram(*times).quantile_ms(share)

    assert place_of(told) == place_of(times[rank - 1])


def test_histograms_add_up():
    left, right = histogram(1, 2, 300), histogram(2, 5_000)

    assert left + right == histogram(1, 2, 300, 2, 5_000)
    assert Histogram.together([left, right, left]) == left + right + left
    assert Histogram.together([]) == Histogram()


def test_a_place_has_what_is_as_long_as_its_upper_end():
    assert upper_ms(0) == 0.1
    assert place_of(upper_ms(100) * 0.999) == 100
    assert upper_ms(421) < 86_400_000 <= upper_ms(422)
