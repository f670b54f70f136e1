"""The tools of expenses.yml, named there with `use`. They compute in decimals, never in floats.

They touch nothing outside, and say so: plan tests call them as they are.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, InvalidOperation
from typing import Any

from planrunner import ToolHardError, tool


@tool(effect="read", self_contained=True)
def totals(rows: list[dict[str, str]]) -> dict[str, Any]:
    """Add up expenses per end user and category.

    Args:
        rows: one object per expense, with end_user_id, category and amount (a text such as "14.90")
    """
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for number, row in enumerate(rows, 1):
        sums[row["end_user_id"]][row["category"]] += _amount(row["amount"], number)
    return {
        "end_users": {user: _told(categories) for user, categories in sorted(sums.items())},
        "total": _money(sum((amount for categories in sums.values() for amount in categories.values()), Decimal())),
        "expenses": len(rows),
    }


@tool(effect="read", self_contained=True)
def report(title: str, totals: dict[str, Any]) -> str:
    """Write totals as a Markdown table.

    Args:
        title: the heading
        totals: what the tool `totals` returned
    """
    lines = [f"# {title}", "", "| End user | Category | Amount |", "|---|---|---:|"]
    for user, sums in totals["end_users"].items():
        lines += [f"| {user} | {category} | {amount} |" for category, amount in sums["categories"].items()]
        lines.append(f"| **{user}** | | **{sums['total']}** |")
    lines += ["", f"{totals['expenses']} expenses, {totals['total']} in all.", ""]
    return "\n".join(lines)


def _told(categories: dict[str, Decimal]) -> dict[str, Any]:
    return {
        "categories": {category: _money(amount) for category, amount in sorted(categories.items())},
        "total": _money(sum(categories.values(), Decimal())),
    }


def _amount(text: str, number: int) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ToolHardError(f"expense {number}: {text!r} is no amount") from None


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"
