"""The trading day of one instrument as a state machine: time, trades and halts in, commands to its book out.

Prices are ticks. A day is made by `timeline`; nothing here looks at a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from tradsys.core.errors import ConfigError
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.matching import Action, Command, Kind, MatchingBook
from tradsys.exchange.auction import REMAINDERS, equilibrium, interest, uncross_command
from tradsys.exchange.bands import Band, band_limits_in_ticks, band_of
from tradsys.exchange.timeline import Halt, Timeline, interrupted, timeline, trades_freely, trading_end
from tradsys.exchange.trade_window import TradeWindow
from tradsys.reference.phases import Duty, Market, Phase, Windows, windows
from tradsys.reference.ticks import INDEX_FUTURES, PARENT_EXCHANGE, price_bands

_INDEXES = frozenset({*INDEX_FUTURES, *(name for _, name in INDEX_FUTURES.values())})
_BY_EXCHANGE = {"CDS": "currency", "MCX": "commodity"}
_WAITING = frozenset({Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING})


def market_of(instrument: Instrument) -> Market:
    """Exchange and kind by which the tables know an instrument. Raises `ConfigError` for an index.

    Agricultural commodities have kinds of their own, which an instrument does not tell.
    """
    if instrument.segment in (Segment.CRYPTO_SPOT, Segment.CRYPTO_PERPETUAL):
        return Market("CRYPTO", "crypto")
    exchange = PARENT_EXCHANGE.get(instrument.exchange, instrument.exchange)
    if exchange in _BY_EXCHANGE:
        return Market(exchange, _BY_EXCHANGE[exchange])
    if instrument.segment is Segment.INDEX:
        raise ConfigError(f"{instrument.id} is an index", value=instrument.id, fix="trade its futures")
    if instrument.segment is Segment.EQUITY:
        return Market(exchange, "closing_auction" if instrument.closing_auction else "equity")
    is_option = instrument.segment is Segment.OPTION
    return Market(exchange, "option" if is_option else f"{underlying_kind(instrument)} future")


def underlying_kind(instrument: Instrument) -> str:
    """`index` or `stock`: what a derivative is written on."""
    return "index" if instrument.underlying.rpartition(":")[2].upper() in _INDEXES else "stock"


class InstrumentDay:
    """One instrument from midnight to midnight; its `band`, `reference` price and `close` (0 until it is known).

    The driver keeps time: before anything that happens at an instant it submits every command of `advance`, each before
    it takes the next (a command may depend on what the one before did to the book), and tells each trade to `on_trade`.
    `auction_band` is the width of the closing auction's band in basis points (0: none), `halted` a halt that the day
    before has `carried`.
    """

    def __init__(
        self,
        *,
        instrument: int,
        day: Timeline,
        windows: Windows,
        previous_close: int,
        band: Band | None = None,
        auction_band: int = 0,
        halted: Halt | None = None,
    ) -> None:
        self._instrument = instrument
        self._begins = day[0].start
        self._ends = day[-1].end
        self._current: Phase | None = None
        self._ahead = list(day)
        self._averages = {length: TradeWindow(length) for length in (windows.auction, windows.close)}
        self._windows = windows
        self._previous_close = previous_close
        self._last = 0
        self._auction_band = auction_band
        self._limits = band.limits if band else (0, 0)
        self._halt: Halt | None = None
        self.band = band
        self.reference = previous_close
        self.close = 0
        if halted is not None:
            self._carry(halted)

    @property
    def phase(self) -> Phase | None:
        """The phase that is on; None before the day and after it."""
        return self._current

    @property
    def timeline(self) -> Timeline:
        """The phase that is on and those to come."""
        return (*((self._current,) if self._current else ()), *self._ahead)

    @property
    def ends_at(self) -> int:
        """When the day ends: midnight at the venue."""
        return self._ends

    @property
    def next_at(self) -> int | None:
        """When the next command is due; None after the day."""
        if self._current is None:
            return self._begins if self._ahead else None
        due = self.band.due if self.band else None
        return self._current.end if due is None else min(due, self._current.end)

    @property
    def carried(self) -> Halt | None:
        """The halt that the day's end does not end, for `halted` of the next day."""
        return self._halt if self._halt and self._halt.end is not None and self._halt.end > self._ends else None

    def advance(self, at: int, book: MatchingBook) -> Iterator[Command]:
        """Commands due at an instant and before it, in order of time."""
        while (due := self.next_at) is not None and due <= at:
            if self.band and self._current and due < self._current.end:
                yield self._flexed(self.band, due)
            else:
                yield from self._change(book)

    def on_trade(self, at: int, *, price: int, quantity: int) -> None:
        """A trade of the book, for average prices; `Band.on_trade` takes it apart from this."""
        self._last = price
        for average in self._averages.values():
            average.add(at, price=price, quantity=quantity)

    def interrupt(self, halt: Halt, auction: Callable[[int], Timeline] = lambda _: ()) -> bool:
        """Cut a halt into the day, from now on; `advance(halt.start)` then gives its commands.

        `auction` gives the phases of a call auction that begins at an instant (`timeline.reopening`). False where it
        changes nothing (`timeline.interrupted`).
        """
        if self._current is None:
            return False
        ahead = interrupted(self._current, self._ahead, halt, auction)
        if ahead is None:
            return False
        self._current = _cut(self._current, halt.start)
        self._ahead = list(ahead)
        self._halt = halt
        return True

    def _carry(self, halt: Halt) -> None:
        first, *rest = self._ahead
        self._halt = Halt(
            rule=halt.rule, value=halt.value, limit=halt.limit, start=first.start, end=halt.end, phase=halt.phase
        )
        self._ahead = list(interrupted(first, rest, self._halt, lambda _: ()) or self._ahead)

    def _flexed(self, band: Band, at: int) -> Command:
        command = band.flex()
        self._limits = band.limits
        return command._replace(at=at)

    def _change(self, book: MatchingBook) -> Iterator[Command]:
        """End the phase that is on, begin the next."""
        ended = self._current
        at = ended.end if ended else self._begins
        if ended is None:
            yield self._first_band()._replace(at=at)
        for duty in ended.at_end if ended else ():
            yield from self._do(duty, at, book)
        if ended and trades_freely(ended) and not any(trades_freely(phase) for phase in self._ahead):
            self.close = self._average(self._windows.close, at)
        self._current = self._ahead.pop(0) if self._ahead else None
        if self._current:
            for duty in self._current.at_start:
                yield from self._do(duty, at, book)
            yield Command(Action.SET_PHASE, instrument=self._instrument, price=self._current.phase, at=at)

    def _do(self, duty: Duty, at: int, book: MatchingBook) -> Iterator[Command]:
        if duty in REMAINDERS:
            yield self._uncross(duty, book)._replace(at=at)
        elif duty is Duty.EXPIRE_DAY:
            yield Command(Action.END_DAY, instrument=self._instrument, at=at)
        elif duty in (Duty.CANCEL_STOPS, Duty.CANCEL_DISPLAYED):
            yield from self._cancelled(duty, at, book)
        else:
            yield self._new_band(duty, at)

    def _cancelled(self, duty: Duty, at: int, book: MatchingBook) -> Iterator[Command]:
        for order in book.orders(self._instrument):
            if order.kind in _WAITING if duty is Duty.CANCEL_STOPS else order.display:
                yield Command(Action.CANCEL, order.order_id, at=at)

    def _first_band(self) -> Command:
        """The band of the day, or the end of the one that the day before has left."""
        return self.band.command() if self.band else Command(Action.SET_BAND, instrument=self._instrument)

    def _new_band(self, duty: Duty, at: int) -> Command:
        """A band for the auction around its reference price, or one that is the closing price."""
        if duty is Duty.BAND_CLOSE:
            self._limits = (self.close, self.close)
        else:
            self.reference = self._average(self._windows.auction, at)
            self._limits = self._auction_limits(self.reference)
        if self.band:
            self.band.suspend()
        low, high = self._limits
        cancels = duty is not Duty.BAND_AUCTION
        return Command(
            Action.SET_BAND, instrument=self._instrument, price=low, trigger=high, quantity=int(cancels), at=at
        )

    def _auction_limits(self, reference: int) -> tuple[int, int]:
        width = self._auction_band
        return band_limits_in_ticks(reference, down=width, up=width, tick=1) if width else (0, 0)

    def _uncross(self, duty: Duty, book: MatchingBook) -> Command:
        low, high = self._limits
        found = equilibrium(interest(book.orders(self._instrument)), reference=self.reference, low=low, high=high)
        if found and self.close:
            self.close = found.price
        return uncross_command(duty, found, instrument=self._instrument, reference=self.reference)

    def _average(self, length: int, at: int) -> int:
        return self._averages[length].average(at) or self._last or self._previous_close


