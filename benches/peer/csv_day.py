#!/usr/bin/env python3
"""The canonical workload as CSV: written once, and read by DuckDB as the peer of an engine's ingest of CSV.

usage: csv_day.py write DIR      (pip install duckdb)
       csv_day.py read DIR

`write` makes DIR/csv/usage-*.csv of DIR/usage-*.parquet: the same rows in the same order, instants as RFC 3339 with Z.
`read` parses every column of every row and folds it into a number, so that none can be left out; prints seconds and rows.
"""
import glob, os, sys, time
import duckdb

task, src = sys.argv[1], sys.argv[2]
db = duckdb.connect()
db.execute("SET TimeZone='UTC'")
if task == "write":
    os.makedirs(f"{src}/csv.part", exist_ok=True)
    for path in sorted(glob.glob(f"{src}/usage-*.parquet")):
        name = os.path.basename(path).removesuffix(".parquet")
        db.execute(f"""
        COPY (SELECT record_id, account_id, resource_id, sku, strftime(started_at, '%Y-%m-%dT%H:%M:%SZ') started_at,
                     strftime(ended_at, '%Y-%m-%dT%H:%M:%SZ') ended_at, quantity FROM '{path}')
        TO '{src}/csv.part/{name}.csv' (FORMAT csv, HEADER)""")
    os.rename(f"{src}/csv.part", f"{src}/csv")  # there whole or not at all
else:
    began = time.time()
    rows = db.execute(f"""
    SELECT count(*), bit_xor(hash(record_id)), bit_xor(hash(account_id)), bit_xor(hash(resource_id)), bit_xor(hash(sku)),
           sum(epoch(started_at)::BIGINT), sum(epoch(ended_at)::BIGINT), sum(quantity)
    FROM read_csv('{src}/csv/usage-*.csv', header = true, columns = {{
           'record_id': 'VARCHAR', 'account_id': 'VARCHAR', 'resource_id': 'VARCHAR', 'sku': 'VARCHAR',
           'started_at': 'TIMESTAMPTZ', 'ended_at': 'TIMESTAMPTZ', 'quantity': 'BIGINT'}})""").fetchone()[0]
    print(f"duckdb {duckdb.__version__}: {time.time() - began:.3f} s, {rows} rows")
