//! What arrives after its window was settled posts the difference, at the prices that the window was settled with, and
//! touches nothing else.

use super::books::{MONTH_END, Net, Record, assert_same_net, catch_up, charges, ingest, net, nothing_is_left_to_settle};
use crate::support::Bench;
use serde_json::Value;
use std::collections::BTreeSet;

const ACCOUNTS: &str = "account_id,name\na,Ana\nb,Ben\n";
const PRICE_COLUMNS: &str = "sku,product,billing_mode,unit,unit_price,model,tiers,valid_from,revision,settle";
const USAGE_COLUMNS: &str = "record_id,account_id,resource_id,sku,started_at,ended_at,quantity,revision,corrects";

/// model | unit | unit_price | tiers
const MODELS: [(&str, &str, &str, &str); 5] = [
    ("held", "hour", "0.37", ""),
    ("flat", "GB", "0.37", ""),
    (
        "graduated",
        "GB",
        "",
        r#"[{"up_to":"10","unit_price":"0.8"},{"up_to":"20","unit_price":"0.7","flat":"1"},{"unit_price":"0.55"}]"#,
    ),
    (
        "volume",
        "GB",
        "",
        r#"[{"up_to":"10","unit_price":"0.5","flat":"2"},{"up_to":"20","unit_price":"0.4","flat":"5"},{"unit_price":"0.3"}]"#,
    ),
    ("package", "GB", "", r#"{"size":"5","unit_price":"3","free":"4"}"#),
];
const SETTLES: [&str; 3] = ["hour", "day", "month"];

/// Ways in which use becomes known late: what the row of each sku is.
const NEWS: [(&str, [&str; 9]); 6] = [
    ("more use in a settled hour", ["n-SKU", "a", "r", "SKU", "10:30", "10:50", "3.5", "", ""]),
    ("use in an hour beside it", ["n-SKU", "a", "r", "SKU", "12:10", "12:20", "9", "", ""]),
    ("a higher revision that says more", ["r-SKU", "a", "r", "SKU", "10:15", "10:45", "11.25", "1", ""]),
    ("a higher revision that says less", ["r-SKU", "a", "r", "SKU", "10:15", "10:25", "0.5", "1", ""]),
    ("a correction", ["c-SKU", "a", "r", "SKU", "10:15", "10:45", "2", "", "r-SKU"]),
    ("a correction that takes it back", ["c-SKU", "a", "r", "SKU", "10:15", "10:45", "0", "", "r-SKU"]),
];

fn skus() -> impl Iterator<Item = (&'static str, String)> {
    MODELS.into_iter().flat_map(|(model, ..)| SETTLES.map(|settle| (model, format!("{model}.{settle}"))))
}

fn cell(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// Every sku's price, from `valid_from`; a factor in front of a flat price says that it is another one.
fn prices(valid_from: &str, revision: u32, digit: &str) -> String {
    let mut text = format!("{PRICE_COLUMNS}\n");
    for (model, unit, unit_price, tiers) in MODELS {
        let word = if model == "held" { "flat" } else { model };
        let unit_price = if unit_price.is_empty() { String::new() } else { format!("{digit}{unit_price}") };
        let tiers = cell(&tiers.replace("\"unit_price\":\"", &format!("\"unit_price\":\"{digit}")));
        for settle in SETTLES {
            text +=
                &format!("{model}.{settle},p,pay_per_use,{unit},{unit_price},{word},{tiers},{valid_from},{revision},{settle}\n");
        }
    }
    text
}

fn usage_row(cells: [&str; 9], sku: &str, day: &str) -> String {
    let at = |clock: &str| format!("2026-01-{day}T{clock}:00+08:00");
    let [id, account, resource, _, start, end, quantity, revision, corrects] = cells.map(|text| text.replace("SKU", sku));
    format!("{id},{account},{resource},{sku},{},{},{quantity},{revision},{corrects}\n", at(&start), at(&end))
}

/// Before anything is late: two resources and a second account in one hour, and the first resource a day and two hours later.
fn first_delivery() -> String {
    let mut text = format!("{USAGE_COLUMNS}\n");
    for (_, sku) in skus() {
        text += &usage_row(["q-SKU", "a", "q", "", "10:20", "10:40", "2.75", "", ""], &sku, "05");
        text += &usage_row(["r-SKU", "a", "r", "", "10:15", "10:45", "6", "", ""], &sku, "05");
        text += &usage_row(["b-SKU", "b", "r", "", "10:15", "12:45", "7", "", ""], &sku, "05");
        text += &usage_row(["s-SKU", "a", "r", "", "12:00", "12:30", "4.125", "", ""], &sku, "05");
        text += &usage_row(["t-SKU", "a", "r", "", "10:00", "10:30", "1", "", ""], &sku, "06");
    }
    text
}

fn late_delivery(news: [&str; 9]) -> String {
    skus().fold(format!("{USAGE_COLUMNS}\n"), |text, (_, sku)| text + &usage_row(news, &sku, "05"))
}

#[track_caller]
fn take(bench: &Bench, name: &str, text: &str) {
    bench.write(name, text);
    let said = ingest(bench, MONTH_END, &[bench.path(name)]);
    assert_eq!((&said["refused"], &said["duplicates"]), (&0.into(), &0.into()), "{name}: {said}");
}

fn home_with_prices() -> Bench {
    let bench = Bench::with_home();
    take(&bench, "accounts.csv", ACCOUNTS);
    take(&bench, "prices.csv", &prices("2025-10-01T00:00:00+08:00", 0, ""));
    bench
}

/// Prices that say otherwise, published when the month is settled: a revision, and a row that would hold on the day.
fn publish_other_prices(bench: &Bench) {
    take(bench, "prices-revised.csv", &prices("2025-10-01T00:00:00+08:00", 1, "7"));
    take(bench, "prices-dated.csv", &prices("2026-01-04T00:00:00+08:00", 0, "8"));
}

fn of_models<'a>(records: &'a [Record], is_tiered: bool) -> Vec<Record> {
    let tiered = |record: &&'a Record| !record["sku"].starts_with("flat") && !record["sku"].starts_with("held");
    records.iter().filter(|record| tiered(record) == is_tiered).cloned().collect()
}

/// The nets that must not depend on when use became known: of flat prices every window's, of tiered ones the month's amounts
/// and every window's quantity.
fn nets(records: &[Record]) -> [(&'static str, Net); 3] {
    let window = ["account_id", "resource_id", "sku", "price_id", "window_start", "window_end", "billing_period"];
    let quantities = net(&of_models(records, true), &window).into_iter().map(|(key, sums)| (key, [sums[0], 0, 0, 0, 0]));
    [
        ("flat windows", net(&of_models(records, false), &window)),
        ("tiered months", net(&of_models(records, true), &["account_id", "sku", "price_id", "billing_period"])),
        ("tiered quantities", quantities.filter(|(_, sums)| sums[0] != 0).collect()),
    ]
}

#[track_caller]
fn assert_same_nets(found: &[Record], expected: &[Record], what: &str) {
    for ((name, found), (_, expected)) in nets(found).iter().zip(&nets(expected)) {
        assert_same_net(found, expected, &format!("{what}, {name}"));
    }
}

fn late_equals_all_at_once(news: (&str, [&str; 9])) {
    let (what, cells) = news;
    let fresh = home_with_prices();
    take(&fresh, "usage-1.csv", &first_delivery());
    take(&fresh, "usage-2.csv", &late_delivery(cells));
    catch_up(&fresh, MONTH_END);

    let bench = home_with_prices();
    take(&bench, "usage-1.csv", &first_delivery());
    catch_up(&bench, MONTH_END);
    let before = charges(&bench);
    publish_other_prices(&bench);
    nothing_is_left_to_settle(&bench, MONTH_END);
    take(&bench, "usage-2.csv", &late_delivery(cells));
    let said = catch_up(&bench, MONTH_END);
    let after = charges(&bench);

    assert_same_nets(&after, &charges(&fresh), what);
    only_differences_were_posted(&before, &after, &said, what);
    nothing_is_left_to_settle(&bench, MONTH_END);
    assert_eq!(charges(&bench), after, "{what}: settled again");
}

/// What is there stays; what is new names what it corrects, or is the first of its line, and is the named account's alone.
fn only_differences_were_posted(before: &[Record], after: &[Record], said: &Value, what: &str) {
    let known: BTreeSet<&Record> = before.iter().collect();
    assert!(known.is_subset(&after.iter().collect()), "{what}: a posted charge has changed");
    let posted: Vec<&Record> = after.iter().filter(|charge| !known.contains(charge)).collect();
    assert_eq!(said["charges"].as_u64(), Some(posted.len() as u64), "{what}");

    let ids: BTreeSet<&String> = before.iter().map(|charge| &charge["charge_id"]).collect();
    for charge in posted {
        let line = |other: &&Record| {
            ["account_id", "resource_id", "sku", "price_id", "window_start"].iter().all(|name| other[*name] == charge[*name])
        };
        let is_repricing = charge["reason"] == "volume_band";
        assert_eq!(charge["account_id"], "a", "{what}: {charge:?}");
        assert!(charge["resource_id"] == "r" || is_repricing, "{what}: {charge:?}");
        assert!(charge["window_start"].as_str() < "2026-01-05T13", "{what}: another window is touched: {charge:?}");
        if is_repricing {
            continue;
        }
        match before.iter().any(|other| line(&other)) {
            true => {
                assert!(ids.contains(&charge["corrects"]), "{what}: it corrects nothing that is known: {charge:?}");
                assert!(["late_usage", "usage_corrected"].contains(&charge["reason"].as_str()), "{what}: {charge:?}");
            }
            false => assert_eq!((charge["corrects"].as_str(), charge["reason"].as_str()), ("", ""), "{what}: {charge:?}"),
        }
    }
}

#[test]
fn late_use_equals_all_at_once() {
    late_equals_all_at_once(NEWS[0]);
    late_equals_all_at_once(NEWS[1]);
}

#[test]
fn a_late_revision_equals_all_at_once() {
    late_equals_all_at_once(NEWS[2]);
    late_equals_all_at_once(NEWS[3]);
}

#[test]
fn a_late_correction_equals_all_at_once() {
    late_equals_all_at_once(NEWS[4]);
    late_equals_all_at_once(NEWS[5]);
}

#[test]
fn one_thing_after_the_other_equals_all_at_once() {
    let fresh = home_with_prices();
    let bench = home_with_prices();
    for one in [&fresh, &bench] {
        take(one, "usage-1.csv", &first_delivery());
    }
    catch_up(&bench, MONTH_END);
    // More, then the first record's revision, then a correction of that: each settles by itself.
    let steps = [NEWS[0].1, NEWS[2].1, NEWS[4].1];
    for (number, cells) in steps.into_iter().enumerate() {
        for one in [&fresh, &bench] {
            take(one, &format!("usage-late-{number}.csv"), &late_delivery(cells));
        }
        catch_up(&bench, MONTH_END);
    }
    catch_up(&fresh, MONTH_END);
    assert_same_nets(&charges(&bench), &charges(&fresh), "one after the other");
    nothing_is_left_to_settle(&bench, MONTH_END);
}

#[test]
fn a_later_price_holds_for_what_is_not_settled() {
    let bench = home_with_prices();
    take(&bench, "usage-1.csv", &first_delivery());
    let early = "2026-01-05T11:30:00+08:00";
    catch_up(&bench, early); // the hour of 10:00
    publish_other_prices(&bench);
    catch_up(&bench, MONTH_END);
    let hours: BTreeSet<(String, String)> = charges(&bench)
        .into_iter()
        .filter(|charge| charge["sku"] == "flat.hour")
        .map(|charge| (charge["window_start"][..13].to_owned(), charge["unit_price"].clone()))
        .collect();
    let expected = [("2026-01-05T10", "0.37"), ("2026-01-05T12", "80.37"), ("2026-01-06T10", "80.37")];
    assert_eq!(hours, BTreeSet::from(expected.map(|(hour, price)| (hour.to_owned(), price.to_owned()))));
}

#[test]
fn settled_use_is_charged_once_whatever_window_a_later_price_names() {
    let bench = home_with_prices();
    take(&bench, "usage-1.csv", &first_delivery());
    catch_up(&bench, "2026-01-05T11:30:00+08:00"); // the hour of 10:00; its day is open
    let rows = |from: &str, revision: u32| {
        let row = |sku: &str, settle: &str| format!("{sku},p,pay_per_use,GB,0.37,,,{from},{revision},{settle}\n");
        format!("{PRICE_COLUMNS}\n{}{}", row("flat.hour", "day"), row("flat.day", "hour"))
    };
    // A revision would charge the settled hour by the day as well, and the day's sku never.
    bench.write("prices-moved.csv", &rows("2025-10-01T00:00:00+08:00", 1));
    let said = ingest(&bench, MONTH_END, &[bench.path("prices-moved.csv")]);
    let reasons: Vec<&Value> = said["files"][0]["refusals"].as_array().unwrap().iter().map(|item| &item["reason"]).collect();
    assert_eq!(reasons, ["settled_otherwise", "settled_otherwise"]);
    // From where nothing is settled on, another window is a price like any other.
    take(&bench, "prices-ahead.csv", &rows("2026-01-05T11:00:00+08:00", 0));
    catch_up(&bench, MONTH_END);
    for sku in ["flat.hour", "flat.day"] {
        let used: Vec<Record> = charges(&bench).into_iter().filter(|charge| charge["sku"] == sku).collect();
        let total: i128 = net(&used, &["sku"]).values().map(|sums| sums[0]).sum();
        assert_eq!(total, 20_875_000_000_000, "{sku}: everything that was used, once");
    }
}
