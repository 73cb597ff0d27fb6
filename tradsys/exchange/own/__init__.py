"""The simulated exchange behind its own wire protocol (`docs/own_protocol.md`), without sockets but in `server`."""

from tradsys.exchange.own.house import HouseTerms
from tradsys.exchange.own.sessions import VenueServer

__all__ = ["HouseTerms", "VenueServer"]
