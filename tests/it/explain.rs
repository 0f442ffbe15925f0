//! `explain`: from an amount back to the lines of files that somebody delivered.

use crate::sample_home::{END, after_the_month, at, in_january, rows, text};
use crate::support::Bench;
use serde_json::Value;

fn explained(bench: &Bench, id: &str) -> Value {
    at(bench, END, &format!("explain {id} --json")).expect_exit(0).json()
}

fn said(bench: &Bench, id: &str) -> String {
    at(bench, END, &format!("explain {id}")).expect_exit(0).out
}

fn expect(text: &str, pieces: &[&str]) {
    // Columns are aligned, so blanks are compared as one.
    let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for piece in pieces {
        assert!(plain.contains(piece), "{piece:?} is missing from:\n{text}");
    }
    for line in text.lines() {
        assert!(line.chars().count() <= 110, "{line:?} is too wide");
    }
}

/// The id of the charge that these columns tell apart.
fn charge<'a>(charges: &'a [Value], wanted: &[(&str, &str)]) -> &'a str {
    let found = charges.iter().find(|charge| wanted.iter().all(|(column, value)| charge[*column] == *value));
    found.unwrap_or_else(|| panic!("no charge with {wanted:?}"))["charge_id"].as_str().expect("every charge has an id")
}

#[test]
fn every_charge_of_a_few_awkward_resources_adds_up() {
    let bench = after_the_month();
    let charges = rows(&bench, "charges");
    // Corrected, replaced, tiered, re-priced, lifted, waived, in two currencies, by hour, day and month.
    let resources = ["cert-lab", "cert-gateway", "gpu-a", "log-edge", "eip-school", "vol-lake", "zone-school"];
    let awkward = charges
        .iter()
        .filter(|charge| charge["reason"] != Value::Null || resources.iter().any(|resource| charge["resource_id"] == *resource));
    let mut seen = 0;
    for charge in awkward {
        let id = text(charge, "charge_id");
        let story = explained(&bench, id);
        let is_repricing = charge["reason"] == "volume_band";
        assert!(story["rows_add_up"] == true || is_repricing, "{story:#}");
        assert_eq!(story["comes_out"], true, "{story:#}");
        for column in ["quantity", "list_amount", "discount_amount", "truncated_amount", "due_amount", "window_start", "reason"] {
            assert_eq!(story["charge"][column], charge[column], "{id} {column}");
        }
        seen += 1;
    }
    assert!(seen > 30, "{seen} charges");
    the_text_says_where_an_amount_comes_from(&bench, &charges);
    settlements_are_explained(&bench);
    ids_may_be_cut_and_mistaken(&bench, &charges);
}

fn the_text_says_where_an_amount_comes_from(bench: &Bench, charges: &[Value]) {
    let corrected = charge(charges, &[("resource_id", "cert-lab"), ("reason", "usage_corrected")]);
    let story = said(bench, corrected);
    expect(
        &story,
        &[
            "reason usage_corrected",
            "the line with this charge: 7,200 unit-seconds x 0.0137 / 3600 = 0.0274 CNY",
            "fee 0.02466 CNY with 10 % off by `d-heron-ccm`",
            "d-heron-ccm commercial 10 % off 0.02466 CNY wins discounts-2026-01.csv:2",
            "posted before this charge together",
            "= due 0.03699 CNY -0.01233 CNY 0.02466 CNY",
            "computed again: the same, to the last of 8 digits",
            "delivered prices-2026-01.csv:2",
            "1 row, 7,200 unit-seconds = the 2 charges of the line, this one among them",
            "usage-2026-01-02T09.csv:4 was replaced by usage-2026-01-24T20.csv:4",
            "refund voucher -0.01233 CNY v-heron-ccm",
        ],
    );

    let lifted = charge(charges, &[("resource_id", "eip-school"), ("reason", "late_usage")]);
    expect(
        &said(bench, lifted),
        &["2 rows, 3,000 unit-seconds", "p-0002", "p-0012", "= due 0.01 CNY 0.00666666 CNY 0.01666666 CNY"],
    );

    let banded = charge(charges, &[("resource_id", "log-edge"), ("reason", "volume_band")]);
    expect(
        &said(bench, banded),
        &[
            "the month's total of all resources from 100 to 120.5 GB, from band 1 to band 2 of 3",
            "the difference is charged",
            "none of their own",
        ],
    );

    let tiered = charge(charges, &[("resource_id", "gpu-a"), ("window_start", "2026-01-11T00:00:00+08:00")]);
    expect(
        &said(bench, tiered),
        &[
            "the month before: 345,600 unit-seconds = 40.32 CNY",
            "the month with it: 432,000 unit-seconds = 45.36 CNY",
            "graduated to 96 hours: 0.42; above: 0.21, in CNY",
            "usage-2026-01-12T08.csv:2",
        ],
    );

    // Of two discounts that fit, both are shown.
    let competing =
        charge(charges, &[("account_id", "ibis"), ("sku", "ecs.c6.large"), ("window_start", "2026-01-15T10:30:00+08:00")]);
    let story = said(bench, competing);
    assert!(story.contains(" wins ") && story.contains(" loses "), "{story}");
}

