"""What a browser test needs from outside: Debian's chromium, and axe-core from npm; or the reason why not."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from base64 import b64encode
from functools import lru_cache
from pathlib import Path

import pytest

from tests.contract.repository import ROOT

ASKED = "BILLING_TEST_BROWSER"
"""Set to `chromium` where the parts must be there: then nothing is skipped."""
AXE = "axe-core-4.14.1.tgz"
AXE_SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
KEPT = ROOT / ".venv"


def chromium() -> str:
    """Return the path of chromium; skip where there is none, unless it is asked for."""
    found = shutil.which("chromium")
    if found is None:
        _do_without("chromium is not installed: apt-get install chromium")
    assert found is not None
    return found


@lru_cache(maxsize=1)
def axe() -> str:
    """Return the script of axe-core, fetched once with npm and checked against its hash."""
    package = KEPT / AXE
    if not package.is_file():
        if shutil.which("npm") is None:
            _do_without("npm is not installed, which fetches axe-core: apt-get install npm")
        name, _, version = AXE.removesuffix(".tgz").rpartition("-")
        fetch = ["npm", "pack", "--loglevel=error", f"{name}@{version}", "--pack-destination", str(KEPT)]
        done = subprocess.run(fetch, check=False, capture_output=True, text=True)
        if done.returncode:
            _do_without(f"npm could not fetch axe-core: {done.stderr[-500:]}")
    content = package.read_bytes()
    found = b64encode(hashlib.sha512(content).digest()).decode()
    assert found == AXE_SHA512, f"{package} is not the package that was looked at; delete it"
    return _member(package, "package/axe.min.js")


def _member(package: Path, name: str) -> str:
    with tarfile.open(package) as members:
        found = members.extractfile(name)
        assert found is not None, name
        return found.read().decode()


def main() -> int:
    """Fetch what can be fetched before the tests; exit code 1, with the reason, where a part is missing."""
    try:
        chromium()
        axe()
    except pytest.skip.Exception as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    return 0


def _do_without(reason: str) -> None:
    if os.environ.get(ASKED):
        pytest.fail(f"{ASKED} is set, and {reason}")
    pytest.skip(reason)


if __name__ == "__main__":
    sys.exit(main())
