from postroom.columns import columns, printable


def test_texts_stand_left_and_numbers_right() -> None:
    table = columns(("QUEUE", "WAITING"), [("email", 1_204), ("default", 3)])

    assert table.splitlines() == [
        "QUEUE    WAITING",
        "email      1,204",
        "default        3",
    ]


def test_no_line_ends_in_spaces() -> None:
    table = columns(("A", "B"), [("x", "long"), ("x", "")])

    assert all(line == line.rstrip() for line in table.splitlines())


def test_a_table_without_rows_is_its_header() -> None:
    assert columns(("A", "B"), []) == "A  B"


def test_what_would_steer_a_terminal_is_shown_instead() -> None:
    assert printable("\x1b[2Jgöne\n") == "\\x1b[2Jgöne\\n"
