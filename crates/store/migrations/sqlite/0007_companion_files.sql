-- Two more kinds of files in the lake, each beside a file of rows: sums of its use, and hashes of its record ids.
--
-- A CHECK cannot be altered, so the table is made anew. Nothing names it but the companions inside it.

CREATE TABLE new_lake_files (
    path         TEXT    PRIMARY KEY,
    kind         TEXT    NOT NULL CHECK (kind IN ('rows', 'charges', 'partials', 'identities')),
    seq          INTEGER NOT NULL CHECK (seq >= 0),
    file_id      TEXT    REFERENCES input_files (file_id),
    rows         INTEGER NOT NULL CHECK (rows >= 0),
    bytes        INTEGER NOT NULL CHECK (bytes >= 0),
    sha256       TEXT    NOT NULL,
    span_start   INTEGER NOT NULL,
    span_end     INTEGER NOT NULL,
    companion    TEXT    REFERENCES lake_files (path), -- the file of rows that it belongs to
    counts_units INTEGER NOT NULL DEFAULT 0 CHECK (counts_units IN (0, 1)), -- 1: usage_accounting does not repeat its use
    CHECK (span_start <= span_end),
    CHECK ((companion IS NOT NULL) = (kind IN ('partials', 'identities'))),
    CHECK (counts_units = (kind = 'partials') OR kind = 'charges')
) STRICT;

INSERT INTO new_lake_files (path, kind, seq, file_id, rows, bytes, sha256, span_start, span_end)
SELECT path, kind, seq, file_id, rows, bytes, sha256, span_start, span_end FROM lake_files ORDER BY rowid;
DROP TABLE lake_files;
ALTER TABLE new_lake_files RENAME TO lake_files;

-- By the end: what is asked for is mostly the newest.
CREATE INDEX lake_files_by_end ON lake_files (kind, span_end, span_start);
