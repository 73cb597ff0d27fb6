"""Simulated time: one heap of things to happen, one source of chance, one trace of everything that did."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random

SECOND = 10**9
MILLISECOND = 10**6


class World:
    """What a simulated run shares. `counts` says how often each kind of thing happened, `trace` is a hash of all of it
    in order: the same seed gives the same trace in any process."""

    def __init__(self, seed: int, *, start: int) -> None:
        self.random = Random(seed)
        self.now = start
        self.counts: Counter[str] = Counter()
        self.events = 0
        self.log: list[str] = []
        self.keep_log = False
        self._trace = hashlib.sha256()
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0

    @property
    def trace(self) -> str:
        """Hash of everything so far."""
        return self._trace.hexdigest()

    def say(self, what: str) -> None:
        """Put something on the trace."""
        self._trace.update(f"{self.now} {what}\n".encode())
        if self.keep_log:
            self.log.append(f"{self.now / SECOND:.6f} {what}")

    def fault(self, kind: str, detail: str = "") -> None:
        """A fault was injected."""
        self.counts[f"fault {kind}"] += 1
        self.say(f"FAULT {kind} {detail}")

    @property
    def faults(self) -> int:
        """How many were injected."""
        return sum(count for kind, count in self.counts.items() if kind.startswith("fault "))

    def at(self, when: int, what: Callable[[], None]) -> None:
        """Let something happen at an instant, after all that was put there before."""
        self._number += 1
        heappush(self._heap, (max(when, self.now), self._number, what))

    def after(self, span: int, what: Callable[[], None]) -> None:
        """Let something happen some nanoseconds from now."""
        self.at(self.now + span, what)

    def run(self, until: int, *, each: Callable[[], None]) -> None:
        """Let everything happen up to an instant, and `each` be called after every one."""
        while self._heap and self._heap[0][0] <= until:
            when, _, what = heappop(self._heap)
            self.now = when
            what()
            self.events += 1
            each()
        self.now = until

    def chance(self, probability: float) -> bool:
        """Whether something happens this time."""
        return probability > 0 and self.random.random() < probability

    def span(self, low: int, high: int) -> int:
        """A span of nanoseconds, both ends included."""
        return self.random.randint(low, high)
