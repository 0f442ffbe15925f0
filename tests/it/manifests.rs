//! Files against what their producer says of them: refused whole where they differ, told where they are missing.

#![expect(clippy::unwrap_used, reason = "a test that unwraps fails where it stands; clippy sees only functions marked as tests")]

use crate::laws::books::{assert_same_net, charges, net};
use crate::support::{Bench, Said};
use serde_json::Value;
use sha2::{Digest, Sha256};

const AS_OF: &str = "2026-01-05T14:30:00Z";
const COLUMNS: &str = "record_id,account_id,resource_id,sku,started_at,ended_at,quantity\n";

const ONE: &str = "r1,a,vm-1,vm,2026-01-05T13:00:00Z,2026-01-05T13:30:00Z,1\n\
                   r2,a,eip-1,gb,2026-01-05T13:10:00Z,2026-01-05T13:20:00Z,2.5\n\
                   r3,b,vm-1,vm,2026-01-05T13:15:00Z,2026-01-05T13:45:00Z,2\n";

fn home() -> Bench {
    let bench = Bench::with_home();
    bench.write("accounts.csv", "account_id,name\na,Ana\nb,Ben\n");
    bench.write(
        "prices.csv",
        "sku,product,billing_mode,unit,unit_price\nvm,ecs,pay_per_use,hour,3.6\ngb,eip,pay_per_use,GB,0.5\n",
    );
    at(&bench, AS_OF, "ingest accounts.csv prices.csv").expect_exit(0);
    bench
}

fn at(bench: &Bench, clock: &str, line: &str) -> Said {
    bench.run(["--as-of", clock].into_iter().chain(line.split_whitespace()))
}

fn usage(rows: &str) -> String {
    format!("{COLUMNS}{rows}")
}

/// A manifest for the hour of 13:00 with what is said of files.
fn manifest(seq: u32, files: &[String]) -> String {
    let files = files.join(", ");
    format!(r#"{{"source": "meter-1", "hour": "2026-01-05T13:00:00Z", "seq": {seq}, "final": true, "files": [{files}]}}"#)
}

fn listed(name: &str, says: &str) -> String {
    format!(r#"{{"name": "{name}"{}{says}}}"#, if says.is_empty() { "" } else { ", " })
}

/// Everything that can be said of the three rows.
fn all_of_one() -> String {
    let text = usage(ONE);
    let sha: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02X}")).collect();
    format!(
        r#""bytes": {}, "sha256": "{sha}", "rows": 3, "min_ts": "2026-01-05T13:00:00Z", "max_ts": "2026-01-05T21:45:00+08:00",
        "sum_quantity": {{"vm": 3.0, "gb": "2.5"}}"#,
        text.len()
    )
}

#[track_caller]
fn take(bench: &Bench, files: &[(&str, String)], exit: i32) -> Value {
    files.iter().for_each(|(name, text)| bench.write(name, text));
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    at(bench, AS_OF, &format!("ingest {} --json", names.join(" "))).expect_exit(exit).json()
}

fn receipt<'a>(document: &'a Value, file: &str) -> &'a Value {
    document["files"].as_array().unwrap().iter().find(|receipt| receipt["file"] == file).unwrap_or_else(|| panic!("no {file}"))
}

fn findings(bench: &Bench, clock: &str) -> Vec<(String, String)> {
    let document = at(bench, clock, "status --json").expect_exit(0).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    document["findings"].as_array().unwrap().iter().map(|one| (text(&one["gravity"]), text(&one["text"]))).collect()
}

