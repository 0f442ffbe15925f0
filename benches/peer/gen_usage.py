#!/usr/bin/env python3
"""Generate the project's canonical workload: one day of per-second usage, in the contract's columns.

usage: gen_usage.py ROWS RESOURCES OUT_DIR      (pip install numpy polars)

Writes OUT_DIR/usage-2026-11-01-NNN.parquet (5 M rows each, sorted by start), OUT_DIR/prices.csv, OUT_DIR/accounts.csv.
20 resources an account, 40 skus, 1 to 5400 s a record, 0.5 % of the rows repeat an earlier record_id with the same content.
Seeded: the same arguments give the same files.
"""
import datetime as dt, os, sys
import numpy as np, polars as pl

rows, resources, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
os.makedirs(out, exist_ok=True)
rng = np.random.default_rng(7)
day = int(dt.datetime(2026, 11, 1, tzinfo=dt.timezone.utc).timestamp())
CHUNK = 5_000_000
for part, first in enumerate(range(0, rows, CHUNK)):
    n = min(CHUNK, rows - first)
    res = rng.integers(0, resources, n, dtype=np.int64)
    start = day + np.sort(rng.integers(0, 86_400 - 60, n))
    end = np.minimum(start + rng.integers(1, 5_400, n), day + 86_400)
    df = pl.DataFrame({"n": np.arange(first, first + n), "res": res, "s": start, "e": end, "quantity": rng.integers(1, 9, n)})
    df = pl.concat([df, df.sample(fraction=0.005, seed=part)])
    df.select(
        record_id=pl.col("n").cast(pl.String).str.zfill(20),
        account_id="acct-" + (pl.col("res") // 20).cast(pl.String),
        resource_id="r-" + pl.col("res").cast(pl.String).str.zfill(8),
        sku="sku-" + (pl.col("res") % 40).cast(pl.String),
        started_at=pl.from_epoch("s", "s").dt.cast_time_unit("us").dt.replace_time_zone("UTC"),
        ended_at=pl.from_epoch("e", "s").dt.cast_time_unit("us").dt.replace_time_zone("UTC"),
        quantity=pl.col("quantity").cast(pl.Int64),
    ).write_parquet(f"{out}/usage-2026-11-01-{part:03}.parquet")
pl.DataFrame({"sku": [f"sku-{k}" for k in range(40)], "product": "bench", "billing_mode": "pay_per_use", "unit": "hour",
              "unit_price": [f"{(k + 1) * 113 / 10_000:.4f}" for k in range(40)], "currency": "USD",
              "valid_from": "2026-01-01T00:00:00Z"}).write_csv(f"{out}/prices.csv")
accounts = [f"acct-{k}" for k in range((resources + 19) // 20)]
pl.DataFrame({"account_id": accounts, "name": accounts, "currency": "USD"}).write_csv(f"{out}/accounts.csv")
