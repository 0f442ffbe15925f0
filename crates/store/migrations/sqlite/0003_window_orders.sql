-- What operators said about windows: hold, release, force. What holds is folded from all rows, in order; nothing is edited.

CREATE TABLE window_orders (
    ordinal     INTEGER PRIMARY KEY,
    action      TEXT    NOT NULL CHECK (action IN ('hold', 'release', 'force')),
    kind        TEXT    CHECK (kind IN ('hour', 'day', 'month')), -- nothing: every kind
    range_start INTEGER NOT NULL,
    range_end   INTEGER NOT NULL,
    reason      TEXT,
    actor       TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    CHECK (range_start < range_end),
    CHECK (action = 'release' OR reason IS NOT NULL)
) STRICT;

CREATE TRIGGER window_orders_never_edited BEFORE UPDATE ON window_orders
BEGIN SELECT RAISE(ABORT, 'table window_orders is append-only: a correction is a new row'); END;
CREATE TRIGGER window_orders_never_deleted BEFORE DELETE ON window_orders
BEGIN SELECT RAISE(ABORT, 'table window_orders is append-only: a correction is a new row'); END;
