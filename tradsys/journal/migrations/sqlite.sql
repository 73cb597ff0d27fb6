-- What the records fold to, for looking things up. Filled from the journal and rebuilt from it.
-- Prices, quantities and money in 1e-8, times in nanoseconds UTC.
CREATE TABLE projection (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    sequence INTEGER NOT NULL,
    link BLOB NOT NULL,
    previous BLOB NOT NULL,
    segment TEXT NOT NULL,
    byte_offset INTEGER NOT NULL
) STRICT;

CREATE TABLE records (
    sequence INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    cause INTEGER NOT NULL,
    line INTEGER,
    line_cause INTEGER,
    segment TEXT NOT NULL,
    byte_offset INTEGER NOT NULL
) STRICT;
CREATE INDEX records_by_kind ON records (kind, sequence);
CREATE INDEX records_by_cause ON records (cause);
CREATE INDEX records_by_time ON records (at);
CREATE INDEX records_by_line ON records (line) WHERE line IS NOT NULL;

CREATE TABLE orders (
    order_id INTEGER PRIMARY KEY,
    tag TEXT NOT NULL,
    venue_id INTEGER NOT NULL,
    strategy TEXT NOT NULL,
    instrument TEXT NOT NULL,
    side INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    type TEXT NOT NULL,
    product TEXT NOT NULL,
    validity TEXT NOT NULL,
    limit_price INTEGER NOT NULL,
    trigger_price INTEGER NOT NULL,
    parent INTEGER NOT NULL,
    state TEXT NOT NULL,
    filled INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    sequence INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_by_tag ON orders (tag) WHERE tag <> '';
CREATE INDEX orders_by_venue_id ON orders (venue_id) WHERE venue_id <> 0;
CREATE INDEX orders_by_state ON orders (state, order_id);
CREATE INDEX orders_by_strategy ON orders (strategy, order_id);

CREATE TABLE order_records (
    order_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (order_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE trades (
    sequence INTEGER PRIMARY KEY,
    line INTEGER NOT NULL,
    order_id INTEGER NOT NULL,
    strategy TEXT NOT NULL,
    instrument TEXT NOT NULL,
    side INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    price INTEGER NOT NULL,
    product TEXT NOT NULL,
    maker INTEGER NOT NULL,
    stray TEXT NOT NULL,
    charges INTEGER NOT NULL,
    at INTEGER NOT NULL,
    exchange_at INTEGER NOT NULL
) STRICT;
CREATE INDEX trades_by_line ON trades (line);
CREATE INDEX trades_by_order ON trades (order_id);
CREATE INDEX trades_by_time ON trades (exchange_at);
CREATE INDEX trades_by_instrument ON trades (instrument, exchange_at);

CREATE TABLE positions (
    strategy TEXT NOT NULL,
    instrument TEXT NOT NULL,
    product TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    bought INTEGER NOT NULL,
    sold INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (strategy, instrument, product)
) STRICT;
CREATE INDEX positions_by_instrument ON positions (instrument);

-- What the account owns for delivery, whichever strategy bought it.
CREATE VIEW holdings AS
    SELECT instrument, product, SUM(quantity) AS quantity, MAX(updated_at) AS updated_at
    FROM positions WHERE product IN ('CNC', 'SPOT') GROUP BY instrument, product HAVING SUM(quantity) <> 0;

CREATE TABLE strategies (
    strategy TEXT PRIMARY KEY,
    decisions INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    halted INTEGER NOT NULL,
    error TEXT NOT NULL
) STRICT;

CREATE TABLE decisions (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    strategy TEXT NOT NULL,
    event TEXT NOT NULL,
    instrument TEXT NOT NULL,
    reason TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_by_strategy ON decisions (strategy, at);

CREATE TABLE intents (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    cause INTEGER NOT NULL,
    message TEXT NOT NULL,
    tag TEXT NOT NULL,
    venue_id INTEGER NOT NULL,
    instrument TEXT NOT NULL,
    side INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    limit_price INTEGER NOT NULL,
    reduces INTEGER NOT NULL
) STRICT;
CREATE INDEX intents_by_tag ON intents (tag) WHERE tag <> '';

CREATE TABLE safety (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    level INTEGER NOT NULL,
    "trigger" TEXT NOT NULL,
    "limit" TEXT NOT NULL,
    value TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;

CREATE TABLE transactions (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    strategy TEXT NOT NULL,
    instrument TEXT NOT NULL,
    order_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX transactions_by_strategy ON transactions (strategy, at);

CREATE TABLE audit_logs (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    who TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_logs_by_kind ON audit_logs (kind, at);
CREATE INDEX audit_logs_by_who ON audit_logs (who, at);
