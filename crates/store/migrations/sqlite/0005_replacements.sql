-- Which delivery replaced which: a corrected file stands in the place of an earlier one, once.
--
-- A row that was taken back without another in its place has a line `by_line` 0 in `superseded_rows`.

CREATE TABLE replacements (
    replaced   TEXT    PRIMARY KEY REFERENCES input_files (file_id),
    file_id    TEXT    NOT NULL REFERENCES input_files (file_id), -- whose bytes stand in its place
    seq        INTEGER NOT NULL REFERENCES input_files (seq),     -- the delivery that did it
    kept       INTEGER NOT NULL CHECK (kept >= 0),
    changed    INTEGER NOT NULL CHECK (changed >= 0),
    taken_back INTEGER NOT NULL CHECK (taken_back >= 0),
    added      INTEGER NOT NULL CHECK (added >= 0),
    held       INTEGER NOT NULL CHECK (held >= 0),
    CHECK (replaced <> file_id)
) STRICT;

CREATE TRIGGER replacements_never_edited BEFORE UPDATE ON replacements
BEGIN SELECT RAISE(ABORT, 'table replacements is append-only: a correction is a new row'); END;
CREATE TRIGGER replacements_never_deleted BEFORE DELETE ON replacements
BEGIN SELECT RAISE(ABORT, 'table replacements is append-only: a correction is a new row'); END;
