#!/usr/bin/env python3
"""The peer: DuckDB settles the project's canonical workload, exactly, in one SQL statement.

usage: duckdb_day.py DIR OUT.parquet      (pip install duckdb)

Duplicates out, cut at clock hours, unit-seconds per account, resource, sku and hour, times the price, fee truncated to 8 decimals.
Prints seconds, peak memory, rows and totals; any engine that does the same work must print the same rows and totals.
"""
import resource, sys, time
import duckdb

src, out = sys.argv[1], sys.argv[2]
db = duckdb.connect()
db.execute("SET TimeZone='UTC'")
began = time.time()
db.execute(f"""
COPY (
  WITH usage AS (SELECT record_id, any_value(account_id) account_id, any_value(resource_id) resource_id, any_value(sku) sku,
                        any_value(epoch(started_at)::BIGINT) s, any_value(epoch(ended_at)::BIGINT) e, any_value(quantity) q
                 FROM read_parquet('{src}/usage-*.parquet') GROUP BY record_id),
  cut AS (SELECT *, unnest(range(s // 3600, (e + 3599) // 3600)) AS hour FROM usage),
  held AS (SELECT account_id, resource_id, sku, hour,
                  sum((least(e, (hour + 1) * 3600) - greatest(s, hour * 3600)) * q)::BIGINT AS unit_seconds
           FROM cut GROUP BY ALL),
  price AS (SELECT sku, (unit_price::DECIMAL(18,8) * 100000000)::BIGINT AS e8 FROM read_csv('{src}/prices.csv', all_varchar = true))
  SELECT account_id, resource_id, sku, hour, unit_seconds, (unit_seconds::HUGEINT * e8 // 3600)::BIGINT AS fee_e8
  FROM held JOIN price USING (sku)
) TO '{out}' (FORMAT parquet)""")
took = time.time() - began
rows, seconds, fee = db.execute(f"SELECT count(*), sum(unit_seconds), sum(fee_e8) FROM '{out}'").fetchone()
print(f"duckdb {duckdb.__version__}: {took:.2f} s, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB, "
      f"{rows} charges, {int(seconds)} unit-seconds, fee {int(fee)}e-8")
