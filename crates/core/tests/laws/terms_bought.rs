//! What terms, moves to a unified day and changes cost: tables of borders, vendors' figures, and what always holds.

use super::world::{money, price, quantity};
use proptest::prelude::*;
use reckoner_core::life::calendar::unified;
use reckoner_core::life::change::{Rate, downgrade, remaining, upgrade};
use reckoner_core::life::period::{
    PeriodError, Quote, TermUnit, months_of, price_of_alignment, price_of_periods, price_of_trial,
};
use reckoner_core::life::{PaidPart, PaidPeriod, PeriodKind};
use reckoner_core::number::{Accrued, Fraction, Money, Quantity, UnitPrice};
use reckoner_core::pay::PaymentSource;
use reckoner_core::price::{Buyer, DiscountBook};
use reckoner_core::profile::{Profile, Proration};
use reckoner_core::table::{
    AlignDay, BillingMode, DiscountKind, DiscountRow, DiscountTerms, OrderKind, PriceModel, PriceRow, Unit,
};
use reckoner_core::time::{Instant, Window, Zone};

fn beijing() -> Zone {
    Zone::parse("+08:00").expect("a zone")
}

fn at(text: &str) -> Instant {
    beijing().parse_instant(text).expect("an instant or a date")
}

fn window(start: &str, end: &str) -> Window {
    Window::new(at(start), at(end))
}

fn profile(text: &str) -> Profile {
    Profile::parse(text).expect("a profile")
}

fn sold_by(unit: &str, unit_price: &str, terms: &str) -> PriceRow {
    let mut row = price("s", unit_price);
    row.unit = Unit::Amount(unit.to_owned());
    row.billing_mode = if unit == "each" { BillingMode::OneTime } else { BillingMode::Subscription };
    if !terms.is_empty() {
        row.particulars.insert("terms".to_owned(), terms.to_owned());
    }
    row
}

fn discount(discount_id: &str, terms: DiscountTerms, order_kinds: &[&str]) -> DiscountRow {
    DiscountRow {
        discount_id: discount_id.to_owned(),
        account_id: "*".to_owned(),
        kind: DiscountKind::Commercial,
        terms,
        products: vec![],
        skus: vec![],
        modes: vec![],
        order_kinds: order_kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        valid_from: None,
        valid_to: None,
        revision: 0,
    }
}

fn percent_off(text: &str) -> DiscountTerms {
    DiscountTerms::PercentOff(text.parse().expect("a percentage"))
}

fn instead(unit_price: &str) -> DiscountTerms {
    DiscountTerms::UnitPrice(UnitPrice::parse(unit_price).expect("a price"))
}

fn ties(quote: &Quote) {
    let amounts = quote.amounts;
    assert_eq!(amounts.due, amounts.list - amounts.discount - amounts.truncated);
    assert_eq!(quote.formula.steps.last().map(|step| step.amount), Some(amounts.due));
}

#[test]
fn longer_terms_come_at_their_listed_price() {
    // unit | unit price | terms | periods | quantity | due | in numbers
    for (unit, unit_price, terms, periods, units, due, numbers) in [
        ("month", "100", "", 1, "1", "100", "1 x 100"),
        ("month", "100", "12=900;24=1600", 11, "1", "1100", "11 x 100"), // dearer than 12: the list is the list
        ("month", "100", "12=900;24=1600", 12, "1", "900", "1 x 900"),
        ("month", "100", "12=900;24=1600", 13, "1", "1000", "1 x 900 + 1 x 100"),
        ("month", "100", "12=900;24=1600", 36, "1", "2500", "1 x 1600 + 1 x 900"),
        ("month", "100", "12=900;24=1600", 49, "2", "6600", "2 x 1600 x 2 + 1 x 100 x 2"),
        ("month", "100", "1=95", 3, "1", "285", "3 x 95"), // the list counts also where it names a single unit
        ("month", "0.5", "", 1, "0.25", "0.13", "1 x 0.5 x 0.25"),
        ("year", "8000", "3=14400", 4, "1", "22400", "1 x 14400 + 1 x 8000"),
        ("each", "88.8", "", 1, "3", "266.4", "1 x 88.8 x 3"),
        ("month", "0", "", 12, "1", "0", "12 x 0"),
    ] {
        let row = sold_by(unit, unit_price, terms);
        let quote = price_of_periods(&row, periods, quantity(units), &[], &profile("")).expect("small");
        assert_eq!((quote.amounts.due, quote.formula.steps[0].numbers.as_str()), (money(due), numbers));
        ties(&quote);
    }
}

