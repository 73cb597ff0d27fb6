"""Orders join, change and leave; queues keep their order."""

from __future__ import annotations

from tradsys.market.books.order_book import ASK, BID, OrderBook, Trouble


def filled() -> OrderBook:
    book = OrderBook()
    for order_id, side, price, quantity in ((1, BID, 10, 5), (2, BID, 10, 3), (3, BID, 9, 1), (4, ASK, 11, 2)):
        assert book.add(order_id, side=side, price=price, quantity=quantity) is None
    return book


def test_levels_are_best_first() -> None:
    book = filled()
    book.add(5, side=ASK, price=-2, quantity=7)
    assert (book.best(BID), book.best(ASK)) == (10, -2)
    assert book.top(BID, count=9) == [(10, 8, 2), (9, 1, 1)]
    assert book.top(ASK, count=1) == [(-2, 7, 1)]


def test_less_keeps_the_place_more_and_a_new_price_lose_it() -> None:
    book = filled()
    book.modify(1, side=BID, price=10, quantity=4)
    assert list(book.level(BID, price=10).queue.items()) == [(1, 4), (2, 3)]
    assert (book.ahead(1), book.ahead(2), book.ahead(9)) == (0, 4, None)
    book.modify(1, side=BID, price=10, quantity=6)
    assert list(book.level(BID, price=10).queue.items()) == [(2, 3), (1, 6)]
    book.modify(2, side=BID, price=9, quantity=3)
    assert list(book.level(BID, price=9).queue) == [3, 2]
    book.modify(2, side=ASK, price=9, quantity=3)
    assert book.best(ASK) == 9


def test_an_order_without_quantity_leaves_and_so_does_its_level() -> None:
    book = filled()
    assert book.reduce(3, quantity=1) is None
    assert book.level(BID, price=9).quantity == 0
    assert book.reduce(1, quantity=2) is None
    assert book.level(BID, price=10).quantity == 6
    assert book.remove(1) is None
    assert book.remove(2) is None
    assert (book.best(BID), list(book.orders)) == (None, [4])
    book.clear()
    assert (book.best(ASK), book.orders) == (None, {})


def test_what_cannot_be_is_told() -> None:
    book = filled()
    assert book.add(1, side=ASK, price=12, quantity=1) is Trouble.DUPLICATE_ORDER
    assert book.add(9, side=ASK, price=12, quantity=0) is Trouble.BAD_QUANTITY
    assert book.modify(1, side=BID, price=10, quantity=0) is Trouble.BAD_QUANTITY
    assert book.modify(9, side=BID, price=8, quantity=0) is Trouble.BAD_QUANTITY
    assert book.reduce(1, quantity=-1) is Trouble.BAD_QUANTITY
    assert book.reduce(9, quantity=1) is book.remove(9) is Trouble.UNKNOWN_ORDER
    assert book.top(BID, count=9) == [(10, 8, 2), (9, 1, 1)]
    assert book.reduce(3, quantity=2) is Trouble.TOO_MUCH
    assert book.modify(3, side=BID, price=9, quantity=1) is Trouble.UNKNOWN_ORDER
    assert book.top(BID, count=9) == [(10, 8, 2), (9, 1, 1)]
