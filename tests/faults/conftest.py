"""What the tests of the tools share."""

from pathlib import Path

import pytest

from tests.faults.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """One that nobody has written to."""
    return Ledger(tmp_path / "ledger")
