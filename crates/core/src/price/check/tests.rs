//! What is remarked on, and what is not.

use super::*;
use crate::table::{Context, RawRow, TableKind, account, discount, price, product, voucher};

type Cells = &'static [(&'static str, &'static str)];

/// A price list with one of everything right; a case changes it by adding rows.
#[derive(Clone)]
struct World {
    accounts: Vec<Cells>,
    products: Vec<Cells>,
    prices: Vec<Cells>,
    discounts: Vec<Cells>,
    vouchers: Vec<Cells>,
    used: Vec<&'static str>,
    unpriced: Vec<(&'static str, &'static str)>,
    auto_renew_term: AutoRenewTerm,
}

const PRICE: Cells = &[("sku", "vm"), ("product", "ecs"), ("billing_mode", "pay_per_use"), ("unit", "hour"), ("unit_price", "1")];

fn world() -> World {
    World {
        accounts: vec![&[("account_id", "acme"), ("name", "Acme")]],
        products: vec![&[("product", "ecs")]],
        prices: vec![&[]],
        discounts: Vec::new(),
        vouchers: Vec::new(),
        used: vec!["vm"],
        unpriced: Vec::new(),
        auto_renew_term: AutoRenewTerm::AsBought,
    }
}

fn rows<T>(kind: TableKind, base: Cells, all: &[Cells], read: impl Fn(&RawRow<'_>) -> T) -> Vec<T> {
    let cells = |changes: Cells| {
        let kept = base.iter().filter(|(column, _)| !changes.iter().any(|(changed, _)| changed == column));
        kept.chain(changes).map(|(column, text)| ((*column).to_owned(), (*text).to_owned())).collect::<Vec<_>>()
    };
    all.iter().map(|changes| read(&RawRow::from_pairs(kind.schema(), 2, &cells(changes)).expect("columns"))).collect()
}

/// `gravity code table:place`, and the sentences.
fn remarks(world: &World) -> Vec<(String, String)> {
    let context = Context::new("CNY");
    let discount_base: Cells = &[("discount_id", "d"), ("account_id", "acme"), ("kind", "commercial"), ("percent_off", "20")];
    let voucher_base: Cells = &[
        ("voucher_id", "v"),
        ("account_id", "acme"),
        ("amount", "1"),
        ("valid_from", "2026-01-01T00:00:00Z"),
        ("valid_to", "2027-01-01T00:00:00Z"),
    ];
    let accounts =
        Accounts::new(rows(TableKind::Accounts, &[], &world.accounts, |raw| account::parse(raw, &context).expect("right")));
    let products = rows(TableKind::Products, &[], &world.products, |raw| product::parse(raw, &context).expect("right"));
    let prices = rows(TableKind::Prices, PRICE, &world.prices, |raw| price::parse(raw, &context).expect("right"));
    let discounts =
        rows(TableKind::Discounts, discount_base, &world.discounts, |raw| discount::parse(raw, &context).expect("right"));
    let vouchers = rows(TableKind::Vouchers, voucher_base, &world.vouchers, |raw| voucher::parse(raw, &context).expect("right"));
    let catalogue = Catalogue {
        prices: prices.iter().collect(),
        products: products.iter().collect(),
        discounts: discounts.iter().collect(),
        vouchers: vouchers.iter().collect(),
        accounts: &accounts,
        auto_renew_term: world.auto_renew_term,
        used: world.used.iter().copied().collect(),
        unpriced: world.unpriced.iter().map(|(sku, reason)| Unpriced { sku, reason }).collect(),
        as_of: Instant::parse("2026-01-10T00:00:00Z").expect("an instant"),
        zone: Zone::UTC,
    };
    let remarks = look_over(&catalogue).into_iter().map(|remark| {
        let head = format!("{:?} {} {:?}", remark.gravity, remark.code, remark.about);
        (head, format!("{} | {} | {}", remark.saw, remark.expected, remark.to_do))
    });
    remarks.collect()
}

/// Each line: the rows, and what is remarked.
fn check(cases: &[(World, &[&str])]) {
    for (nth, (world, expected)) in cases.iter().enumerate() {
        let seen: Vec<String> = remarks(world).into_iter().map(|(head, _)| head).collect();
        assert_eq!(seen, *expected, "case {nth}");
    }
}

fn with_prices(prices: &[Cells]) -> World {
    World { prices: prices.to_vec(), ..world() }
}

#[test]
fn a_price_holds_at_every_instant() {
    const JANUARY: Cells = &[("valid_from", "2026-01-01T00:00:00Z"), ("valid_to", "2026-01-20T00:00:00Z")];
    const OTHER: &str = "2";
    check(&[
        (world(), &[]),
        // From the 20th on: nothing follows, and it is soon.
        (with_prices(&[JANUARY]), &["Warning price_ends Price(0)"]),
        (with_prices(&[JANUARY, &[("valid_from", "2026-01-20T00:00:00Z"), ("unit_price", OTHER)]]), &[]),
        (
            with_prices(&[JANUARY, &[("valid_from", "2026-01-20T00:00:01Z"), ("unit_price", OTHER)]]),
            &["Warning price_gap Price(1)"],
        ),
        // The day before the border, on it, and after it: 30 days.
        (with_prices(&[&[("valid_to", "2026-02-09T00:00:00Z")]]), &["Warning price_ends Price(0)"]),
        (with_prices(&[&[("valid_to", "2026-02-09T00:00:01Z")]]), &[]),
        (with_prices(&[&[("valid_to", "2026-01-10T00:00:00Z")]]), &[]), // it has ended: that was remarked before
        // An open row is ended by the next: no overlap.
        (with_prices(&[&[], &[("valid_from", "2026-01-20T00:00:00Z"), ("unit_price", OTHER)]]), &[]),
        (
            with_prices(&[JANUARY, &[("valid_from", "2026-01-19T23:59:59Z"), ("unit_price", OTHER)]]),
            &["Error price_overlap Price(1)"],
        ),
        (with_prices(&[&[], &[("valid_from", "2026-01-20T00:00:00Z")]]), &["Warning price_repeated Price(1)"]),
        (
            with_prices(&[&[], &[("valid_from", "2026-01-20T00:00:00Z"), ("unit_price", OTHER), ("settle", "day")]]),
            &["Warning settle_differs Price(1)"],
        ),
        // What a higher revision replaced is not remarked on.
        (with_prices(&[&[("valid_to", "2026-01-20T00:00:00Z")], &[("revision", "1")]]), &[]),
        // Other currencies and skus have lists of their own.
        (with_prices(&[JANUARY, &[("sku", "disk"), ("valid_from", "2026-03-01T00:00:00Z")]]), &["Warning price_ends Price(0)"]),
        // Tiers whose price rises are meant so.
        (with_prices(&[&[("model", "graduated"), ("tiers", r#"[{"up_to":"9","unit_price":"1"},{"unit_price":"2"}]"#)]]), &[]),
    ]);
}

#[test]
fn who_uses_a_sku_can_be_charged_for_it() {
    let dollars: Cells = &[("account_id", "birch"), ("name", "Birch"), ("currency", "USD")];
    let with_dollars = |prices: &[Cells], used: &[&'static str]| World {
        accounts: [world().accounts, vec![dollars]].concat(),
        used: used.to_vec(),
        ..with_prices(prices)
    };
    check(&[
        (with_prices(&[&[], &[("currency", "USD")]]), &["Warning currency_without_account Price(1)"]),
        // One remark for all skus of the currency.
        (
            with_prices(&[&[], &[("currency", "USD")], &[("sku", "disk"), ("currency", "USD")]]),
            &["Warning currency_without_account Price(1)"],
        ),
        (with_dollars(&[&[], &[("currency", "USD")]], &["vm"]), &[]),
        (with_dollars(&[&[]], &["vm"]), &["Warning sku_without_currency Price(0)"]),
        (with_dollars(&[&[]], &[]), &[]), // nobody uses it
        (World { accounts: Vec::new(), ..with_prices(&[&[("currency", "USD")]]) }, &[]), // no accounts yet
        (
            World { unpriced: vec![("vn", "unknown_sku"), ("vn", "unknown_sku"), ("vm", "no_price")], ..world() },
            &["Error usage_without_price Unpriced(0)", "Error usage_without_price Unpriced(2)"],
        ),
    ]);
    let (_, text) = remarks(&World { unpriced: vec![("vn", "unknown_sku"); 2], ..world() }).remove(0);
    let expected = "2 rows of usage wait in quarantine for a price of `vn` (unknown_sku) | a sku that prices name, such as `vm` | \
                    `reckoner ingest prices.csv`, then `reckoner quarantine retry --reason unknown_sku`";
    assert_eq!(text, expected);
}

#[test]
fn names_lead_somewhere() {
    let of = |discounts: &[Cells]| World { discounts: discounts.to_vec(), ..world() };
    let vouchers = |vouchers: &[Cells]| World { vouchers: vouchers.to_vec(), ..world() };
    check(&[
        (with_prices(&[&[("equivalent_sku", "vm.month")]]), &["Warning unknown_equivalent Price(0)"]),
        (with_prices(&[&[("equivalent_sku", "disk")], &[("sku", "disk"), ("equivalent_sku", "vm")]]), &[]),
        (
            World { products: vec![&[("product", "ecs")], &[("product", "esc")]], ..world() },
            &["Warning product_without_price Product(1)"],
        ),
        (World { prices: Vec::new(), used: Vec::new(), ..world() }, &[]), // no prices yet
        (of(&[&[("skus", "vm"), ("products", "ecs")]]), &[]),
        (of(&[&[("account_id", "*")]]), &[]),
        (of(&[&[("account_id", "acne")]]), &["Error unknown_account Discount(0)"]),
        (of(&[&[("skus", "vm;vn")]]), &["Warning unknown_sku Discount(0)"]),
        (of(&[&[("products", "esc")]]), &["Warning unknown_product Discount(0)"]),
        (of(&[&[("skus", "vn")], &[("skus", "vm"), ("revision", "1")]]), &[]), // replaced
        (vouchers(&[&[]]), &[]),
        (
            vouchers(&[&[("account_id", "acne"), ("skus", "vn")]]),
            &["Error unknown_account Voucher(0)", "Warning unknown_sku Voucher(0)"],
        ),
    ]);
    let (_, text) = remarks(&of(&[&[("products", "esc")]])).remove(0);
    assert!(
        text.contains("names the product `esc`, which nothing is known of | a product that prices name, such as `ecs` |"),
        "{text}"
    );
}

#[test]
fn a_discount_can_win_somewhere() {
    const WIDE: Cells = &[("discount_id", "wide"), ("account_id", "*"), ("kind", "promotional"), ("percent_off", "30")];
    const NEVER: &[&str] = &["Warning discount_never_wins Discount(1)"];
    let against_wide = |row: Cells| World { discounts: vec![WIDE, row], ..world() };
    check(&[
        (against_wide(&[]), NEVER), // 20 of acme against 30 of all
        // As good, and first in the order: it is the wide one that gives way, but not for everybody else.
        (against_wide(&[("percent_off", "30")]), &[]),
        (against_wide(&[("percent_off", "30"), ("kind", "fee_waiver")]), NEVER), // as good, and later in the order
        (against_wide(&[("percent_off", "30.00000001")]), &[]),
        (against_wide(&[("skus", "vm"), ("modes", "pay_per_use"), ("valid_from", "2026-01-01T00:00:00Z")]), NEVER),
        (against_wide(&[("percent_off", ""), ("unit_price", "0.5")]), &[]), // it depends on the list price
        (against_wide(&[("valid_to", "2026-01-10T00:00:00Z")]), &[]),       // it is over
        (against_wide(&[("percent_off", "0")]), &["Warning discount_of_nothing Discount(1)"]),
        // A narrower one beats only where it fits.
        (World { discounts: vec![&[("discount_id", "a"), ("percent_off", "30"), ("skus", "vm")], &[]], ..world() }, &[]),
        (
            World {
                discounts: vec![&[("discount_id", "a"), ("percent_off", "30"), ("valid_to", "2026-06-01T00:00:00Z")], &[]],
                ..world()
            },
            &[],
        ),
        // A lower price beats a higher one.
        (
            World {
                discounts: vec![
                    &[("discount_id", "a"), ("percent_off", ""), ("unit_price", "0.4")],
                    &[("percent_off", ""), ("unit_price", "0.5")],
                ],
                ..world()
            },
            NEVER,
        ),
    ]);
}

#[test]
fn what_is_sold_by_the_year_is_not_renewed_by_the_month() {
    const YEAR: Cells = &[("sku", "vm.year"), ("billing_mode", "subscription"), ("unit", "year")];
    const ENDED: Cells =
        &[("sku", "vm.year"), ("billing_mode", "subscription"), ("unit", "year"), ("valid_to", "2026-01-10T00:00:00Z")];
    const MONTH: Cells = &[("sku", "vm.month"), ("billing_mode", "subscription"), ("unit", "month")];
    let by = |auto_renew_term, prices: &[Cells]| World { auto_renew_term, ..with_prices(prices) };
    check(&[
        (by(AutoRenewTerm::OneMonth, &[&[], MONTH, YEAR]), &["Warning renewed_by_the_year Price(2)"]),
        (by(AutoRenewTerm::AsBought, &[&[], MONTH, YEAR]), &[]),
        (by(AutoRenewTerm::OneMonth, &[&[], MONTH, ENDED]), &[]), // nobody renews by it any more
    ]);
}

#[test]
fn the_likest_names_come_first() {
    let known = BTreeSet::from(["vm.small", "vm.large", "disk", "eip"]);
    assert_eq!(such_as("a sku", "vm.smal", &known), "a sku, such as `vm.small`, `vm.large`, `disk`");
    assert_eq!(such_as("a sku", "x", &BTreeSet::new()), "a sku; there is none yet");
    assert_eq!(listed(&["a", "b", "c", "d", "e", "f", "g"]), "`a`, `b`, `c`, `d`, `e` and 2 more");
    for (one, other, expected) in [("", "", 0), ("ab", "", 2), ("kitten", "sitting", 3), ("ecs", "esc", 2)] {
        assert_eq!((distance(one, other), distance(other, one)), (expected, expected), "{one} {other}");
    }
}
