//! Use after the end of a resource, or while its account stands released, goes to quarantine, whichever way its file goes.

use crate::support::Bench;
use serde_json::Value;

const USAGE: &str = "record_id,account_id,resource_id,sku,started_at,ended_at,quantity,revision,corrects";
const PRICES: &str = "sku,product,billing_mode,unit,unit_price\n\
                      vm.hour,vm,pay_per_use,hour,1\n\
                      gb,traffic,pay_per_use,GB,2\n";
/// Every file row by row, or every file in columns.
const WAYS: [u64; 2] = [1 << 40, 0];

/// A home that takes usage by one of the ways; times are of the +08:00 zone.
struct Home(Bench);

impl Home {
    fn new(bulk_bytes: u64, accounts: &str) -> Self {
        let bench = Bench::new();
        bench.line("init --profile huawei-intl --zone +08:00 --currency CNY").expect_exit(0);
        let path = "reckoner-home/reckoner.toml";
        let settings = bench.read(path);
        let line = settings.lines().find(|line| line.starts_with("bulk_bytes = ")).expect("a setting of every home");
        bench.write(path, &settings.replace(line, &format!("bulk_bytes = {bulk_bytes}")));
        let home = Self(bench);
        home.takes("2026-01-05T08:00:00", "accounts.csv", accounts, 0);
        home.takes("2026-01-05T08:00:00", "prices.csv", PRICES, 0);
        home
    }

    fn at(&self, clock: &str, line: &str) -> crate::support::Said {
        self.0.line(&format!("{line} --as-of {clock}+08:00"))
    }

    #[track_caller]
    fn takes(&self, clock: &str, file: &str, text: &str, exit: i32) -> Value {
        self.0.write(file, text);
        self.at(clock, &format!("ingest {file} --json")).expect_exit(exit).json()["files"][0].clone()
    }

    /// Takes a file of usage and catches up; which rows were refused, and why: `id code`.
    #[track_caller]
    fn uses(&self, clock: &str, file: &str, rows: &[&str], counts: [u64; 3]) -> Vec<String> {
        let rows: Vec<String> = rows.iter().map(|row| row.replace("T~", "T").replace('~', "2026-01-05T")).collect();
        let is_bad = counts[2] > 0;
        let taken = self.takes(clock, file, &format!("{USAGE}\n{}\n", rows.join("\n")), if is_bad { 2 } else { 0 });
        let found = ["accepted", "duplicates", "refused"].map(|name| taken[name].as_u64().expect("a count"));
        assert_eq!(found, counts, "{taken}");
        self.at(clock, "catch-up").expect_exit(0);
        let id =
            |line: &Value| rows[line.as_u64().expect("a line") as usize - 2].split(',').next().unwrap_or_default().to_owned();
        let refusals = taken["refusals"].as_array().expect("a list");
        refusals.iter().map(|one| format!("{} {}", id(&one["line"]), one["reason"].as_str().unwrap_or_default())).collect()
    }

    fn shows(&self, table: &str) -> String {
        self.0.line(&format!("export {table}")).expect_exit(0).out
    }
}

/// What homes that went different ways show is the same.
fn show_the_same(homes: &[Home]) {
    for table in ["charges", "quarantine", "usage_accounting", "accounts", "payments", "subscriptions", "files"] {
        assert_eq!(homes[1].shows(table), homes[0].shows(table), "{table}");
    }
}

