"""The quick way to a line's bytes gives what the slow way gives."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.facts import EventRef
from billing.line import Line
from billing.line_json import canonical_line
from cli.simulate.run import run
from cli.simulate.scenario_file import Scenario
from ledger.canonical import canonical
from tests.oracle.histories import scenario as generate


def lines_of(seed: int) -> list[tuple[Line, str]]:
    outcome = run(Scenario.model_validate(generate(Random(seed))))
    return [(line, document.currency) for document in outcome.documents for line in document.lines]


@pytest.mark.parametrize("seed", range(40))
def test_bytes_are_those_of_the_canonical_form(seed: int) -> None:
    for line, currency in lines_of(seed):
        assert canonical_line(line, currency) == canonical(line.as_data(currency))


def test_corrections_are_among_them() -> None:
    lines = [line for seed in range(40) for line, _ in lines_of(seed)]
    assert any(line.reverses for line in lines)
    assert any(line.adjusts and line.result for line in lines)
    assert any(line.full_start is None for line in lines)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(names, names, names, names)
def test_any_name_is_escaped_as_rfc_8785_wants_it(service: str, product: str, price: str, event: str) -> None:
    line, currency = LINE
    named = line._replace(
        service_id=service,
        product_id=product,
        price_id=price,
        explanation=line.explanation._replace(
            events=(EventRef(service, event),), price_version=EventRef(price, event)
        ),
    )
    assert canonical_line(named, currency) == canonical(named.as_data(currency))


def test_a_lone_surrogate_has_no_canonical_form() -> None:
    line, currency = LINE
    with pytest.raises(ValueError, match="surrogates"):
        canonical_line(line._replace(service_id="\ud800"), currency)


LINE = next(found for seed in range(40) for found in lines_of(seed))
