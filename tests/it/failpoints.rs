//! Each failpoint once as an error and once as a death on the spot: the books afterwards are those of a home that nothing
//! disturbed. The list of points is the code's own, and each must have been met. An optimised build has no failpoints.

use crate::support::{Bench, Said, copy_folder, names_in};
use reckoner::faults::Point;
use std::path::Path;

/// Two billing days after both; money, orders, of which one uses up a discount voucher, a tiered price, a refused row, and a correction that waits for its record.
const CLOCK: &str = "2026-01-07T00:00:00+08:00";
const INPUT: &[(&str, &str)] = &[
    (
        "accounts.csv",
        "account_id,name,credit_limit,payment_method\n\
         ana,Ana,3,balance\n\
         ben,Ben,0,external\n",
    ),
    (
        "prices.csv",
        "sku,product,billing_mode,unit,unit_price,model,tiers\n\
         vm,ecs,pay_per_use,hour,3.6,,\n\
         disk,evs,subscription,month,1,,\n\
         gb,eip,pay_per_use,GB,0,graduated,\"[{\"\"up_to\"\":\"\"10\"\",\"\"unit_price\"\":\"\"0.1\"\"},{\"\"unit_price\"\":\"\"0.05\"\"}]\"\n",
    ),
    (
        "funds.csv",
        "entry_id,account_id,kind,amount,at\n\
         f-1,ana,top_up,3,2026-01-04T00:00:00+08:00\n\
         f-2,ana,top_up,1,2026-01-06T23:30:00+08:00\n",
    ),
    (
        "vouchers.csv",
        "voucher_id,account_id,amount,valid_from,valid_to,kind,percent_off\n\
         v-1,ana,,2026-01-01T00:00:00+08:00,2027-01-01T00:00:00+08:00,discount,20\n",
    ),
    (
        "orders.csv",
        "order_id,account_id,kind,placed_at,resource_id,sku\n\
         o-1,ana,purchase,2026-01-05T08:00:00+08:00,d-1,disk\n\
         o-2,ana,purchase,2026-01-05T08:00:00+08:00,d-2,disk\n\
         o-3,ana,unsubscribe,2026-01-06T10:30:00+08:00,d-2,\n\
         o-4,ben,unsubscribe,2026-01-06T10:30:00+08:00,d-3,\n",
    ),
    (
        "usage-1.csv",
        "record_id,account_id,resource_id,sku,started_at,ended_at,quantity,corrects\n\
         a-1,ana,vm-1,vm,2026-01-05T09:30:00+08:00,2026-01-05T11:00:00+08:00,1,\n\
         a-2,ana,eip-1,gb,2026-01-05T10:00:00+08:00,2026-01-05T11:00:00+08:00,8,\n\
         a-3,ana,vm-1,vm,2026-01-06T10:00:00+08:00,2026-01-06T10:15:00+08:00,1,b-1\n\
         a-4,ben,vm-1,vm,2026-01-06T10:00:00+08:00,2026-01-06T10:15:00+08:00,1,b-1\n",
    ),
    (
        "usage-2.csv",
        "record_id,account_id,resource_id,sku,started_at,ended_at,quantity\n\
         b-1,ben,vm-1,vm,2026-01-06T10:00:00+08:00,2026-01-06T11:00:00+08:00,2\n\
         b-2,ana,eip-1,gb,2026-01-06T10:00:00+08:00,2026-01-06T11:00:00+08:00,8\n",
    ),
];

/// How a command ends at a point, and with which exit code: an error, or a death without a word.
const WAYS: [(&str, i32); 2] = [("error", 1), ("abort", -1)];

/// `bulk_bytes`: the size from which on usage files are taken in columns.
fn template(bulk_bytes: u64) -> Bench {
    let bench = Bench::with_home();
    let settings = bench.read("reckoner-home/reckoner.toml");
    let line = settings.lines().find(|line| line.starts_with("bulk_bytes = ")).expect("a setting of every home");
    bench.write("reckoner-home/reckoner.toml", &settings.replace(line, &format!("bulk_bytes = {bulk_bytes}")));
    for (name, text) in INPUT {
        bench.write(name, text);
    }
    bench
}

fn fresh(template: &Path) -> Bench {
    let bench = Bench::new();
    copy_folder(template, &bench.path(""));
    bench
}

fn ingest(bench: &Bench, failpoint: &str) -> Said {
    let files = INPUT.iter().map(|(name, _)| *name);
    run(bench, ["ingest", "--json"].into_iter().chain(files), failpoint)
}

fn catch_up(bench: &Bench, failpoint: &str) -> Said {
    run(bench, ["catch-up", "--json"], failpoint)
}