def _cut(phase: Phase, at: int) -> Phase:
    """A phase that ends at an instant, with nothing to do then."""
    return Phase(name=phase.name, start=phase.start, end=at, phase=phase.phase, at_start=phase.at_start)


def open_day(
    instrument: Instrument,
    on: date,
    *,
    number: int,
    previous_close: int,
    seed: int,
    band: str = "",
    halted: Halt | None = None,
) -> InstrumentDay:
    """The day of an instrument by the tables. `number` is its place in the book, `previous_close` in ticks.

    `band` names its price band (`bands.band_of`), empty for none. Raises as `timeline` and `band_of`.
    """
    market = market_of(instrument)
    day = timeline(market, on, seed=seed)
    tick = instrument.tick_at(day[0].start)
    return InstrumentDay(
        instrument=number,
        day=day,
        windows=windows(market, on),
        previous_close=previous_close,
        band=_band(band, on, number, previous_close * tick, tick, day) if band else None,
        auction_band=_auction_band(day, on),
        halted=halted,
    )


def _band(kind: str, on: date, number: int, base: int, tick: int, day: Timeline) -> Band:
    return band_of(kind, on, instrument=number, base=base, tick=tick, trading_end=trading_end(day))


def _auction_band(day: Timeline, on: date) -> int:
    """Basis points; 0 on a day that sets no band for an auction."""
    duties = {duty for phase in day for duty in phase.at_start}
    sets_band = duties & {Duty.BAND_AUCTION, Duty.BAND_AUCTION_CANCEL}
    return price_bands("auction", on)[0] * 100 if sets_band else 0
