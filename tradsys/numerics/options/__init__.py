"""Options: prices, Greeks, implied volatility. Arrays in, arrays out; importing it loads no compiler."""

from tradsys.numerics.options.american import AmericanGreeks, american_greeks, american_price
from tradsys.numerics.options.batch import CALL, PUT, Options
from tradsys.numerics.options.european import Greeks, SecondOrderGreeks, greeks, price, second_order_greeks
from tradsys.numerics.options.implied import Implied, ImpliedVolatility, implied_volatility

__all__ = [
    "CALL",
    "PUT",
    "AmericanGreeks",
    "Greeks",
    "Implied",
    "ImpliedVolatility",
    "Options",
    "SecondOrderGreeks",
    "american_greeks",
    "american_price",
    "greeks",
    "implied_volatility",
    "price",
    "second_order_greeks",
]
