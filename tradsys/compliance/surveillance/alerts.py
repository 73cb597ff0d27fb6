"""What a detector says: a pattern, the clause it may break, how sure it is, and everything it saw."""

from __future__ import annotations

import msgspec

from tradsys.core.events import Word


class Pattern(Word):
    """Patterns looked for."""

    SELF_TRADE = "self_trade"
    WASH_TRADE = "wash_trade"
    CIRCULAR_TRADING = "circular_trading"
    SPOOFING = "spoofing"
    LAYERING = "layering"
    FRONT_RUNNING = "front_running"
    MARKING_THE_CLOSE = "marking_the_close"
    MOMENTUM_IGNITION = "momentum_ignition"
    QUOTE_STUFFING = "quote_stuffing"
    ORDER_TO_TRADE = "order_to_trade"


CLAUSES = {
    Pattern.SELF_TRADE: "PFUTP 4(2)(b); NSE/INVG/69255 10.1",
    Pattern.WASH_TRADE: "PFUTP 4(2)(b)",
    Pattern.CIRCULAR_TRADING: "PFUTP 4(2)(n)",
    Pattern.SPOOFING: "PFUTP 4(2)(g)",
    Pattern.LAYERING: "PFUTP 4(2)(g)",
    Pattern.FRONT_RUNNING: "PFUTP 4(2)(q)",
    Pattern.MARKING_THE_CLOSE: "PFUTP 4(2)(e)",
    Pattern.MOMENTUM_IGNITION: "PFUTP 4(2)(e)",
    Pattern.QUOTE_STUFFING: "PFUTP 4(2)(a)",
    Pattern.ORDER_TO_TRADE: "SEBI/HO/MRD/DP/CIR/P/2018/62",
}
"""SEBI (Prohibition of Fraudulent and Unfair Trade Practices relating to Securities Market) Regulations 2003,
regulation 4(2): (a) false appearance of trading, (b) no transfer of ownership meant, (e) manipulating a price, (g) no
intention to perform, (n) circular transactions, (q) ahead of an impending order."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One suspicion: `score` from 0 to 1, `accounts` in question (and `group`, where they are of one), the window
    `begins` to `ends`, the orders and trades that are evidence, and the `measures` that the score was made from. `at`
    is when it was raised. Quantities among the measures are in units of the instrument, times in seconds, shares are
    fractions."""

    at: int
    pattern: Pattern
    clause: str
    score: float
    instrument: str
    accounts: tuple[str, ...]
    begins: int
    ends: int
    orders: tuple[int, ...]
    trades: tuple[int, ...]
    quantity: int
    measures: dict[str, float]
    group: str = ""


MOST_EVIDENCE = 200
"""Orders and trades named in one alert, the latest; the window says where the rest is."""


def alert(
    pattern: Pattern,
    *,
    at: int,
    score: float,
    instrument: str,
    accounts: tuple[str, ...],
    begins: int,
    orders: tuple[int, ...] = (),
    trades: tuple[int, ...] = (),
    quantity: int = 0,
    measures: dict[str, float] | None = None,
    group: str = "",
) -> Alert:
    """An alert with its clause, evidence in order of number and without repetition, measures rounded for people."""
    named = tuple(sorted(dict.fromkeys(accounts)))
    return Alert(
        at=at,
        pattern=pattern,
        clause=CLAUSES[pattern],
        score=round(score, 4),
        instrument=instrument,
        accounts=named,
        begins=begins,
        ends=at,
        orders=tuple(sorted(dict.fromkeys(orders)))[-MOST_EVIDENCE:],
        trades=tuple(sorted(dict.fromkeys(trades)))[-MOST_EVIDENCE:],
        quantity=quantity,
        measures={name: round(value, 6) for name, value in (measures or {}).items()},
        group="" if named == (group,) else group,
    )
