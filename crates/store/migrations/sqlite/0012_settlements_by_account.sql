-- Settlements are found by instant and account.
--
-- The id of a settlement is the hash of its account, instant and revision: that ids differ follows from their key. An index
-- of ids, which come in no order, took more of a settled hour than the ledger's legs. Whoever knows an id alone (a person who
-- asks where it comes from) has all of them looked through.

CREATE TABLE new_settlements (
    settlement_id  TEXT    NOT NULL,
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
    PRIMARY KEY (at, account_id, revision)
) STRICT, WITHOUT ROWID;

INSERT INTO new_settlements
SELECT settlement_id, account_id, at, revision, billing_period, currency, charges, due_e8, voucher_e8, balance_e8, granted_e8,
    credit_e8, external_e8, outstanding_e8, run_id FROM settlements ORDER BY at, account_id, revision;

DROP TABLE settlements;
ALTER TABLE new_settlements RENAME TO settlements;

CREATE TRIGGER settlements_never_edited BEFORE UPDATE ON settlements
BEGIN SELECT RAISE(ABORT, 'table settlements is append-only: a correction is a new row'); END;
CREATE TRIGGER settlements_never_deleted BEFORE DELETE ON settlements
BEGIN SELECT RAISE(ABORT, 'table settlements is append-only: a correction is a new row'); END;