fn settlements_are_explained(bench: &Bench) {
    for settlement in rows(bench, "settlements --account jay") {
        let id = text(&settlement, "settlement_id");
        let story = explained(bench, id);
        assert_eq!((&story["charges_add_up"], &story["sources_add_up"]), (&true.into(), &true.into()), "{story:#}");
        assert_eq!(story["settlement"]["due"], settlement["due"], "{id}");
    }
    // It ran out of money on 1 January and paid on the 21st.
    let unpaid = rows(bench, "settlements --account jay").into_iter().find(|row| row["at"] == "2026-01-01T18:00:00+08:00");
    let story = said(bench, text(&unpaid.expect("it is settled"), "settlement_id"));
    expect(
        &story,
        &["open now 0.00 CNY", "balance 0.376 CNY outstanding 0.202 CNY = due 0.578 CNY", "repayment balance 0.202 CNY f-009"],
    );
}

fn ids_may_be_cut_and_mistaken(bench: &Bench, charges: &[Value]) {
    let id = text(&charges[0], "charge_id");
    assert_eq!(explained(bench, &id[..12])["charge"]["charge_id"], id);
    // what is asked for | what is said
    let cases = [
        (&id[..8], "is too short"),
        ("ch_ffffffffffffffffffffffffffffffff", "there is no charge"),
        ("se_ffffffff", "there is no settlement"),
        ("order-1", "is not the id of a charge, a settlement or an order"),
        ("q_3b638f6a066e", "quarantine show"),
    ];
    for (asked, piece) in cases {
        let said = at(bench, END, &format!("explain {asked}")).expect_exit(2);
        said.expect_err(&["error: ID: ", piece, "hint: "]);
    }
}

#[test]
fn rows_that_arrived_since_are_told_apart() {
    let bench = in_january();
    let charges = rows(&bench, "charges --account heron");
    let first = charge(&charges, &[("resource_id", "cert-lab"), ("window_start", "2026-01-01T00:00:00+08:00")]).to_owned();

    // One row more in that hour, and the row behind the charge taken back; nothing is settled yet.
    let header = "record_id,account_id,resource_id,sku,started_at,ended_at,quantity,corrects\n";
    let more = "n-1,heron,cert-lab,ccm.private-cert,2026-01-01T00:10:00+08:00,2026-01-01T00:20:00+08:00,1,\n";
    let back = "n-2,heron,cert-lab,ccm.private-cert,2026-01-01T00:00:00+08:00,2026-01-01T02:00:00+08:00,0,h-0003\n";
    bench.write("usage-late.csv", &format!("{header}{more}{back}"));
    at(&bench, END, "ingest usage-late.csv").expect_exit(0);

    let waiting = explained(&bench, &first);
    let states = |story: &Value| -> Vec<(String, String)> {
        let rows = story["rows"].as_array().unwrap();
        let mut states: Vec<_> = rows
            .iter()
            .map(|row| (row["record_id"].as_str().unwrap().to_owned(), row["state"].as_str().unwrap().to_owned()))
            .collect();
        states.sort();
        states
    };
    let pair = |record: &str, state: &str| (record.to_owned(), state.to_owned());
    assert_eq!(
        states(&waiting),
        [pair("h-0003", "replaced_since"), pair("n-1", "not_settled_yet"), pair("n-2", "not_settled_yet")]
    );
    assert_eq!((&waiting["rows_add_up"], &waiting["rows_quantity"]), (&true.into(), &"10800".into()));

    at(&bench, END, "catch-up").expect_exit(0);
    let settled = explained(&bench, &first);
    assert_eq!(states(&settled), [pair("h-0003", "replaced"), pair("n-1", "counted"), pair("n-2", "counted")]);
    assert_eq!((&settled["rows_add_up"], &settled["rows_quantity"]), (&true.into(), &"600".into()));
    assert_eq!((settled["line"].as_array().unwrap().len(), &settled["comes_out"]), (2, &true.into()));
}
