"""The demo as a person runs it: the command, its servers and processes, what it prints and what it leaves."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path

import psutil
import pytest

from cli.demo.world import build

pytestmark = [pytest.mark.demo, pytest.mark.broker, pytest.mark.postgres, pytest.mark.timeout(900)]
MARK = "BILLING_DEMO_TEST"
DEADLINE_SECONDS = 180
FAREWELL_SECONDS = 10
LATE_STOP = "saentis/orders-00002"  # that the laptop of 24 June was stopped on 11 July


@dataclass(frozen=True)
class Demo:
    code: int
    printed: str
    complained: str
    out: Path
    kept: Path
    mark: str

    @property
    def summary(self):
        return json.loads((self.out / "summary.json").read_bytes())

    @property
    def lines(self):
        with (self.out / "lines.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def billing(*arguments, mark, cwd):
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments],
        env={**os.environ, MARK: mark},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left_running(mark):
    """The processes that the demo started, and those that they started: all of them have its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def nothing_is_left(mark):
    """Whether all is gone: multiprocessing's own tracker goes a moment after the process that it watches."""
    deadline = time.monotonic() + FAREWELL_SECONDS
    while left := left_running(mark):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    return True


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    mark = str(uuid.uuid4())
    process = billing("demo", "--keep", "kept", mark=mark, cwd=folder)
    printed, complained = process.communicate()
    return Demo(process.returncode, printed, complained, folder / "out", folder / "kept", mark)


def test_it_succeeds_and_complains_about_nothing(demo):
    assert (demo.code, demo.complained) == (0, ""), demo.printed[-2000:]


def test_no_process_is_left_behind(demo):
    assert demo.code == 0
    assert nothing_is_left(demo.mark)


def test_received_is_booked_and_duplicates_and_rejected(demo):
    world = build()
    total = demo.summary["total"]
    assert total["received"] == len(world.messages)
    assert total["booked"] == world.count("booked")
    assert total["duplicate"] == world.count("duplicate")
    assert total["rejected"] == world.count("rejected")
    for source in demo.summary["sources"]:
        assert source["received"] == source["booked"] + source["duplicate"] + source["rejected"]


def test_every_lifecycle_event_is_booked_once(demo):
    told = Counter(
        message.event.type
        for message in build().messages
        if message.fate == "booked" and message.event.type.startswith("service.")
    )
    assert demo.summary["lifecycle_events"] == dict(told)


def test_what_cannot_be_booked_is_a_dead_letter_with_its_reason(demo):
    reasons = {letter["key"]: letter["reason"] for letter in demo.summary["dead_letters"]}
    assert reasons == {
        "saentis:lap-0920": "invalid_json",
        "saentis:lap-0921": "confluent_framing",
        "harborlight:fwl-0957": "unknown_type",
        "saentis:off-0915": "conflicting_duplicate",
        "harborlite:tab-0953": "tenant_unknown",
    }


def test_what_makes_no_sense_is_kept_and_reported(demo):
    subjects = {odd["subject"].rpartition("/")[2] for odd in demo.summary["oddities"]}
    assert subjects == {"lap-0916", "lap-0917", "mon-0918", "sat-0958"}


def test_numbers_are_without_gap_and_dates_never_go_back(demo):
    series = defaultdict(list)
    for document in demo.summary["documents"]:
        series[document["tenant_id"], document["kind"]].append(document)
    assert set(series) == {
        (tenant, kind) for tenant in ("saentis", "harborlight") for kind in ("invoice", "credit_note")
    }
    for documents in series.values():
        assert [int(one["number"].rpartition("-")[2]) for one in documents] == list(
            range(1, len(documents) + 1)
        )
        dates = [one["issued_on"] for one in documents]
        assert dates == sorted(dates)


def test_a_pdf_of_every_document(demo):
    documents = demo.summary["documents"]
    assert len(documents) >= 100
    written = {path.relative_to(demo.out).as_posix() for path in demo.out.rglob("*.pdf")}
    assert {document["pdf"] for document in documents} == written
    for name in written:
        assert (demo.out / name).read_bytes().startswith(b"%PDF-1.")


def test_the_lines_add_up_to_the_documents(demo):
    sums = defaultdict(Decimal)
    for line in demo.lines:
        sums[line["number"]] += Decimal(line["amount"])
    nets = {document["number"]: Decimal(document["net"]) for document in demo.summary["documents"]}
    assert sums == nets
    assert sum(document["lines"] for document in demo.summary["documents"]) == len(demo.lines)


def test_months_add_up_to_the_documents(demo):
    sums = defaultdict(Decimal)
    for document in demo.summary["documents"]:
        key = document["issued_on"][:7], document["tenant_id"], document["currency"]
        sums[key] += Decimal(document["net"])
    months = {
        (month["month"], month["tenant_id"], month["currency"]): Decimal(month["net"])
        for month in demo.summary["months"]
    }
    assert months == sums
    assert {month for month, _, _ in months} == {f"2026-0{number}" for number in range(3, 9)}


def test_the_invoice_of_2_july_has_june_from_the_24th_and_july(demo):
    """The case that BILLING.md §10 states, and what a stop that is heard late does to it."""
    mine = [line for line in demo.lines if line["customer_id"] == "c-105"]
    assert [
        (line["due_for"], line["price_id"], line["period_start"], line["period_last_day"], line["amount"])
        for line in mine
    ] == [
        ("2026-07-02", "setup", "2026-06-24", "2026-06-24", "99.00"),
        ("2026-07-02", "rent", "2026-06-24", "2026-06-30", "7.00"),
        ("2026-07-02", "rent", "2026-07-01", "2026-07-31", "30.00"),
        ("2026-08-02", "rent", "2026-07-11", "2026-07-31", "-20.32"),
    ]
    documents = [one for one in demo.summary["documents"] if one["customer_id"] == "c-105"]
    assert [(one["kind"], one["net"]) for one in documents] == [
        ("invoice", "136.00"),
        ("credit_note", "-20.32"),
    ]
    assert mine[3]["adjusts"] == f"{documents[0]['number']}/3"


