"""Which steps a build may run."""

import pytest

from handlers.parts.build_steps import admitted
from workers import PermanentError

ALLOWED = ("make", "cargo build")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("make", ["make"]),
        ("make -C 'a folder' all", ["make", "-C", "a folder", "all"]),
        ("cargo build --release", ["cargo", "build", "--release"]),
        ("make; rm -rf /", None),
        ("make test; rm -rf /", ["make", "test;", "rm", "-rf", "/"]),
        ("cargo", None),
        ("cargo publish", None),
        ("cargo --config x build", None),
        ("'cargo build'", None),
        ("/usr/bin/make", None),
        ("./make", None),
        ("makefile", None),
        ("MAKE", None),
        ("env make", None),
        ("X=1 make", None),
        ("'' make", None),
        ("   ", None),
        ("make 'unfinished", None),
    ],
)
def test_a_step_begins_with_the_words_of_an_entry(step: str, words: list[str] | None) -> None:
    if words is None:
        with pytest.raises(PermanentError):
            admitted([step], ALLOWED)
    else:
        assert admitted([step], ALLOWED) == [words]
