"""The drills that are tests: every way to die, a flood of failures, effects of killed handlers.

And what takes long of the tests of the benches, and of setting up.
"""

import subprocess
import sys
from pathlib import Path

from tests.drills.result import Result
from tests.drills.site import Site


def letters(site: Site) -> Result:
    """Each job gets one dead letter, whichever way it dies, and none is lost at the limit."""
    site.folder.mkdir(parents=True, exist_ok=True)
    tests = Path(__file__).parents[1]
    folders = [
        str(tests / name)
        for name in ("drills", "workers", "handlers", "benchmarks", "postroom", "test_secrets.py")
    ]
    words = [sys.executable, "-m", "pytest", "-q", "-m", "drill", *folders]
    with (site.folder / "pytest.log").open("w+") as log:
        code = subprocess.run(words, stdout=log, stderr=log, check=False).returncode
        log.seek(0)
        last = log.read().strip().splitlines()[-1:]
    return Result({"failed": int(code != 0)}, {"failed": 0}, {"pytest": "".join(last)})
