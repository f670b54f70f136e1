"""The tools of the example plan, on the example's own data."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from planrunner.errors import ToolHardError
from planrunner.plan import Plan, ToolEntry
from planrunner.tools.base import ToolRunContext
from planrunner.tools.catalogue import Catalogue

ROOT = Path(__file__).parents[2]


@pytest.fixture
def catalogue(import_state: None) -> Catalogue:
    names = ("totals", "report")
    tools = {name: ToolEntry(name, use=f"plans.expenses_tools:{name}", effect="read") for name in names}
    return Catalogue(Plan("expenses", "00", (), tools=tools, root=str(ROOT)))


@pytest.fixture
def ctx(ctx: ToolRunContext) -> ToolRunContext:
    return ToolRunContext("DemoUser123", {}, ctx.step, ctx.run_id, ctx.idempotency_key, str(ROOT))


def test_totals_are_exact_to_the_cent(catalogue, call):
    rows = call(catalogue.resolve("csv_reader").tool, path="plans/data/expenses.csv")
    found = call(catalogue.resolve("totals").tool, rows=rows)
    cents: Counter[tuple[str, str]] = Counter()
    with open(ROOT / "plans/data/expenses.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cents[row["end_user_id"], row["category"]] += int(row["amount"].replace(".", ""))
    told = {
        (user, category): int(amount.replace(".", ""))
        for user, sums in found["end_users"].items()
        for category, amount in sums["categories"].items()
    }
    assert told == cents
    assert found["expenses"] == len(rows) == 40
    assert int(found["total"].replace(".", "")) == cents.total()
    assert found["end_users"]["GraceH"]["categories"]["equipment"] == "0.30"


def test_the_report_names_every_user_and_sum(catalogue, call):
    rows = [{"end_user_id": "u", "category": "meals", "amount": amount} for amount in ("0.10", "0.20")]
    totals = call(catalogue.resolve("totals").tool, rows=rows)
    text = call(catalogue.resolve("report").tool, title="Spent", totals=totals)
    assert text.startswith("# Spent\n")
    assert "| u | meals | 0.30 |\n" in text
    assert text.endswith("2 expenses, 0.30 in all.\n")


def test_what_is_no_amount_fails_with_its_row(catalogue, call):
    rows = [{"end_user_id": "u", "category": "c", "amount": amount} for amount in ("1.00", "a lot")]
    with pytest.raises(ToolHardError, match="expense 2: 'a lot' is no amount"):
        call(catalogue.resolve("totals").tool, rows=rows)