#[test]
fn tiers_price_the_quantity_of_each_term() {
    let tiers = super::world::tiers(&[("10", "10", "0"), ("", "8", "0")]);
    let row = PriceRow { model: PriceModel::Graduated { tiers }, ..sold_by("month", "0", "") };
    let quote = price_of_periods(&row, 3, quantity("15"), &[], &profile("")).expect("small");
    assert_eq!((quote.amounts.due, quote.formula.steps[0].numbers.as_str()), (money("420"), "3 x 140"));
}

/// 51 × 12 × 0.83 = 507.96 (W04) and (51 + 20) × 12 × 0.83 = 707.16 (R08), tencentyun/qcloud-documents, 云服务退货说明.md.
#[test]
fn w04_r08_a_year_at_83_percent() {
    for (monthly, due) in [("51", "507.96"), ("71", "707.16")] {
        let off = discount("d", percent_off("17"), &[]);
        let quote = price_of_periods(&sold_by("month", monthly, ""), 12, Quantity::ONE, &[&off], &profile("")).expect("small");
        assert_eq!(quote.amounts.due, money(due));
        assert_eq!(quote.formula.steps[1].rule, "the best single discount: d");
    }
}

#[test]
fn the_best_single_discount_wins_and_orders_are_whole_cents() {
    let row = sold_by("month", "33.335", "");
    let (fifth, fixed, weak) =
        (discount("a", percent_off("20"), &[]), discount("b", instead("26.665"), &[]), discount("c", percent_off("1"), &[]));
    // rounding | discounts | list, discount, truncated, due
    for (rounding, discounts, expected) in [
        ("half_up", vec![], ["33.335", "0", "-0.005", "33.34"]),
        ("truncate", vec![], ["33.335", "0", "0.005", "33.33"]),
        ("half_up", vec![&weak, &fifth, &fixed], ["33.335", "6.67", "-0.005", "26.67"]), // 26.668 and 26.665
        ("truncate", vec![&weak, &fifth, &fixed], ["33.335", "6.67", "0.005", "26.66"]),
        ("half_up", vec![&fifth], ["33.335", "6.667", "-0.002", "26.67"]),
    ] {
        let profile = profile(&format!("rounding = \"{rounding}\""));
        let quote = price_of_periods(&row, 1, Quantity::ONE, &discounts, &profile).expect("small");
        let amounts = quote.amounts;
        assert_eq!([amounts.list, amounts.discount, amounts.truncated, amounts.due], expected.map(money), "{rounding}");
        ties(&quote);
    }
    // In yen there are no parts; the least charge lifts what costs something.
    let yen = PriceRow { currency: "JPY".to_owned(), ..sold_by("month", "33.5", "") };
    assert_eq!(price_of_periods(&yen, 1, Quantity::ONE, &[], &profile("")).expect("small").amounts.due, money("34"));
    let least = PriceRow { min_charge: money("50"), ..row };
    assert_eq!(price_of_periods(&least, 1, Quantity::ONE, &[], &profile("")).expect("small").amounts.due, money("50"));
    let trial = price_of_trial();
    assert_eq!(trial.amounts.due, Money::ZERO);
    ties(&trial);
}

