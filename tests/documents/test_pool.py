"""Many documents: the same bytes as one by one, in order, no further ahead than needed."""

import multiprocessing
from collections.abc import Iterator

import pytest
from jinja2 import UndefinedError

from documents.invoice_pdf import render
from documents.pool import AHEAD, RenderPool
from documents.view import InvoiceView
from tests.documents import samples


def view(count: int) -> InvoiceView:
    return samples.view(samples.line(1, "s", "P", "R", "1.00", samples.JULY), number=f"INV-{count}")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_same_bytes_and_order_as_one_by_one(workers: int) -> None:
    views = [view(count) for count in range(6)]
    with RenderPool(workers=workers) as pool:
        found = list(pool.render(views))
    assert [one.number for one, _ in found] == [one.number for one in views]
    assert [data for _, data in found] == [render(one) for one in views]


def test_views_are_read_only_as_needed() -> None:
    asked = 0

    def views() -> Iterator[InvoiceView]:
        nonlocal asked
        for count in range(40):
            asked += 1
            yield view(count)

    with RenderPool(workers=2) as pool:
        next(iter(pool.render(views())))
        assert asked <= 2 * AHEAD + 2


def test_an_error_reaches_the_caller_and_leaves_no_process() -> None:
    broken = samples.view(
        samples.line(1, "s", "P", "R", "1.00", samples.JULY), currency="EUR", issued_on=None
    )
    with pytest.raises(UndefinedError), RenderPool(workers=2) as pool:
        list(pool.render([broken, view(1)]))
    assert multiprocessing.active_children() == []
