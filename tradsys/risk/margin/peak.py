"""The peak-margin rule: what the highest of the day's snapshots asked for must have been there.

required  = share × margin of the highest snapshot          (100 % since September 2021)
shortfall = largest required − available of a snapshot
penalty   = 0.5 % of it below Rs 1 lakh and below 10 % of the margin, else 1 %;
            5 % from the 4th day in a row, or the 6th of a month, on
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from tradsys.core.errors import MissingData
from tradsys.reference.margin_parameters import PeakParameters, Sourced, peak_parameters
from tradsys.risk.margin.positions import share_of


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """At an instant (UTC nanoseconds): the margin of all positions and what was there for it, 1e-8."""

    at: int
    margin: int
    available: int


class PeakMargin(msgspec.Struct, frozen=True, kw_only=True):
    """The day by the rule, 1e-8: what had to be there, what was missing at most, and what that costs."""

    required: int
    shortfall: int
    penalty: int
    source: str


def peak_margin(
    snapshots: Sequence[Snapshot], *, on: date, days_before: int = 0, days_this_month: int = 0
) -> PeakMargin:
    """The rule over one day's snapshots.

    Args:
        days_before: days with a shortfall in a row up to yesterday.
        days_this_month: days with a shortfall of this month before today.

    Raises:
        MissingData: fewer snapshots than the rule takes: the peak cannot be known.
        UncoveredDate: a date before the rule began.
    """
    rules = peak_parameters(on)
    if len(snapshots) < rules.snapshots:
        raise MissingData(
            "too few snapshots for the day's peak", value=len(snapshots), limit=rules.snapshots, fix="give all of them"
        )
    required = share_of(max(each.margin for each in snapshots), rate=rules.share.value)
    worst = max(snapshots, key=lambda each: share_of(each.margin, rate=rules.share.value) - each.available)
    shortfall = max(share_of(worst.margin, rate=rules.share.value) - worst.available, 0)
    rate = _penalty(rules, shortfall, margin=worst.margin, days=(days_before + 1, days_this_month + 1))
    penalty = share_of(shortfall, rate=rate.value)
    return PeakMargin(required=required, shortfall=shortfall, penalty=penalty, source=rate.source)


def _penalty(rules: PeakParameters, shortfall: int, *, margin: int, days: tuple[int, int]) -> Sourced:
    in_a_row, of_month = days
    if in_a_row > rules.consecutive_days or of_month > rules.days_a_month:
        return rules.penalty_repeated
    small = shortfall < rules.small_amount and shortfall < share_of(margin, rate=rules.small_share)
    return rules.penalty_small if small else rules.penalty