#[test]
fn a_discount_of_orders_fits_orders_of_its_kinds() {
    let rows = [discount("any", percent_off("1"), &[]), discount("renewals", percent_off("2"), &["renew", "change"])];
    let book = DiscountBook::new(rows.map(|row| (1, row))).as_of(1);
    let buyer = Buyer { account_id: "a", product: "p", sku: "s", billing_mode: BillingMode::Subscription, at: at("2026-01-01") };
    let ids = |fitting: Vec<&DiscountRow>| fitting.iter().map(|row| row.discount_id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(book.fitting(buyer)), ["any"]); // usage
    assert_eq!(ids(book.fitting_order(buyer, OrderKind::Purchase)), ["any"]);
    assert_eq!(ids(book.fitting_order(buyer, OrderKind::Renew)), ["any", "renewals"]);
    assert_eq!(ids(book.fitting_order(buyer, OrderKind::Change)), ["any", "renewals"]);
}

#[test]
fn periods_are_months() {
    let mut certificate = sold_by("each", "1", "");
    assert_eq!(months_of(&certificate, 1), Ok(None)); // without an end
    certificate.particulars.insert("term_months".to_owned(), "12".to_owned());
    assert_eq!(months_of(&certificate, 2), Ok(Some(24)));
    assert_eq!(months_of(&sold_by("month", "1", ""), 5), Ok(Some(5)));
    assert_eq!(months_of(&sold_by("year", "1", ""), 5), Ok(Some(60)));
}

#[test]
fn what_is_no_period_is_an_error_and_never_a_wrapped_amount() {
    let error = |row: &PriceRow, periods, units: Quantity| {
        price_of_periods(row, periods, units, &[], &profile("")).map(|_| ()).expect_err("wrong").to_string()
    };
    let month = sold_by("month", "999999999999999999", "");
    assert_eq!(error(&month, 0, Quantity::ONE), "0 periods of `s`; expected 1 or more");
    let beyond = "the amount does not fit: a quantity or a price is beyond what an account can owe";
    assert_eq!(error(&month, u32::MAX, quantity("999999999999999999")), beyond);
    assert_eq!(error(&month, 1, Quantity::ONE), beyond); // fits 128 bits, but no account
    let used = "`vm` is billed `pay_per_use`; expected a price of `subscription` or `one_time`: use is not bought ahead";
    assert_eq!(error(&price("vm", "1"), 1, Quantity::ONE), used);
    assert!(error(&sold_by("month", "1", "12"), 12, Quantity::ONE).starts_with("the price of `s` has terms `12`: "));
    assert_eq!(
        months_of(&sold_by("year", "1", ""), u32::MAX),
        Err(PeriodError::TooLong { sku: "s".to_owned(), periods: u32::MAX })
    );
}

/// S12, https://cloud.tencent.com/document/product/555/7454: 60 + 60/30 × 15 = 90; by the days of May, 60 + 60 × 15/31.
#[test]
fn s12_a_month_and_fifteen_days() {
    let old = at("2018-04-06"); // the expiry date is 5 April
    let moved = unified(old, 1, AlignDay::Day(20), beijing()).expect("near");
    for (align_proration, due, numbers) in [
        ("30", "90", "1 x 60 + 60 x 0.5 month for 15 days"),
        ("calendar", "89.03", "1 x 60 + 60 x 0.48387096… month for 15 days"),
    ] {
        let profile = profile(&format!("align_proration = \"{align_proration}\""));
        let quote = price_of_alignment(&sold_by("month", "60", ""), Quantity::ONE, &moved, &[], &profile, beijing());
        let quote = quote.expect("small");
        assert_eq!((quote.amounts.due, quote.formula.steps[0].numbers.as_str()), (money(due), numbers));
        ties(&quote);
    }
}

#[test]
fn an_alignment_pays_whole_terms_and_a_part_of_one() {
    let (huawei, old) = (profile(""), at("2026-01-11")); // the expiry date is 10 January
    let price_of = |row: &PriceRow, months, discounts: &[&DiscountRow]| {
        let moved = unified(old, months, AlignDay::Day(5), beijing()).expect("near");
        price_of_alignment(row, quantity("2"), &moved, discounts, &huawei, beijing()).expect("small").amounts.due
    };
    // To 5 March: a month to 10 February, 18 of 28 days and 5 of 31.
    assert_eq!(price_of(&sold_by("month", "100", ""), 1, &[]), money("360.83")); // 200 × (1 + 18/28 + 5/31)
    let fixed = discount("d", instead("50"), &[]);
    assert_eq!(price_of(&sold_by("month", "100", ""), 1, &[&fixed]), money("180.41")); // half of 360.8295
    // 13 months to 10 February 2027, 23 days: a listed year and a month, then days.
    assert_eq!(price_of(&sold_by("month", "100", "12=900"), 13, &[]), money("2160.83"));
    // By the year: a year, a twelfth, 23/365.
    assert_eq!(price_of(&sold_by("year", "1200", ""), 13, &[]), money("2751.23"));
}

