"""Which faults a seed has, and how often each: every seed switches a random part of them on (swarm testing)."""

from __future__ import annotations

from random import Random

NETWORK = (
    "drop_request", "drop_push", "duplicate_push", "delay", "half_open", "reset", "truncate", "refuse_connection",
    "garbage", "html", "slow_drip", "endless_frame",
)  # fmt: skip
VENUE = (
    "accept_late", "accept_silently", "fill_before_answer", "over_fill", "bust", "duplicate_trade", "lost_trade",
    "ask_failed", "short_page", "slow_page", "stale_orders", "maintenance", "throttle", "reject_late", "cancel_crossed",
    "thin_book", "trade_late", "accept_very_late",
)  # fmt: skip
DISK = ("power_loss", "torn_write", "io_error", "disk_full", "slow_sync")
PROCESS = ("kill", "kill_at_effect", "pause", "second_process", "restart_storm")
CLOCK = ("clock_step",)
LOAD = ("tick_burst", "stuck")
HUMAN = ("kill_switch", "lower", "cancel_elsewhere", "trade_elsewhere", "order_elsewhere", "money_elsewhere")
ALL = NETWORK + VENUE + DISK + PROCESS + CLOCK + LOAD + HUMAN


class Swarm:
    """The faults of one seed: `rate` of each, 0 where it is off."""

    def __init__(self, rates: dict[str, float]) -> None:
        self.rates = rates

    def rate(self, kind: str) -> float:
        """How likely one is, each time that it could happen."""
        return self.rates.get(kind, 0.0)

    def without(self, kind: str) -> Swarm:
        """The same without one of them."""
        return Swarm({other: rate for other, rate in self.rates.items() if other != kind})

    @property
    def kinds(self) -> tuple[str, ...]:
        """Those that are on."""
        return tuple(kind for kind in ALL if self.rates.get(kind))


def drawn(random: Random) -> Swarm:
    """A random part of all faults, each at a rate of its own between rare and frequent."""
    share = random.choice((0.1, 0.2, 0.35, 0.5, 0.7))
    return Swarm({kind: 10 ** random.uniform(-2.8, -1.0) for kind in ALL if random.random() < share})
