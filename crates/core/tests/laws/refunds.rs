//! What comes back of a paid period: borders of days and hours, the table of cases, vendors' figures, sums that always tie.

use super::world::money;
use proptest::prelude::*;
use reckoner_core::life::refund::{
    Refund, RefundCase, RefundPolicy, RefundTerms, is_within_days, refund_of, split, used_of_total, year_of_use,
};
use reckoner_core::life::{PaidPart, PaidPeriod, PeriodKind};
use reckoner_core::number::{FeeScale, Money};
use reckoner_core::pay::PaymentSource::{self, Balance, FlexiCoupon, Grant, StoredValue, Voucher};
use reckoner_core::profile::{Profile, RefundTimeUnit};
use reckoner_core::time::{Instant, Window, Zone};
use rust_decimal::Decimal;
use std::sync::LazyLock;

fn beijing() -> Zone {
    Zone::parse("+08:00").expect("a zone")
}

fn at(text: &str) -> Instant {
    beijing().parse_instant(text).expect("an instant or a date")
}

fn part(source: PaymentSource, amount: &str) -> PaidPart {
    PaidPart { source, source_id: None, amount: money(amount) }
}

/// A month bought on 2024-01-01 10:30, to the end of 1 February.
fn january(paid: &[(PaymentSource, &str)]) -> PaidPeriod {
    let bought_at = at("2024-01-01T10:30:00+08:00");
    let paid: Vec<PaidPart> = paid.iter().map(|(source, amount)| part(*source, amount)).collect();
    PaidPeriod {
        order_id: "o".to_owned(),
        kind: PeriodKind::Purchase,
        charge_id: "c".to_owned(),
        bought_at,
        service: Window::new(bought_at, at("2024-02-02")),
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

fn terms<'a>(now: &str, profile: &'a Profile) -> RefundTerms<'a> {
    RefundTerms {
        at: at(now),
        policy: RefundPolicy::Standard,
        is_five_day_free: true,
        fee_percent_off: Decimal::ZERO,
        currency: "CNY",
        profile,
        zone: beijing(),
    }
}

static PROFILES: LazyLock<[Profile; 3]> =
    LazyLock::new(|| Profile::BUILTIN_NAMES.map(|name| Profile::builtin(name).expect("it comes with the engine")));

fn builtin(name: &str) -> &'static Profile {
    let at = Profile::BUILTIN_NAMES.iter().position(|builtin| *builtin == name).expect("it comes with the engine");
    &PROFILES[at]
}

fn ties(period: &PaidPeriod, refund: &Refund) {
    assert_eq!(refund.paid, refund.consumed + refund.fee + refund.refund);
    assert_eq!(refund.parts.iter().map(|part| part.amount).sum::<Money>(), refund.refund);
    assert!([refund.consumed, refund.fee, refund.refund].iter().all(|amount| !amount.is_negative()));
    assert_eq!(refund.formula.steps.last().map(|step| step.amount), Some(refund.refund));
    for given in &refund.parts {
        let paid: Money = period.paid.iter().filter(|part| part.source == given.source).map(|part| part.amount).sum();
        assert!(given.amount <= paid, "{:?} paid {paid} and gets {}", given.source, given.amount);
    }
}

fn back(refund: &Refund, source: PaymentSource) -> Money {
    refund.parts.iter().filter(|part| part.source == source).map(|part| part.amount).sum()
}

/// S14, https://support.huaweicloud.com/usermanual-billing/unsubscription_topic_20000081.html: activated 2022-11-24
/// 14:30:30, full refund while before 2022-11-29 14:30:30.
#[test]
fn s14_five_days_end_to_the_second() {
    let bought = at("2022-11-24T14:30:30+08:00");
    for (now, is_within) in [("14:30:29", true), ("14:30:30", false), ("14:30:31", false)] {
        assert_eq!(is_within_days(bought, 5, at(&format!("2022-11-29T{now}+08:00"))), is_within, "{now}");
    }

    // Five times 24 hours, whatever the clock on the wall did.
    let zone = Zone::parse("Europe/Paris").expect("a zone");
    let bought = zone.parse_instant("2026-03-28T12:00:00+01:00").expect("an instant");
    let border = zone.parse_instant("2026-04-02T13:00:00+02:00").expect("an instant");
    assert!(is_within_days(bought, 5, border.plus_seconds(-1)) && !is_within_days(bought, 5, border));
}