#[test]
fn a_file_that_is_as_listed_is_taken_whatever_the_order() {
    let bench = home();
    let said = take(
        &bench,
        &[("usage-1.csv", usage(ONE)), ("manifest-1.json", manifest(1, &[listed("usage-1.csv", &all_of_one())]))],
        0,
    );
    assert_eq!(said["files"][0]["kind"], "manifest", "it is taken first");
    assert_eq!(receipt(&said, "usage-1.csv")["accepted"], 3);
    at(&bench, AS_OF, "catch-up").expect_exit(0);
    assert_eq!(findings(&bench, AS_OF), []);
    at(&bench, AS_OF, "status --check").expect_exit(0);
    let shown = at(&bench, AS_OF, "status").expect_exit(0).out;
    assert!(shown.contains("1 sources and times, 1 final; 1 of 1 files as listed"), "{shown}");
    // The same manifest again has no effect; a manifest is a delivered file like others.
    assert_eq!(
        receipt(&take(&bench, &[("manifest-1.json", bench.read("manifest-1.json"))], 0), "manifest-1.json")["same_as"],
        "manifest-1.json"
    );
    assert!(at(&bench, AS_OF, "export files").expect_exit(0).out.contains(",manifest-1.json,manifest,taken,"));
    at(&bench, AS_OF, "verify --full").expect_exit(0);
}

