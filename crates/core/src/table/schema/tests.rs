//! The files in `schemas/` against the contract: which tables, which columns, which of them required.

use super::*;

/// The input tables as the contract lists them; `!` marks what is required.
const CONTRACT_IN: &[(&str, &str)] = &[
    (
        "accounts",
        "account_id! name! currency level credit_limit payment_method payment_terms_days payer_account_id cost_center \
         valid_from revision legal_name address country tax_id tax_rate purchase_order tags",
    ),
    (
        "products",
        "product! name product_line family edition edition_rank addon renewal renewal_lead_days mode_switch refund \
         free_quota arrears_stops grace_days retention_days overlap service_category service_subcategory resource_type \
         gl_account tax_category valid_from",
    ),
    (
        "prices",
        "sku! product! billing_mode! unit! unit_price! description model tiers terms currency valid_from valid_to revision \
         settle min_seconds step_seconds min_charge term_months equivalent_sku tags",
    ),
    (
        "discounts",
        "discount_id! account_id! kind! percent_off unit_price products skus modes order_kinds valid_from valid_to revision",
    ),
    (
        "usage",
        "record_id! account_id! resource_id! sku! started_at! ended_at! quantity region resource_name tags revision corrects \
         waived",
    ),
    ("funds", "entry_id! account_id! kind! amount! at! currency note"),
    (
        "vouchers",
        "voucher_id! account_id! amount! valid_from! valid_to! kind percent_off currency products skus modes regions \
         order_kinds min_amount granted_at note",
    ),
    (
        "orders",
        "order_id! account_id! kind! placed_at! resource_id! sku quantity periods renewal renewal_periods bundle_id \
         depends_on trial region data_center_type configuration resource_name scope effective align_day expires_on \
         accept_fee reason tags",
    ),
    ("assignments", "scope! account_id! resource_id key! value! valid_from! valid_to"),
    ("allocation_rules", "rule_id! priority! source! method! targets! valid_from valid_to"),
    ("budgets", "budget_id! amount! period! filter cost thresholds starts ends"),
];

/// The output tables as the contract lists them.
const CONTRACT_OUT: &[(&str, &str)] = &[
    (
        "charges",
        "charge_id settlement_id account_id resource_id sku price_id product billing_mode charge_type window_start \
         window_end billing_period quantity unit unit_price list_amount discount_amount truncated_amount due_amount currency \
         order_id corrects reason region cost_center tags transaction_at",
    ),
    ("payments", "payment_id account_id paid_for seq kind source source_id amount currency at"),
    (
        "subscriptions",
        "resource_id account_id product product_line sku billing_mode quantity status function renewal starts_at expires_at \
         anchor unstarted_until grace_until retention_until bundle_id depends_on region data_center_type configuration \
         last_renewal_attempt_at last_renewal_result",
    ),
    (
        "accounts",
        "account_id status level balance granted_balance credit_limit credit_used voucher_balance outstanding currency \
         in_arrears_since grace_until retention_until",
    ),
    // `waits_for` is added to the contract's.
    (
        "orders",
        "order_id account_id kind resource_id status placed_at done_at amount consumed_amount refund_amount fee_amount \
         reason refusal waits_for",
    ),
    ("vouchers", "voucher_id account_id kind amount used returned remaining valid_to status"),
    ("statement", "account_id at kind reference amount balance_after"),
    ("receivables", "account_id reference due_at open_amount age_bucket"),
    ("deferred", "charge_id billing_period opening recognised closing"),
    ("editions", "account_id family edition quota functions_stopped"),
    (
        "bills",
        "bill_id bill_number kind corrects_bill_id account_id payer_account_id billing_period status completeness currency \
         list_amount discount_amount truncated_amount rounding_amount due_amount tax_amount payable_amount paid_amount \
         outstanding_amount lines due_at approved_by issued_at content_sha256",
    ),
    (
        "bill_lines",
        "bill_line_id bill_id account_id billing_period product sku price_id resource_id billing_mode charge_type region \
         window_start window_end quantity unit unit_price list_amount discount_amount truncated_amount due_amount currency \
         order_id corrects corrects_period reason cost_center tags voucher_amount coupon_amount balance_amount credit_amount \
         outstanding_amount",
    ),
    (
        "allocation",
        "billing_period view account_id cost_center tag_key tag_value product region billing_mode amount_original \
         amount_net_original amount_amortized amount_net_amortized rule_id currency",
    ),
    (
        "costs",
        "date account_id cost_center project product sku region billing_mode charge_type amount_original amount_net_original \
         amount_amortized amount_net_amortized",
    ),
    (
        "runs",
        "run_id job window_start window_end attempt trigger actor status started_at ended_at rows_in rows_out rejected \
         postings amount reason",
    ),
    ("quarantine", "item_id file line kind column value reason amount_at_risk status first_seen_at"),
    ("usage_accounting", "hour account_id sku unit accepted charged zero_rated duplicate quarantined minimum"),
    // Not the contract's: added beside it.
    (
        "settlements",
        "settlement_id account_id at revision billing_period currency charges due voucher balance granted credit external \
         outstanding run_id",
    ),
    ("files", "seq file_id file kind status bytes rows accepted duplicates refused taken_at"),
    ("ledger", "transaction_id at description account amount currency"),
];

