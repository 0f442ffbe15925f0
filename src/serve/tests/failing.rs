//! What fails: told, retried, given up, and forgotten when it works again.

use super::*;
use crate::config::Settings;
use crate::inbox::Left;

#[test]
fn a_failure_is_told_retried_and_forgotten() {
    let mut bench = Bench::new("+08:00");
    let start = at("2026-01-05T00:00:00+08:00");
    bench.tick_twice(start);
    bench.drop_usage("usage-1.csv", start, 1);
    bench.tick(start.plus_seconds(H), 3_598);
    bench.tick(start.plus_seconds(H + 2), 2);
    let rows = bench.home.lake().join("rows");
    let away = bench.home.root().join("away");
    #[expect(clippy::disallowed_methods, reason = "the lake is taken away on purpose, not published")]
    let rename = |from: &PathBuf, to: &PathBuf| std::fs::rename(from, to).unwrap();
    rename(&rows, &away);

    let due = start.plus_seconds(H + 600);
    let tick = bench.tick(due, 598);
    assert!(tick.settled.is_none() && tick.again_in.is_some_and(|pause| pause <= Duration::from_secs(30)));
    let trouble = bench.beat().troubles[0].clone();
    assert_eq!((trouble.step.as_str(), trouble.attempts, trouble.attempts_max), ("settle", 1, 8));
    assert!(trouble.again_at.is_some() && trouble.text.contains("; because: "), "{trouble:?}");
    let failed = bench.runs().pop().unwrap();
    assert_eq!((failed.status.as_str(), failed.attempt, failed.window.end), ("failed", 1, start.plus_seconds(H)));
    assert!(failed.reason.unwrap().starts_with("attempt 1 of 8: the lake could not be read"));
    assert_eq!(bench.gravity(due), Gravity::Bad);

    // Wake-ups before the pause is over do nothing; after the last attempt a person is needed.
    let paused = bench.tick(due, 0);
    assert!(paused.again_in.is_some() && bench.runs().len() == 1);
    for attempt in 2..=8_u32 {
        let wall = due.plus_seconds(i64::from(attempt - 1) * 900);
        bench.tick(wall, 900);
        assert_eq!(bench.beat().troubles[0].attempts, attempt);
    }
    assert_eq!(bench.beat().troubles[0].again_at, None);
    let later = due.plus_seconds(8 * 900);
    assert_eq!((bench.tick(later, 900).again_in, bench.runs().len()), (None, 8), "given up");

    // A delivery changes what there is to settle, and so does a restart.
    rename(&away, &rows);
    assert_eq!(bench.tick(later.plus_seconds(60), 60).again_in, None, "nobody has told it");
    bench.drop_usage("usage-2.csv", start.plus_seconds(2 * H), 1);
    bench.tick(later.plus_seconds(120), 60);
    bench.tick(later.plus_seconds(122), 2);
    assert_eq!(bench.settled(SettleWindow::Hour), 2);
    assert!(bench.beat().troubles.is_empty());
    assert_eq!(bench.gravity(later.plus_seconds(122)), Gravity::Fine, "what failed is history once it is settled");
    let done: Vec<u32> = bench.runs().iter().filter(|run| run.status == "done").map(|run| run.attempt).collect();
    assert_eq!(done, [1, 1], "attempts that failed are not counted");
}

#[test]
fn a_file_that_cannot_be_taken_holds_nothing_up_for_ever() {
    let mut bench = Bench::new("+08:00");
    let start = at("2026-01-05T00:00:00+08:00");
    bench.tick_twice(start);
    bench.drop_usage("usage-1.csv", start, 1);
    bench.tick(start.plus_seconds(3 * H), 10_798);
    // A folder where the bytes should go: taking fails, as on a broken disk.
    let raw = bench.home.raw();
    std::fs::remove_dir_all(&raw).unwrap();
    std::fs::write(&raw, "").unwrap();
    for attempt in 1..=8_u32 {
        bench.tick(start.plus_seconds(3 * H + 900 * i64::from(attempt)), 900);
        let beat = bench.beat();
        assert_eq!((beat.troubles[0].step.as_str(), beat.troubles[0].attempts), ("inbox", attempt));
    }
    std::fs::remove_file(&raw).unwrap();
    let wall = start.plus_seconds(3 * H + 900 * 9);
    bench.drop_usage("usage-2.csv", start.plus_seconds(H), 1);
    bench.tick(wall, 900);
    let tick = bench.tick(wall.plus_seconds(2), 2);
    assert_eq!(tick.taken.iter().map(|file| file.file.as_str()).collect::<Vec<_>>(), ["usage-2.csv"]);
    let beat = bench.beat();
    let left: Vec<&Left> = beat.left.iter().collect();
    assert!(left.len() == 1 && left[0].why.starts_with("could not be taken in 8 attempts"), "{left:?}");
    assert_eq!((beat.troubles.len(), bench.gravity(wall)), (1, Gravity::Bad), "a person is needed");
    bench.restart();
    bench.tick_twice(wall.plus_seconds(60));
    assert!(bench.beat().left.is_empty() && bench.beat().troubles.is_empty());
    assert_eq!(bench.settled(SettleWindow::Hour), 2);
}

#[test]
fn settings_that_are_broken_while_it_serves_are_a_failure_like_others() {
    let mut bench = Bench::new("+08:00");
    let start = at("2026-01-05T00:00:00+08:00");
    bench.tick_twice(start);
    let settings = bench.home.settings_file();
    let good = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, good.replace("currency", "curency")).unwrap();
    bench.tick(start.plus_seconds(60), 60);
    assert!(Settings::parse("x", &good).is_ok());
    std::fs::write(&settings, good).unwrap();
    assert!(bench.beat().troubles[0].text.contains("unknown key `curency`"), "{:?}", bench.beat());
    bench.tick(start.plus_seconds(3_600), 3_540);
    assert!(bench.beat().troubles.is_empty());
}
