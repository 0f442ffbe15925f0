//! Profiles: what comes with the engine, what a file may say, and how it is told what it may not.

use super::knobs::Words;
use super::*;
use crate::table::BillingMode;

fn builtin(name: &str) -> Profile {
    Profile::builtin(name).unwrap()
}

#[test]
fn vendors_differ_where_their_documents_do() {
    let (intl, cn, ksyun) = (builtin("huawei-intl"), builtin("huawei-cn"), builtin("ksyun"));

    assert_eq!([intl.round_at, cn.round_at, ksyun.round_at], [RoundAt::Bill, RoundAt::Line, RoundAt::Line]);
    assert_eq!([intl.rounding, cn.rounding], [Rounding::HalfUp, Rounding::Truncate]);
    assert_eq!([intl.fee_scale, cn.fee_scale, ksyun.fee_scale], [FeeScale::EIGHT; 3]);
    assert_eq!(intl.voucher_order, VoucherOrder::ScopeThenExpiry);
    assert_eq!(ksyun.voucher_order, VoucherOrder::ExpiryThenAvailable);
    assert_eq!([intl.vouchers_per_order, ksyun.vouchers_per_order], [VouchersPerOrder::AtMost(1), VouchersPerOrder::Many]);
    assert_eq!(ksyun.renewal_sources, [RenewalSource::Voucher, RenewalSource::Balance]);
    assert_eq!([intl.voucher_back_in_5_days, cn.voucher_back_in_5_days, ksyun.voucher_back_in_5_days], [false, true, false]);
    assert_eq!((intl.auto_renew_first_try.days_before, ksyun.auto_renew_first_try.days_before), (7, 0));
    assert_eq!(intl.auto_renew_first_try.at.to_string(), "03:00:00");
    assert_eq!(intl.settle_delay, Duration::from_secs(600));
    assert_eq!(ksyun.min_available_for_ppu, Money::parse("100").unwrap());
    assert_eq!(ksyun.five_day_quota, FiveDayQuota { count: 1, per: QuotaPer::Product });
    assert_eq!(ksyun.handling_fee, None);
    let large = |profile: &Profile, currency| profile.large_refund_above.as_ref().and_then(|large| large.above(currency));
    assert_eq!([large(&intl, "CNY"), large(&cn, "USD")], ["50000", "7000"].map(|text| Money::parse(text).ok()));
    assert_eq!([large(&intl, "EUR"), large(&ksyun, "CNY")], [None, None]);
    assert_eq!(intl.zone.to_string(), "+08:00");
}

#[test]
fn grace_goes_by_level_where_the_profile_says_so() {
    let (intl, cn) = (builtin("huawei-intl"), builtin("huawei-cn"));
    let (subscription, ppu) = (BillingMode::Subscription, BillingMode::PayPerUse);
    let cases = [
        // level | subscription grace, retention | pay-per-use grace, retention
        ("V0", 1, 1, 0, 1),
        ("V1", 1, 7, 0, 7),
        ("V2", 1, 7, 0, 7),
        ("V3", 7, 7, 1, 7),
        ("V4", 7, 15, 7, 15),
        ("V5", 7, 15, 7, 15),
        ("V9", 1, 1, 0, 1), // no such level: the lowest
    ];
    for (level, sub_grace, sub_retention, ppu_grace, ppu_retention) in cases {
        assert_eq!(cn.grace.days(subscription, level), sub_grace, "{level}");
        assert_eq!(cn.retention.days(subscription, level), sub_retention, "{level}");
        assert_eq!(cn.grace.days(ppu, level), ppu_grace, "{level}");
        assert_eq!(cn.retention.days(ppu, level), ppu_retention, "{level}");
        assert_eq!(intl.grace.days(ppu, level), 15, "{level}");
    }
}

#[test]
fn handling_fees_go_by_term_and_year_of_use() {
    let fee = builtin("huawei-intl").handling_fee.unwrap();
    let cases =
        [(1, 1, 10), (11, 1, 10), (12, 1, 10), (13, 1, 15), (24, 2, 10), (36, 1, 15), (36, 2, 10), (36, 3, 5), (36, 4, 5)];
    for (term_months, year_of_use, percent) in cases {
        assert_eq!(fee.percent(term_months, year_of_use), percent, "{term_months} months, year {year_of_use}");
    }
}

