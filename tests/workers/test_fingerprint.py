"""Which failures count as the same."""

import json
import smtplib

import pytest

from workers.fingerprint import fingerprint, normal_text, place_of


class RefusedError(Exception):
    """An error of the application."""


def raised(act, *arguments):
    """What a function raises."""
    try:
        act(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the test asks for
        return error
    pytest.fail("nothing was raised")


def refuse(text):
    raise RefusedError(text)


def refuse_elsewhere(text):
    raise RefusedError(text)


def fail(text):
    raise ValueError(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 17 is closed", "order 4,711 is closed"),
        ("no note 'a-1'", "no note 'b-2'"),
        ('no note "a"', 'no note "b"'),
        ("job 01890a5d-ac96-774b-bcce-b302099a8057", "job 01890a5d-ac96-774b-bcce-b302099a8058"),
        ("at 0x7f00aa", "at 0x7f00bb"),
        ("commit 0123456789abcdef", "commit fedcba9876543210"),
        ("10.0.0.1:6379 refused", "10.0.0.2:6380 refused"),
    ],
)
def test_numbers_ids_and_quoted_values_do_not_count(one, other):
    assert normal_text(one) == normal_text(other)
    assert fingerprint(raised(refuse, one)) == fingerprint(raised(refuse, other))


def test_type_class_text_and_place_do():
    first = raised(refuse, "closed")
    others = [
        fingerprint(first, "EMAIL"),
        fingerprint(first, "TEST"),
        fingerprint(raised(fail, "closed"), "EMAIL"),
        fingerprint(raised(refuse, "open"), "EMAIL"),
        fingerprint(raised(refuse_elsewhere, "closed"), "EMAIL"),
    ]

    assert len(set(others)) == len(others)
    assert fingerprint(raised(refuse, "closed"), "EMAIL") == others[0]


def test_who_called_does_not_count():
    assert fingerprint(raised(refuse, "no")) == fingerprint(raised(lambda: refuse("no")))


def test_the_place_is_the_innermost_function_that_is_no_library():
    assert place_of(raised(json.loads, "{")) == f"{__name__}.raised"
    assert place_of(raised(refuse, "no")) == f"{__name__}.refuse"
    assert place_of(RefusedError("never raised")) == ""


def test_an_error_that_only_libraries_saw_has_their_place():
    error = raised(json.loads, "{")
    error.__traceback__ = error.__traceback__.tb_next

    assert place_of(error) == "json.decoder.JSONDecoder.raw_decode"


def test_an_error_that_cannot_say_what_it_is_has_a_name_too():
    class Silent(RefusedError):
        def __str__(self):
            raise RuntimeError

    assert len(fingerprint(Silent())) == 12
    assert fingerprint(smtplib.SMTPServerDisconnected("x")) != fingerprint(Silent())
