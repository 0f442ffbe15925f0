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
        "ord-1,acme,purchase,edge-1,pending,2026-01-05T10:00:00+08:00,,,,,,,,",
        "ord-2,acme,change,edge-1,pending,2026-01-06T10:00:00+08:00,,,,,,,,",
        "ord-3,acme,unsubscribe,edge-1,pending,9000-01-01T00:00:00+08:00,,,,,,replaced,,",
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
    let shown = ["ord-1,birch,purchase,edge-1,pending,2026-01-05T10:00:00+08:00,,,,,,,,"];
    assert_eq!(exported(&bench, "orders"), shown);
    bench.line("verify --full").expect_exit(0);
}

const HOME: &str = "2026-01-03T10:00:00+08:00";

/// A home in which ana gave back what acme had bought for 60,000.
fn with_a_large_refund() -> Bench {
    let bench = Bench::with_home();
    bench.write("accounts.csv", "account_id,name,currency\nacme,Acme,CNY\n");
    let price = "sku,product,billing_mode,unit,unit_price,currency,valid_from\n";
    bench.write("prices.csv", &format!("{price}big.month,vm,subscription,month,60000,CNY,2025-01-01T00:00:00+08:00\n"));
    bench.write("funds.csv", "entry_id,account_id,kind,amount,at\nf-1,acme,top_up,60000,2026-01-01T00:00:00+08:00\n");
    bench.line("ingest accounts.csv prices.csv funds.csv").expect_exit(0);
    let buy = "orders place purchase --account acme --resource vm-1 --sku big.month --order-id o-1 --actor ana";
    bench.line(&format!("{buy} --as-of 2026-01-01T10:00:00+08:00")).expect_exit(0);
    let said = bench.line(&format!("quote unsubscribe --resource vm-1 --as-of {HOME}")).expect_exit(0);
    assert!(said.out.contains("it would wait for approval: 60000 CNY would come back, which is above 50000"), "{}", said.out);
    let back = format!("orders place unsubscribe --resource vm-1 --order-id o-2 --actor ana --as-of {HOME}");
    let said = bench.line(&back).expect_exit(0);
    assert!(said.out.starts_with("placed, and its refund waits for approval\n"), "{}", said.out);
    bench
}

#[test]
fn a_large_refund_is_approved_by_a_second_person_once() {
    let bench = with_a_large_refund();
    let list = |rest: &str| bench.line(&format!("orders list {rest}")).expect_exit(0).out;
    assert!(list("--waiting").contains("o-2") && !list("--waiting").contains("o-1"), "{}", list("--waiting"));
    let explained = bench.line("explain o-2").expect_exit(0).out;
    for piece in ["pending", "waits for", "orders approve", "what would come back", "60,000.00", "placed by", "ana"] {
        assert!(explained.contains(piece), "{piece}: {explained}");
    }
    assert!(exported(&bench, "orders")[1].contains(",pending,"), "{:?}", exported(&bench, "orders"));
    let day = bench.line("reports get daily-2026-01-03.txt").expect_exit(0).out;
    assert!(day.contains("refunds that waited for approval from this day on") && day.contains("o-2"), "{day}");
    bench.line("verify --full").expect_exit(0);

    let approve = |who: &str, order_id: &str| {
        let said = ["orders", "approve", order_id, "--actor", who, "--reason", "the contract has ended", "--as-of", "2026-01-20"];
        bench.run(said)
    };
    // who | order | exit | what is said
    let cases = [
        ("ana", "o-2", 3, "same_person: `ana` placed the order, and a second person approves it"),
        ("ben", "o-1", 3, "it was carried out, and did not wait for approval"),
        ("ben", "o-9", 2, "there is no order `o-9`"),
        ("ben", "o-2", 0, "approved, and carried out"),
        ("eve", "o-2", 0, "approved already: nothing of it has effect again"),
        ("ana", "o-2", 0, "approved already: nothing of it has effect again"),
    ];
    for (who, order_id, exit, expected) in cases {
        let said = approve(who, order_id);
        let said = said.expect_exit(exit);
        assert!(format!("{}{}", said.out, said.err).contains(expected), "{who} {order_id}: {}{}", said.out, said.err);
    }
    assert!(list("--waiting").contains("no refund waits for approval here"));
    let explained = bench.line("explain o-2 --json").expect_exit(0).json();
    let approval = &explained["approval"];
    assert_eq!((&approval["approved_by"], &approval["reason"]), (&"ben".into(), &"the contract has ended".into()));
    assert_eq!(approval["approved_at"], "2026-01-20T00:00:00+08:00");
    assert_eq!((&explained["placed_by"], &explained["refund_amount"]), (&"ana".into(), &"60000.00000000".into()));
    let statement = exported(&bench, "statement --account acme");
    assert_eq!(
        statement.last().map(String::as_str),
        Some("acme,2026-01-20T00:00:00+08:00,order,o-2,60000.00000000,60000.00000000")
    );
    bench.line("verify --full").expect_exit(0);
}

#[test]
fn the_calendar_shows_when_a_refund_comes_back_by_itself() {
    let bench = with_a_large_refund();
    let calendar = |bench: &Bench| bench.line("renewals calendar --days 30 --as-of 2026-01-04").expect_exit(0).out;
    assert!(calendar(&bench).starts_with("nothing is due"), "{}", calendar(&bench));

    // What waits keeps what it was told: the knob counts for requests from then on.
    let profile = bench.read("reckoner-home/profiles/huawei-intl.toml");
    let knob = "refund_auto_approve_after = \"3d\"";
    bench.write("reckoner-home/profiles/huawei-intl.toml", &profile.replace("refund_auto_approve_after = \"never\"", knob));
    assert!(calendar(&bench).starts_with("nothing is due"), "{}", calendar(&bench));
    bench.line("orders approve o-2 --actor ben --as-of 2026-01-04").expect_exit(0);
    let buy = "orders place purchase --account acme --resource vm-2 --sku big.month --as-of 2026-01-04";
    bench.line(buy).expect_exit(0);
    bench.line("orders place unsubscribe --resource vm-2 --as-of 2026-01-04").expect_exit(0);
    let shown = calendar(&bench);
    assert!(shown.contains("2026-01-07 00:00:00") && shown.contains("refund comes back"), "{shown}");
    bench.line("run daily --as-of 2026-01-07").expect_exit(0);
    assert!(exported(&bench, "accounts")[0].contains("60000.00000000"));
    bench.line("verify --full").expect_exit(0);
}
