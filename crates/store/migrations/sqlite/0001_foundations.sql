-- The first shape of the store.
--
-- Instants are whole seconds UTC; since ever is the smallest 64-bit integer. Columns `…_e8` are money at 1e-8, columns
-- `…_e12` quantities at 1e-12: those pass 64 bits, so they are decimal text and are summed by the program, never here.
-- A `body` is the typed row as JSON; the columns beside it are what questions ask for and what keys are made of.
-- What is known or posted is only ever added; what is the case now lives in tables of its own.

-- One row a write. After an error on COMMIT this is where one looks whether it happened all the same.
CREATE TABLE commits (
    ordinal INTEGER PRIMARY KEY,
    digest  TEXT    NOT NULL
) STRICT;

CREATE TABLE marks (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- --- what was taken in ---

CREATE TABLE input_files (
    seq        INTEGER PRIMARY KEY CHECK (seq > 0),
    file_id    TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    bytes      INTEGER NOT NULL CHECK (bytes >= 0),
    rows       INTEGER NOT NULL CHECK (rows >= 0),
    accepted   INTEGER NOT NULL CHECK (accepted >= 0),
    duplicates INTEGER NOT NULL CHECK (duplicates >= 0),
    refused    INTEGER NOT NULL CHECK (refused >= 0),
    is_refused INTEGER NOT NULL CHECK (is_refused IN (0, 1)),
    taken_at   INTEGER NOT NULL,
    CHECK (is_refused = 1 OR rows = accepted + duplicates + refused)
) STRICT;

CREATE TABLE accounts (
    account_id TEXT    NOT NULL,
    valid_from INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    seq        INTEGER NOT NULL REFERENCES input_files (seq),
    line       INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (account_id, valid_from, revision)
) STRICT;

CREATE TABLE products (
    product    TEXT    NOT NULL,
    valid_from INTEGER NOT NULL,
    seq        INTEGER NOT NULL REFERENCES input_files (seq),
    line       INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (product, valid_from)
) STRICT;

CREATE TABLE prices (
    sku        TEXT    NOT NULL,
    currency   TEXT    NOT NULL,
    valid_from INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    seq        INTEGER NOT NULL REFERENCES input_files (seq),
    line       INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (sku, currency, valid_from, revision)
) STRICT;

CREATE TABLE discounts (
    discount_id TEXT    NOT NULL,
    revision    INTEGER NOT NULL,
    seq         INTEGER NOT NULL REFERENCES input_files (seq),
    line        INTEGER NOT NULL,
    body        TEXT    NOT NULL,
    PRIMARY KEY (discount_id, revision)
) STRICT;

CREATE TABLE vouchers (
    voucher_id TEXT    PRIMARY KEY,
    account_id TEXT    NOT NULL,
    seq        INTEGER NOT NULL REFERENCES input_files (seq),
    line       INTEGER NOT NULL,
    body       TEXT    NOT NULL
) STRICT;
CREATE INDEX vouchers_of_account ON vouchers (account_id, voucher_id);

CREATE TABLE voucher_states (
    voucher_id  TEXT    PRIMARY KEY REFERENCES vouchers (voucher_id),
    used_e8     INTEGER NOT NULL CHECK (used_e8 >= 0),
    returned_e8 INTEGER NOT NULL CHECK (returned_e8 >= 0)
) STRICT;

CREATE TABLE funds (
    entry_id   TEXT    PRIMARY KEY,
    seq        INTEGER NOT NULL REFERENCES input_files (seq),
    line       INTEGER NOT NULL,
    body       TEXT    NOT NULL
) STRICT;

CREATE TABLE funds_states (
    entry_id TEXT    PRIMARY KEY REFERENCES funds (entry_id),
    at       INTEGER NOT NULL,
    status   TEXT    NOT NULL CHECK (status IN ('pending', 'done', 'refused')),
    refusal  TEXT
) STRICT;
CREATE INDEX funds_waiting ON funds_states (status, at, entry_id);

-- --- the lake ---

CREATE TABLE lake_files (
    path       TEXT    PRIMARY KEY,
    kind       TEXT    NOT NULL CHECK (kind IN ('rows', 'charges')),
    seq        INTEGER NOT NULL CHECK (seq >= 0),
    file_id    TEXT    REFERENCES input_files (file_id),
    rows       INTEGER NOT NULL CHECK (rows >= 0),
    bytes      INTEGER NOT NULL CHECK (bytes >= 0),
    sha256     TEXT    NOT NULL,
    span_start INTEGER NOT NULL,
    span_end   INTEGER NOT NULL,
    CHECK (span_start <= span_end)
) STRICT;
-- By the end: what is asked for is mostly the newest.
CREATE INDEX lake_files_by_end ON lake_files (kind, span_end, span_start);

CREATE TABLE superseded_rows (
    file_id     TEXT    NOT NULL REFERENCES input_files (file_id),
    line        INTEGER NOT NULL,
    seq         INTEGER NOT NULL REFERENCES input_files (seq),
    by_file_id  TEXT    NOT NULL,
    by_line     INTEGER NOT NULL,
    account_id  TEXT    NOT NULL,
    record_id   TEXT    NOT NULL,
    resource_id TEXT    NOT NULL,
    sku         TEXT    NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    PRIMARY KEY (file_id, line)
) STRICT;
CREATE INDEX superseded_by_end ON superseded_rows (ended_at, started_at);

-- --- windows ---

CREATE TABLE hour_touches (
    seq  INTEGER NOT NULL REFERENCES input_files (seq),
    hour INTEGER NOT NULL,
    PRIMARY KEY (seq, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE windows (
    kind         TEXT    NOT NULL CHECK (kind IN ('hour', 'day', 'month')),
    window_start INTEGER NOT NULL,
    window_end   INTEGER NOT NULL,
    settled_seq  INTEGER NOT NULL CHECK (settled_seq >= 0),
    book_seq     INTEGER NOT NULL CHECK (book_seq >= 0),
    PRIMARY KEY (kind, window_start),
    CHECK (window_start < window_end)
) STRICT;

-- --- money ---

CREATE TABLE wallets (
    account_id       TEXT    PRIMARY KEY,
    currency         TEXT    NOT NULL,
    balance_e8       INTEGER NOT NULL CHECK (balance_e8 >= 0),
    granted_e8       INTEGER NOT NULL CHECK (granted_e8 >= 0),
    credit_used_e8   INTEGER NOT NULL CHECK (credit_used_e8 >= 0),
    in_arrears_since INTEGER
) STRICT;

CREATE TABLE settlements (
    settlement_id  TEXT    PRIMARY KEY,
    account_id     TEXT    NOT NULL,
    at             INTEGER NOT NULL,
    revision       INTEGER NOT NULL CHECK (revision >= 0),
    billing_period TEXT    NOT NULL,
    currency       TEXT    NOT NULL,
    charges        INTEGER NOT NULL CHECK (charges >= 0),
    due_e8         INTEGER NOT NULL,
    voucher_e8     INTEGER NOT NULL,
    balance_e8     INTEGER NOT NULL,
    granted_e8     INTEGER NOT NULL,
    credit_e8      INTEGER NOT NULL,
    external_e8    INTEGER NOT NULL,
    outstanding_e8 INTEGER NOT NULL,
    run_id         TEXT    NOT NULL,
    UNIQUE (account_id, at, revision)
) STRICT;
CREATE INDEX settlements_by_time ON settlements (at, account_id, settlement_id);
CREATE INDEX settlements_of_period ON settlements (account_id, billing_period);

-- What is not paid yet: a settlement that is paid has no row. What a chargeback left open stands here under its entry_id.
CREATE TABLE open_settlements (
    settlement_id  TEXT    PRIMARY KEY,
    account_id     TEXT    NOT NULL,
    at             INTEGER NOT NULL,
    revision       INTEGER NOT NULL,
    billing_period TEXT    NOT NULL,
    outstanding_e8 INTEGER NOT NULL CHECK (outstanding_e8 > 0)
) STRICT;
CREATE INDEX open_settlements_of_account ON open_settlements (account_id, at, revision);

CREATE TABLE payments (
    ordinal    INTEGER PRIMARY KEY,
    payment_id TEXT    NOT NULL UNIQUE,
    account_id TEXT    NOT NULL,
    paid_for   TEXT    NOT NULL,
    seq        INTEGER NOT NULL CHECK (seq > 0),
    kind       TEXT    NOT NULL CHECK (kind IN ('payment', 'refund', 'repayment', 'forfeit')),
    source     TEXT    NOT NULL CHECK (source IN
        ('voucher', 'flexi_coupon', 'stored_value', 'balance', 'grant', 'credit', 'external')),
    source_id  TEXT,
    amount_e8  INTEGER NOT NULL,
    currency   TEXT    NOT NULL,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX payments_by_time ON payments (at, paid_for, seq);
CREATE INDEX payments_for ON payments (paid_for, ordinal);

CREATE TABLE transactions (
    ordinal        INTEGER PRIMARY KEY,
    transaction_id TEXT    NOT NULL UNIQUE,
    at             INTEGER NOT NULL,
    currency       TEXT    NOT NULL,
    description    TEXT    NOT NULL
) STRICT;
CREATE INDEX transactions_by_time ON transactions (at, transaction_id);

CREATE TABLE legs (
    transaction_ordinal INTEGER NOT NULL REFERENCES transactions (ordinal),
    leg                 INTEGER NOT NULL,
    account             TEXT    NOT NULL,
    amount_e8           INTEGER NOT NULL,
    PRIMARY KEY (transaction_ordinal, leg)
) STRICT, WITHOUT ROWID;

CREATE TABLE tier_totals (
    account_id     TEXT NOT NULL,
    sku            TEXT NOT NULL,
    price_id       TEXT NOT NULL,
    billing_period TEXT NOT NULL,
    resource_id    TEXT NOT NULL,
    quantity_e12   TEXT NOT NULL,
    PRIMARY KEY (account_id, sku, price_id, billing_period, resource_id)
) STRICT, WITHOUT ROWID;

-- --- what is shown and checked ---

CREATE TABLE runs (
    ordinal      INTEGER PRIMARY KEY,
    run_id       TEXT    NOT NULL UNIQUE,
    job          TEXT    NOT NULL,
    window_start INTEGER NOT NULL,
    window_end   INTEGER NOT NULL,
    attempt      INTEGER NOT NULL CHECK (attempt > 0),
    "trigger"    TEXT    NOT NULL,
    actor        TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER NOT NULL,
    rows_in      INTEGER NOT NULL,
    rows_out     INTEGER NOT NULL,
    rejected     INTEGER NOT NULL,
    postings     INTEGER NOT NULL,
    amount_e8    INTEGER NOT NULL,
    reason       TEXT,
    inputs       TEXT    NOT NULL
) STRICT;

CREATE TABLE quarantine (
    item_id           TEXT    PRIMARY KEY,
    file_id           TEXT    NOT NULL REFERENCES input_files (file_id),
    file              TEXT    NOT NULL,
    line              INTEGER NOT NULL,
    kind              TEXT    NOT NULL,
    "column"          TEXT,
    value             TEXT,
    reason            TEXT    NOT NULL,
    detail            TEXT    NOT NULL,
    raw               TEXT    NOT NULL,
    account_id        TEXT,
    amount_at_risk_e8 INTEGER NOT NULL,
    first_seen_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE quarantine_states (
    item_id TEXT PRIMARY KEY REFERENCES quarantine (item_id),
    status  TEXT NOT NULL CHECK (status IN ('open', 'retried', 'discarded', 'superseded'))
) STRICT;

-- One row an effect of a write on an hour; the sum over a key is the truth.
CREATE TABLE usage_accounting (
    hour            INTEGER NOT NULL,
    account_id      TEXT    NOT NULL,
    sku             TEXT    NOT NULL,
    unit            TEXT    NOT NULL,
    source          INTEGER NOT NULL REFERENCES commits (ordinal),
    place           INTEGER NOT NULL,
    accepted_e12    TEXT    NOT NULL,
    charged_e12     TEXT    NOT NULL,
    zero_rated_e12  TEXT    NOT NULL,
    duplicate_e12   TEXT    NOT NULL,
    quarantined_e12 TEXT    NOT NULL,
    minimum_e12     TEXT    NOT NULL,
    PRIMARY KEY (hour, account_id, sku, unit, source, place)
) STRICT, WITHOUT ROWID;

-- --- nothing known or posted is ever edited or taken away ---

CREATE TRIGGER commits_never_edited BEFORE UPDATE ON commits
BEGIN SELECT RAISE(ABORT, 'table commits is append-only: a correction is a new row'); END;
CREATE TRIGGER commits_never_deleted BEFORE DELETE ON commits
BEGIN SELECT RAISE(ABORT, 'table commits is append-only: a correction is a new row'); END;
CREATE TRIGGER input_files_never_edited BEFORE UPDATE ON input_files
BEGIN SELECT RAISE(ABORT, 'table input_files is append-only: a correction is a new row'); END;
CREATE TRIGGER input_files_never_deleted BEFORE DELETE ON input_files
BEGIN SELECT RAISE(ABORT, 'table input_files is append-only: a correction is a new row'); END;
CREATE TRIGGER accounts_never_edited BEFORE UPDATE ON accounts
BEGIN SELECT RAISE(ABORT, 'table accounts is append-only: a correction is a new row'); END;
CREATE TRIGGER accounts_never_deleted BEFORE DELETE ON accounts
BEGIN SELECT RAISE(ABORT, 'table accounts is append-only: a correction is a new row'); END;
CREATE TRIGGER products_never_edited BEFORE UPDATE ON products
BEGIN SELECT RAISE(ABORT, 'table products is append-only: a correction is a new row'); END;
CREATE TRIGGER products_never_deleted BEFORE DELETE ON products
BEGIN SELECT RAISE(ABORT, 'table products is append-only: a correction is a new row'); END;
CREATE TRIGGER prices_never_edited BEFORE UPDATE ON prices
BEGIN SELECT RAISE(ABORT, 'table prices is append-only: a correction is a new row'); END;
CREATE TRIGGER prices_never_deleted BEFORE DELETE ON prices
BEGIN SELECT RAISE(ABORT, 'table prices is append-only: a correction is a new row'); END;
CREATE TRIGGER discounts_never_edited BEFORE UPDATE ON discounts
BEGIN SELECT RAISE(ABORT, 'table discounts is append-only: a correction is a new row'); END;
CREATE TRIGGER discounts_never_deleted BEFORE DELETE ON discounts
BEGIN SELECT RAISE(ABORT, 'table discounts is append-only: a correction is a new row'); END;
CREATE TRIGGER vouchers_never_edited BEFORE UPDATE ON vouchers
BEGIN SELECT RAISE(ABORT, 'table vouchers is append-only: a correction is a new row'); END;
CREATE TRIGGER vouchers_never_deleted BEFORE DELETE ON vouchers
BEGIN SELECT RAISE(ABORT, 'table vouchers is append-only: a correction is a new row'); END;
CREATE TRIGGER funds_never_edited BEFORE UPDATE ON funds
BEGIN SELECT RAISE(ABORT, 'table funds is append-only: a correction is a new row'); END;
CREATE TRIGGER funds_never_deleted BEFORE DELETE ON funds
BEGIN SELECT RAISE(ABORT, 'table funds is append-only: a correction is a new row'); END;
CREATE TRIGGER superseded_rows_never_edited BEFORE UPDATE ON superseded_rows
BEGIN SELECT RAISE(ABORT, 'table superseded_rows is append-only: a correction is a new row'); END;
CREATE TRIGGER superseded_rows_never_deleted BEFORE DELETE ON superseded_rows
BEGIN SELECT RAISE(ABORT, 'table superseded_rows is append-only: a correction is a new row'); END;
CREATE TRIGGER settlements_never_edited BEFORE UPDATE ON settlements
BEGIN SELECT RAISE(ABORT, 'table settlements is append-only: a correction is a new row'); END;
CREATE TRIGGER settlements_never_deleted BEFORE DELETE ON settlements
BEGIN SELECT RAISE(ABORT, 'table settlements is append-only: a correction is a new row'); END;
CREATE TRIGGER payments_never_edited BEFORE UPDATE ON payments
BEGIN SELECT RAISE(ABORT, 'table payments is append-only: a correction is a new row'); END;
CREATE TRIGGER payments_never_deleted BEFORE DELETE ON payments
BEGIN SELECT RAISE(ABORT, 'table payments is append-only: a correction is a new row'); END;
CREATE TRIGGER transactions_never_edited BEFORE UPDATE ON transactions
BEGIN SELECT RAISE(ABORT, 'table transactions is append-only: a correction is a new row'); END;
CREATE TRIGGER transactions_never_deleted BEFORE DELETE ON transactions
BEGIN SELECT RAISE(ABORT, 'table transactions is append-only: a correction is a new row'); END;
CREATE TRIGGER legs_never_edited BEFORE UPDATE ON legs
BEGIN SELECT RAISE(ABORT, 'table legs is append-only: a correction is a new row'); END;
CREATE TRIGGER legs_never_deleted BEFORE DELETE ON legs
BEGIN SELECT RAISE(ABORT, 'table legs is append-only: a correction is a new row'); END;
CREATE TRIGGER runs_never_edited BEFORE UPDATE ON runs
BEGIN SELECT RAISE(ABORT, 'table runs is append-only: a correction is a new row'); END;
CREATE TRIGGER runs_never_deleted BEFORE DELETE ON runs
BEGIN SELECT RAISE(ABORT, 'table runs is append-only: a correction is a new row'); END;
CREATE TRIGGER quarantine_never_edited BEFORE UPDATE ON quarantine
BEGIN SELECT RAISE(ABORT, 'table quarantine is append-only: a correction is a new row'); END;
CREATE TRIGGER quarantine_never_deleted BEFORE DELETE ON quarantine
BEGIN SELECT RAISE(ABORT, 'table quarantine is append-only: a correction is a new row'); END;
CREATE TRIGGER usage_accounting_never_edited BEFORE UPDATE ON usage_accounting
BEGIN SELECT RAISE(ABORT, 'table usage_accounting is append-only: a correction is a new row'); END;
CREATE TRIGGER usage_accounting_never_deleted BEFORE DELETE ON usage_accounting
BEGIN SELECT RAISE(ABORT, 'table usage_accounting is append-only: a correction is a new row'); END;
