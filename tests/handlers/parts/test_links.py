"""Which links are in a text."""

import pytest

from handlers.parts.links import LONGEST_LINK, links_in


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("nothing here", []),
        ("(see https://a.example/x?y=1).", ["https://a.example/x?y=1"]),
        ("http://b.example, http://b.example!", ["http://b.example"]),
        ("HTTPS://Example.com/A", ["HTTPS://Example.com/A"]),
        ("https://e.example/Foo_(bar)", ["https://e.example/Foo_(bar)"]),
        ("(https://e.example/Foo_(bar)).", ["https://e.example/Foo_(bar)"]),
        ("<https://c.example> [https://d.example]", ["https://c.example", "https://d.example"]),
        ("a protocol is http://... or https://", []),
        ("ftp://a.example", []),
    ],
)
def test_links_end_where_the_sentence_does(text: str, links: list[str]) -> None:
    assert list(links_in(text)) == links


def test_a_link_is_left_out_above_a_number_of_bytes() -> None:
    fits = "https://ä.example/".ljust(LONGEST_LINK - 1, "x")

    assert list(links_in(fits)) == [fits]
    assert list(links_in(f"{fits}x")) == []
