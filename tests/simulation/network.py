"""A connection between a process and the venue: bytes in order in both directions until it breaks, and what can go
wrong with it. Frames are looked into so that single messages can be lost, doubled or held back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

import msgspec

from tests.simulation.faults import Swarm
from tests.simulation.world import MILLISECOND, SECOND, World
from tradsys.core.venue import (
    AnyCommand,
    AskFailed,
    Dealt,
    Declined,
    Ended,
    Incoming,
    Page,
    PlaceOrder,
    Report,
    Subject,
    Taken,
    Undone,
)
from tradsys.core.wire import encode, incoming_reader, outgoing_reader

LONGEST = 14 * SECOND
"""The longest that anything is late: shorter than the quarantine, as the law of absent orders demands."""
_HTML = b"<html><body>502 Bad Gateway</body></html>"
_ENDLESS = (60_000).to_bytes(4, "big") * 2
"""The head of a frame that never comes to its end."""
_PUSHED = (Taken, Dealt, Ended)
_PIECES = 24
"""A frame that drips arrives in about so many."""


class Connection:
    """One connection. `to_venue` and `to_process` take bytes that arrive, `broken` hears of its end on both sides."""

    def __init__(
        self,
        world: World,
        swarm: Swarm,
        *,
        number: int,
        to_venue: Callable[[bytes], None],
        to_process: Callable[[bytes], None],
        broken: Callable[[str], None],
        late: Callable[[AnyCommand], None],
    ) -> None:
        self.number = number
        self.open = True
        self._world = world
        self._swarm = swarm
        self._to_venue = to_venue
        self._to_process = to_process
        self._broken = broken
        self._late = late
        self.watch: Callable[[AnyCommand], None] = lambda command: None
        self.leaving: Callable[[AnyCommand], None] = lambda command: None
        self.overdue: Callable[[str], None] = lambda tag: None
        self._requests = outgoing_reader()
        self._reports = incoming_reader()
        self._number = 0
        self._held: Report | None = None
        self.answered: Counter[Subject] = Counter()
        """How often the last page of an answer about a subject was sent on this connection."""
        self._orders: Page | None = None
        self._lied = self._mute = self._gapped = self._swallows = False
        self.gap_at = 0
        """When it became plain that a report is missing; 0 while it is not."""
        self._free_up = self._free_down = 0

    # --- out

    def send(self, data: bytes) -> None:
        """Bytes of the process leave."""
        for message in self._requests.feed(data):
            if not isinstance(message, AnyCommand):
                self._carry_up(encode(message), None)
                continue
            self.leaving(message)
            if not self._misled(message):
                self._carry_up(encode(self._enlarged(message)), message)

    def _misled(self, command: AnyCommand) -> bool:
        """Whether a command is lost, or reaches the venue by another way and late."""
        world, kind = self._world, type(command).__name__
        if self._hits("drop_request"):
            world.fault("drop_request", kind)
            return True
        if isinstance(command, PlaceOrder) and self._hits("accept_very_late"):
            world.fault("accept_very_late", command.tag)
            self.overdue(command.tag)
            world.after(world.span(24 * SECOND, 36 * SECOND), lambda: self._late(command))
            return True
        if self._hits("accept_late" if isinstance(command, PlaceOrder) else "cancel_crossed"):
            world.fault("accept_late", kind)
            world.after(world.span(SECOND, LONGEST), lambda: self._late(command))
            return True
        return False

    def _enlarged(self, command: AnyCommand) -> AnyCommand:
        """What the venue makes of a command: an order that it fills twice over."""
        if isinstance(command, PlaceOrder) and self._hits("over_fill"):
            self._world.fault("over_fill", command.tag)
            return msgspec.structs.replace(command, quantity=2 * command.quantity)
        return command

    def _carry_up(self, data: bytes, command: AnyCommand | None) -> None:
        self._free_up = self._arrival(self._free_up)
        self._world.at(self._free_up, lambda: self._arrive_up(data, command))

    def _arrive_up(self, data: bytes, command: AnyCommand | None) -> None:
        if self.open and not self._mute:
            if command is not None:
                self.watch(command)
            self._to_venue(data)

    # --- back

    def answer(self, data: bytes) -> None:
        """Bytes of the venue leave."""
        for message in self._reports.feed(data):
            for each in self._mutated(message):
                self._carry_down(encode(each))
                if each.number and self._gapped:
                    self._world.at(self._free_down, self._tell_gap)
                if each.number and self._hits("duplicate_push"):
                    self._world.fault("duplicate_push", type(each).__name__)
                    self._carry_down(encode(each))
        if self._hits("garbage"):
            self._world.fault("garbage")
            self._carry_down(self._world.random.randbytes(40))
        elif self._hits("html"):
            self._world.fault("html")
            self._carry_down(_HTML)
        elif self._hits("endless_frame"):
            self._world.fault("endless_frame")
            self._carry_down(_ENDLESS)
            self._swallows = True

    def _tell_gap(self) -> None:
        """A report behind a lost one is there: whoever reads it can see that one is missing."""
        if self.open and not self._mute and not self._swallows and not self.gap_at:
            self.gap_at = self._world.now

    def _mutated(self, message: Incoming) -> list[Report]:
        if isinstance(message, Page):
            return [*self._released(), *self._in_time(self._page(message))]
        if not message.number:
            return [*self._released(), message]
        return [self._numbered(each) for each in self._pushed(message)]

    def _released(self) -> list[Report]:
        held, self._held = self._held, None
        return [] if held is None else [self._numbered(held)]

    def _pushed(self, message: Report) -> list[Report]:
        """What of a push arrives, and in which order."""
        held, self._held = self._held, None
        if held is not None:
            return [message, held]
        if isinstance(message, _PUSHED) and self._hits("drop_push"):
            self._world.fault("drop_push", type(message).__name__)
            self._number += 1
            self._gapped = True
            return []
        if isinstance(message, Dealt) and self._hits("trade_late"):
            self._world.fault("trade_late")
            self._world.after(self._world.span(SECOND, 8 * SECOND), lambda: self._say_late(message))
            return []
        if isinstance(message, Dealt | Ended) and self._hits("lost_trade"):
            self._world.fault("lost_trade", type(message).__name__)
            return []
        if isinstance(message, Taken):
            return self._answered(message)
        if isinstance(message, Declined) and self._hits("reject_late"):
            self._world.fault("reject_late")
            self._world.after(self._world.span(SECOND, LONGEST), lambda: self._say_late(message))
            return []
        if isinstance(message, Dealt | Undone) and self._doubled(message):
            self._world.fault("duplicate_trade", type(message).__name__)
            return [message, message]
        return [message]

    def _doubled(self, message: Dealt | Undone) -> bool:
        """Busts are rare: where trades are told twice now and then, busts often are."""
        rate = self._swarm.rate("duplicate_trade")
        return self._world.chance(rate if isinstance(message, Dealt) else min(1.0, 10 * rate))

    def _say_late(self, message: Report) -> None:
        if self.open:
            self._carry_down(encode(self._numbered(message)))

    def _answered(self, taken: Taken) -> list[Report]:
        if self._hits("accept_silently"):
            self._world.fault("accept_silently")
            return []
        if self._hits("fill_before_answer"):
            self._world.fault("fill_before_answer")
            self._held = taken
            return []
        return [taken]

    def _numbered(self, message: Report) -> Report:
        """As the client should count them; a push that is lost without a trace was never counted."""
        self._number += 1
        return msgspec.structs.replace(message, number=self._number)

    def _in_time(self, answer: Report) -> list[Report]:
        """An answer, if it comes at once; one that comes later is of when it was asked for, and reports pass it."""
        if not self._hits("slow_page"):
            return [answer]
        self._world.fault("slow_page")
        self._world.after(self._world.span(MILLISECOND, 3 * SECOND), lambda: self._carry_late(answer))
        return []

    def _carry_late(self, answer: Report) -> None:
        if self.open:
            self._carry_down(encode(answer))

    def _page(self, page: Page) -> Report:
        if self._hits("ask_failed"):
            self._world.fault("ask_failed")
            return AskFailed(at=page.at, request=page.request, why="internal error")
        if page.subject is Subject.ORDERS and page.pages == 1:
            before, self._orders = self._orders, page
            self._lied = before is not None and not self._lied and self._often("stale_orders")
            if before is not None and self._lied:
                self._world.fault("stale_orders")
                # Whole and wrong: nobody can tell, and trades and positions are compared beside it.
                self.answered[page.subject] += 1
                return msgspec.structs.replace(before, at=page.at, request=page.request)
        rows = getattr(page, page.subject.value)
        if rows and self._hits("short_page"):
            self._world.fault("short_page")
            return msgspec.structs.replace(page, **{page.subject.value: rows[:-1]})
        self.answered[page.subject] += page.page == page.pages - 1
        return page

    def _carry_down(self, data: bytes) -> None:
        self._free_down = self._arrival(self._free_down)
        if self._hits("truncate"):
            self._world.fault("truncate")
            cut = data[: len(data) // 2]
            self._world.at(self._free_down, lambda: self._arrive_down(cut))
            self._world.at(self._free_down, lambda: self.cut("connection reset in a frame"))
            return
        if self._hits("slow_drip"):
            self._world.fault("slow_drip")
            size = max(1, len(data) // _PIECES)
            for start in range(0, len(data), size):
                piece = data[start : start + size]
                self._world.at(self._free_down, partial(self._arrive_down, piece))
                self._free_down += 2 * MILLISECOND
            return
        self._world.at(self._free_down, lambda: self._arrive_down(data))

    def _arrive_down(self, data: bytes) -> None:
        if self.open and not self._mute:
            self._to_process(data)

    # --- both

    def _arrival(self, free: int) -> int:
        """When what leaves now is there: after what left before, and sometimes long after."""
        world = self._world
        span = world.span(100_000, 3 * MILLISECOND)
        if self._hits("delay"):
            world.fault("delay")
            span = world.span(SECOND, LONGEST)
        if self._hits("half_open"):
            world.fault("half_open")
            self._mute = True
        elif self._hits("reset"):
            world.fault("reset")
            world.after(span, lambda: self.cut("connection reset"))
        return max(free, world.now + span)

    def settle(self) -> None:
        """Nothing more goes wrong with it; one that was dead already is still dead."""
        self._swarm = Swarm({})

    def cut(self, why: str) -> None:
        """It ends, and both sides know."""
        if self.open:
            self.open = False
            self._broken(why)

    def _often(self, kind: str) -> bool:
        """The same for what could happen seldom: five times as likely."""
        return self._world.chance(min(1.0, 5 * self._swarm.rate(kind)))

    def _hits(self, kind: str) -> bool:
        rate = self._swarm.rates.get(kind)
        return rate is not None and self._world.chance(rate)
