"""`billing simulate`: formats, exit codes, and what it says about a file that is no scenario."""

import json
import time
from pathlib import Path
from shutil import copyfile

import jsonschema
import pytest

from cli.main import main
from cli.simulate.schema import PATH, schema_text

FOLDER = Path(__file__).parents[1] / "scenarios"
EXAMPLE = """\
scenario: 1                       # format version
name: activated on the 24th
tenant: {tenant_id: t1, currency: EUR, timezone: Europe/Zurich}
products:
  - product_id: laptop
    prices:
      - {price_id: rent, kind: recurring, amount: "30.00", interval: month, timing: in_advance}
      - {price_id: setup, kind: one_time, amount: "99.00", trigger: activation}
customers:
  - {customer_id: c1, billing_day: 2}
events:
  - {type: service.activated, service_id: s1, customer_id: c1, product_id: laptop, quantity: 1,
     effective: 2026-06-24}
  - {type: service.deactivated, service_id: s1, effective: 2026-07-11, heard: 2026-07-20}
steps:
  - {issue: 2026-07-02}
  - {issue: "2026-08-02", customer_id: c1}
expected:
  invoices:
    - customer_id: c1
      issue_date: 2026-07-02
      net: "136.00"
      lines:
        - {service_id: s1, price_id: setup, amount: "99.00"}
        - {service_id: s1, price_id: rent, amount: "37.00"}
    - {customer_id: c1, issue_date: "2026-08-02", net: "-20.32"}
"""


@pytest.fixture
def example(tmp_path):
    path = tmp_path / "example.yaml"
    path.write_text(EXAMPLE)
    return path