fn rate(cost: &str, unit: TermUnit) -> Rate {
    Rate { cost: Accrued::of_money(money(cost)), unit, quantity: Quantity::ONE }
}

/// What a term is, from when, until when, and the parts that are left of it.
type Left<'a> = (TermUnit, &'a str, &'a str, &'a [(i128, i128)]);

fn fraction(parts: &[(i128, i128)]) -> Fraction {
    parts.iter().fold(Fraction::ZERO, |sum, (part, whole)| sum.plus(Fraction::new(*part, *whole)).expect("small"))
}

/// What is left of a period, exactly. U01: huaweicloudDocs/eip, 修改弹性公网IP独享带宽大小.md · U02:
/// https://support.huaweicloud.com/price-codeartsagent/codeartsagent_billing_0027.md · U04: https://support.huaweicloud.com/
/// intl/en-us/price-astrocanvas/astrocanvas_price_0003.html · U06: https://support.huaweicloud.com/topic/1167971-4-A · P21:
/// killbill, TestProRation.java, TestDoubleProRation.java · C10: https://stripe.com/docs/billing/subscriptions/backdating.
#[test]
fn u01_u02_u04_u06_what_is_left_is_an_exact_fraction() {
    use TermUnit::{Month, Year};
    let cases: &[Left] = &[
        (Month, "2018-11-25", "2018-12-01", &[(6, 30)]), // U01: the change day is excluded
        (Month, "2026-05-25T14:00:00+08:00", "2026-07-01", &[(154, 744), (1, 1)]), // U02
        (Year, "2024-05-02", "2026-11-02", &[(244, 365), (1, 1), (305, 365)]), // U04: from the day after the change
        (Month, "2022-04-19", "2022-05-09", &[(12, 30), (8, 31)]), // U06: prints 0.6581
        (Month, "2011-02-10", "2011-02-24", &[(14, 28)]), // P21
        (Month, "2011-02-01", "2011-02-14", &[(13, 28)]),
        (Month, "2012-02-01", "2012-02-15", &[(14, 29)]),
        (Month, "2026-02-15", "2026-03-01", &[(1, 2)]), // C10
        (Month, "2026-02-01", "2026-02-01", &[]),
        (Month, "2026-02-02", "2026-02-01", &[]), // nothing is left of what is over
        (Month, "2026-01-01", "2027-01-01", &[(12, 1)]),
        (Year, "2028-02-28", "2028-03-01", &[(1, 365)]), // 29 February does not count
        (Year, "2028-02-29T06:00:00+08:00", "2028-02-29T18:00:00+08:00", &[]),
        (Year, "2028-01-01", "2029-01-01", &[(1, 1)]),
        (Year, "2100-02-28", "2100-03-01", &[(1, 365)]), // there is none
    ];
    for (unit, start, end, parts) in cases {
        let left = remaining(window(start, end), *unit, Proration::Calendar, beijing()).expect("small");
        assert_eq!(left, fraction(parts), "{start} to {end}");
    }
    let left = |start, end| remaining(window(start, end), Month, Proration::Calendar, beijing()).expect("small").to_string();
    assert_eq!(left("2022-04-19", "2022-05-09"), "0.65806451…"); // U06
    assert_eq!(left("2026-05-25T14:00:00+08:00", "2026-07-01"), "1.20698924…"); // U02
}