/// R02, https://support.huaweicloud.com/intl/en-us/usermanual-billing/en-us_topic_0083138805.html: 2024-01-01 10:30 to
/// 2024-02-01 23:59:59, given back on 2024-01-15 18:40: 344 of 758 hours. R03, the same page in an older state (es-us):
/// 2024-06-14 to 2024-07-14, given back on 2024-06-21: of 31 days 7, the day of application not counted; the knob counts it.
#[test]
fn r02_r03_used_time_by_hours_and_days() {
    use RefundTimeUnit::{Day, Hour};
    let r02 = Window::new(at("2024-01-01T10:30:00+08:00"), at("2024-02-02"));
    let r03 = Window::new(at("2024-06-14T09:00:00+08:00"), at("2024-07-15"));
    for (unit, service, now, expected) in [
        (Hour, r02, "2024-01-15T18:40:00+08:00", (344, 758)), // R02
        (Hour, r02, "2024-01-15T18:00:00+08:00", (344, 758)),
        (Hour, r02, "2024-01-15T17:59:59+08:00", (343, 758)),
        (Hour, r02, "2024-01-01T10:59:59+08:00", (0, 758)),
        (Hour, r02, "2024-01-01T11:00:00+08:00", (1, 758)),
        (Hour, r02, "2024-02-01T23:59:59+08:00", (757, 758)),
        (Hour, r02, "2024-02-05T00:00:00+08:00", (758, 758)),
        (Hour, r02, "2023-12-31T00:00:00+08:00", (0, 758)),
        (Day, r03, "2024-06-20T23:59:59+08:00", (7, 31)),
        (Day, r03, "2024-06-21T00:00:00+08:00", (8, 31)), // R03 but for the day of application
        (Day, r03, "2024-06-14T09:00:00+08:00", (1, 31)),
        (Day, r03, "2024-07-14T23:59:59+08:00", (31, 31)),
        (Day, r03, "2024-07-15T00:00:00+08:00", (31, 31)),
        (Day, r02, "2024-01-15T18:40:00+08:00", (15, 32)),
    ] {
        assert_eq!(used_of_total(service, at(now), unit, beijing()), expected, "{now}");
    }
}

#[test]
fn r02_what_is_consumed_and_what_the_handling_costs() {
    let (period, profile) = (january(&[(Balance, "300")]), builtin("huawei-intl"));
    let refund = refund_of(&period, &terms("2024-01-15T18:40:00+08:00", profile)).expect("small");
    let steps: Vec<(&str, &str)> = refund.formula.steps.iter().map(|step| (step.name.as_str(), step.numbers.as_str())).collect();
    assert_eq!(
        steps,
        [
            ("paid", "300 - 0"),
            ("consumed", "300 x 344 h / 758 h"),
            ("fee", "300 x 10 %, at most 163.85"),
            ("refund", "300 - 136.15 - 30"),
        ]
    );
    assert_eq!((refund.case, refund.refund), (RefundCase::InUse, money("133.85")));
    ties(&period, &refund);
}

