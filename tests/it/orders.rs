//! Orders as they are taken in: new, known, refused, retaken, ahead; and as they are shown before their instant.

use crate::support::Bench;

const ACCOUNTS: &str = "account_id,name\nacme,Acme\n";
const HEADER: &str = "order_id,account_id,kind,placed_at,resource_id,sku,quantity,reason\n";

/// A home with one account and these orders.
fn with_orders(rows: &str) -> (Bench, crate::support::Said) {
    let bench = Bench::with_home();
    bench.write("accounts.csv", ACCOUNTS);
    bench.line("ingest accounts.csv").expect_exit(0);
    bench.write("orders-1.csv", &format!("{HEADER}{rows}"));
    let said = bench.line("ingest orders-1.csv");
    (bench, said)
}

fn exported(bench: &Bench, line: &str) -> Vec<String> {
    bench.line(&format!("export {line}")).expect_exit(0).out.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn orders_wait_as_they_were_delivered() {
    // One of them is dated ahead of every clock that runs these tests.
    let (bench, said) = with_orders(
        "ord-2,acme,change,2026-01-06T10:00:00+08:00,edge-1,,2,\n\
         ord-1,acme,purchase,2026-01-05T02:00:00Z,edge-1,edge.pro.month,,\n\
         ord-3,acme,unsubscribe,9000-01-01T00:00:00+08:00,edge-1,,,replaced\n",
    );
    said.expect_exit(0);
    let shown = [
        "ord-1,acme,purchase,edge-1,pending,2026-01-05T10:00:00+08:00,,,,,,,",
        "ord-2,acme,change,edge-1,pending,2026-01-06T10:00:00+08:00,,,,,,,",
        "ord-3,acme,unsubscribe,edge-1,pending,9000-01-01T00:00:00+08:00,,,,,,replaced,",
    ];
    assert_eq!(exported(&bench, "orders"), shown);
    assert_eq!(exported(&bench, "orders --from 2026-01-06 --to 2026-01-07"), shown[1..2]);
    assert_eq!(exported(&bench, "orders --account birch"), Vec::<String>::new());
    assert_eq!(exported(&bench, "subscriptions"), Vec::<String>::new());
    bench.line("verify --full").expect_exit(0);
}

#[test]
fn an_order_is_known_once_and_never_edited() {
    let first = "ord-1,acme,purchase,2026-01-05T10:00:00+08:00,edge-1,edge.pro.month,,\n";
    let (bench, said) = with_orders(first);
    said.expect_exit(0);
    let before = exported(&bench, "orders");

    // Written in another way, it says the same.
    bench.write("orders-2.csv", &format!("{HEADER}{}", first.replace("10:00:00+08:00", "02:00:00.000Z")));
    let said = bench.line("ingest orders-2.csv --json").expect_exit(0).json();
    assert_eq!((&said["files"][0]["accepted"], &said["files"][0]["duplicates"]), (&0.into(), &1.into()), "{said}");
    bench.write("orders-3.csv", &format!("{HEADER}{}", first.replace(",,\n", ",2,\n")));
    bench.line("ingest orders-3.csv").expect_exit(2);
    let items = exported(&bench, "quarantine");
    assert!(items.len() == 1 && items[0].contains("edited_in_place"), "{items:?}");
    assert_eq!(exported(&bench, "orders"), before);
    bench.line("verify --full").expect_exit(0);
}

#[test]
fn a_refused_order_is_taken_again_once_its_account_is_known() {
    let (bench, said) = with_orders(
        "ord-1,birch,purchase,2026-01-05T10:00:00+08:00,edge-1,edge.pro.month,,\n\
         ord-2,acme,purchase,2026-01-05T10:00:00+08:00,edge-2,,,\n",
    );
    said.expect_exit(2);
    let items = |bench: &Bench| {
        let mut items: Vec<String> = exported(bench, "quarantine");
        items.iter_mut().for_each(|item| {
            let cells: Vec<&str> = item.split(',').collect();
            *item = [cells[4], cells[6], cells[8]].join(" ");
        });
        items.sort();
        items
    };
    assert_eq!(items(&bench), ["account_id unknown_account open", "sku missing_value open"]);
    assert_eq!(exported(&bench, "orders"), Vec::<String>::new());

    bench.write("accounts-2.csv", "account_id,name\nbirch,Birch\n");
    bench.line("ingest accounts-2.csv").expect_exit(0);
    bench.line("quarantine retry --reason unknown_account").expect_exit(0);
    assert_eq!(items(&bench), ["account_id unknown_account retried", "sku missing_value open"]);
    let shown = ["ord-1,birch,purchase,edge-1,pending,2026-01-05T10:00:00+08:00,,,,,,,"];
    assert_eq!(exported(&bench, "orders"), shown);
    bench.line("verify --full").expect_exit(0);
}
