"""A secret is hidden however a text has written it down, and as a number, too."""

import json
import traceback

import pytest

from messages.masking import MASK
from workers.redaction import hiding, read_secrets_anew, redacted, redacted_value

PEM = "-----BEGIN KEY-----\nMIIEow+IBAAK/CAQEA\nu1SU1L==\n-----END KEY-----\n"
ODD = 'geheim\\wört\'er "zwei"\t\N{KEY}'


def failed(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("secret", [PEM, ODD, "both\"and's", "C:\\keys\\new", "it's", "pässword"])
@pytest.mark.parametrize(
    "write",
    [
        *(str, repr, ascii, json.dumps, lambda text: json.dumps(text, ensure_ascii=False)),
        *(lambda text: repr(text.encode()), lambda text: repr({"a": [text, "it's"]})),
        *(lambda text: repr(f"'a' and \"b\": {text}"), lambda text: str(KeyError(text))),
        *(lambda text: json.dumps({"body": json.dumps({"key": text})}),),
        *(lambda text: repr(json.dumps([text])), lambda text: json.dumps(repr(text))),
        lambda text: failed(ExceptionGroup("both", [ValueError(f"no {text!r}"), OSError(text)])),
    ],
)
def test_a_secret_is_hidden_as_a_text_writes_it(secret, write):
    with hiding(frozenset({secret})):
        found = redacted(write(secret))

    assert MASK in found
    assert not [part for part in secret.split("\n") if len(part) > 3 and part in found]
    assert not [word for word in ("geheim", "MIIE", "both\\", "keys", "ssword") if word in found]


def test_a_secret_of_this_process_is_hidden_as_a_text_writes_it(monkeypatch):
    monkeypatch.setenv("SIGNING_PRIVATE_KEY", PEM)
    read_secrets_anew()
    try:
        assert redacted(f"{PEM.strip()!r}, {json.dumps(PEM)}") == f"'{MASK}', \"{MASK}\\n\""
    finally:
        monkeypatch.undo()
        read_secrets_anew()


def test_what_only_looks_a_little_like_a_secret_stays():
    with hiding(frozenset({PEM, ODD})):
        assert redacted("n1: geheim, u1SU1L") == "n1: geheim, u1SU1L"


def test_a_number_is_hidden_as_a_text_is_and_others_stay_numbers():
    with hiding(frozenset({"987650000", "12.5", "7"})):
        found = redacted_value(
            {"a": 987650000, "b": [12.5, 7, 70, True, -987650000.0, 1e300], 7: 0}
        )

    assert found == {"a": MASK, "b": [MASK, MASK, 70, True, MASK, 1e300], MASK: 0}


def test_a_number_that_has_no_text_stays():
    with hiding(frozenset({"1234"})):
        assert redacted_value(10**5000) == 10**5000