def test_the_example_of_the_rules_as_json(example, capsys):
    """BILLING.md §10, its input and its output."""
    assert main(["simulate", str(example), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)

    def line(price_id, kind, unit, days, full, amount):
        return {
            "service_id": "s1",
            "price_id": price_id,
            "kind": kind,
            "quantity": "1",
            "unit_amount": unit,
            "period_start": days[0],
            "period_end": days[1],
            "full_start": full[0],
            "full_end": full[1],
            "amount": amount,
            "reverses": None,
        }

    june, july = ("2026-06-01", "2026-07-01"), ("2026-07-01", "2026-08-01")
    assert shown == {
        "name": "activated on the 24th",
        "invoices": [
            {
                "customer_id": "c1",
                "issue_date": "2026-07-02",
                "currency": "EUR",
                "net": "136.00",
                "lines": [
                    line("setup", "one_time", "99.00", ("2026-06-24", "2026-06-25"), (None, None), "99.00"),
                    line("rent", "recurring", "30.00", ("2026-06-24", "2026-07-01"), june, "7.00"),
                    line("rent", "recurring", "30.00", july, july, "30.00"),
                ],
            },
            {
                "customer_id": "c1",
                "issue_date": "2026-08-02",
                "currency": "EUR",
                "net": "-20.32",
                "lines": [line("rent", "recurring", "30.00", ("2026-07-11", "2026-08-01"), july, "-20.32")],
            },
        ],
        "anomalies": [],
    }


def test_a_table_shows_the_arithmetic(example, capsys):
    assert main(["simulate", str(example)]) == 0
    shown = capsys.readouterr().out
    assert "7 of 30 days (24–30 Jun 2026) × 30.00 = 7.00" in shown  # noqa: RUF001
    assert "10 of 31 days (1–10 Jul 2026) × 30.00 = 9.68, invoiced before 30.00: -20.32" in shown  # noqa: RUF001


def test_a_check_that_holds_exits_0(example, capsys):
    assert main(["simulate", str(example), "--check"]) == 0
    assert capsys.readouterr().out == "1 checked, 0 different\n"


@pytest.mark.parametrize(
    ("right", "same"),
    [
        ('net: "136.00"', 'net: "136"'),
        (
            'rent, amount: "37.00"}',
            'rent, amount: "30.0"}\n        - {service_id: s1, price_id: rent, amount: "7"}',
        ),
        (
            'rent, amount: "37.00"}',
            'rent, amount: "37.00"}\n        - {service_id: s1, price_id: fee, amount: "0.00"}',
        ),
    ],
    ids=["fewer decimals", "two lines of one price", "a sum of zero"],
)
def test_what_is_expected_is_compared_by_value(example, capsys, right, same):
    """Sums per service and price (BILLING.md §10); a zero sum may be named, too."""
    assert right in EXAMPLE
    example.write_text(EXAMPLE.replace(right, same))
    assert main(["simulate", str(example), "--check"]) == 0
    assert "1 checked, 0 different" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("right", "wrong", "difference"),
    [
        ('net: "136.00"', 'net: "136.01"', "c1 on 2026-07-02 in EUR: expected net 136.01, got 136.00"),
        (
            'rent, amount: "37.00"',
            'rent, amount: "36.00"',
            "c1 on 2026-07-02 in EUR: service s1, price rent: expected 36.00, got 37.00",
        ),
        (
            "s1, price_id: setup, amount",
            "s1, price_id: fee, amount",
            "c1 on 2026-07-02 in EUR: service s1, price setup: expected nothing, got 99.00",
        ),
        (
            'issue_date: "2026-08-02"',
            'issue_date: "2026-08-03"',
            "c1 on 2026-08-03 in EUR: expected net -20.32, none was issued",
        ),
        (
            '\n    - {customer_id: c1, issue_date: "2026-08-02", net: "-20.32"}',
            "",
            "c1 on 2026-08-02 in EUR: net -20.32 was issued, none was expected",
        ),
        (
            'net: "-20.32"}',
            'net: "-20.32", currency: CHF}',
            "c1 on 2026-08-02 in CHF: expected net -20.32, none was issued",
        ),
    ],
)
def test_a_difference_is_printed_and_exits_1(example, capsys, right, wrong, difference):
    assert right in EXAMPLE
    example.write_text(EXAMPLE.replace(right, wrong))
    assert main(["simulate", str(example), "--check"]) == 1
    assert f"{example}: {difference}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("scenario: 1 ", "scenario: 2 ", "scenario: Input should be 1"),
        ("currency: EUR", "currency: euro", "tenant.currency: String should match pattern"),
        ("Europe/Zurich", "Europe/Zurch", "tenant.timezone: 'Europe/Zurch' is no IANA time zone"),
        ('amount: "30.00"', "amount: 30.00", "products[0].prices[0].amount: Input should be a valid string"),
        ("quantity: 1", "quantity: 1.5", "events[0].quantity"),
        ("quantity: 1", "quantity: -1", "events[0].quantity"),
        ("quantity: 1", "quantity: true", "events[0].quantity"),
        ("product_id: laptop, q", "product_id: phone, q", "'phone' is not among the products"),
        (
            "customer_id: c1, p",
            "customer_id: c9, p",
            "events[0].customer_id: 'c9' is not among the customers",
        ),
        ("effective: 2026-06-24", "effective: 2026-06-31", "'2026-06-31' is no date"),
        (
            "effective: 2026-07-11",
            "free_until: 2026-07-20, effective: 2026-07-11",
            "events[1]: only service.activated takes free_until",
        ),
        ("effective: 2026-06-24", "effective: 2026-06-24T10:00:00", "is no instant with an offset"),
        ("heard: 2026-07-20", "hard: 2026-07-20", "events[1].hard: Extra inputs are not permitted"),
        (
            "{issue: 2026-07-02}",
            "{issue: 2026-09-02}",
            "steps[1]: 2026-08-02 is before the step of 2026-09-02",
        ),
        ("{issue: 2026-07-02}", "{customer_id: c1}", "steps[0]: a step has either issue or run_until"),
        (
            "{issue: 2026-07-02}",
            "{credit: 2026-07-02, invoice: 2}",
            "steps[0].invoice: no document 2; by 2026-07-02 there are 0 documents, numbered from 1",
        ),
        ("interval: month, ", "", "a recurring price has an interval and a timing"),
        ("service.deactivated", "service.voided", "names the event that never happened"),
        ("service.deactivated", "service.cancelled", "events[1].type"),
        (
            "type: service.deactivated",
            "event_id: e0001, type: service.deactivated",
            "events[1]: event_id 'e0001' was used with other content",
        ),
        ("customers:\n", "customers:\n  - {customer_id: c1}\n", "customer_id 'c1' is there twice"),
        ("name: activated", "name: [activated", "no YAML"),
    ],
)
def test_what_is_no_scenario_exits_2_and_says_where_and_why(example, capsys, right, wrong, reason):
    assert right in EXAMPLE
    example.write_text(EXAMPLE.replace(right, wrong))
    assert main(["simulate", str(example)]) == 2
    said = capsys.readouterr().err
    assert str(example) in said
    assert reason in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"\xff", b"null", b'{"scenario": NaN}', b"[" * 100_000], ids=range(7)
)
@pytest.mark.parametrize("name", ["x.json", "x.yaml"])
def test_garbage_exits_2(tmp_path, capsys, content, name):
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["simulate", str(path)]) == 2
    assert str(path) in capsys.readouterr().err


