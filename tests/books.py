"""The books that follow `docs/matching.md`, for tests that hold for each of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tradsys.core.matching import MatchingBook
from tradsys.exchange.book_reference import ReferenceBook

MakeBook = Callable[[int], MatchingBook]

each_book = pytest.mark.parametrize("make_book", [ReferenceBook])