#[test]
fn with_months_of_30_days_whole_months_are_whole() {
    use TermUnit::{Month, Year};
    let cases: &[Left] = &[
        (Month, "2026-05-06", "2026-05-21", &[(15, 30)]),
        (Month, "2026-01-31", "2026-02-28", &[(1, 1)]), // a month of the calendar is a month
        (Month, "2026-05-06", "2026-07-07", &[(2, 1), (1, 30)]),
        (Month, "2026-05-02", "2026-06-01", &[(30, 30)]),
        (Year, "2026-01-01", "2027-01-16", &[(1, 1), (15, 360)]),
    ];
    for (unit, start, end, parts) in cases {
        let left = remaining(window(start, end), *unit, Proration::Thirty, beijing()).expect("small");
        assert_eq!(left, fraction(parts), "{start} to {end}");
    }
}

/// A night of 23 or 25 hours is a day: a whole month is 1.
#[test]
fn a_month_with_a_clock_change_is_a_month() {
    for name in ["Europe/Paris", "America/New_York", "Africa/Cairo"] {
        let zone = Zone::parse(name).expect("a zone");
        for month in 1..=12 {
            let window = zone.month_containing(zone.parse_instant(&format!("2024-{month:02}-15")).expect("a date"));
            let left = remaining(window, TermUnit::Month, Proration::Calendar, zone).expect("small");
            assert_eq!(left, Fraction::ONE, "{name} {month}");
        }
    }
}

/// U01, U02 as above; U08: https://support.huaweicloud.com/topic/1167971-4-A, 13 of 31 days and 8 of 30; U10:
/// https://support.huaweicloud.com/topic/510421-4-H, half a month; U13: UCloudDoc-Team/charge, upgrade.md, 20 of 30 days;
/// U14: https://ucloud-global.com/docs/charge/upgrade (the page prints 12.571); U15: https://www.bitdeer.ai/en/docs/expense/
/// configuration-change-fee, 20 of 31 days at 90 %: each leg half-up gives 16.26, the difference cut once 16.25.
#[test]
fn u01_u02_u08_u10_u14_u15_what_an_upgrade_costs() {
    let tenth = discount("d", percent_off("10"), &[]);
    for (old, new, start, end, discounts, due) in [
        ("18.4", "92", "2018-11-25", "2018-12-01", vec![], "14.72"), // U01
        ("0", "39", "2026-05-25T14:00:00+08:00", "2026-07-01", vec![], "47.07"), // U02
        ("35000", "50000", "2022-03-19", "2022-04-09", vec![], "10290.32"), // U08
        ("470", "534", "2026-06-16", "2026-07-01", vec![], "32"),    // U10
        ("18.857", "37.714", "2026-06-11", "2026-07-01", vec![], "12.57"), // U14
        ("28", "56", "2026-05-12", "2026-06-01", vec![&tenth], "16.25"), // U15
        ("120", "120", "2026-06-11", "2026-07-01", vec![], "0"),
        ("240", "120", "2026-06-11", "2026-07-01", vec![], "0"), // a downgrade costs nothing
        ("18.4", "92", "2018-12-01", "2018-12-01", vec![], "0"), // nothing is left
    ] {
        for knobs in ["", "base = \"huawei-cn\""] {
            let (old, new) = (rate(old, TermUnit::Month), rate(new, TermUnit::Month));
            let quote = upgrade(old, new, window(start, end), "CNY", &discounts, &profile(knobs), beijing()).expect("small");
            assert_eq!(quote.amounts.due, money(due), "{start} to {end}");
            ties(&quote);
        }
    }
    // A discount with a price of its own is what the new specification costs, and never gives money back.
    for (unit_price, due) in [("90", "14.32"), ("10", "0")] {
        let fixed = discount("d", instead(unit_price), &[]);
        let (old, new) = (rate("18.4", TermUnit::Month), rate("92", TermUnit::Month));
        let left = window("2018-11-25", "2018-12-01");
        let quote = upgrade(old, new, left, "CNY", &[&fixed], &profile(""), beijing()).expect("small");
        assert_eq!(quote.amounts.due, money(due));
    }
}

fn part(source: PaymentSource, amount: &str) -> PaidPart {
    PaidPart { source, source_id: None, amount: money(amount) }
}