#[test]
fn a_file_that_differs_is_refused_whole() {
    // what the manifest says | pieces of what is told
    let cases: &[(&str, &[&str])] = &[
        (r#""bytes": 10"#, &["bytes: the manifest says 10, the file has ", " more"]),
        (
            r#""sha256": "0000000000000000000000000000000000000000000000000000000000000000""#,
            &["sha256: the manifest says `000", "the file has `"],
        ),
        (r#""rows": 4"#, &["rows: the manifest says 4, the file has 3, 1 fewer"]), // cut at a row boundary
        (r#""min_ts": "2026-01-05T13:00:01Z""#, &["min_ts", "2026-01-05T13:00:00Z, 1 s earlier"]),
        (r#""max_ts": "2026-01-05T14:00:00Z""#, &["max_ts", "900 s earlier"]),
        (
            r#""sum_quantity": {"vm": 3, "gb": "2.500000000001"}"#,
            &["`gb`: the manifest says 2.500000000001, the rows sum to 2.5, 0.000000000001 less"],
        ),
        (r#""sum_quantity": {"vm": 3}"#, &["`gb`: the manifest says nothing, the rows sum to 2.5"]),
        (r#""replaces": "usage-0.csv""#, &["it replaces `usage-0.csv`", "no delivery is called `usage-0.csv`"]),
    ];
    let bench = home();
    for (place, (says, pieces)) in cases.iter().enumerate() {
        // Each with bytes of its own, as the same are known to be refused.
        let rows = ONE.replace("r3", &format!("r3.{place}"));
        let name = format!("usage-{place}x.csv");
        let manifest = manifest(1, &[listed(&name, says)]).replace("meter-1", &format!("meter-1.{place}"));
        let said = take(&bench, &[(&name, usage(&rows)), (&format!("manifest-{place}.json"), manifest)], 2);
        let refused = receipt(&said, &name);
        let why = refused["refused_whole"].as_str().unwrap();
        assert!(pieces.iter().all(|piece| why.contains(piece)), "{pieces:?} in {why}");
        assert_eq!((&refused["accepted"], &refused["refusals"][0]["reason"]), (&0.into(), &"manifest_mismatch".into()));
    }
    at(&bench, AS_OF, "catch-up").expect_exit(0);
    assert_eq!(charges(&bench).len(), 0, "no row of them took effect");
    let (gravity, text) = &findings(&bench, AS_OF)[1];
    assert_eq!(gravity, "look");
    assert!(text.contains("which source `meter-1.0` lists for 2026-01-05T21:00:00+08:00, is not what came: bytes"), "{text}");
    at(&bench, AS_OF, "verify --full").expect_exit(0);
}

#[test]
fn the_right_file_afterwards_puts_it_right() {
    let bench = home();
    let manifest = manifest(1, &[listed("usage-1.csv", &all_of_one())]);
    // Cut at a row boundary: only the manifest can tell.
    let cut = usage(ONE.split_inclusive('\n').take(2).collect::<String>().as_str());
    take(&bench, &[("manifest-1.json", manifest), ("usage-1.csv", cut)], 2);
    assert_eq!(receipt(&take(&bench, &[("usage-1.csv", usage(ONE))], 0), "usage-1.csv")["accepted"], 3);
    at(&bench, AS_OF, "catch-up").expect_exit(0);
    assert_eq!(findings(&bench, AS_OF), [], "the refused file is superseded");
    at(&bench, AS_OF, "verify --full").expect_exit(0);
}

#[test]
fn a_manifest_that_was_wrong_is_put_right_by_a_higher_seq() {
    let bench = home();
    let with_bad_row = usage(&(ONE.to_owned() + "r4,nobody,vm-1,vm,2026-01-05T13:00:00Z,2026-01-05T13:30:00Z,1\n"));
    take(
        &bench,
        &[("manifest-1.json", manifest(1, &[listed("usage-1.csv", r#""rows": 5"#)])), ("usage-1.csv", with_bad_row.clone())],
        2,
    );
    // The bytes are known to be refused, until a manifest vouches for them.
    assert!(receipt(&take(&bench, &[("usage-1.csv", with_bad_row.clone())], 2), "usage-1.csv")["refused_whole"].is_string());
    take(&bench, &[("manifest-2.json", manifest(2, &[listed("usage-1.csv", r#""rows": 4"#)]))], 0);
    let other_name = take(&bench, &[("usage-9.csv", with_bad_row.clone())], 2);
    assert!(receipt(&other_name, "usage-9.csv")["refused_whole"].is_string(), "it vouches for them under their name");
    let said = take(&bench, &[("usage-1.csv", with_bad_row.clone())], 2);
    let taken = receipt(&said, "usage-1.csv");
    assert_eq!((&taken["accepted"], &taken["refused"], &taken["refused_whole"]), (&3.into(), &1.into(), &Value::Null));
    at(&bench, AS_OF, "catch-up").expect_exit(0);
    assert_eq!(charges(&bench).len(), 3);
    at(&bench, AS_OF, "verify --full").expect_exit(0);
    // Once more is nothing more; the refused row is retried as others are.
    assert_eq!(receipt(&take(&bench, &[("usage-1.csv", with_bad_row)], 2), "usage-1.csv")["accepted"], 0);
    bench.write("accounts-2.csv", "account_id,name\nnobody,No\n");
    at(&bench, AS_OF, "ingest accounts-2.csv").expect_exit(0);
    let retried = at(&bench, AS_OF, "quarantine retry --json").expect_exit(0).json();
    assert_eq!(retried["accepted"], 1, "{retried}");
    at(&bench, AS_OF, "catch-up").expect_exit(0);
    assert_eq!(charges(&bench).len(), 4);
    at(&bench, AS_OF, "verify --full").expect_exit(0);
}

#[test]
fn a_higher_seq_makes_the_new_file_stand_in_the_place_of_the_old_one() {
    let corrected = ONE.replace(",2.5\n", ",2\n").replace("r3,b", "r4,b");
    let (first, second) = (
        manifest(1, &[listed("usage-1.csv", r#""rows": 3"#)]),
        manifest(2, &[listed("usage-1.csv", r#""sum_quantity": {"vm": 3, "gb": 2}"#)]),
    );
    let fresh = home();
    take(&fresh, &[("usage-1.csv", usage(&corrected))], 0);
    at(&fresh, AS_OF, "catch-up").expect_exit(0);

    // The new manifest before its file, or after it.
    for is_before in [true, false] {
        let bench = home();
        take(&bench, &[("manifest-1.json", first.clone()), ("usage-1.csv", usage(ONE))], 0);
        at(&bench, AS_OF, "catch-up").expect_exit(0);
        let said = if is_before {
            take(&bench, &[("usage-1.csv", usage(&corrected)), ("manifest-2.json", second.clone())], 0)
        } else {
            // Without its manifest it is another file: what conflicts waits.
            take(&bench, &[("usage-1.csv", usage(&corrected))], 2);
            take(&bench, &[("manifest-2.json", second.clone())], 0)
        };
        let replaces = &receipt(&said, "usage-1.csv")["replaces"];
        assert_eq!(
            (&replaces["kept"], &replaces["changed"], &replaces["taken_back"]),
            (&1.into(), &1.into(), &1.into()),
            "{said}"
        );
        at(&bench, AS_OF, "catch-up").expect_exit(0);
        let key = ["account_id", "resource_id", "sku", "window_start"];
        assert_same_net(&net(&charges(&bench), &key), &net(&charges(&fresh), &key), "replaced by a manifest");
        assert_eq!(findings(&bench, AS_OF), [], "{is_before}");
        at(&bench, AS_OF, "verify --full").expect_exit(0);
    }
}

#[test]
fn a_manifest_may_name_what_its_file_replaces() {
    let bench = home();
    take(&bench, &[("usage-1.csv", usage(ONE))], 0);
    let manifest = manifest(1, &[listed("usage-1b.csv", r#""replaces": "usage-1.csv""#)]);
    let said = take(
        &bench,
        &[("manifest-1.json", manifest), ("usage-1b.csv", usage("r1,a,vm-1,vm,2026-01-05T13:00:00Z,2026-01-05T13:30:00Z,1\n"))],
        0,
    );
    assert_eq!(receipt(&said, "usage-1b.csv")["replaces"]["taken_back"], 2, "{said}");
}

#[test]
fn what_was_taken_before_its_manifest_is_compared_and_stays() {
    let bench = home();
    take(&bench, &[("usage-1.csv", usage(ONE))], 0);
    at(&bench, AS_OF, "catch-up").expect_exit(0);
    let said = take(&bench, &[("manifest-1.json", manifest(1, &[listed("usage-1.csv", r#""rows": 4"#)]))], 0);
    let note = receipt(&said, "manifest-1.json")["notes"][0].as_str().unwrap();
    assert!(note.contains("rows: the manifest says 4, the file has 3") && note.contains("--replaces "), "{note}");
    let (gravity, text) = &findings(&bench, AS_OF)[0];
    assert!(gravity == "look" && text.contains("is not what came: rows: the manifest says 4"), "{text}");
    // The finding goes when the right file stands in its place.
    bench.write("usage-1.csv", &usage(&(ONE.to_owned() + "r4,a,vm-1,vm,2026-01-05T13:00:00Z,2026-01-05T13:30:00Z,1\n")));
    at(&bench, AS_OF, "ingest usage-1.csv --replaces usage-1.csv").expect_exit(0);
    at(&bench, AS_OF, "catch-up").expect_exit(0);
    assert_eq!(findings(&bench, AS_OF), []);

    // One that is as listed is met without a word, whatever its name was.
    let other = home();
    take(&other, &[("meter.csv", usage(ONE))], 2); // no table has such a name
    at(&other, AS_OF, "ingest --kind usage meter.csv").expect_exit(0);
    at(&other, AS_OF, "catch-up").expect_exit(0);
    take(&other, &[("manifest-1.json", manifest(1, &[listed("usage-1.csv", &all_of_one())]))], 0);
    assert_eq!(findings(&other, AS_OF), []);
}

#[test]
fn a_name_that_comes_every_hour_is_told_apart() {
    let bench = home();
    take(&bench, &[("manifest-13.json", manifest(1, &[listed("usage.csv", &all_of_one())])), ("usage.csv", usage(ONE))], 0);
    let next = ONE.replace("T13", "T12").replace(",r", ",s").replace("r1", "s1").replace("r2", "s2").replace("r3", "s3");
    let before = manifest(1, &[listed("usage.csv", r#""min_ts": "2026-01-05T12:00:00Z""#)]).replace("T13", "T12");
    let said = take(&bench, &[("manifest-12.json", before), ("usage.csv", usage(&next))], 0);
    assert_eq!(receipt(&said, "usage.csv")["accepted"], 3);
    assert_eq!(receipt(&said, "usage.csv")["replaces"], Value::Null);
    at(&bench, AS_OF, "catch-up").expect_exit(0);
    assert_eq!(findings(&bench, AS_OF), []);
}

#[test]
fn a_manifest_out_of_the_inbox_speaks_of_the_files_beside_it() {
    let bench = home();
    let whole = usage(ONE);
    let cut = whole.len() - 60;
    bench.write("reckoner-home/inbox/manifest-1.json", &manifest(1, &[listed("usage-1.csv", &all_of_one())]));
    // Shorter than its manifest says: still on its way, and refused by nobody.
    bench.write("reckoner-home/inbox/usage-1.csv", &whole[..cut]);
    let said = at(&bench, AS_OF, "ingest").expect_exit(0).out;
    assert!(said.contains("not here yet: `usage-1.csv`"), "{said}");
    assert_eq!(crate::support::names_in(&bench.path("reckoner-home/inbox")), ["usage-1.csv"]);

    bench.write("reckoner-home/inbox/usage-1.csv", &whole);
    bench.write("reckoner-home/inbox/manifest-2.json", &manifest(2, &[listed("usage-1.csv", &all_of_one())]));
    let said = at(&bench, AS_OF, "ingest").expect_exit(0).out;
    assert!(!said.contains("not here yet"), "it lay beside its manifest: {said}");
    assert!(crate::support::names_in(&bench.path("reckoner-home/inbox")).is_empty());
}

#[test]
fn what_is_missing_is_told_and_late_after_three_hours() {
    let bench = home();
    let said = take(
        &bench,
        &[("manifest-1.json", manifest(1, &[listed("usage-1.csv", ""), listed("usage-2.csv", "")])), ("usage-1.csv", usage(ONE))],
        0,
    );
    let notes = receipt(&said, "manifest-1.json")["notes"].to_string();
    assert!(notes.contains("not here yet: `usage-2.csv`") && !notes.contains("usage-1.csv"), "{notes}");
    at(&bench, AS_OF, "catch-up").expect_exit(0);
    // clock | exit; the manifest came at 14:30
    let cases = [("2026-01-05T14:30:00Z", 1), ("2026-01-05T17:30:00Z", 1), ("2026-01-05T17:30:01Z", 2)];
    for (clock, exit) in cases {
        at(&bench, clock, "status --check").expect_exit(exit);
    }
    assert!(
        findings(&bench, AS_OF)[0]
            .1
            .contains("`usage-2.csv`, which source `meter-1` lists for 2026-01-05T21:00:00+08:00, has not come yet")
    );
    assert!(findings(&bench, "2026-01-06T00:00:00Z")[0].1.contains("is missing for 9 h 30 min"));
    // An explicit empty manifest says that there was no use; a higher seq may give a file up.
    take(
        &bench,
        &[
            ("manifest-2.json", manifest(2, &[listed("usage-1.csv", "")])),
            ("manifest-12.json", manifest(1, &[]).replace("T13", "T12")),
        ],
        0,
    );
    at(&bench, "2026-01-06T00:00:00Z", "status --check").expect_exit(0);
}

#[test]
fn a_manifest_that_cannot_be_used_is_refused() {
    let bench = home();
    take(&bench, &[("manifest-1.json", manifest(1, &[listed("usage-1.csv", "")]))], 0);
    // name | text | reason | a piece of what is told
    let cases = [
        ("manifest-2.json", "{".to_owned(), "malformed_manifest", "no JSON"),
        (
            "manifest-3.json",
            manifest(1, &[]).replace("seq", "sequence"),
            "malformed_manifest",
            "expected one of `source`, `hour`, `window`, `seq`, `final`, `files`",
        ),
        ("manifest-4.json", manifest(1, &[]), "manifest_conflict", "`manifest-1.json` said something else for source `meter-1`"),
    ];
    for (name, text, reason, piece) in cases {
        let said = take(&bench, &[(name, text)], 2);
        let refused = receipt(&said, name);
        assert_eq!((&refused["kind"], &refused["refusals"][0]["reason"]), (&"manifest".into(), &reason.into()), "{name}");
        assert!(refused["refused_whole"].as_str().unwrap().contains(piece), "{refused}");
    }
    // A lower seq that comes late is kept, and says nothing any more.
    take(&bench, &[("manifest-5.json", manifest(3, &[])), ("manifest-6.json", manifest(2, &[listed("usage-7.csv", "")]))], 0);
    let document = at(&bench, AS_OF, "status --json").expect_exit(0).json();
    assert_eq!(document["manifests"]["open_ends"], Value::Array(Vec::new()));
    at(&bench, AS_OF, "verify --full").expect_exit(0);
}
