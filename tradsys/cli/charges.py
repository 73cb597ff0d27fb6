"""`tradsys charges`: what one trade costs, itemised like a contract note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import date

    from tradsys.core.events import Side

LABELS = {
    "brokerage": "Brokerage",
    "stt": "STT / CTT",
    "exchange": "Exchange transaction charge",
    "ipft": "Investor protection fund (IPFT)",
    "sebi": "SEBI turnover fee",
    "gst": "GST",
    "stamp": "Stamp duty",
    "dp": "Depository (DP) charge",
    "total": "Total charges",
}


def charges(
    segment: Annotated[str, typer.Option(help="delivery, intraday, future or option.")],
    side: Annotated[str, typer.Option(help="buy or sell.")],
    quantity: Annotated[str, typer.Option(help="Units (shares, or lots × lot size).")],
    price: Annotated[str, typer.Option(help="Price a unit in rupees; the premium for an option.")],
    on: Annotated[str, typer.Option(help="Trade date, YYYY-MM-DD.")],
    plan: Annotated[str, typer.Option(help="Tariff.")] = "zerodha",
    exchange: Annotated[str, typer.Option(help="NSE or BSE (NFO, BFO, CDS and MCX too).")] = "NSE",
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    contract_note: Annotated[
        bool,
        typer.Option("--contract-note", help="STT to the rupee, the rest to the paisa, as a contract note prints."),
    ] = False,
) -> None:
    """Price one trade, item by item, at the rates of its date. A delivery sale includes the day's DP charge."""
    from tradsys.core.units import from_text
    from tradsys.reference.charges import contract_note as as_contract_note
    from tradsys.reference.charges import trade_charges

    items = trade_charges(
        plan,
        exchange=exchange.upper(),
        segment=segment,
        side=_side(side),
        quantity=from_text(quantity),
        price=from_text(price),
        day=_date(on),
    )
    if contract_note:
        items = as_contract_note(items)
    if json:
        typer.echo(_as_json(items))
    else:
        _print_table(items, title=f"{side.upper()} {quantity} @ ₹{price}, {exchange.upper()} {segment}, {on}")


def _side(text: str) -> Side:
    from tradsys.core.errors import UnknownName
    from tradsys.core.events import Side

    try:
        return Side[text.upper()]
    except KeyError:
        raise UnknownName("side", text, ["buy", "sell"]) from None


def _date(text: str) -> date:
    from datetime import date

    from tradsys.core.errors import ConfigError

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError("not a date", value=text, limit="YYYY-MM-DD", fix="write it as 2026-11-20") from None


def _as_json(items: dict[str, int]) -> str:
    from tradsys.core.units import to_text

    # written out by hand: every decimal of an exact amount, which a float need not keep
    return "{" + ", ".join(f'"{name}": {to_text(amount)}' for name, amount in items.items()) + "}"


def _print_table(items: dict[str, int], *, title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from tradsys.core.units import format_money

    table = Table(title=title, show_footer=True)
    table.add_column("Item", footer=LABELS["total"])
    table.add_column("Amount", justify="right", footer=format_money(items["total"]))
    for name, amount in items.items():
        if name != "total":
            table.add_row(LABELS[name], format_money(amount))
    Console().print(table)
