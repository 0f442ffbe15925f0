-- What producers say that they deliver, and how what came compares with it.
--
-- A manifest speaks for one source and window; of several the one with the highest number counts.

CREATE TABLE manifests (
    file_id      TEXT    PRIMARY KEY REFERENCES input_files (file_id),
    seq          INTEGER NOT NULL UNIQUE REFERENCES input_files (seq),
    source       TEXT    NOT NULL,
    window_start INTEGER NOT NULL,
    window_end   INTEGER NOT NULL,
    number       INTEGER NOT NULL CHECK (number >= 0),
    body         TEXT    NOT NULL,
    UNIQUE (source, window_start, window_end, number),
    CHECK (window_start < window_end)
) STRICT;

-- A delivered file held against the manifest that lists it: the difference, if there is one.
CREATE TABLE manifest_checks (
    manifest_id TEXT    NOT NULL REFERENCES manifests (file_id),
    name        TEXT    NOT NULL,
    file_id     TEXT    NOT NULL REFERENCES input_files (file_id),
    seq         INTEGER NOT NULL REFERENCES input_files (seq), -- the delivery that compared them
    difference  TEXT,
    PRIMARY KEY (manifest_id, name, file_id)
) STRICT;

CREATE TRIGGER manifests_never_edited BEFORE UPDATE ON manifests
BEGIN SELECT RAISE(ABORT, 'table manifests is append-only: a correction is a new row'); END;
CREATE TRIGGER manifests_never_deleted BEFORE DELETE ON manifests
BEGIN SELECT RAISE(ABORT, 'table manifests is append-only: a correction is a new row'); END;
CREATE TRIGGER manifest_checks_never_edited BEFORE UPDATE ON manifest_checks
BEGIN SELECT RAISE(ABORT, 'table manifest_checks is append-only: a correction is a new row'); END;
CREATE TRIGGER manifest_checks_never_deleted BEFORE DELETE ON manifest_checks
BEGIN SELECT RAISE(ABORT, 'table manifest_checks is append-only: a correction is a new row'); END;
