//! `docs/examples.md` cannot rot: every test that it names exists, and every example's test is named there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the page says: under each heading a table with one row an example, the id first.
fn page() -> String {
    read(&root().join("docs/examples.md"))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The tests that the page names, `` `file.rs::name` ``; a file without a folder is one of `tests/it/examples`.
fn named(page: &str) -> BTreeSet<(PathBuf, String)> {
    let in_backticks = page.split('`').skip(1).step_by(2);
    let tests = in_backticks.filter_map(|text| text.split_once("::")).filter(|(file, _)| file.ends_with(".rs"));
    let place = |file: &str| if file.contains('/') { PathBuf::from(file) } else { Path::new("tests/it/examples").join(file) };
    tests.map(|(file, name)| (place(file), name.to_owned())).collect()
}

/// The names of a file's tests.
fn tests_in(source: &str) -> Vec<&str> {
    let after_mark = source.split("#[test]").skip(1);
    after_mark.filter_map(|text| text.split_once("fn ")?.1.split_once('(')).map(|(name, _)| name).collect()
}

#[test]
fn every_test_on_the_page_exists() {
    let page = page();
    let named = named(&page);
    assert!(named.len() > 30, "the page names its tests as `file.rs::name`");
    for (file, name) in &named {
        let source = read(&root().join(file));
        assert!(tests_in(&source).contains(&name.as_str()), "docs/examples.md names `{}::{name}`", file.display());
    }
}

#[test]
fn every_example_with_a_test_is_on_the_page() {
    let named = named(&page());
    for file in ["late.rs", "oci.rs", "payment.rs", "price.rs", "tiers.rs", "time.rs"] {
        let path = Path::new("tests/it/examples").join(file);
        for name in tests_in(&read(&root().join(&path))) {
            assert!(named.contains(&(path.clone(), name.to_owned())), "docs/examples.md does not name `{file}::{name}`");
        }
    }
}

/// `## Vendors (75)` has 75 rows, each with an id of its own, its content, its source, and a test or a reason.
#[test]
fn the_page_has_as_many_examples_as_it_says() {
    let page = page();
    let mut counts = Vec::new();
    for section in page.split("\n## ").skip(1) {
        let (heading, body) = section.split_once('\n').expect("a heading and more");
        let Some((_, count)) = heading.strip_suffix(')').and_then(|heading| heading.rsplit_once('(')) else { continue };
        let rows: Vec<Vec<&str>> = body
            .lines()
            .filter(|line| line.starts_with("| "))
            .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
            .filter(|cells: &Vec<&str>| cells[0] != "id")
            .collect();
        let ids: BTreeSet<&str> = rows.iter().map(|cells| cells[0]).collect();
        assert_eq!((rows.len().to_string().as_str(), ids.len()), (count, rows.len()), "{heading}");
        let incomplete = rows.iter().find(|cells| cells.len() != 4 || cells.iter().any(|cell| cell.is_empty()));
        assert_eq!(incomplete, None, "{heading}");
        counts.push(rows.len());
    }
    assert_eq!(counts, [75, 15, 1]);
}
