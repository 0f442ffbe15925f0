//! Prices that depend on the month's quantity. Each quantity has an account of its own, because tiers count by account.

use super::home::{Home, money};

/// Checks what quantities of a sku cost in all: its model, tiers (as in `prices`), and quantity with what is due.
fn check((model, tiers): (&str, &str), expected: &[(&str, &str)]) {
    let mut home = Home::new("huawei-intl", "USD");
    let accounts: Vec<String> = expected.iter().map(|(quantity, _)| format!("uses-{quantity}")).collect();
    home.takes_accounts(&accounts);
    home.takes("prices", &format!("sku | unit | unit_price | model | tiers\n meter | unit | 0 | {model} | {tiers}"));
    let row = |(quantity, _): &(&str, &str)| {
        format!("\nuses-{quantity} | meter | 2024-01-10 08:00:00 | 2024-01-10 09:00:00 | {quantity}")
    };
    let rows: String = expected.iter().map(row).collect();
    home.takes("usage", &format!("account_id | sku | started_at | ended_at | quantity{rows}"));
    home.catches_up("2024-02-01 00:00:00");
    let due: Vec<(&str, &str)> =
        accounts.iter().zip(expected).map(|(account_id, (_, due))| (account_id.as_str(), *due)).collect();
    home.check_due("account_id", &due);
}

/// P01, github.com/killbill/killbill-docs, userguide/subscription/includes/catalog-usage.adoc: the second meter,
/// and its border.
#[test]
fn peer_p01_first_1024_units_then_the_rest() {
    let tiers = r#"[{"up_to":"1024","unit_price":"0.50"},{"unit_price":"0.10"}]"#;
    check(("graduated", tiers), &[("1024", "512"), ("2048", "614.40")]);
    check(("volume", tiers), &[("1024", "512"), ("2048", "204.80")]);
}

/// P02, github.com/killbill/killbill, invoice/src/test/java/.../usage/TestContiguousIntervalConsumableInArrear.java
/// (testComputeBilledUsageSizeOneWith_*), and the borders below 111.
#[test]
fn peer_p02_graduated_and_top_tier() {
    let tiers = r#"[{"up_to":"10","unit_price":"1.5"},{"up_to":"110","unit_price":"1.0"},{"unit_price":"0.5"}]"#;
    check(("graduated", tiers), &[("10", "15"), ("110", "115"), ("111", "115.5")]);
    check(("volume", tiers), &[("111", "55.5")]);
}

/// P06, github.com/getlago/lago-api, spec/services/charge_models/volume_service_spec.rb: a flat amount per band, and a quantity
/// between two whole bounds.
#[test]
fn peer_p06_volume_with_a_flat_amount_per_band() {
    let tiers = |flat: &str| {
        format!(
            r#"[{{"up_to":"100","unit_price":"2","flat":"{flat}"}},{{"up_to":"200","unit_price":"1"}},{{"unit_price":"0.5","flat":"50"}}]"#
        )
    };
    let expected = [
        ("0", "10"),
        ("1", "12"),
        ("100", "210"),
        ("100.5", "100.5"), // no hole between the bands
        ("101", "101"),
        ("200", "200"),
        ("300", "200"),
    ];
    check(("volume", &tiers("10")), &expected);
    check(("volume", &tiers("0")), &[("0", "0")]);
}

/// P09, github.com/getlago/lago-api, spec/services/charge_models/package_service_spec.rb, and
/// github.com/meteroid-oss/meteroid, crates/meteroid-store/src/services/invoice_lines/fees.rs.
#[test]
fn peer_p09_packages_with_free_units() {
    let lago = |free: &str| format!(r#"{{"size":"10","unit_price":"100","free":"{free}"}}"#);
    check(("package", &lago("0")), &[("121", "1300")]);
    check(("package", &lago("10")), &[("121", "1200")]);
    check(("package", &lago("200")), &[("121", "0")]);
    check(("package", r#"{"size":"20","unit_price":"5"}"#), &[("45", "15")]);
}

/// P17, github.com/openmeterio/openmeter, openmeter/billing/rating/service/rate/tieredgraduated_test.go: a period in two parts.
/// The spend cap and the spend floor of the same test have no counterpart here.
#[test]
fn peer_p17_the_second_part_of_a_month_goes_on_where_the_first_ended() {
    let mut home = Home::new("huawei-intl", "USD");
    home.takes(
        "prices",
        r#"sku   | unit | unit_price | model     | tiers
           meter | unit | 0          | graduated | [{"up_to":"5","unit_price":"0","flat":"100"},{"up_to":"10","unit_price":"0","flat":"50"},{"up_to":"15","unit_price":"5"},{"unit_price":"1"}]"#,
    );
    home.takes(
        "usage",
        "sku   | started_at          | ended_at            | quantity
         meter | 2024-01-10 08:00:00 | 2024-01-10 09:00:00 | 12
         meter | 2024-01-20 08:00:00 | 2024-01-20 09:00:00 | 10",
    );
    home.catches_up("2024-02-01 00:00:00");
    home.check(
        "charges",
        "window_start        | quantity | due_amount
         2024-01-10 08:00:00 | 12       | 160
         2024-01-20 08:00:00 | 10       | 22",
    );
    home.check_due("account_id", &[("acme", "182")]);
}

/// The tiers of P36's two meters.
pub(super) const FOO: &str = r#"[{"up_to":"10","unit_price":"1"},{"up_to":"60","unit_price":"10"},{"up_to":"135","unit_price":"100"},{"unit_price":"100"}]"#;
pub(super) const BAR: &str = r#"[{"up_to":"100","unit_price":"2"},{"unit_price":"20"}]"#;

/// P36's fresh runs, github.com/killbill/killbill, .../usage/TestContiguousIntervalConsumableInArrear.java
/// (testComputeMissingItems*).
#[test]
fn peer_p36_fresh_runs_of_two_meters() {
    // foo | bar | graduated | top tier
    let cases = [
        ("5", "99", Some("203"), Some("203")),
        ("5", "101", Some("225"), Some("2025")),
        ("75", "101", Some("2230"), None), // each shown for one policy only
        ("76", "101", None, Some("9620")),
    ];
    for (place, model) in ["graduated", "volume"].into_iter().enumerate() {
        let mut home = Home::new("huawei-intl", "USD");
        home.takes_accounts((0..cases.len()).map(|case| format!("case-{case}")));
        home.takes(
            "prices",
            &format!(
                "sku | unit | unit_price | model | tiers\n foo | unit | 0 | {model} | {FOO}\n bar | unit | 0 | {model} | {BAR}"
            ),
        );
        let mut rows = String::new();
        for (case, (foo, bar, ..)) in cases.iter().enumerate() {
            for (sku, quantity) in [("foo", foo), ("bar", bar)] {
                rows += &format!("\ncase-{case} | {sku} | 2024-01-10 08:00:00 | 2024-01-10 09:00:00 | {quantity}");
            }
        }
        home.takes("usage", &format!("account_id | sku | started_at | ended_at | quantity{rows}"));
        home.catches_up("2024-02-01 00:00:00");
        let charges = home.export("charges");
        for (case, (foo, bar, graduated, top_tier)) in cases.iter().enumerate() {
            let Some(expected) = [*graduated, *top_tier][place] else { continue };
            let account_id = format!("case-{case}");
            let of_case = charges.iter().filter(|charge| charge["account_id"] == account_id);
            let due = of_case.map(|charge| money(&charge["due_amount"])).sum();
            assert_eq!(money(expected), due, "{model}: foo {foo}, bar {bar}");
        }
    }
}
