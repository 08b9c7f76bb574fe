"""The example alerts rest on metrics and labels that exist, and each is explained."""

import re

import pytest
import yaml

from tests.contract.repository import ROOT
from tests.operations.test_metrics import DOCUMENTED, PAGE

RULES = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
GUIDE = (ROOT / "docs" / "how-to" / "observe.md").read_text(encoding="utf-8")
METRICS = {
    row["name"]: set(re.findall(r"`(\w+)`", row["labels"]))
    for row in DOCUMENTED.finditer(PAGE.read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_rests_on_what_exists(rule):
    named = set(re.findall(r"billing_\w+", rule["expr"]))
    assert named
    assert named - set(METRICS) == set()
    known = set().union(*(METRICS[name] for name in named))
    grouped = {word for by in re.findall(r"by \(([^)]*)\)", rule["expr"]) for word in by.split(", ")}
    shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    matched = set(re.findall(r"[{,](\w+)=~?\"", rule["expr"]))
    assert (grouped | shown | matched) - known == set()
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_alert_is_explained_and_no_other():
    explained = re.findall(r"^\| `(Billing\w+)` \|", GUIDE, re.MULTILINE)
    assert explained == [rule["alert"] for rule in RULES]
