//! Late use and reruns: only the difference is posted.

use super::home::{Home, money};
use super::tiers::{BAR, FOO};

fn used(sku: &str, hour: u32, quantity: u32) -> String {
    format!("\n{sku} | 2024-01-10 {hour:02}:00:00 | 2024-01-10 {:02}:00:00 | {quantity}", hour + 1)
}

fn takes_used(home: &mut Home, rows: &[String]) {
    home.takes("usage", &format!("sku | started_at | ended_at | quantity{}", rows.concat()));
}

/// P36, github.com/killbill/killbill, invoice/src/test/java/.../usage/TestContiguousIntervalConsumableInArrear.java
/// (testMultipleItemsAndTiersWithExistingItemsAllTiers_*): two meters are billed, then more use of the month arrives.
#[test]
fn peer_p36_late_use_across_tiers_is_billed_as_the_difference() {
    for late_hour in [9, 7, 11] {
        let mut home = Home::new("huawei-intl", "USD");
        let prices = format!(
            "sku | unit | unit_price | model | tiers\n foo | unit | 0 | graduated | {FOO}\n bar | unit | 0 | graduated | {BAR}"
        );
        home.takes("prices", &prices);
        takes_used(&mut home, &[used("foo", 9, 50), used("bar", 9, 80)]);
        home.catches_up("2024-01-11 00:00:00");
        home.check_due("sku", &[("bar", "160"), ("foo", "410")]);

        // of the hour that is settled, of one before, of one after
        takes_used(&mut home, &[used("foo", late_hour, 20), used("bar", late_hour, 120)]);
        home.catches_up("2024-01-11 00:00:00");
        home.check_due("sku", &[("bar", "2200"), ("foo", "1510")]);
        assert_eq!(home.due() - money("570"), money("3140"), "late use of hour {late_hour}");
        let charges = home.export("charges");
        let late: Vec<&str> = charges
            .iter()
            .filter(|charge| charge["reason"] == "late_usage" || charge["window_start"] != "2024-01-10 09:00:00")
            .map(|charge| charge["due_amount"].as_str())
            .collect();
        assert_eq!(late, ["2040", "1100"], "late use of hour {late_hour}");
    }
}

/// P37, the same file (testComputeWithFractionOfCents) and https://github.com/killbill/killbill/issues/1124: 55 units at 0.067
/// are 3.685. Nothing new makes no charge, whether fractions of a cent are kept or cut.
#[test]
fn peer_p37_a_rerun_bills_nothing_also_with_fractions_of_a_cent() {
    for (profile, due) in [("huawei-intl", "3.685"), ("huawei-cn", "3.68")] {
        let mut home = Home::new(profile, "USD");
        home.takes("prices", "sku | unit | unit_price\n meter | unit | 0.067");
        takes_used(&mut home, &[used("meter", 9, 55)]);
        assert_eq!(home.catches_up("2024-01-11 00:00:00")["charges"], 1);
        assert_eq!(home.catches_up("2024-01-11 00:00:00")["charges"], 0);

        // a row that adds nothing makes the hour be rated once more
        takes_used(&mut home, &[used("meter", 9, 0)]);
        let again = home.catches_up("2024-02-01 00:00:00");
        assert_eq!((again["windows"].as_u64(), again["charges"].as_u64()), (Some(1), Some(0)), "{profile}");
        home.check("charges", &format!("quantity | list_amount | due_amount\n 55 | 3.685 | {due}"));
    }
}

/// P39, github.com/openmeterio/openmeter, openmeter/billing/charges/usagebased/service/rating/delta/tieredvolume_test.go: the
/// 16th unit makes all of them cheaper.
#[test]
fn peer_p39_a_volume_band_that_is_reached_later_gives_back() {
    let mut home = Home::new("huawei-intl", "USD");
    home.takes(
        "prices",
        r#"sku   | unit | unit_price | model  | tiers
           meter | unit | 0          | volume | [{"up_to":"15","unit_price":"10"},{"unit_price":"5"}]"#,
    );
    // hour | delivered | what all charges come to | what this run posted
    for (hour, quantity, total, posted) in [(9, 15, "150", "150"), (10, 1, "80", "-70"), (10, 0, "80", "0")] {
        let before = home.due();
        takes_used(&mut home, &[used("meter", hour, quantity)]);
        home.catches_up("2024-01-11 00:00:00");
        assert_eq!((home.due(), home.due() - before), (money(total), money(posted)), "{quantity} more");
    }
    // the first period stays as it was billed: 5 for the 16th unit and -75 for the other 15 are of the second
    home.check_due("window_start", &[("2024-01-10 09:00:00", "150"), ("2024-01-10 10:00:00", "-70")]);
    home.check_due("reason", &[("", "155"), ("volume_band", "-75")]);
}

/// P39, github.com/openmeterio/openmeter, .../usagebased/service/rating/periodpreserving/engine_test.go: a late unit is charged
/// in its own period.
#[test]
fn peer_p39_a_late_unit_corrects_its_own_period() {
    let mut home = Home::new("huawei-intl", "USD");
    home.takes("prices", "sku | unit | unit_price\n meter | unit | 10");
    takes_used(&mut home, &[used("meter", 8, 3)]);
    home.catches_up("2024-01-10 09:00:00");
    takes_used(&mut home, &[used("meter", 9, 2)]);
    home.catches_up("2024-01-10 10:00:00");
    takes_used(&mut home, &[used("meter", 8, 1), used("meter", 10, 3)]);
    assert_eq!(home.catches_up("2024-01-10 11:00:00")["charges"], 2);

    let charges = home.export("charges");
    let first = charges.iter().find(|charge| charge["due_amount"] == "30").map(|charge| charge["charge_id"].clone());
    let late = charges.iter().find(|charge| charge["reason"] == "late_usage").expect("a correction");
    assert_eq!(Some(&late["corrects"]), first.as_ref());
    let mut by_window: Vec<String> = charges
        .iter()
        .map(|charge| format!("{} {} {}", charge["window_start"], charge["due_amount"], charge["reason"]))
        .collect();
    by_window.sort();
    assert_eq!(
        by_window,
        ["2024-01-10 08:00:00 10 late_usage", "2024-01-10 08:00:00 30 ", "2024-01-10 09:00:00 20 ", "2024-01-10 10:00:00 30 ",]
    );
}

/// P39, github.com/openmeterio/openmeter, .../usagebased/service/rating/delta/package_test.go: a package that is begun is paid.
#[test]
fn peer_p39_a_package_is_paid_once() {
    let mut home = Home::new("huawei-intl", "USD");
    home.takes(
        "prices",
        r#"sku   | unit | unit_price | model   | tiers
           meter | unit | 0          | package | {"size":"10","unit_price":"15"}"#,
    );
    // the month's quantity so far is 1, 9, 10, 11
    for (hour, quantity, posted) in [(8, 1, "15"), (9, 8, "0"), (10, 1, "0"), (11, 1, "15")] {
        let before = home.due();
        takes_used(&mut home, &[used("meter", hour, quantity)]);
        home.catches_up("2024-01-11 00:00:00");
        assert_eq!(home.due() - before, money(posted), "hour {hour}");
    }
}
