//! Folders, pipes, devices and links in place of files: nothing waits for a writer for ever, nothing reads without end.

use super::{HEADER, NOW, home, outcome, row};
use crate::support::names_in;
use std::os::unix::fs::symlink;
use std::process::Command;

#[test]
fn what_is_no_regular_file_stops_the_command_before_anything_is_taken() {
    let bench = home();
    bench.write("usage-good.csv", &format!("{HEADER}\n{}", row("s-1")));
    std::fs::create_dir(bench.path("usage-folder.csv")).expect("a folder");
    assert!(Command::new("mkfifo").arg(bench.path("usage-pipe.csv")).status().expect("mkfifo").success());
    symlink("/dev/zero", bench.path("usage-device.csv")).expect("a link");
    symlink(bench.path("usage-folder.csv"), bench.path("usage-to-folder.csv")).expect("a link");
    symlink(bench.path("nowhere.csv"), bench.path("usage-dangling.csv")).expect("a link");
    symlink("usage-loop.csv", bench.path("usage-loop.csv")).expect("a link");
    let before = names_in(&bench.home().join("raw"));

    // the file | exit | what is said
    let cases = [
        ("usage-folder.csv", 2, "a folder"),
        ("usage-pipe.csv", 2, "a pipe"),
        ("usage-device.csv", 2, "a device"),
        ("usage-to-folder.csv", 2, "a folder"),
        ("usage-dangling.csv", 1, "No such file"),
        ("usage-loop.csv", 1, "symbolic links"),
        ("usage-nowhere.csv", 1, "No such file"),
    ];
    for (name, exit, seen) in cases {
        let said = bench.run(["ingest", "--as-of", NOW, "usage-good.csv", name]).expect_exit(exit);
        said.expect_err(&[name, seen]);
    }
    assert_eq!(names_in(&bench.home().join("raw")), before, "nothing was taken");

    // A link to a file is the file.
    symlink(bench.path("usage-good.csv"), bench.path("usage-link.csv")).expect("a link");
    let said = bench.run(["ingest", "--json", "--as-of", NOW, "usage-link.csv"]).expect_exit(0).json();
    assert_eq!(outcome(&said["files"][0]), "1/0/0");
    super::all_is_well(&bench);
}
