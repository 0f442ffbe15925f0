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

-- The names that a manifest lists: a file that comes asks by its name.
CREATE TABLE manifest_names (
    name        TEXT NOT NULL,
    manifest_id TEXT NOT NULL REFERENCES manifests (file_id),
    PRIMARY KEY (name, manifest_id)
) STRICT, WITHOUT ROWID;

-- A delivered file held against the manifest that lists it: the difference, if there is one.
CREATE TABLE manifest_checks (
    manifest_id TEXT    NOT NULL REFERENCES manifests (file_id),
    name        TEXT    NOT NULL,
    file_id     TEXT    NOT NULL REFERENCES input_files (file_id),
    seq         INTEGER NOT NULL REFERENCES input_files (seq), -- the delivery that compared them
    difference  TEXT,
    PRIMARY KEY (name, manifest_id, file_id)
) STRICT;

CREATE TRIGGER manifests_never_edited BEFORE UPDATE ON manifests
BEGIN SELECT RAISE(ABORT, 'table manifests is append-only: a correction is a new row'); END;
CREATE TRIGGER manifests_never_deleted BEFORE DELETE ON manifests
BEGIN SELECT RAISE(ABORT, 'table manifests is append-only: a correction is a new row'); END;
CREATE TRIGGER manifest_names_never_edited BEFORE UPDATE ON manifest_names
BEGIN SELECT RAISE(ABORT, 'table manifest_names is append-only: a correction is a new row'); END;
CREATE TRIGGER manifest_names_never_deleted BEFORE DELETE ON manifest_names
BEGIN SELECT RAISE(ABORT, 'table manifest_names is append-only: a correction is a new row'); END;
CREATE TRIGGER manifest_checks_never_edited BEFORE UPDATE ON manifest_checks
BEGIN SELECT RAISE(ABORT, 'table manifest_checks is append-only: a correction is a new row'); END;
CREATE TRIGGER manifest_checks_never_deleted BEFORE DELETE ON manifest_checks
BEGIN SELECT RAISE(ABORT, 'table manifest_checks is append-only: a correction is a new row'); END;
