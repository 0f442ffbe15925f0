//! What the fuzz targets check, without a fuzzer: their seeds as they are, and thousands of them damaged in ways that are the
//! same in every run. See docs/fuzzing.md.

#[path = "../../../fuzz/laws/mod.rs"]
mod laws;
#[path = "../../../fuzz/mutate.rs"]
mod mutate;
#[path = "../../../fuzz/seeds.rs"]
mod seeds;

use mutate::{Chance, mutated, words};

const SEED: u64 = 20_260_105;
const MUTATIONS: usize = 2_000;

/// Replays the seeds of a target, then damages them; says which input it was if its law does not hold.
fn replay(target: &str) {
    let (law, all) = (laws::law(target), seeds::seeds());
    let (_, seeds) = all.into_iter().find(|(name, _)| *name == target).expect("every target has seeds");
    let words = words(include_str!("../../../fuzz/words.dict"));
    let mut chance = Chance::new(SEED);
    let damaged = (0..MUTATIONS).map(|_| mutated(&seeds, &words, &mut chance));
    for (number, bytes) in seeds.iter().cloned().chain(damaged).enumerate() {
        let outcome = std::panic::catch_unwind(|| law(&bytes));
        assert!(outcome.is_ok(), "{target}, input {number}: {}", bytes.escape_ascii());
    }
}

macro_rules! replayed {
    ($($target:ident)+) => {
        $(#[test] fn $target() { replay(stringify!($target)); })+

        #[test]
        fn every_law_is_replayed() {
            let replayed = [$(stringify!($target)),+];
            assert!(laws::LAWS.iter().all(|(name, _)| replayed.contains(name)));
        }
    };
}

replayed! { csv ndjson cloud_events parquet packed rows values tiers profile }