def test_a_service_that_changed_hands_is_billed_to_both_once(demo):
    rent = defaultdict(Decimal)
    for line in demo.lines:
        if line["service_id"] == "lap-0913" and line["price_id"] == "rent":
            rent[line["customer_id"]] += Decimal(line["amount"])
    # 3 laptops at 30.00: 30 of 31 days of March, April, 14 of 31 days of May; then 17 of 31, June to August.
    assert rent == {"c-101": Decimal("87.10") + 90 + Decimal("40.65"), "c-102": Decimal("49.35") + 270}


def test_the_next_invoices_are_shown(demo):
    preview = demo.summary["preview"]
    assert {document["tenant_id"] for document in preview} == {"saentis", "harborlight"}
    assert all("2026-09-01" <= document["issue_day"] <= "2026-09-30" for document in preview)
    assert any(Decimal(document["net"]) > 0 for document in preview)


def test_hindsight_agrees_with_what_was_issued(demo):
    assert demo.summary["differences"] == []
    assert demo.summary["charges_checked"] > 200
    assert "equal what was issued" in demo.printed


def test_ledgers_hold_what_was_booked_and_issued(demo):
    sizes = {ledger["tenant_id"]: ledger["size"] for ledger in demo.summary["ledgers"]}
    assert sizes.keys() == {"saentis", "harborlight", "_system"}
    assert sum(sizes.values()) > demo.summary["total"]["booked"] + 2 * len(demo.summary["documents"])
    for ledger in demo.summary["ledgers"]:
        assert len(bytes.fromhex(ledger["root"])) == 32
        assert ledger["root"] in demo.printed


def test_a_kept_demo_can_be_checked_again_and_fails_without_one_late_fact(demo):
    mark = str(uuid.uuid4())
    fine = billing("demo", "check", "kept", mark=mark, cwd=demo.kept.parent)
    assert (*fine.communicate(), fine.returncode)[1:] == ("", 0)
    withheld = billing(
        "demo", "check", "kept", "--withhold", LATE_STOP, "--json", mark=mark, cwd=demo.kept.parent
    )
    printed, _ = withheld.communicate()
    assert withheld.returncode == 1
    (difference,) = json.loads(printed)["differences"]
    assert (difference["charge"]["customer_id"], difference["charge"]["price_id"]) == ("c-105", "rent")
    assert Decimal(difference["due"]) - Decimal(difference["issued"]) == Decimal(
        "50.32"
    )  # the credit, and August
    assert nothing_is_left(mark)


def test_a_kept_demo_can_be_looked_at(demo):
    """The printed settings lead the other commands to the database."""
    mark = str(uuid.uuid4())
    looking = billing("demo", "look", "kept", mark=mark, cwd=demo.kept.parent)
    try:
        settings = dict(islice((setting(line) for line in looking.stdout if "export" in line), 2))
        ledger = next(one for one in demo.summary["ledgers"] if one["tenant_id"] == "saentis")
        position = f"{ledger['size']}:{ledger['root']}"
        verify = [sys.executable, "-m", "cli", "verify", "--tenant", "saentis", "--expect", position]
        done = subprocess.run(
            verify, env={**os.environ, **settings}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        looking.send_signal(signal.SIGINT)
        looking.communicate(timeout=DEADLINE_SECONDS)
    finally:
        looking.kill()
        looking.communicate()
    assert looking.returncode == 0
    assert nothing_is_left(mark)


def setting(line):
    name, _, value = line.strip().removeprefix("export ").partition("=")
    return name, value.strip("'")


def start_until_projecting(mark, folder):
    """Start a demo and return it with its projector, as soon as that is there."""
    process = billing("demo", "--broker", "embedded", mark=mark, cwd=folder)
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (projector := projector_of(mark)) is None:
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline, "its processes never started"
            time.sleep(0.1)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    return process, projector


def projector_of(mark):
    for process in left_running(mark):
        with suppress(psutil.NoSuchProcess):
            if process.cmdline()[-1:] == ["project"]:
                return process
    return None


def ended(process):
    try:
        return process.communicate(timeout=DEADLINE_SECONDS)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_leaves_no_process(tmp_path, number):
    mark = str(uuid.uuid4())
    process, _ = start_until_projecting(mark, tmp_path)
    process.send_signal(number)
    ended(process)
    assert process.returncode == (130 if number == signal.SIGINT else 128 + number)
    assert nothing_is_left(mark)


def test_a_process_that_dies_ends_the_demo_and_is_named(tmp_path):
    mark = str(uuid.uuid4())
    process, projector = start_until_projecting(mark, tmp_path)
    projector.kill()
    _, complained = ended(process)
    assert process.returncode == 1
    assert "`billing project` ended with exit code -9" in complained
    assert "Traceback" not in complained
    assert nothing_is_left(mark)


def test_a_folder_with_something_else_in_it_is_not_touched(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    process = billing("demo", mark=str(uuid.uuid4()), cwd=tmp_path)
    _, complained = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 2
    assert "thesis.txt" in complained
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


def test_the_readme_shows_what_is_printed(demo):
    """Each line of its text blocks."""
    printed = {line.rstrip() for line in demo.printed.splitlines()}
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```text\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    shown = [line for block in blocks for line in block.splitlines()]
    assert len(shown) > 20
    assert [line for line in shown if line not in printed] == []