#[test]
fn use_after_a_deletion_is_quarantined() {
    let homes = WAYS.map(|bulk_bytes| {
        let accounts = "account_id,name,payment_method\nacme,Acme,external\nbirch,Birch,external\n";
        let home = Home::new(bulk_bytes, accounts);
        let orders = "order_id,account_id,kind,placed_at,resource_id,sku\n\
                      o-1,acme,purchase,2026-01-05T09:00:00+08:00,vm-1,vm.hour\n\
                      o-2,acme,delete,2026-01-05T12:30:00+08:00,vm-1,\n";
        home.takes("2026-01-05T09:00:00", "orders.csv", orders, 0);
        home.at("2026-01-05T12:00:00", "catch-up").expect_exit(0);

        // The deletion waits for its instant: it has ended nothing, whatever the clock says.
        let (before, across) = (
            "u-1,acme,vm-1,vm.hour,~10:00:00+08:00,~12:00:00+08:00,1,0,",
            "u-2,acme,vm-1,vm.hour,~12:00:00+08:00,~12:40:00+08:00,1,0,",
        );
        home.0.write("usage-1.csv", &format!("{USAGE}\n{before}\n{across}\n").replace('~', "2026-01-05T"));
        home.at("2026-01-05T12:40:00", "ingest usage-1.csv").expect_exit(0);
        home.at("2026-01-05T13:00:00", "catch-up").expect_exit(0);
        assert!(home.shows("subscriptions").contains(",deleted,"), "it is carried out");

        let rows = [
            before,
            across, // known: it is not refused when it comes again
            "a-1,acme,vm-1,vm.hour,~09:00:00+08:00,~10:00:00+08:00,1,0,",
            "a-2,acme,vm-1,vm.hour,~12:29:00+08:00,~12:30:00+08:00,1,0,",
            "a-3,acme,vm-1,vm.hour,~12:29:00+08:00,~12:30:01+08:00,1,0,",
            "a-4,acme,vm-1,vm.hour,~13:00:00+08:00,~13:30:00+08:00,2,0,",
            "a-5,acme,vm-1,gb,~12:29:59+08:00,~12:29:59+08:00,3,0,",
            "a-6,acme,vm-1,gb,~12:30:00+08:00,~12:30:00+08:00,3,0,",
            "a-7,acme,vm-1,vm.hour,~13:00:00+08:00,~13:30:00+08:00,0,0,", // nothing was used
            "a-8,acme,vm-2,vm.hour,~13:00:00+08:00,~13:30:00+08:00,1,0,",
            "a-9,birch,vm-1,vm.hour,~13:00:00+08:00,~13:30:00+08:00,1,0,",
            "u-2,acme,vm-1,vm.hour,~12:00:00+08:00,~12:40:00+08:00,2,1,",
            "c-2,acme,vm-1,vm.hour,~12:00:00+08:00,~12:40:00+08:00,0,0,u-2",
        ];
        let refused = home.uses("2026-01-05T14:00:00", "usage-2.csv", &rows, [7, 2, 4]);
        assert_eq!(refused, ["a-3 after_end", "a-4 after_end", "a-6 after_end", "u-2 after_end"]);
        home
    });
    show_the_same(&homes);
    for home in &homes {
        what_was_refused_is_counted_and_stays(home);
    }
    show_the_same(&homes);
}

fn what_was_refused_is_counted_and_stays(home: &Home) {
    let clock = "2026-01-05T15:00:00";
    let items = |home: &Home| home.at(clock, "quarantine list --json").json()["items"].as_array().expect("a list").clone();
    let at_risk = |items: &[Value]| -> Vec<String> {
        items.iter().map(|item| item["amount_at_risk"].as_str().expect("an amount").to_owned()).collect()
    };
    // 3 GB; the revision of 40 minutes by 2; half an hour by 2; 61 seconds.
    assert_eq!(at_risk(&items(home)), ["6.00000000", "1.33333333", "1.00000000", "0.01694444"]);
    let hour = |line: &&str| line.starts_with("2026-01-05T13:00:00+08:00,acme,vm.hour,");
    let accounting = home.shows("usage_accounting");
    let counted: Vec<&str> = accounting.lines().filter(hour).collect();
    // Half an hour of another resource is accepted; half an hour by 2 is quarantined.
    assert_eq!(counted, ["2026-01-05T13:00:00+08:00,acme,vm.hour,hour,1800,1800,0,0,3600,0"]);

    let id = items(home)[0]["item_id"].as_str().expect("an id").to_owned();
    let shown = home.at(clock, &format!("quarantine show {id}")).expect_exit(0).out;
    for piece in ["after_end", "`vm-1` was used until then", "was deleted at 2026-01-05T12:30:00+08:00", "quarantine discard"] {
        assert!(shown.contains(piece), "{piece:?} is missing from:\n{shown}");
    }
    home.at(clock, "quarantine retry --reason after_end").expect_exit(2);
    assert_eq!(items(home).iter().filter(|item| item["status"] == "open").count(), 4, "it stands");
    home.at(clock, "quarantine discard --reason after_end").expect_exit(0);
    assert_eq!(items(home).iter().filter(|item| item["status"] == "discarded").count(), 4);
    assert_eq!(home.shows("usage_accounting"), accounting, "it stays counted");
    home.0.line(&format!("verify --full --as-of {clock}+08:00")).expect_exit(0);
}