fn columns_of(schema: &TableSchema, is_marked: bool) -> String {
    let mark = |column: &ColumnSchema| if is_marked && column.is_required { "!" } else { "" };
    schema.columns.iter().map(|column| format!("{}{}", column.name, mark(column))).collect::<Vec<_>>().join(" ")
}

#[test]
fn input_tables_have_the_contracts_columns() {
    assert_eq!(CONTRACT_IN.len(), TableKind::ALL.len());
    for (name, columns) in CONTRACT_IN {
        let schema = INPUT.iter().find(|schema| &schema.name == name).expect("a file for every table");
        assert_eq!(&columns_of(schema, true), columns, "{name}");
    }
}

#[test]
fn output_tables_have_the_contracts_columns() {
    assert_eq!(CONTRACT_OUT.len(), outputs().len());
    for (name, columns) in CONTRACT_OUT {
        let schema = output(name).expect("a file for every table");
        assert_eq!(&columns_of(schema, false), columns, "{name}");
    }
}

#[test]
fn every_example_and_default_is_of_its_type() {
    for schema in INPUT.iter().chain(outputs()) {
        for column in &schema.columns {
            for text in std::iter::once(&column.example).chain(&column.default) {
                assert_eq!(column.check(text), Ok(()), "{}.{}: {text}", schema.name, column.name);
            }
        }
    }
}

#[test]
fn every_column_says_what_it_means() {
    for schema in INPUT.iter().chain(outputs()) {
        assert!(schema.version >= 1 && schema.meaning.ends_with('.'), "{}", schema.name);
        assert!(schema.key.iter().all(|column| schema.column(column).is_some()), "{}: {:?}", schema.name, schema.key);
        for column in &schema.columns {
            let at = format!("{}.{}", schema.name, column.name);
            assert!(column.meaning.ends_with('.') && column.meaning.len() > 8, "{at} has a meaning");
            let counts = matches!(
                column.column_type,
                ColumnType::Money | ColumnType::SignedMoney | ColumnType::Price | ColumnType::Percent | ColumnType::Quantity
            );
            assert!(!counts || column.unit.is_some(), "{at} has a unit");
        }
    }
    for column in INPUT.iter().flat_map(|schema| &schema.columns) {
        let has_fallback = column.default.is_some() || column.when_empty.is_some();
        assert!(has_fallback || column.is_required, "`{}` says what an empty cell means", column.name);
        assert!(!(column.default.is_some() && column.is_required), "`{}` is required or has a default", column.name);
    }
}

#[test]
fn headers_are_checked_in_any_order() {
    let schema = input(TableKind::Funds);
    let cases: &[(&[&str], &str)] = &[
        (&["entry_id", "account_id", "kind", "amount", "at"], "ok"),
        (&["at", "note", "amount", "kind", "account_id", "entry_id"], "ok"),
        (&["entry_id", "account_id", "kind", "amount"], "missing_column"),
        (&["entry_id", "account_id", "kind", "amount", "at", "at"], "duplicate_column"),
        (&["entry_id", "account_id", "kind", "amount", "at", "memo"], "unknown_column"),
        (&["entry_id", "account_id", "kind", "Amount", "at"], "unknown_column"), // names are exact
        (&["entry_id", "account_id", "kind", "amount", " at"], "unknown_column"),
        (&["entry_id", "account_id", "kind", "amount", "at", ""], "unknown_column"), // a comma at the end
        (&["entry_id", "account_id", "kind", "amount", "at", "batch"], "ok"),        // listed as allowed
    ];
    for (header, expected) in cases {
        let seen = schema.layout(header, &["batch".to_owned()]).map_or_else(|fault| fault.reason, |_| "ok");
        assert_eq!(&seen, expected, "{header:?}");
    }
    let layout = schema.layout(&["at", "batch", "amount", "kind", "account_id", "entry_id"], &["batch".to_owned()]);
    assert_eq!(layout.expect("right").places, [Some(4), None, Some(3), Some(2), Some(1), Some(0)]);
}

#[test]
fn a_header_fault_says_what_to_do() {
    let schema = input(TableKind::Funds);
    let fault = |header: &[&str]| schema.layout(header, &[]).expect_err("wrong").detail;
    assert_eq!(fault(&["Entry_ID"]), "column 1 of the header is `Entry_ID`, which `funds` does not have: write it `entry_id`");
    assert_eq!(
        fault(&["entry_id", "account_id", "kind", "amount"]),
        "the header lacks the column `at` (When it takes effect; an instant ahead waits): `funds` needs `entry_id`, \
         `account_id`, `kind`, `amount`, `at`"
    );
}

#[test]
fn rows_come_back_from_the_quarantine_as_delivered() {
    use crate::table::RawRow;
    let schema = input(TableKind::Funds);
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(column, text)| ((*column).to_owned(), (*text).to_owned())).collect()
    };
    let delivered = pairs(&[("entry_id", "f1"), ("account_id", ""), ("kind", "top_up"), ("amount", "1"), ("at", "")]);
    let row = RawRow::from_pairs(schema, 42, &delivered).expect("the columns are the table's");
    assert_eq!((row.line(), row.get("kind"), row.get("note"), row.get("memo")), (42, "top_up", "", ""));
    assert_eq!(row.to_pairs(), delivered); // required columns stay, empty or not
    assert!(RawRow::from_pairs(schema, 42, &pairs(&[("memo", "x")])).is_err());
}
