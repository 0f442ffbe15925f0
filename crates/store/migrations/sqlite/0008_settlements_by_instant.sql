-- Settlements in the order of their instants.
--
-- An hour settles every account at one instant. Keys that begin with the account, or with an id (a hash), put each of those
-- rows on a page of its own, and a commit writes all those pages; keys that begin with the instant put them on the last
-- pages, whatever the store already holds. Whoever asks about one account goes from instant to instant.

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
    PRIMARY KEY (at, account_id, revision),
    UNIQUE (at, settlement_id)
) STRICT, WITHOUT ROWID;

INSERT INTO new_settlements
SELECT settlement_id, account_id, at, revision, billing_period, currency, charges, due_e8, voucher_e8, balance_e8, granted_e8,
    credit_e8, external_e8, outstanding_e8, run_id FROM settlements ORDER BY at, account_id, revision;

-- What is not paid yet: a settlement that is paid has no row.
CREATE TABLE new_open_settlements (
    at             INTEGER NOT NULL,
    account_id     TEXT    NOT NULL,
    revision       INTEGER NOT NULL,
    outstanding_e8 INTEGER NOT NULL CHECK (outstanding_e8 > 0),
    PRIMARY KEY (at, account_id, revision)
) STRICT, WITHOUT ROWID;

INSERT INTO new_open_settlements
SELECT s.at, s.account_id, s.revision, o.outstanding_e8 FROM open_settlements AS o JOIN settlements AS s USING (settlement_id)
ORDER BY s.at, s.account_id, s.revision;

-- What a chargeback left open and nobody has paid since: of no settlement and no bill.
CREATE TABLE open_chargebacks (
    entry_id       TEXT    PRIMARY KEY,
    account_id     TEXT    NOT NULL,
    at             INTEGER NOT NULL,
    billing_period TEXT    NOT NULL,
    outstanding_e8 INTEGER NOT NULL CHECK (outstanding_e8 > 0)
) STRICT;
CREATE INDEX open_chargebacks_of_account ON open_chargebacks (account_id);

INSERT INTO open_chargebacks
SELECT settlement_id, account_id, at, billing_period, outstanding_e8 FROM open_settlements
WHERE settlement_id NOT IN (SELECT settlement_id FROM settlements) ORDER BY at, account_id;

DROP TABLE open_settlements;
ALTER TABLE new_open_settlements RENAME TO open_settlements;
DROP TABLE settlements;
ALTER TABLE new_settlements RENAME TO settlements;

CREATE TRIGGER settlements_never_edited BEFORE UPDATE ON settlements
BEGIN SELECT RAISE(ABORT, 'table settlements is append-only: a correction is a new row'); END;
CREATE TRIGGER settlements_never_deleted BEFORE DELETE ON settlements
BEGIN SELECT RAISE(ABORT, 'table settlements is append-only: a correction is a new row'); END;
