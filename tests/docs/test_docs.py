"""What the documents say is done: their blocks run, their links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from tests.docs.documents import DOCUMENTS, ROOT, Block, anchors, blocks, links
from tests.docs.mermaid import check_mermaid
from tests.docs.sandbox import LANGUAGES, Sandbox, copy_project
from tests.faults.nursery import Nursery
from tests.processes import StartProcess

MOST_UNRUN = 10
COLD = {"README.md", "tracing.md", "settings.md"}
"""Their programs load everything themselves, as those of a reader do; so do those of documents
that add files."""

documents = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


def blocks_of(document: Path) -> list[Block]:
    return list(blocks(document.read_text(), document.name))


@pytest.fixture
def sandbox(tmp_path: Path, redis: Redis, start_process: StartProcess) -> Sandbox:
    assert redis.ping()
    root = tmp_path / "copy"
    copy_project(root)
    return Sandbox(root, start_process)


@pytest.mark.slow("up to a dozen programs are started, and each loads the application")
@documents
def test_every_block_does_what_its_document_says(
    document: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    runs = [block for block in blocks_of(document) if not (block.reason or block.test)]
    if not runs:
        return  # and nothing is copied
    sandbox: Sandbox = request.getfixturevalue("sandbox")
    if document.name not in COLD:
        warm: Nursery = request.getfixturevalue("warm_nursery")
        sandbox.stand_ins = warm.stand_ins(tmp_path / "stand-ins")
    for block in runs:
        sandbox.run(block)


def test_every_block_can_be_run_or_bears_a_reason() -> None:
    every = [block for document in DOCUMENTS for block in blocks_of(document)]

    known = [b.place for b in every if b.language in LANGUAGES or b.reason or b.test]
    assert [b.place for b in every if b.place not in known] == []
    assert len([block.place for block in every if block.reason]) <= MOST_UNRUN


def test_no_two_documents_start_something_on_the_same_port() -> None:
    ports = [
        (port, document.name)
        for document in DOCUMENTS
        for port in set(re.findall(r"--port (\d+)", document.read_text()))
    ]

    taken = {port: [name for each, name in ports if each == port] for port, _ in ports}
    assert {port: names for port, names in taken.items() if len(names) > 1} == {}


def test_a_test_that_runs_blocks_reads_their_document() -> None:
    named = {(d.name, b.test) for d in DOCUMENTS for b in blocks_of(d) if b.test}

    assert named
    assert [each for each in named if each[0] not in (ROOT / each[1]).read_text()] == []


@documents
def test_every_link_leads_somewhere(document: Path) -> None:
    broken = [target for target in links(document.read_text()) if not leads(document, target)]

    assert broken == []


def leads(document: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return target.startswith("https://")
    name, _, anchor = target.partition("#")
    path = (document.parent / name).resolve() if name else document
    if not path.exists() or ROOT not in path.parents:
        return False
    return not anchor or anchor in anchors(path.read_text())


def test_every_document_is_linked_from_the_index_and_the_index_from_the_readme() -> None:
    index = ROOT / "docs" / "index.md"
    linked = set(links(index.read_text()))

    missing = {p.name for p in DOCUMENTS if p.parent == index.parent} - linked - {index.name}
    assert missing == set()
    assert "docs/index.md" in links((ROOT / "README.md").read_text())


def test_the_commands_of_run_that_are_named_exist() -> None:
    asked = [sys.executable, str(ROOT / "run")]
    usage = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    text = "\n".join(document.read_text() for document in DOCUMENTS)

    named = set(re.findall(r"python3 run ([a-z]+)", text))
    assert {"demo", "test"} <= named
    assert [name for name in named if f"python3 run {name} " not in usage] == []
    assert "--once" in usage


def test_a_line_is_a_sentence_or_part_of_a_list_or_table() -> None:
    # One sentence a line: a line of prose has no full stop before its end.
    sentence = re.compile(r"[a-z)`]\. [A-Z]")
    found = [
        f"{document.name}: {line}"
        for document in DOCUMENTS
        for line in document.read_text().splitlines()
        if sentence.search(line) and not line.startswith("|")
    ]

    assert found == []


# --- that these tests can fail ------------------------------------------------------------------


def test_a_block_that_fails_is_reported_with_its_line(sandbox: Sandbox) -> None:
    [block] = blocks("# A\n\n```python\nraise SystemExit(3)\n```\n", "a.md")

    with pytest.raises(AssertionError, match=r"a\.md:3 ended with 3"):
        sandbox.run(block)


def test_a_text_block_must_be_what_was_printed(sandbox: Sandbox) -> None:
    program, right, wrong = blocks(
        "```bash\necho one two three\n```\n```text\none ... three\n```\n```text\none\n```\n", "a.md"
    )

    sandbox.run(program)
    sandbox.run(right)
    with pytest.raises(AssertionError, match=r"a\.md:7"):
        sandbox.run(wrong)


def test_a_comment_counts_only_right_above_its_block() -> None:
    near = "<!-- not run: why -->\n```bash\n```\n"
    far = "<!-- not run: why -->\n\n```bash\n```\n"
    empty = "<!-- not run: -->\n```bash\n```\n"

    reasons = [block.reason for text in (near, far, empty) for block in blocks(text, "a.md")]
    assert reasons == ["why", "", ""]


@pytest.mark.parametrize("line", ["a -> b", "a[x --> b", "a --> ", "a --> b[x (y)]"])
def test_a_diagram_with_a_wrong_line_is_refused(line: str) -> None:
    with pytest.raises(AssertionError, match="not Mermaid"):
        check_mermaid(f"flowchart LR\n  a --> b\n  {line}\n")


def test_a_link_to_a_missing_file_or_heading_is_found() -> None:
    readme = ROOT / "README.md"

    assert leads(readme, "docs/index.md")
    assert not leads(readme, "docs/missing.md")
    assert not leads(readme, "docs/index.md#missing")