#[test]
fn each_case_keeps_and_returns_what_its_rule_says() {
    use RefundCase::{Expired, FiveDays, InUse, NotBegun, NotRefundable, SevenDays};
    use RefundPolicy::{None, SevenDayFull, Standard};
    let period = january(&[(Voucher, "20"), (Balance, "80")]);
    // profile | product flag | at | case | paid, consumed, fee, refund, vouchers back
    for (profile, policy, now, case, expected) in [
        ("huawei-intl", Standard, "2024-01-06T10:29:59", FiveDays, ["80", "0", "0", "80", "0"]),
        ("huawei-cn", Standard, "2024-01-06T10:29:59", FiveDays, ["100", "0", "0", "100", "20"]),
        ("ksyun", Standard, "2024-01-06T10:29:59", FiveDays, ["80", "0", "0", "80", "0"]),
        ("huawei-cn", Standard, "2024-01-06T10:30:00", InUse, ["80", "12.66", "8", "59.34", "0"]), // 120 of 758 h
        ("ksyun", Standard, "2024-01-06T10:30:00", InUse, ["80", "15", "0", "65", "0"]),           // 6 of 32 days, no fee
        // 733 and 757 of 758 h: the fee takes no more than the rest.
        ("huawei-intl", Standard, "2024-01-31T23:59:59", InUse, ["80", "77.36", "2.64", "0", "0"]),
        ("huawei-intl", Standard, "2024-02-01T23:59:59", InUse, ["80", "79.89", "0.11", "0", "0"]),
        ("huawei-intl", Standard, "2024-02-02T00:00:00", Expired, ["80", "80", "0", "0", "0"]),
        ("huawei-intl", Standard, "2023-12-31T00:00:00", NotBegun, ["100", "0", "0", "100", "20"]),
        ("huawei-intl", SevenDayFull, "2024-01-08T10:29:59", SevenDays, ["80", "0", "0", "80", "0"]),
        ("huawei-cn", SevenDayFull, "2024-01-08T10:30:00", NotRefundable, ["80", "80", "0", "0", "0"]),
        ("huawei-cn", None, "2024-01-01T10:30:00", NotRefundable, ["80", "80", "0", "0", "0"]),
    ] {
        let profile = builtin(profile);
        let refund = refund_of(&period, &RefundTerms { policy, ..terms(&format!("{now}+08:00"), profile) }).expect("small");
        let seen = [refund.paid, refund.consumed, refund.fee, refund.refund, back(&refund, Voucher)];
        assert_eq!((refund.case, seen), (case, expected.map(money)), "{now}");
        ties(&period, &refund);
    }
}

/// Five days are for new purchases while the quota is left: renewals and changes are ordinary.
#[test]
fn only_a_purchase_within_the_quota_is_given_back_unconditionally() {
    let profile = builtin("huawei-intl");
    let now = terms("2024-01-02T10:30:00+08:00", profile);
    let of_kind = |kind| PaidPeriod { kind, ..january(&[(Balance, "100")]) };
    for (period, is_five_day_free, case) in [
        (of_kind(PeriodKind::Purchase), true, RefundCase::FiveDays),
        (of_kind(PeriodKind::Purchase), false, RefundCase::InUse),
        (of_kind(PeriodKind::Renewal), true, RefundCase::InUse),
        (of_kind(PeriodKind::Change), true, RefundCase::InUse),
        (of_kind(PeriodKind::Align), true, RefundCase::InUse),
    ] {
        let refund = refund_of(&period, &RefundTerms { is_five_day_free, ..now }).expect("small");
        assert_eq!(refund.case, case, "{:?}", period.kind);
    }
}

/// R05, https://huaweicloud.com/guide/category-004728bf5b2f03e44d450ffeabc6f0a295c503df7537ca43186047428b12d610-1: renewed
/// for 100 with a voucher of 20; the renewal, given back before it begins, returns cash 80 and the voucher, without a fee.
#[test]
fn r05_a_renewal_that_has_not_begun_comes_back_in_full() {
    let renewal = PaidPeriod {
        kind: PeriodKind::Renewal,
        bought_at: at("2020-11-01"),
        service: Window::new(at("2020-11-21"), at("2020-12-21")),
        ..january(&[(Voucher, "20"), (Balance, "80")])
    };
    for (name, now) in [("huawei-intl", "2020-11-10"), ("huawei-intl", "2020-11-20T23:59:59+08:00"), ("ksyun", "2020-11-10")] {
        let profile = builtin(name);
        let refund = refund_of(&renewal, &RefundTerms { is_five_day_free: false, ..terms(now, profile) }).expect("small");
        assert_eq!((refund.fee, back(&refund, Balance), back(&refund, Voucher)), (money("0"), money("80"), money("20")));
        ties(&renewal, &refund);
    }
    let profile = builtin("huawei-intl");
    assert_eq!(refund_of(&renewal, &terms("2020-11-21", profile)).expect("small").case, RefundCase::InUse);
}