#[test]
fn use_of_a_released_account_is_quarantined() {
    let homes = WAYS.map(|bulk_bytes| {
        let home = Home::new(bulk_bytes, "account_id,name\nacme,Acme\nbirch,Birch\n");
        let orders = "order_id,account_id,kind,placed_at,resource_id,sku\n\
                      o-1,acme,purchase,2026-01-05T09:00:00+08:00,vm-1,vm.hour\n";
        home.takes("2026-01-05T09:00:00", "orders.csv", orders, 0);
        // Nothing pays it: 15 days of grace from 11:00 on, 15 of retention.
        let row = "u-1,acme,vm-1,vm.hour,~10:00:00+08:00,~12:00:00+08:00,1,0,";
        home.uses("2026-01-05T12:00:00", "usage-1.csv", &[row], [1, 0, 0]);
        home.at("2026-02-04T11:00:00", "catch-up").expect_exit(0);
        assert!(home.shows("accounts").contains("acme,released,"), "{}", home.shows("accounts"));

        let rows = [
            "a-1,acme,vm-2,vm.hour,2026-02-04T10:00:00+08:00,2026-02-04T11:00:00+08:00,1,0,",
            "a-2,acme,vm-2,vm.hour,2026-02-04T10:00:00+08:00,2026-02-04T11:00:01+08:00,1,0,",
            "a-3,acme,vm-2,gb,2026-02-04T11:00:00+08:00,2026-02-04T11:00:00+08:00,1,0,",
            "a-4,acme,vm-1,vm.hour,2026-02-04T11:00:00+08:00,2026-02-04T12:00:00+08:00,1,0,",
            "a-5,acme,vm-2,vm.hour,2026-02-04T11:00:00+08:00,2026-02-04T12:00:00+08:00,0,0,",
            "a-6,birch,vm-2,vm.hour,2026-02-04T11:00:00+08:00,2026-02-04T12:00:00+08:00,1,0,",
        ];
        let refused = home.uses("2026-02-04T13:00:00", "usage-2.csv", &rows, [3, 0, 3]);
        assert_eq!(refused, ["a-2 after_release", "a-3 after_release", "a-4 after_end"]);

        let funds = "entry_id,account_id,kind,amount,at\nf-1,acme,top_up,100,2026-02-05T09:00:00+08:00\n";
        home.takes("2026-02-05T09:00:00", "funds.csv", funds, 0);
        home.at("2026-02-05T09:00:00", "catch-up").expect_exit(0);
        assert!(home.shows("accounts").contains("acme,normal,"), "{}", home.shows("accounts"));
        // What was released stays so, and so does what is said of that time.
        let rows = [
            "b-1,acme,vm-2,vm.hour,2026-02-05T08:00:00+08:00,2026-02-05T09:30:00+08:00,1,0,",
            "b-2,acme,vm-2,vm.hour,2026-02-05T09:00:00+08:00,2026-02-05T10:00:00+08:00,1,0,",
            "b-3,acme,vm-1,vm.hour,2026-02-05T09:00:00+08:00,2026-02-05T10:00:00+08:00,1,0,",
            "b-4,acme,vm-2,vm.hour,2026-02-04T09:00:00+08:00,2026-02-04T10:00:00+08:00,1,0,",
        ];
        let refused = home.uses("2026-02-05T10:00:00", "usage-3.csv", &rows, [2, 0, 2]);
        assert_eq!(refused, ["b-1 after_release", "b-3 after_end"]);
        home.at("2026-02-05T10:00:00", "quarantine retry").expect_exit(2);
        let quarantine = home.shows("quarantine");
        assert_eq!(quarantine.lines().filter(|line| line.contains(",open,")).count(), 5, "{quarantine}");
        home.at("2026-02-05T10:00:00", "verify --full").expect_exit(0);
        home
    });
    show_the_same(&homes);
}