def test_a_file_that_is_not_there_exits_2(tmp_path, capsys):
    assert main(["simulate", str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err


def test_a_directory_without_scenarios_exits_2(tmp_path, capsys):
    assert main(["simulate", str(tmp_path)]) == 2
    assert "no scenario file" in capsys.readouterr().err


def test_one_bad_file_keeps_no_other_from_running(tmp_path, example, capsys):
    (tmp_path / "a.json").write_text("{")
    assert main(["simulate", str(tmp_path), "--json", "--check"]) == 2
    assert json.loads(capsys.readouterr().out)["name"] == "activated on the 24th"


def test_a_reversal_names_the_invoice_and_the_line(capsys):
    assert main(["simulate", str(FOLDER / "OWN-151.json"), "--json"]) == 0
    invoices = json.loads(capsys.readouterr().out)["invoices"]
    assert invoices[3]["lines"][1]["reverses"] == {"invoice": 3, "line": 1}


def test_an_instant_is_heard_on_its_local_day(tmp_path, capsys):
    """23:30 UTC on 30 June is 1 July in Zurich: the run of 30 June doesn't know of it."""
    path = tmp_path / "instant.yaml"
    text = EXAMPLE.replace("effective: 2026-06-24", "effective: 2026-06-30T23:30:00Z")
    path.write_text(text.replace("{issue: 2026-07-02}", "{issue: 2026-06-30}").partition("expected:")[0])
    assert main(["simulate", str(path), "--json"]) == 0
    assert [i["issue_date"] for i in json.loads(capsys.readouterr().out)["invoices"]] == ["2026-08-02"]


@pytest.mark.slow
def test_a_thousand_files_take_less_than_five_seconds(tmp_path, capsys):
    paths = sorted(FOLDER.glob("*.json"))
    for number in range(1000):
        copyfile(paths[number % len(paths)], tmp_path / f"{number:04}.json")
    started = time.process_time()
    assert main(["simulate", str(tmp_path), "--check"]) == 0
    assert time.process_time() - started < 5
    assert "1000 checked, 0 different" in capsys.readouterr().out


def test_the_schema_is_fresh_and_takes_every_scenario():
    assert PATH.read_text() == schema_text(), "run: python -m cli.simulate.schema"
    schema = json.loads(schema_text())
    validator = jsonschema.Draft202012Validator(schema)
    for path in sorted(FOLDER.glob("*.json")):
        validator.validate(json.loads(path.read_text()))
    broken = json.loads((FOLDER / "OWN-151.json").read_text()) | {"steps": [{"issue": 5}]}
    assert not validator.is_valid(broken)