fn run<'a>(bench: &Bench, args: impl IntoIterator<Item = &'a str>, failpoint: &str) -> Said {
    let mut command = bench.command();
    command.args(args).args(["--as-of", CLOCK]).env("RECKONER_FAILPOINT", failpoint).env("POLARS_MAX_THREADS", "1");
    Said::of(command.output().expect("the binary starts"))
}

/// What the home holds, for somebody outside.
fn books(bench: &Bench) -> Vec<String> {
    let tables = ["charges", "payments", "accounts", "runs", "usage_accounting", "orders", "subscriptions", "vouchers"];
    let mut books = tables.map(|table| bench.line(&format!("export {table}")).expect_exit(0).out).to_vec();
    // What was told of each day, by name.
    let reports = names_in(&bench.home().join("reports"));
    assert!(reports.iter().any(|name| name.starts_with("events-2026-01-0")), "{reports:?}");
    books.extend(reports.iter().map(|name| format!("{name}\n{}", bench.read(&format!("reckoner-home/reports/{name}")))));
    books
}

/// The commands on whose way the points are, the first one with the point armed; then the first again, and what follows.
fn fail_once(template: &Path, point: Point, (way, exit): (&str, i32), undisturbed: &[String]) {
    let bench = fresh(template);
    let failpoint = format!("{}:{way}", point.name());
    if point.name().starts_with("settle.") {
        ingest(&bench, "").expect_exit(2);
        expect_stop(&catch_up(&bench, &failpoint), &failpoint, exit);
    } else {
        expect_stop(&ingest(&bench, &failpoint), &failpoint, exit);
        let again = ingest(&bench, "");
        assert!(again.exit == 0 || again.exit == 2, "{failpoint}: {}", again.err);
    }
    catch_up(&bench, "").expect_exit(0);
    assert_eq!(books(&bench), undisturbed, "{failpoint}: the books are others");
    bench.line("verify --full").expect_exit(0);
    let nothing = catch_up(&bench, "").expect_exit(0).json();
    assert_eq!((&nothing["windows"], &nothing["charges"], &nothing["funds"]), (&0.into(), &0.into(), &0.into()), "{failpoint}");
}

fn expect_stop(said: &Said, failpoint: &str, exit: i32) {
    assert_eq!(said.exit, exit, "`{failpoint}` lies on no way that this test goes: {}{}", said.out, said.err);
    assert!(exit < 0 || said.out.contains("stopped at the failpoint"), "{}{}", said.out, said.err);
}

#[test]
fn every_point_failed_once_leaves_the_books_of_an_undisturbed_home() {
    every_point_failed_once(u64::MAX >> 1);
}

/// Every point lies on the way of files that are taken in columns too, and of charges that are written so.
#[test]
fn every_point_failed_once_leaves_the_books_where_files_are_taken_in_columns() {
    every_point_failed_once(0);
}

fn every_point_failed_once(bulk_bytes: u64) {
    let template = template(bulk_bytes);
    let undisturbed = fresh(&template.path(""));
    ingest(&undisturbed, "").expect_exit(2); // a correction waits for its record, and another for one that never comes
    catch_up(&undisturbed, "").expect_exit(0);
    let undisturbed = books(&undisturbed);

    let cases: Vec<(Point, (&str, i32))> = Point::ALL.iter().flat_map(|point| WAYS.map(|way| (*point, way))).collect();
    std::thread::scope(|scope| {
        for part in cases.chunks(cases.len().div_ceil(2)) {
            let (template, undisturbed) = (template.path(""), &undisturbed);
            scope.spawn(move || {
                for (point, way) in part {
                    fail_once(&template, *point, *way, undisturbed);
                }
            });
        }
    });
}

/// Points lie on the way of every file and batch: the third file and the second day fail as the first do.
#[test]
fn a_point_that_fails_later_leaves_what_was_done_before_it() {
    let bench = template(u64::MAX >> 1);
    ingest(&bench, "ingest.before_record:error:2").expect_exit(1);
    let files = bench.line("export files").expect_exit(0).out;
    assert_eq!(files.lines().count(), 1 + 2, "accounts and prices were recorded: {files}");
    ingest(&bench, "").expect_exit(2);

    catch_up(&bench, "settle.before_commit:error:1").expect_exit(1);
    let charges = bench.line("export charges").expect_exit(0).out;
    assert!(charges.contains("2026-01-05T") && !charges.contains("2026-01-06T"), "the first day is settled: {charges}");
    catch_up(&bench, "settle.after_commit:panic").expect_exit(70).expect_err(&["stopped at the failpoint"]);
    catch_up(&bench, "").expect_exit(0);
    bench.line("verify --full").expect_exit(0);
}
