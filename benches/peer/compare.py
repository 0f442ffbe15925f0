#!/usr/bin/env python3
"""Holds an engine's charges to the peer's: every line, and the totals to the last digit.

usage: compare.py PEER.parquet CHARGES      (pip install duckdb)

CHARGES is either the pattern of the lake's charge files or a file of `reckoner export charges --format parquet`. A correction
is a row of its own with the difference, so rows are summed by line (account, resource, sku, hour) before they are compared.
Prints one JSON document. `charges` counts rows, `lines` what they sum up to, `lines_that_differ` lines that only one side has
or that have other unit-seconds or another fee.
"""
import json, sys
import duckdb

peer, charges = sys.argv[1], sys.argv[2]
db = duckdb.connect()
db.execute("SET TimeZone='UTC'")
db.execute(f"CREATE VIEW theirs AS SELECT account_id, resource_id, sku, hour, unit_seconds::DECIMAL(38, 12) quantity, "
           f"fee_e8::HUGEINT fee_e8 FROM '{peer}'")
columns = {name for name, *_ in db.execute(f"DESCRIBE SELECT * FROM read_parquet('{charges}')").fetchall()}
if "due_amount_e8" in columns:
    hour, fee = "window_start // 3600", "due_amount_e8::HUGEINT"
else:
    # DECIMAL(38, 8): times 1e8 it is an integer exactly.
    hour, fee = "epoch(window_start)::BIGINT // 3600", "(due_amount * 100000000)::HUGEINT"
db.execute(f"CREATE VIEW rows AS SELECT account_id, resource_id, sku, {hour} AS hour, quantity, {fee} AS fee_e8 "
           f"FROM read_parquet('{charges}')")
db.execute("CREATE TABLE ours AS SELECT account_id, resource_id, sku, hour, sum(quantity) quantity, sum(fee_e8) fee_e8, "
           "count(*) charges FROM rows GROUP BY ALL")
differ = db.execute("""
SELECT count(*) FROM ours FULL JOIN theirs USING (account_id, resource_id, sku, hour)
WHERE ours.quantity IS DISTINCT FROM theirs.quantity OR ours.fee_e8 IS DISTINCT FROM theirs.fee_e8""").fetchone()[0]
totals = "count(*), coalesce(sum(quantity), 0)::VARCHAR, coalesce(sum(fee_e8), 0)::VARCHAR"
side = lambda lines, unit_seconds, fee: {"lines": lines, "unit_seconds": unit_seconds, "fee_e8": fee}
engine = side(*db.execute(f"SELECT {totals} FROM ours").fetchone())
engine["charges"] = int(db.execute("SELECT coalesce(sum(charges), 0) FROM ours").fetchone()[0])
print(json.dumps({"engine": engine, "peer": side(*db.execute(f"SELECT {totals} FROM theirs").fetchone()), "lines_that_differ": differ}))
