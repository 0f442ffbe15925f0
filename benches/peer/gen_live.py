#!/usr/bin/env python3
"""Generate the live hour: very many resources that all report within one hour, in the contract's columns.

usage: gen_live.py RESOURCES ROWS_A_RESOURCE OUT_DIR      (pip install numpy polars)

Writes OUT_DIR/usage-2026-11-01-000.parquet (sorted by start), OUT_DIR/prices.csv, OUT_DIR/accounts.csv.
10 resources an account, 40 skus; the rows of a resource share out the hour from 00:00 to 01:00 without a gap, and none repeats.
Seeded: the same arguments give the same files.
"""
import datetime as dt, os, sys
import numpy as np, polars as pl

resources, each, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
os.makedirs(out, exist_ok=True)
rng = np.random.default_rng(11)
hour = int(dt.datetime(2026, 11, 1, tzinfo=dt.timezone.utc).timestamp())
n, span = resources * each, 3_600 // each
slot = np.repeat(np.arange(each), resources)
start = hour + slot * span
pl.DataFrame({"n": np.arange(n), "res": np.tile(rng.permutation(resources), each), "s": start, "e": start + span,
              "quantity": rng.integers(1, 9, n)}).select(
    record_id=pl.col("n").cast(pl.String).str.zfill(20),
    account_id="acct-" + (pl.col("res") // 10).cast(pl.String),
    resource_id="r-" + pl.col("res").cast(pl.String).str.zfill(8),
    sku="sku-" + (pl.col("res") % 40).cast(pl.String),
    started_at=pl.from_epoch("s", "s").dt.cast_time_unit("us").dt.replace_time_zone("UTC"),
    ended_at=pl.from_epoch("e", "s").dt.cast_time_unit("us").dt.replace_time_zone("UTC"),
    quantity=pl.col("quantity").cast(pl.Int64),
).write_parquet(f"{out}/usage-2026-11-01-000.parquet")
pl.DataFrame({"sku": [f"sku-{k}" for k in range(40)], "product": "bench", "billing_mode": "pay_per_use", "unit": "hour",
              "unit_price": [f"{(k + 1) * 113 / 10_000:.4f}" for k in range(40)], "currency": "USD",
              "valid_from": "2026-01-01T00:00:00Z"}).write_csv(f"{out}/prices.csv")
accounts = [f"acct-{k}" for k in range((resources + 9) // 10)]
pl.DataFrame({"account_id": accounts, "name": accounts, "currency": "USD"}).write_csv(f"{out}/accounts.csv")