#[test]
fn the_arrears_threshold_follows_the_currency() {
    let threshold = builtin("huawei-intl").arrears_threshold;
    for (currency, expected) in [("CNY", "0.01"), ("JPY", "1"), ("KWD", "0.001")] {
        assert_eq!(threshold.amount(currency), Money::parse(expected).unwrap(), "{currency}");
    }
    let fixed = Profile::parse("arrears_threshold = \"5\"").unwrap().arrears_threshold;
    assert_eq!(fixed.amount("JPY"), Money::parse("5").unwrap());
}

#[test]
fn a_file_sets_what_differs_from_its_base() {
    assert_eq!(Profile::parse("").unwrap(), builtin("huawei-intl"));
    assert_eq!(Profile::parse("base = \"ksyun\"").unwrap(), builtin("ksyun"));

    let own = Profile::parse("base = \"ksyun\"\nfee_scale = 4\nlate_cutoff = \"90d\"\nalign_proration = 30").unwrap();
    let expected = Profile {
        fee_scale: FeeScale::new(4).unwrap(),
        late_cutoff: Some(Duration::from_secs(90 * 86_400)),
        align_proration: Proration::Thirty,
        ..builtin("ksyun")
    };
    assert_eq!(own, expected);

    // As people write it.
    let own = Profile::parse("settle_delay = \"90 min\"").unwrap();
    assert_eq!(own.settle_delay, Duration::from_secs(5_400));

    let own = Profile::parse("large_refund_above.EUR = \"6500\"").unwrap().large_refund_above.unwrap();
    assert_eq!(["CNY", "EUR"].map(|currency| own.above(currency)), ["50000", "6500"].map(|text| Money::parse(text).ok()));
    let own = Profile::parse("base = \"ksyun\"\nlarge_refund_above = { CNY = \"100\" }").unwrap().large_refund_above.unwrap();
    assert_eq!((own.above("CNY"), own.above("USD")), (Money::parse("100").ok(), None));

    // A table is merged part by part, and a number may take the place of a table.
    let own = Profile::parse("base = \"huawei-cn\"\ngrace = 3\n[auto_renew_first_try]\ndays_before = 2").unwrap();
    assert_eq!((own.auto_renew_first_try.days_before, own.auto_renew_first_try.at.to_string()), (2, "03:00:00".to_owned()));
    assert_eq!(own.grace.days(BillingMode::PayPerUse, "V0"), 3);
    let own = Profile::parse("base = \"huawei-cn\"\n[grace.pay_per_use]\nV0 = 2").unwrap();
    assert_eq!(own.grace.days(BillingMode::PayPerUse, "V0"), 2);
    assert_eq!(own.grace.days(BillingMode::PayPerUse, "V4"), 7);
}