fn paid(service: Window, paid: Vec<PaidPart>) -> PaidPeriod {
    PaidPeriod {
        order_id: "o".to_owned(),
        kind: PeriodKind::Purchase,
        charge_id: "c".to_owned(),
        bought_at: service.start,
        service,
        term_months: 1,
        sku: "vm.month".to_owned(),
        product: "vm".to_owned(),
        price_id: "p".to_owned(),
        due: paid.iter().map(|part| part.amount).sum(),
        paid,
        is_given_back: false,
        used: None,
    }
}

/// U13, UCloudDoc-Team/charge, upgrade.md: 240 to 120 after 10 of 30 days gives 80 back.
#[test]
fn u13_a_downgrade_gives_back_what_is_left_of_the_money() {
    use PaymentSource::{Balance, Grant, Voucher};
    let june = window("2026-06-01", "2026-07-01");
    let left = window("2026-06-11", "2026-07-01");
    // paid by voucher, balance, grant | new price | refund, to balance, to grant
    for (by_voucher, balance, grant, new, refund, to_balance, to_grant) in [
        ("0", "240", "0", "120", "80", "80", "0"),   // U13
        ("120", "120", "0", "120", "40", "40", "0"), // half was a voucher
        ("120", "60", "60", "120", "40", "20", "20"),
        ("0", "100", "140", "120", "80", "33.33", "46.67"), // half-up, the last takes the rest
        ("240", "0", "0", "120", "0", "0", "0"),
        ("0", "30", "0", "0", "20", "20", "0"), // bought at 30: no more than 20/30 of it is left
        ("0", "0", "0", "120", "0", "0", "0"),
        ("0", "240", "0", "360", "0", "0", "0"),           // an upgrade gives nothing back
        ("100", "200", "0", "210", "13.33", "13.33", "0"), // 20 x 2/3
        ("100", "200", "0", "195", "20", "20", "0"),       // 30 x 2/3: thirds in between cost no cent
    ] {
        let paid_parts: Vec<PaidPart> = [(Voucher, by_voucher), (Balance, balance), (Grant, grant)]
            .into_iter()
            .filter(|(_, amount)| *amount != "0")
            .map(|(source, amount)| part(source, amount))
            .collect();
        let period = paid(june, paid_parts);
        let (old, new) = (rate("240", TermUnit::Month), rate(new, TermUnit::Month));
        let found = downgrade(old, new, left, &[&period], "CNY", &profile(""), beijing()).expect("small");
        let to = |source| found.parts[0].iter().find(|part| part.source == source).map_or(Money::ZERO, |part| part.amount);
        assert_eq!([found.refund, to(Balance), to(Grant), to(Voucher)], [refund, to_balance, to_grant, "0"].map(money));
        assert_eq!(found.formula.steps.last().map(|step| step.amount), Some(found.refund));
    }
}

