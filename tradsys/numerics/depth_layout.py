"""How a price-level book lies in memory.

A price of the bid side is its own key, one of the ask side the complement of it (-price - 1), so that on both sides the
best level has the greatest key. A key's upper bits name its page through the side's directory, its lower bits the place
in that page. A page holds the quantities of 4,096 neighbouring ticks, 64 words with a bit for each level that is there,
and a summary with a bit for each of those words that is not 0. In one block of memory lie

    counters | directory, bids | directory, asks | there, bids | there, asks | summaries | words | quantities

where "there" has a bit for each place of a directory that names a page. Page 0 stands for "no page" and stays empty. A
page that becomes empty is given back; its summary then names the next free one. Best levels and numbers of levels are
counters, so nothing is ever searched but the next level after the best one has gone: three words within a page.
"""

LEVEL_BITS = 12
PAGE_LEVELS = 1 << LEVEL_BITS
PAGE_WORDS = PAGE_LEVELS >> 6
# Counters, at their places in `index`; those with two belong to bids and asks.
WINDOW, PAGES, USED, FREE = 0, 1, 2, 3
FIRST, BEST, COUNT = 4, 6, 8
COUNTERS = 10
# What stopped a kernel.
DONE, NEEDS_WINDOW, NEEDS_PAGE, BAD = 0, 1, 2, 3
NO_LEVEL = -(2**62)
MOST_TICKS = 2**60
