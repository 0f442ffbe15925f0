# `just` lists these; every recipe is a command or two that also works typed by hand.

_default:
    @just --list

# Formats, compiles everything, checks the oracle: what you run without thinking
check:
    cargo fmt --all
    cargo check --workspace --all-targets
    python3 scripts/expected.py --self-test

# Everything that must be green; arguments go to `cargo test`
test *args:
    scripts/test {{args}}

# A month of sample data, from files to charges and payments
demo:
    cargo run -- demo

# Lints of the whole workspace, as strict as review
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Prints the sample month's expected files anew; then read the diff
bless:
    python3 scripts/expected.py
    git diff --stat -- sample_data/expected

# The canonical day against DuckDB, optimised; arguments go to `benches/settle_day`
bench *args:
    cargo build --release
    benches/settle_day {{args}}
