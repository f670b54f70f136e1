"""The shop's own tools for `refund.yml`: an order book, and refunds that can't be taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from planrunner import ToolHardError, ToolRunContext, tool

ORDERS = {
    "A-1": {"item": "lamp", "total": 30.0},
    "A-2": {"item": "sofa", "total": 900.0},
}


@tool(effect="read")
def get_order(order_id: str) -> dict[str, Any]:
    """Look an order up."""
    if order_id not in ORDERS:
        raise ToolHardError(f"there is no order {order_id}; the orders are {', '.join(ORDERS)}")
    return {"id": order_id, **ORDERS[order_id]}


@tool(effect="irreversible")
def refund(ctx: ToolRunContext, order_id: str, amount: float) -> str:
    """Pay an order back. The same idempotency key is paid once."""
    book = Path(ctx.root) / "reports" / "refunds.jsonl"
    book.parent.mkdir(exist_ok=True)
    paid = book.read_text(encoding="utf-8").splitlines() if book.exists() else []
    if not any(json.loads(line)["key"] == ctx.idempotency_key for line in paid):
        entry = {"key": ctx.idempotency_key, "user": ctx.end_user_id, "order": order_id, "amount": amount}
        with book.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
    return f"{amount:.2f} paid back for {order_id}"


def refuse_large(_tool: Any, args: dict[str, Any], _plan_run: Any, _step: Any, *, limit: float) -> None:
    """Guard hook: no refund above the limit, whoever approved it."""
    if args["amount"] > limit:
        raise ToolHardError(f"{args['amount']:.2f} is above the limit of {limit:.2f}")
