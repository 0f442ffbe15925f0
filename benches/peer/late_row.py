#!/usr/bin/env python3
"""One late row for a settled hour of the canonical workload, as a file of its own.

usage: late_row.py DIR      (pip install duckdb)

Writes DIR/late/usage-late.parquet: ten minutes of the first resource in the hour of 05:00. Beside it, links to DIR's own
files, so that the peer can settle DIR/late as if the row had come in time.
"""
import glob, os, sys
import duckdb

src = sys.argv[1]
os.makedirs(f"{src}/late", exist_ok=True)
for path in glob.glob(f"{src}/usage-*.parquet") + glob.glob(f"{src}/*.csv"):
    link = f"{src}/late/{os.path.basename(path)}"
    if not os.path.lexists(link):
        os.symlink(os.path.abspath(path), link)
db = duckdb.connect()
db.execute("SET TimeZone='UTC'")
db.execute(f"""
COPY (SELECT 'late-0' record_id, 'acct-0' account_id, 'r-00000000' resource_id, 'sku-0' sku,
             TIMESTAMPTZ '2026-11-01 05:00:00Z' started_at, TIMESTAMPTZ '2026-11-01 05:10:00Z' ended_at, 1::BIGINT quantity)
TO '{src}/late/usage-late.parquet' (FORMAT parquet)""")
