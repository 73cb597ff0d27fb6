-- What the records fold to, for looking things up. Filled from the journal and rebuilt from it; `users` is not.
-- Prices, quantities and money in 1e-8, times in nanoseconds UTC.
CREATE TABLE projection (
    only_row smallint PRIMARY KEY CHECK (only_row = 1),
    sequence bigint NOT NULL,
    link bytea NOT NULL,
    previous bytea NOT NULL,
    segment text NOT NULL,
    byte_offset bigint NOT NULL
);

CREATE TABLE records (
    sequence bigint PRIMARY KEY,
    kind text NOT NULL,
    at bigint NOT NULL,
    recorded_at bigint NOT NULL,
    cause bigint NOT NULL,
    line bigint,
    line_cause bigint,
    segment text NOT NULL,
    byte_offset bigint NOT NULL
);
CREATE INDEX records_by_kind ON records (kind, sequence);
CREATE INDEX records_by_cause ON records (cause);
CREATE INDEX records_by_time ON records (at);
CREATE INDEX records_by_line ON records (line) WHERE line IS NOT NULL;

CREATE TABLE orders (
    order_id bigint PRIMARY KEY,
    tag text NOT NULL,
    venue_id bigint NOT NULL,
    strategy text NOT NULL,
    instrument text NOT NULL,
    side smallint NOT NULL,
    quantity bigint NOT NULL,
    type text NOT NULL,
    product text NOT NULL,
    validity text NOT NULL,
    limit_price bigint NOT NULL,
    trigger_price bigint NOT NULL,
    parent bigint NOT NULL,
    state text NOT NULL,
    filled bigint NOT NULL,
    reason text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    sequence bigint NOT NULL
);
CREATE INDEX orders_by_tag ON orders (tag) WHERE tag <> '';
CREATE INDEX orders_by_venue_id ON orders (venue_id) WHERE venue_id <> 0;
CREATE INDEX orders_by_state ON orders (state, order_id);
CREATE INDEX orders_by_strategy ON orders (strategy, order_id);

CREATE TABLE order_records (
    order_id bigint NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (order_id, sequence)
);

CREATE TABLE trades (
    sequence bigint PRIMARY KEY,
    line bigint NOT NULL,
    order_id bigint NOT NULL,
    strategy text NOT NULL,
    instrument text NOT NULL,
    side smallint NOT NULL,
    quantity bigint NOT NULL,
    price bigint NOT NULL,
    product text NOT NULL,
    maker smallint NOT NULL,
    stray text NOT NULL,
    charges bigint NOT NULL,
    at bigint NOT NULL,
    exchange_at bigint NOT NULL
);
CREATE INDEX trades_by_line ON trades (line);
CREATE INDEX trades_by_order ON trades (order_id);
CREATE INDEX trades_by_time ON trades (exchange_at);
CREATE INDEX trades_by_instrument ON trades (instrument, exchange_at);

CREATE TABLE positions (
    strategy text NOT NULL,
    instrument text NOT NULL,
    product text NOT NULL,
    quantity bigint NOT NULL,
    cost bigint NOT NULL,
    bought bigint NOT NULL,
    sold bigint NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (strategy, instrument, product)
);
CREATE INDEX positions_by_instrument ON positions (instrument);

-- What the account owns for delivery, whichever strategy bought it.
CREATE VIEW holdings AS
    SELECT instrument, product, CAST(SUM(quantity) AS bigint) AS quantity, MAX(updated_at) AS updated_at
    FROM positions WHERE product IN ('CNC', 'SPOT') GROUP BY instrument, product HAVING SUM(quantity) <> 0;

CREATE TABLE strategies (
    strategy text PRIMARY KEY,
    decisions bigint NOT NULL,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL,
    halted smallint NOT NULL,
    error text NOT NULL
);

CREATE TABLE decisions (
    sequence bigint PRIMARY KEY,
    at bigint NOT NULL,
    strategy text NOT NULL,
    event text NOT NULL,
    instrument text NOT NULL,
    reason text NOT NULL,
    body text NOT NULL
);
CREATE INDEX decisions_by_strategy ON decisions (strategy, at);

CREATE TABLE intents (
    sequence bigint PRIMARY KEY,
    at bigint NOT NULL,
    cause bigint NOT NULL,
    message text NOT NULL,
    tag text NOT NULL,
    venue_id bigint NOT NULL,
    instrument text NOT NULL,
    side smallint NOT NULL,
    quantity bigint NOT NULL,
    limit_price bigint NOT NULL,
    reduces smallint NOT NULL
);
CREATE INDEX intents_by_tag ON intents (tag) WHERE tag <> '';

CREATE TABLE safety (
    sequence bigint PRIMARY KEY,
    at bigint NOT NULL,
    event text NOT NULL,
    level smallint NOT NULL,
    "trigger" text NOT NULL,
    "limit" text NOT NULL,
    value text NOT NULL,
    who text NOT NULL,
    reason text NOT NULL
);

CREATE TABLE transactions (
    sequence bigint PRIMARY KEY,
    at bigint NOT NULL,
    strategy text NOT NULL,
    instrument text NOT NULL,
    order_id bigint NOT NULL,
    kind text NOT NULL,
    amount bigint NOT NULL,
    reason text NOT NULL
);
CREATE INDEX transactions_by_strategy ON transactions (strategy, at);

CREATE TABLE audit_logs (
    sequence bigint PRIMARY KEY,
    at bigint NOT NULL,
    kind text NOT NULL,
    who text NOT NULL,
    detail text NOT NULL
);
CREATE INDEX audit_logs_by_kind ON audit_logs (kind, at);
CREATE INDEX audit_logs_by_who ON audit_logs (who, at);

CREATE TABLE users (
    user_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> ''),
    role text NOT NULL CHECK (role IN ('admin', 'trader', 'viewer', 'compliance')),
    created_at bigint NOT NULL,
    disabled_at bigint
);
