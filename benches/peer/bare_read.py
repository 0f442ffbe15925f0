#!/usr/bin/env python3
"""The bare read: every column of the canonical workload into memory, and nothing else.

usage: bare_read.py DIR      (pip install polars)

What no engine that reads these files can be faster than, with a good reader. One file at a time, so that memory stays that
of one file. Prints seconds and rows.
"""
import glob, sys, time
import polars as pl

COLUMNS = ["record_id", "account_id", "resource_id", "sku", "started_at", "ended_at", "quantity"]
began = time.time()
rows = sum(pl.read_parquet(path, columns=COLUMNS).height for path in sorted(glob.glob(f"{sys.argv[1]}/usage-*.parquet")))
print(f"polars {pl.__version__}: {time.time() - began:.3f} s, {rows} rows")