/// tencentyun/qcloud-documents, 云服务退货说明.md: R08, a first refund within five days returns 607.16 as cash 300 and gift
/// 307.16, the voucher is kept; R07 and R09, how 362.60 and 116.88 are split over cash and gift.
#[test]
fn r07_r08_r09_the_sources_share_half_up_and_the_last_takes_the_rest() {
    let period = january(&[(Voucher, "100"), (Balance, "300"), (Grant, "307.16")]);
    let profile = builtin("huawei-intl");
    let refund = refund_of(&period, &terms("2024-01-03", profile)).expect("small");
    assert_eq!([refund.refund, back(&refund, Balance), back(&refund, Grant)], ["607.16", "300", "307.16"].map(money));

    for (total, weights, expected) in [
        ("362.60", vec!["200", "207.96"], vec!["177.76", "184.84"]), // R07
        ("116.88", vec!["300", "307.16"], vec!["57.75", "59.13"]),   // R09
        ("0.03", vec!["0.01"; 5], vec!["0.01", "0.01", "0.01", "0", "0"]), // half-up would give out four
        ("0.02", vec!["0.01"; 5], vec!["0", "0", "0", "0.01", "0.01"]), // the last cannot take it all
        ("0.005", vec!["0.005", "0.01"], vec!["0", "0.005"]),
        ("0", vec!["5", "5"], vec!["0", "0"]),
        ("0", vec![], vec![]),
        ("0", vec!["0", "0"], vec!["0", "0"]),
        ("10", vec!["10"], vec!["10"]),
    ] {
        let weights: Vec<Money> = weights.into_iter().map(money).collect();
        let parts = split(money(total), &weights, FeeScale::TWO).expect("small");
        assert_eq!(parts, expected.into_iter().map(money).collect::<Vec<_>>(), "{total}");
    }
}

#[test]
fn flexi_coupons_and_stored_value_come_back_in_part() {
    let period = january(&[(FlexiCoupon, "100"), (StoredValue, "100"), (Balance, "100")]);
    let profile = builtin("huawei-intl");
    let refund = refund_of(&period, &terms("2024-01-15T18:40:00+08:00", profile)).expect("small");
    let parts = [FlexiCoupon, StoredValue, Balance].map(|source| back(&refund, source));
    assert_eq!(parts, ["44.62", "44.62", "44.61"].map(money));
    ties(&period, &refund);
}

#[test]
fn the_year_of_use_ends_with_its_anniversary() {
    let start = at("2024-02-29T10:00:00+08:00");
    for (now, year) in [
        ("2024-02-29T10:00:00+08:00", 1),
        ("2025-02-28T10:00:00+08:00", 1), // one year: still the first
        ("2025-02-28T10:00:01+08:00", 2),
        ("2026-02-28T10:00:00+08:00", 2),
        ("2026-02-28T10:00:01+08:00", 3),
        ("2028-02-29T10:00:00+08:00", 4),
    ] {
        assert_eq!(year_of_use(start, at(now), beijing()), year, "{now}");
    }
}

