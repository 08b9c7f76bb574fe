"""The repository works for whoever clones it: no place, index or secret of one machine is in it."""

import re
import subprocess

import pytest

from tests.contract.repository import ROOT, files

LARGEST_BYTES = 2_000_000
FOREIGN = {
    "a home folder": re.compile(r"(?<![\w.])/(?:root|home/\w+|Users/\w+)/"),
    "a checkout's place": re.compile(r"(?<![\w.])/(?:work|workspace|builds)/"),
    "an index address": re.compile(
        r"--(?:extra-)?index-url[ =]|--find-links[ =]|//(?:[\w.-]*\.)?(?:pypi\.org|pythonhosted\.org)/"
    ),
    "a password in an address": re.compile(r"://[^\s/:@{}$<>]+:(?!hunter2)[^\s/:@{}$<>]+@(?!\{)"),
    "a private key": re.compile(r"BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY"),
}


def texts():
    for path in files():
        content = path.read_bytes()
        if b"\0" not in content[:8000] and path.name != "LICENSE":
            yield path.relative_to(ROOT), content.decode("utf-8")


@pytest.mark.parametrize("what", FOREIGN)
def test_nothing_of_one_machine(what):
    here = "tests/contract/test_tracked_files.py"
    found = [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for path, text in texts()
        if str(path) != here
        for match in FOREIGN[what].finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a home folder", "see /root/notes"),
        ("a checkout's place", "cd /work/main"),
        ("an index address", "pip install --index-url https://example.org/simple x"),
        ("a password in an address", "postgresql://billing:secret@db/billing"),
        ("a private key", "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_the_check_sees(what, text):
    assert FOREIGN[what].search(text)


def test_no_file_is_huge():
    assert [str(path) for path in files() if path.stat().st_size > LARGEST_BYTES] == []


def test_lock_file_has_a_hash_for_everything_and_no_address():
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^[A-Za-z0-9._-]+==[^\n]+", lock, re.MULTILINE)
    assert len(pins) > 40
    assert all(pin.rstrip().endswith("\\") for pin in pins), "a pin without a hash"
    assert "://" not in lock


def test_what_is_made_is_ignored():
    made = ["out/x.pdf", "var/x", ".venv/x", "build/x", "cli/__pycache__/x.pyc", "billing_ledger.egg-info/x"]
    done = subprocess.run(
        ["git", "check-ignore", *made], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == made
