"""The price of a call auction by the words of the rule: every order against every price, again and again."""

from __future__ import annotations

from tradsys.core.matching import Resting

Order = tuple[str, int, int]
"""Side `B` or `S`, limit in ticks (0: market order), quantity."""


def resting(orders: list[Order]) -> list[Resting]:
    """Orders as a book shows them."""
    return [
        Resting(number, 0, int(side == "S"), int(not price), 0, 0, price, 0, 0, quantity, 0, 0, 0, number)
        for number, (side, price, quantity) in enumerate(orders, 1)
    ]


def demand(orders: list[Order], price: int) -> int:
    return sum(quantity for side, limit, quantity in orders if side == "B" and (limit == 0 or limit >= price))


def supply(orders: list[Order], price: int) -> int:
    return sum(quantity for side, limit, quantity in orders if side == "S" and limit <= price)


def volume(orders: list[Order], price: int) -> int:
    return min(demand(orders, price), supply(orders, price))


def imbalance(orders: list[Order], price: int) -> int:
    return demand(orders, price) - supply(orders, price)


def clearing_price(orders: list[Order], reference: int) -> int:
    """The price, or 0 where nothing trades."""
    prices = sorted({limit for _, limit, _ in orders if limit} or {reference})
    best = max((volume(orders, price) for price in prices), default=0)
    if best == 0 or prices == [0]:
        return 0
    prices = [price for price in prices if volume(orders, price) == best]
    least = min(abs(imbalance(orders, price)) for price in prices)
    prices = [price for price in prices if abs(imbalance(orders, price)) == least]
    distance = min(abs(price - reference) for price in prices)
    prices = [price for price in prices if abs(price - reference) == distance]
    return prices[0] if len(prices) == 1 else reference