/// Huawei's table: months 10 %, a year 10 %, two years 15 and 10 %, three 15, 10 and 5 %.
#[test]
fn the_fee_goes_by_term_and_year_of_use() {
    let profile = builtin("huawei-intl");
    for (term_months, now, percent_off, fee) in [
        (1, "2024-01-20", "0", "10"),
        (12, "2024-03-01", "0", "10"),
        (24, "2025-01-01T10:30:00+08:00", "0", "15"),
        (24, "2025-01-01T10:30:01+08:00", "0", "10"),
        (36, "2026-01-01T10:30:01+08:00", "0", "5"),
        (24, "2024-03-01", "100", "0"), // waived by a framework contract
        (24, "2024-03-01", "50", "7.5"),
    ] {
        let end = if term_months == 1 { at("2024-02-02") } else { at("2027-01-02") };
        let january = january(&[(Balance, "100")]);
        let period = PaidPeriod { term_months, service: Window::new(january.bought_at, end), ..january };
        let off = percent_off.parse().expect("a percentage");
        let refund = refund_of(&period, &RefundTerms { fee_percent_off: off, ..terms(now, profile) }).expect("small");
        assert_eq!(refund.fee, money(fee), "{term_months} {now}");
        ties(&period, &refund);
    }
}

/// Up to six sources with what they paid, now and then below the cent.
fn sources() -> impl Strategy<Value = Vec<PaidPart>> {
    let source = prop::sample::select(vec![Voucher, FlexiCoupon, StoredValue, Balance, Grant, PaymentSource::Credit]);
    let amount = prop_oneof![(1..100_000_i64).prop_map(|cents| cents * 1_000_000), 1..100_000_000_i64];
    prop::collection::vec((source, amount), 0..7).prop_map(|parts| {
        let part = |(source, amount_e8)| PaidPart { source, source_id: None, amount: Money::from_e8(amount_e8) };
        parts.into_iter().map(part).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn refund_parts_sum_to_what_was_paid(
        paid in sources(), seconds in -100_000..3_000_000_i64, name in prop::sample::select(Profile::BUILTIN_NAMES.to_vec()),
        is_five_day_free in any::<bool>(), term_months in 1..40_u32,
    ) {
        let profile = builtin(name);
        let period = PaidPeriod { paid, term_months, ..january(&[]) };
        let terms = RefundTerms { at: period.bought_at.plus_seconds(seconds), is_five_day_free, ..terms("2024-01-01", profile) };
        let refund = refund_of(&period, &terms).expect("small");
        ties(&period, &refund);
        let kept_vouchers = if refund.paid == period.by_all() { Money::ZERO } else { period.by_vouchers() };
        prop_assert_eq!(refund.consumed + refund.fee + refund.refund + kept_vouchers, period.by_all());
    }

    #[test]
    fn within_a_year_more_time_used_never_gives_back_more(
        paid in sources(), early in 0..2_700_000_i64, later in 0..2_700_000_i64,
        name in prop::sample::select(Profile::BUILTIN_NAMES.to_vec()),
    ) {
        let profile = builtin(name);
        let period = PaidPeriod { paid, ..january(&[]) };
        let refund = |seconds| {
            let at = period.bought_at.plus_seconds(seconds);
            refund_of(&period, &RefundTerms { at, ..terms("2024-01-01", profile) }).expect("small").refund
        };
        prop_assert!(refund(early) >= refund(early + later));
    }

    #[test]
    fn split_conserves_and_nobody_gets_more_than_was_paid(
        weights in prop::collection::vec(0..1_000_i64, 1..8), part in 0..1_001_i64,
    ) {
        let cents = |count: i64| Money::from_e8(count * 1_000_000);
        let total = cents(weights.iter().sum::<i64>() * part / 1_000);
        let weights: Vec<Money> = weights.into_iter().map(cents).collect();
        let parts = split(total, &weights, FeeScale::TWO).expect("small");
        prop_assert_eq!(parts.iter().copied().sum::<Money>(), total);
        prop_assert!(parts.iter().zip(&weights).all(|(part, weight)| !part.is_negative() && part <= weight));
    }
}
