-- Large refunds wait for a second person: who placed an order, what one waits for whose instant has come, who approved it.

ALTER TABLE orders ADD COLUMN placed_by TEXT; -- who delivered it; nothing: the engine, or nobody kept it

-- An order that waits for somebody began to take effect: it is not carried out again.
ALTER TABLE order_states ADD COLUMN waits_for TEXT CHECK (waits_for IS NULL OR status = 'pending');
DROP INDEX orders_waiting;
CREATE INDEX orders_waiting ON order_states (placed_at, order_id) WHERE status = 'pending' AND waits_for IS NULL;

CREATE TABLE order_approvals (
    order_id    TEXT    PRIMARY KEY REFERENCES orders (order_id),
    account_id  TEXT    NOT NULL,
    approved_by TEXT    NOT NULL,
    approved_at INTEGER NOT NULL,
    reason      TEXT
) STRICT;

CREATE TRIGGER order_approvals_never_edited BEFORE UPDATE ON order_approvals
BEGIN SELECT RAISE(ABORT, 'table order_approvals is append-only: a correction is a new row'); END;
CREATE TRIGGER order_approvals_never_deleted BEFORE DELETE ON order_approvals
BEGIN SELECT RAISE(ABORT, 'table order_approvals is append-only: a correction is a new row'); END;
