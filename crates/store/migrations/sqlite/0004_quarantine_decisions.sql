-- What was decided about refused rows, by whom, when and why. `quarantine_states` has how an item stands now.

CREATE TABLE quarantine_decisions (
    ordinal INTEGER PRIMARY KEY,
    item_id TEXT    NOT NULL REFERENCES quarantine (item_id),
    status  TEXT    NOT NULL CHECK (status IN ('retried', 'discarded', 'superseded')),
    became  TEXT    CHECK (became IN ('accepted', 'duplicate')), -- what a retried row turned out to be
    reason  TEXT,
    actor   TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    seq     INTEGER NOT NULL CHECK (seq >= 0), -- the delivery that it came with, or the newest one known
    CHECK (status <> 'discarded' OR reason IS NOT NULL)
) STRICT;
CREATE INDEX quarantine_decisions_of_item ON quarantine_decisions (item_id, ordinal);

CREATE TRIGGER quarantine_decisions_never_edited BEFORE UPDATE ON quarantine_decisions
BEGIN SELECT RAISE(ABORT, 'table quarantine_decisions is append-only: a correction is a new row'); END;
CREATE TRIGGER quarantine_decisions_never_deleted BEFORE DELETE ON quarantine_decisions
BEGIN SELECT RAISE(ABORT, 'table quarantine_decisions is append-only: a correction is a new row'); END;
