-- Runs of a part of the books, and reruns: what they covered, and up to which delivery they read the price book.

CREATE TABLE bookmarks (
    ordinal      INTEGER PRIMARY KEY,
    act          TEXT    NOT NULL CHECK (act IN ('run', 'rerun')),
    covers_start INTEGER NOT NULL,
    covers_end   INTEGER NOT NULL,
    account_id   TEXT,
    sku          TEXT,
    book_seq     INTEGER NOT NULL CHECK (book_seq >= 0),
    reprices     INTEGER NOT NULL CHECK (reprices IN (0, 1)),
    plan_id      TEXT,
    reason       TEXT,
    actor        TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    CHECK (covers_start <= covers_end),
    CHECK (act = 'run' OR (plan_id IS NOT NULL AND reason IS NOT NULL)),
    CHECK (act = 'rerun' OR reprices = 0)
) STRICT;

CREATE TRIGGER bookmarks_never_edited BEFORE UPDATE ON bookmarks
BEGIN SELECT RAISE(ABORT, 'table bookmarks is append-only: a correction is a new row'); END;
CREATE TRIGGER bookmarks_never_deleted BEFORE DELETE ON bookmarks
BEGIN SELECT RAISE(ABORT, 'table bookmarks is append-only: a correction is a new row'); END;