#[test]
fn a_downgrade_goes_back_to_each_period_that_pays_for_the_time_left() {
    let june = paid(window("2026-06-01", "2026-07-01"), vec![part(PaymentSource::Balance, "240")]);
    let july = paid(window("2026-07-01", "2026-08-01"), vec![part(PaymentSource::Balance, "240")]);
    let over = paid(window("2026-05-01", "2026-06-01"), vec![part(PaymentSource::Balance, "240")]);
    let left = window("2026-06-16", "2026-08-01");
    let (old, new) = (rate("240", TermUnit::Month), rate("120", TermUnit::Month));
    let found = downgrade(old, new, left, &[&over, &june, &july], "CNY", &profile(""), beijing()).expect("small");
    let amounts: Vec<Vec<Money>> = found.parts.iter().map(|parts| parts.iter().map(|part| part.amount).collect()).collect();
    assert_eq!((found.refund, amounts), (money("180"), vec![vec![], vec![money("60")], vec![money("120")]]));

    // The purchase and an upgrade of one month: 6.666… and 13.333… are 20.00, and all of it finds a way back.
    let of_june = |amount| paid(window("2026-06-01", "2026-07-01"), vec![part(PaymentSource::Balance, amount)]);
    let (bought, upgraded) = (of_june("10"), of_june("20"));
    let left = window("2026-06-11", "2026-07-01");
    let found = downgrade(old, rate("0", TermUnit::Month), left, &[&bought, &upgraded], "CNY", &profile(""), beijing());
    let found = found.expect("small");
    let amounts: Vec<Money> = found.parts.iter().flatten().map(|part| part.amount).collect();
    assert_eq!((found.refund, amounts), (money("20"), vec![money("6.67"), money("13.33")]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn due_is_list_less_discount_less_what_is_truncated(
        price_e12 in 0..10_i128.pow(15), quantity_e12 in 1..10_i128.pow(15), periods in 1..40_u32, percent in 0..101_u32,
        truncates in any::<bool>(),
    ) {
        let row = PriceRow { unit_price: UnitPrice::from_e12(price_e12), ..sold_by("month", "0", "12=900;7=1.005") };
        let off = discount("d", percent_off(&percent.to_string()), &[]);
        let profile = profile(if truncates { "rounding = \"truncate\"" } else { "" });
        let quote = price_of_periods(&row, periods, Quantity::from_e12(quantity_e12), &[&off], &profile).expect("fits");
        ties(&quote);
        let cent = 1_000_000;
        prop_assert_eq!(quote.amounts.due.e8() % cent, 0, "whole cents");
        let lost = quote.amounts.truncated.e8();
        let border = if truncates { (0, cent - 1) } else { (-cent / 2, cent / 2) };
        prop_assert!(border.0 <= lost && lost <= border.1);
    }

    #[test]
    fn two_parts_of_the_time_left_equal_the_whole(start in 0..40_000_i64, first in 0..20_000_i64, second in 0..20_000_i64) {
        let hour = |hours: i64| at("2023-01-01").plus_seconds(hours * 3_600);
        let (from, middle, to) = (hour(start), hour(start + first), hour(start + first + second));
        for unit in [TermUnit::Month, TermUnit::Year] {
            let left = |start, end| remaining(Window::new(start, end), unit, Proration::Calendar, beijing()).expect("small");
            prop_assert_eq!(left(from, middle).plus(left(middle, to)).expect("small"), left(from, to));
        }
    }

    #[test]
    fn downgrade_parts_sum_to_the_refund_and_none_is_more_than_was_paid(
        amounts in prop::collection::vec(1..1_000_000_i64, 1..5), vouchers in 0..1_000_000_i64, day in 1..30_i64,
        new in 0..500_i64,
    ) {
        let june = window("2026-06-01", "2026-07-01");
        let mut parts: Vec<PaidPart> = amounts
            .iter()
            .map(|cents| PaidPart { source: PaymentSource::Balance, source_id: None, amount: Money::from_e8(cents * 1_000_000) })
            .collect();
        if vouchers > 0 {
            let amount = Money::from_e8(vouchers * 1_000_000);
            parts.insert(0, PaidPart { source: PaymentSource::Voucher, source_id: None, amount });
        }
        let (period, upgraded) = (paid(june, parts.clone()), paid(june, parts[parts.len() - 1..].to_vec()));
        let left = Window::new(june.start.plus_seconds(day * 86_400), june.end);
        let (old, new) = (rate("500", TermUnit::Month), rate(&new.to_string(), TermUnit::Month));
        let found = downgrade(old, new, left, &[&period, &upgraded], "CNY", &profile(""), beijing()).expect("small");
        prop_assert_eq!(found.parts.iter().flatten().map(|part| part.amount).sum::<Money>(), found.refund);
        for (paid, back) in [&period, &upgraded].into_iter().zip(&found.parts) {
            prop_assert!(back.iter().map(|part| part.amount).sum::<Money>() <= paid.by_all() - paid.by_vouchers());
        }
        prop_assert!(found.parts.iter().flatten().all(|part| part.source != PaymentSource::Voucher));
        prop_assert!(found.parts.iter().flatten().all(|part| part.amount.e8() % 1_000_000 == 0), "whole cents");
    }
}