#[test]
fn what_a_profile_may_not_say_is_an_error_that_helps() {
    let cases = [
        ("fee_scale = 1", "knob `fee_scale` is `1`; expected a whole number from 2 to 8"),
        ("fee_scale = 9", "knob `fee_scale` is `9`; expected a whole number from 2 to 8"),
        ("fee_scale = 8.0", "knob `fee_scale` is `8.0`; expected a whole number from 2 to 8"),
        ("round_at = \"lines\"", "knob `round_at` is `lines`; expected `bill`, `line`; did you mean `line`?"),
        (
            "voucher_order = \"expiry_then_avilable\"",
            "knob `voucher_order` is `expiry_then_avilable`; expected `scope_then_expiry`, `expiry_then_available`, \
             `expiry_then_deductible`; did you mean `expiry_then_available`?",
        ),
        ("renew_suspended = \"yes\"", "knob `renew_suspended` is `yes`; expected `true` or `false`"),
        (
            "settle_delay = \"600\"",
            "knob `settle_delay` is `600`; expected a whole number with a unit, such as `10m`, `36h` or `3d`",
        ),
        (
            "late_cutoff = 3",
            "knob `late_cutoff` is `3`; expected `off`, or a whole number with a unit, such as `10m`, `36h` or `3d`",
        ),
        ("renewal_sources = [\"cash\"]", "knob `renewal_sources` is `cash`; expected `voucher`, `balance`, `credit`"),
        ("vouchers_per_order = 0", "knob `vouchers_per_order` is `0`; expected `many`, or a number from 1 to 1000"),
        ("five_day_quota.per = \"year\"", "knob `five_day_quota.per` is `year`; expected `calendar_year`, `product`"),
        ("five_day_quota.limit = 3", "knob `five_day_quota.limit` is `3`; expected a table of `count`, `per`"),
        (
            "zone = \"Beijing\"",
            "knob `zone` is `Beijing`; expected an offset such as `+08:00` or an IANA zone such as `Europe/Paris`",
        ),
        // money in binary would be a guess
        ("min_available_for_ppu = 0.1", "knob `min_available_for_ppu` is `0.1`; expected an amount in quotes, such as `\"100\"`"),
        (
            "refund_auto_approve_after = \"3651d\"",
            "knob `refund_auto_approve_after` is `3651d`; expected `never`, or at most `3650d`",
        ),
        (
            "large_refund_above.CNY = 50000",
            "knob `large_refund_above.CNY` is `50000`; expected `none`, or a table of amounts in quotes by currency, such as \
             `{ CNY = \"50000\" }`",
        ),
        (
            "large_refund_above = { yuan = \"5\" }",
            "knob `large_refund_above.yuan` is `5`; expected `none`, or a table of amounts in quotes by currency, such as \
             `{ CNY = \"50000\" }`",
        ),
        (
            "min_charge = \"0.01\"",
            "`min_charge` belongs to a price row, never to a profile: set it in the column `min_charge` of prices",
        ),
        (
            "base = \"huawei\"",
            "there is no profile `huawei`; those that come with the engine are `huawei-intl`, `huawei-cn`, `ksyun`; \
             did you mean `huawei-cn`?",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(Profile::parse(text).unwrap_err().to_string(), expected, "{text}");
    }

    let unknown = Profile::parse("voucher_oder = \"expiry_then_available\"").unwrap_err().to_string();
    assert!(unknown.starts_with("there is no knob `voucher_oder`; known knobs are `"), "{unknown}");
    assert!(unknown.ends_with("did you mean `voucher_order`?"), "{unknown}");
    assert!(unknown.contains("`settle_delay`"), "{unknown}");
    assert!(matches!(Profile::parse("zone ="), Err(ProfileError::Syntax(_))));
    assert!(matches!(Profile::parse("base = 3"), Err(ProfileError::UnknownProfile { .. })));
    assert!(matches!(Profile::builtin("aws"), Err(ProfileError::UnknownProfile { .. })));
}

/// The default profile is also the handbook: every knob is set there, below the comment that explains it.
#[test]
fn the_default_profile_explains_every_knob() {
    let lines: Vec<&str> = BUILTIN[0].1.lines().collect();
    let knobs = parse_table(BUILTIN[0].1).unwrap();
    for knob in knobs.keys() {
        let at = lines.iter().position(|line| line.starts_with(&format!("{knob} = "))).unwrap_or_else(|| panic!("{knob}"));
        assert!(lines[at - 1].starts_with("# "), "{knob} has no comment");
    }
}

/// Every word of every knob reads back as itself.
#[test]
fn words_read_back() {
    fn check<T: Words + PartialEq + std::fmt::Debug>(knob: &str, of: fn(&Profile) -> T) {
        for (word, meaning) in T::WORDS {
            let profile = Profile::parse(&format!("{knob} = \"{word}\"")).unwrap();
            assert_eq!(of(&profile), *meaning, "{knob} = {word}");
        }
    }
    check("ppu_unit", |p| p.ppu_unit);
    check("ppu_settle", |p| p.ppu_settle);
    check("expiry_instant", |p| p.expiry_instant);
    check("month_end_anchor", |p| p.month_end_anchor);
    check("cycle_cutoff", |p| p.cycle_cutoff);
    check("round_at", |p| p.round_at);
    check("rounding", |p| p.rounding);
    check("tier_scope", |p| p.tier_scope);
    check("proration", |p| p.proration);
    check("change_from", |p| p.change_from);
    check("align_proration", |p| p.align_proration);
    check("amortize_days", |p| p.amortize_days);
    check("voucher_order", |p| p.voucher_order);
    check("fund_order", |p| p.fund_order);
    check("auto_renew_retries", |p| p.auto_renew_retries);
    check("auto_renew_term", |p| p.auto_renew_term);
    check("renew_after_expiry_from", |p| p.renew_after_expiry_from);
    check("expire_on_failed_renewal", |p| p.expire_on_failed_renewal);
    check("downgrade_timing", |p| p.downgrade_timing);
    check("arrears_at", |p| p.arrears_at);
    check("arrears_stops", |p| p.arrears_stops);
    check("ppu_in_retention", |p| p.ppu_in_retention);
    check("refund_time_unit", |p| p.refund_time_unit);
    check("approval", |p| p.approval);
}
