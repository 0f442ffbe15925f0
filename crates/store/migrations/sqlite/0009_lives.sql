-- What is bought: orders and what became of them, resources, where accounts stand, charges of orders, what happened.
--
-- Orders, charges and events are only ever added; states, resources and standings are what is the case now. `next_at` is
-- the next instant at which something is due; nothing: only an order or money moves it.

CREATE TABLE orders (
    order_id   TEXT    PRIMARY KEY,
    account_id TEXT    NOT NULL,
    placed_at  INTEGER NOT NULL,
    origin     TEXT    NOT NULL CHECK (origin IN ('file', 'engine')), -- the engine orders renewals by itself
    seq        INTEGER REFERENCES input_files (seq),
    line       INTEGER,
    body       TEXT    NOT NULL,
    CHECK ((origin = 'file') = (seq IS NOT NULL)),
    CHECK ((origin = 'file') = (line IS NOT NULL))
) STRICT;
CREATE INDEX orders_by_time ON orders (placed_at);

CREATE TABLE order_states (
    order_id    TEXT    PRIMARY KEY REFERENCES orders (order_id),
    placed_at   INTEGER NOT NULL,
    status      TEXT    NOT NULL CHECK (status IN ('pending', 'done', 'refused')),
    done_at     INTEGER,
    amount_e8   INTEGER,
    consumed_e8 INTEGER CHECK (consumed_e8 >= 0),
    refund_e8   INTEGER CHECK (refund_e8 >= 0),
    fee_e8      INTEGER CHECK (fee_e8 >= 0),
    refusal     TEXT,
    CHECK (status <> 'pending' OR done_at IS NULL),
    CHECK (status <> 'done' OR done_at IS NOT NULL),
    CHECK ((status = 'refused') = (refusal IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_waiting ON order_states (placed_at, order_id) WHERE status = 'pending';

CREATE TABLE resources (
    account_id  TEXT    NOT NULL,
    resource_id TEXT    NOT NULL,
    status      TEXT    NOT NULL
        CHECK (status IN ('active', 'expired', 'retention', 'released', 'unsubscribed', 'deleted')),
    product     TEXT    NOT NULL,
    sku         TEXT    NOT NULL,
    renewal     TEXT    NOT NULL CHECK (renewal IN ('auto', 'manual', 'none', 'to_pay_per_use')),
    expires_at  INTEGER,
    bundle_id   TEXT,
    next_at     INTEGER,
    body        TEXT    NOT NULL,
    PRIMARY KEY (account_id, resource_id)
) STRICT;
CREATE INDEX resources_due ON resources (next_at, account_id) WHERE next_at IS NOT NULL;
CREATE INDEX resources_by_expiry ON resources (expires_at, account_id, resource_id) WHERE expires_at IS NOT NULL;

CREATE TABLE account_standings (
    account_id      TEXT    PRIMARY KEY,
    status          TEXT    NOT NULL CHECK (status IN ('normal', 'arrears', 'retention', 'released')),
    since           INTEGER NOT NULL,
    grace_until     INTEGER,
    retention_until INTEGER,
    life_at         INTEGER NOT NULL, -- the last instant whose effects were carried out
    next_at         INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX standings_due ON account_standings (next_at, account_id) WHERE next_at IS NOT NULL;

-- Accounts that came into arrears and whose standing has not followed yet.
CREATE INDEX wallets_in_arrears ON wallets (in_arrears_since, account_id) WHERE in_arrears_since IS NOT NULL;

-- Where accounts stood, and when; before its first row an account is normal. The last row of an account has no end.
CREATE TABLE standing_intervals (
    account_id TEXT    NOT NULL,
    starts_at  INTEGER NOT NULL,
    ends_at    INTEGER,
    status     TEXT    NOT NULL CHECK (status IN ('normal', 'arrears', 'retention', 'released')),
    PRIMARY KEY (account_id, starts_at),
    CHECK (ends_at > starts_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX standing_intervals_by_end ON standing_intervals (ends_at, starts_at);
CREATE UNIQUE INDEX standing_intervals_open ON standing_intervals (account_id) WHERE ends_at IS NULL;

CREATE TABLE order_charges (
    charge_id      TEXT    PRIMARY KEY,
    order_id       TEXT    NOT NULL REFERENCES orders (order_id),
    account_id     TEXT    NOT NULL,
    resource_id    TEXT    NOT NULL,
    sku            TEXT    NOT NULL,
    price_id       TEXT    NOT NULL,
    product        TEXT    NOT NULL,
    billing_mode   TEXT    NOT NULL,
    charge_type    TEXT    NOT NULL,
    window_start   INTEGER NOT NULL,
    window_end     INTEGER NOT NULL,
    billing_period TEXT    NOT NULL,
    quantity_e12   TEXT    NOT NULL,
    unit           TEXT    NOT NULL,
    unit_price_e12 TEXT,
    list_e8        INTEGER NOT NULL,
    discount_e8    INTEGER NOT NULL,
    truncated_e8   INTEGER NOT NULL,
    due_e8         INTEGER NOT NULL,
    currency       TEXT    NOT NULL,
    corrects       TEXT,
    reason         TEXT,
    region         TEXT,
    cost_center    TEXT,
    tags           TEXT    NOT NULL,
    transaction_at INTEGER NOT NULL,
    CHECK (window_start <= window_end),
    CHECK (due_e8 = list_e8 - discount_e8 - truncated_e8)
) STRICT;
CREATE INDEX order_charges_by_window ON order_charges (window_start, account_id);
CREATE INDEX order_charges_of_period ON order_charges (account_id, billing_period, order_id);

CREATE TABLE life_events (
    ordinal     INTEGER PRIMARY KEY, -- the order recorded
    event_id    TEXT    NOT NULL UNIQUE,
    at          INTEGER NOT NULL,
    account_id  TEXT    NOT NULL,
    resource_id TEXT,
    kind        TEXT    NOT NULL,
    data        TEXT    NOT NULL
) STRICT;
CREATE INDEX life_events_by_time ON life_events (at, event_id);

CREATE TRIGGER orders_never_edited BEFORE UPDATE ON orders
BEGIN SELECT RAISE(ABORT, 'table orders is append-only: a correction is a new row'); END;
CREATE TRIGGER orders_never_deleted BEFORE DELETE ON orders
BEGIN SELECT RAISE(ABORT, 'table orders is append-only: a correction is a new row'); END;
CREATE TRIGGER order_charges_never_edited BEFORE UPDATE ON order_charges
BEGIN SELECT RAISE(ABORT, 'table order_charges is append-only: a correction is a new row'); END;
CREATE TRIGGER order_charges_never_deleted BEFORE DELETE ON order_charges
BEGIN SELECT RAISE(ABORT, 'table order_charges is append-only: a correction is a new row'); END;
CREATE TRIGGER life_events_never_edited BEFORE UPDATE ON life_events
BEGIN SELECT RAISE(ABORT, 'table life_events is append-only: a correction is a new row'); END;
CREATE TRIGGER life_events_never_deleted BEFORE DELETE ON life_events
BEGIN SELECT RAISE(ABORT, 'table life_events is append-only: a correction is a new row'); END;
