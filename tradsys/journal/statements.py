"""What the read model does to its tables, in SQL that SQLite and PostgreSQL both speak; parameters are `:named`."""

from __future__ import annotations


def _row(table: str, columns: str, *, replaces: str = "") -> str:
    """Insert a row of the columns; where `replaces` names its key, the newest row of a key wins."""
    names = columns.split()
    listed = ", ".join(_quoted(name) for name in names)
    values = ", ".join(f":{name}" for name in names)
    text = f"INSERT INTO {table} ({listed}) VALUES ({values})"
    if not replaces:
        return text
    key = replaces.split()
    renewed = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in names if name not in key)
    return f"{text} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {renewed}"


def _quoted(name: str) -> str:
    return f'"{name}"' if name in ("limit", "trigger") else name


PLACE = _row("projection", "only_row sequence link previous segment byte_offset", replaces="only_row")
RECORD = _row("records", "sequence kind at recorded_at cause line line_cause segment byte_offset")
ORDER = _row(
    "orders",
    "order_id tag venue_id strategy instrument side quantity type product validity limit_price trigger_price parent "
    "state filled reason created_at updated_at sequence",
    replaces="order_id",
)
TRADE = _row(
    "trades",
    "sequence line order_id strategy instrument side quantity price product maker stray charges at exchange_at",
)
POSITION = _row(
    "positions",
    "strategy instrument product quantity cost bought sold updated_at",
    replaces="strategy instrument product",
)
DECISION = _row("decisions", "sequence at strategy event instrument reason body")
INTENT = _row("intents", "sequence at cause message tag venue_id instrument side quantity limit_price reduces")
SAFETY = _row("safety", "sequence at event level trigger limit value who reason")
TRANSACTION = _row("transactions", "sequence at strategy instrument order_id kind amount reason")
AUDIT = _row("audit_logs", "sequence at kind who detail")

STATE = "UPDATE orders SET state = :state, reason = :reason, updated_at = :at WHERE order_id = :order_id"
FILLED = """
UPDATE orders SET filled = filled + :quantity, updated_at = :at,
    state = CASE WHEN state = 'cancelled' THEN state WHEN filled + :quantity >= quantity THEN 'filled'
        ELSE 'partly_filled' END
WHERE order_id = :order_id
"""
STRAYED = "UPDATE orders SET filled = filled + :quantity, updated_at = :at WHERE order_id = :order_id"
CHANGED = """
UPDATE orders SET quantity = filled + :open, limit_price = :limit, updated_at = :at WHERE tag = :tag AND tag <> ''
"""
KNOWN = "UPDATE orders SET venue_id = :venue_id WHERE tag = :tag AND tag <> '' AND venue_id = 0"
CHARGED = "UPDATE trades SET charges = :total WHERE line = :line"

ABOUT_ORDER = "INSERT INTO order_records (order_id, sequence) VALUES (:order_id, :sequence) ON CONFLICT DO NOTHING"
ABOUT_TAG = """
INSERT INTO order_records (order_id, sequence) SELECT order_id, :sequence FROM orders WHERE tag = :tag AND tag <> ''
"""
ABOUT_VENUE_ID = """
INSERT INTO order_records (order_id, sequence)
    SELECT order_id, :sequence FROM orders WHERE venue_id = :venue_id AND venue_id <> 0
"""

DECIDED = """
INSERT INTO strategies (strategy, decisions, first_at, last_at, halted, error)
    VALUES (:strategy, 1, :at, :at, 0, '')
ON CONFLICT (strategy) DO UPDATE SET decisions = strategies.decisions + 1, last_at = excluded.last_at
"""
HALTED = """
INSERT INTO strategies (strategy, decisions, first_at, last_at, halted, error)
    VALUES (:strategy, 0, :at, :at, 1, :error)
ON CONFLICT (strategy) DO UPDATE SET halted = 1, error = excluded.error, last_at = excluded.last_at
"""

# A decision's cause is a line of the decision log; any other record's, and that of a line which the market caused, is
# a record. A cause is always older, so that no chain can turn in a circle.
WHY = """
WITH RECURSIVE chain AS (
    SELECT sequence, cause, line_cause FROM records WHERE sequence = :sequence
    UNION
    SELECT earlier.sequence, earlier.cause, earlier.line_cause FROM chain JOIN records AS earlier
        ON earlier.sequence < chain.sequence AND earlier.sequence = COALESCE(
            (SELECT cited.sequence FROM records AS cited WHERE cited.line = chain.line_cause), chain.cause)
)
SELECT sequence, kind, at, recorded_at, cause, segment, byte_offset FROM records
WHERE sequence IN (SELECT sequence FROM chain) ORDER BY sequence
"""
HISTORY = """
SELECT records.sequence, kind, at, recorded_at, cause, segment, byte_offset
FROM order_records JOIN records ON records.sequence = order_records.sequence
WHERE order_id = :order_id ORDER BY records.sequence
"""

FOLDED = (
    "projection",
    "records",
    "orders",
    "order_records",
    "trades",
    "positions",
    "strategies",
    "decisions",
    "intents",
    "safety",
    "transactions",
    "audit_logs",
)
"""Tables that the journal alone fills: emptied before it is read again."""
