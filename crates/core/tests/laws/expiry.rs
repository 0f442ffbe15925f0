//! When a subscription expires, when it is tried, where it is moved to: month ends, leap years, nights with a clock change.

use super::world::at;
use proptest::prelude::*;
use reckoner_core::life::Anchor;
use reckoner_core::life::calendar::{
    AlignError, change_from, expires_at, expiry_date, first_attempt, grace_and_retention, next_attempt, unified, unified_on,
};
use reckoner_core::profile::Profile;
use reckoner_core::table::AlignDay;
use reckoner_core::time::{Instant, Zone};

fn zone(name: &str) -> Zone {
    Zone::parse(name).expect("a zone")
}

fn beijing() -> Zone {
    zone("+08:00")
}

fn profile(text: &str) -> Profile {
    Profile::parse(text).expect("a profile")
}

/// The dates that are the last days of so many months since.
fn last_days(from: &str, months: impl IntoIterator<Item = u32>) -> Vec<String> {
    let from = beijing().parse_instant(from).expect("an instant");
    let last_day = |months| expiry_date(expires_at(Anchor { from, months }, beijing()), beijing()).to_string();
    months.into_iter().map(last_day).collect()
}

/// S02, https://volcengine.com/docs/6447/102431: created 2021-07-01 14:00:00, 1 month: expires 2021-08-01 23:59:59.
#[test]
fn s02_a_month_from_the_afternoon_ends_with_its_last_day() {
    // from | the last day that a month covers
    for (from, expected) in [
        ("2021-07-01T14:00:00+08:00", "2021-08-01"),
        ("2021-07-01T00:00:01+08:00", "2021-08-01"),
        ("2021-07-01T00:00:00+08:00", "2021-07-31"), // from midnight to midnight
        ("2021-06-30T23:59:59+08:00", "2021-07-30"),
    ] {
        assert_eq!(last_days(from, [1]), [expected], "{from}");
    }
}

/// S04 and S05, https://support.huaweicloud.com/intl/pt-br/usermanual-billing/renewals_topic_10000002.html: bought on
/// 2024-03-31, expires on 2024-04-30; renewed on 2024-05-18 from the old expiry, on 2024-05-31. S07,
/// https://stripe.com/docs/subscriptions/billing-cycle: an anchor of 31 January, the last days of the months.
#[test]
fn s04_s05_s07_the_31st_comes_back() {
    assert_eq!(last_days("2024-03-31T09:00:00+08:00", [1, 2]), ["2024-04-30", "2024-05-31"]);
    assert_eq!(last_days("2026-01-31T09:00:00+08:00", 1..=3), ["2026-02-28", "2026-03-31", "2026-04-30"]);

    // bought on | last days after 1, 2 and 12 months
    for (from, expected) in [
        ("2024-01-29", ["2024-02-29", "2024-03-29", "2025-01-29"]),
        ("2024-01-30", ["2024-02-29", "2024-03-30", "2025-01-30"]),
        ("2024-01-31", ["2024-02-29", "2024-03-31", "2025-01-31"]),
        ("2027-12-31", ["2028-01-31", "2028-02-29", "2028-12-31"]),
        ("2028-02-29", ["2028-03-29", "2028-04-29", "2029-02-28"]),
        ("2100-01-29", ["2100-02-28", "2100-03-29", "2101-01-29"]), // no leap year
        ("2100-01-31", ["2100-02-28", "2100-03-31", "2101-01-31"]),
        ("2099-02-28", ["2099-03-28", "2099-04-28", "2100-02-28"]),
    ] {
        assert_eq!(last_days(&format!("{from}T10:00:00+08:00"), [1, 2, 12]), expected, "{from}");
    }
    assert_eq!(last_days("2024-02-29T10:00:00+08:00", [48, 12 * 76]), ["2028-02-29", "2100-02-28"]);
}

/// S08, https://www.ctyun.cn/qzdh/144045_280: expired, renewed on 2020-10-11 for a month from that day: to 2020-11-10; the
/// page counts days, so the period is from midnight. S11, https://help.certinia.com/main/2024.1/Content/BillingCentral/
/// Features/Contract/RenewalDates.htm: 2019-01-10 to 02-09, renewed as months: to 03-09. S15, Huawei Billing Center: bought
/// on 2024-01-01, pay-per-use from 2024-02-01 23:59:59.
#[test]
fn s08_s11_s15_periods_that_vendors_print() {
    assert_eq!(last_days("2020-10-11T00:00:00+08:00", [1]), ["2020-11-10"]);
    assert_eq!(last_days("2019-01-10T00:00:00+08:00", [1, 2, 3]), ["2019-02-09", "2019-03-09", "2019-04-09"]);
    assert_eq!(last_days("2024-01-01T09:00:00+08:00", [1]), ["2024-02-01"]);
}

/// P25, getlago/lago-api, billing_boundaries_spec.rb; flexprice/flexprice, date_test.go: the boundaries of months of an anchor.
#[test]
fn peer_p25_anchors_at_a_months_end_do_not_drift() {
    assert_eq!(last_days("2024-01-31T12:00:00+08:00", 1..=3), ["2024-02-29", "2024-03-31", "2024-04-30"]);
    assert_eq!(last_days("2023-12-31T12:00:00+08:00", [2]), ["2024-02-29"]);
    assert_eq!(last_days("2024-02-29T12:00:00+08:00", [1]), ["2024-03-29"]);
}

#[test]
fn a_night_with_a_clock_change_moves_no_expiry() {
    // zone | from | months | expiry
    for (name, from, months, expected) in [
        ("Europe/Paris", "2026-02-28T14:00:00+01:00", 1, "2026-03-29T00:00:00+01:00"), // the clock goes on two hours later
        ("Europe/Paris", "2026-03-28T14:00:00+01:00", 1, "2026-04-29T00:00:00+02:00"),
        ("Europe/Paris", "2026-03-29T03:00:00+02:00", 1, "2026-04-30T00:00:00+02:00"),
        ("Europe/Paris", "2026-09-25T00:00:00+02:00", 1, "2026-10-25T00:00:00+02:00"),
        ("Europe/Paris", "2026-09-25T02:30:00+02:00", 1, "2026-10-26T00:00:00+01:00"), // at an hour that comes twice
        ("America/New_York", "2026-02-08T02:30:00-05:00", 1, "2026-03-09T00:00:00-04:00"), // at an hour that does not come
        ("America/New_York", "2026-10-01T01:30:00-04:00", 1, "2026-11-02T00:00:00-05:00"),
        ("Africa/Cairo", "2023-03-28T00:00:00+02:00", 1, "2023-04-28T01:00:00+03:00"), // midnight does not come
        ("Africa/Cairo", "2023-03-27T12:00:00+02:00", 1, "2023-04-28T01:00:00+03:00"),
        ("Africa/Cairo", "2023-04-28T01:00:00+03:00", 1, "2023-05-28T00:00:00+03:00"), // begun with the day, ends with one
        ("Africa/Cairo", "2023-04-28T01:00:01+03:00", 1, "2023-05-29T00:00:00+03:00"),
        ("+08:00", "2026-01-31T23:59:59+08:00", 1, "2026-03-01T00:00:00+08:00"),
    ] {
        let expires = expires_at(Anchor { from: at(from), months }, zone(name));
        assert_eq!(zone(name).to_text(expires), expected, "{name} {from}");
    }
}

#[test]
fn the_calendar_ends_without_a_wrapped_date() {
    let anchor = Anchor::starting(at("2026-01-31T09:00:00+08:00"));
    assert!(anchor.plus(1_200).is_ok());
    let error = anchor.plus(u32::MAX).expect_err("more years than are written");
    assert_eq!(error.to_string(), "4294967295 months from 2026-01-31 end after the year 9999; buy fewer");
    assert!(anchor.plus(12).and_then(|later| later.plus(u32::MAX)).is_err());
    assert_eq!(expires_at(Anchor { months: u32::MAX, ..anchor }, beijing()), Instant::MAX);
}

#[test]
fn a_renewal_is_tried_as_the_profile_says() {
    let (huawei, ksyun, own) = (profile(""), profile("base = \"ksyun\""), profile("auto_renew_first_try.days_before = 2"));
    let expires = at("2026-06-01T00:00:00+08:00");
    let attempts = |profile: &Profile| {
        let mut texts = Vec::new();
        let mut after = at("2026-05-01T00:00:00+08:00");
        while let Some(attempt) = next_attempt(after, expires, profile, beijing()) {
            texts.push(beijing().to_text(attempt)[5..16].to_owned());
            after = attempt;
        }
        texts
    };
    let days = ["24", "25", "26", "27", "28", "29", "30", "31"].map(|day| format!("05-{day}T03:00"));
    assert_eq!(attempts(&huawei), days);
    assert_eq!(attempts(&own), days[5..]);
    assert_eq!(attempts(&ksyun), ["05-31T00:00"]);
    assert_eq!(beijing().to_text(first_attempt(expires, &huawei, beijing())), "2026-05-24T03:00:00+08:00");

    // Just before, at and after the last one.
    for (after, is_left) in [("02:59:59", true), ("03:00:00", false), ("03:00:01", false)] {
        let after = at(&format!("2026-05-31T{after}+08:00"));
        assert_eq!(next_attempt(after, expires, &huawei, beijing()).is_some(), is_left);
    }
}

#[test]
fn an_attempt_in_a_night_with_a_clock_change_happens_once() {
    // zone | time of day | expiry | the one attempt on the expiry date
    for (name, time, expires, expected) in [
        ("Europe/Paris", "02:30", "2026-03-30T00:00:00+02:00", "2026-03-29T03:00:00+02:00"), // skipped
        ("Europe/Paris", "02:20", "2026-03-30T00:00:00+02:00", "2026-03-29T03:00:00+02:00"),
        ("Europe/Paris", "03:00", "2026-03-30T00:00:00+02:00", "2026-03-29T03:00:00+02:00"),
        ("Europe/Paris", "02:30", "2026-10-26T00:00:00+01:00", "2026-10-25T02:30:00+02:00"), // twice: the first
        ("America/New_York", "02:30", "2026-03-09T00:00:00-04:00", "2026-03-08T03:00:00-04:00"),
        ("America/New_York", "01:30", "2026-11-02T00:00:00-05:00", "2026-11-01T01:30:00-04:00"),
        ("Africa/Cairo", "00:00", "2023-04-29T00:00:00+03:00", "2023-04-28T01:00:00+03:00"),
    ] {
        let knobs = format!("base = \"ksyun\"\nauto_renew_first_try.at = \"{time}\"");
        let (profile, zone, expires) = (profile(&knobs), zone(name), at(expires));
        let first = next_attempt(Instant::MIN, expires, &profile, zone).expect("before the expiry");
        assert_eq!(zone.to_text(first), expected, "{name} {time}");
        assert_eq!(next_attempt(first, expires, &profile, zone), None);
    }
}

/// S12, https://cloud.tencent.com/document/product/555/7454 (tencentyun/qcloud-documents, 续费管理.md): expires 5 April,
/// unified day 20: 20 May, a month and 15 days. S13, http://developer.aliyun.com:443/ask/228472: 2018-09-10 and 2018-05-17,
/// unified day 1: 2018-11-01 and 2018-07-01.
#[test]
fn s12_s13_the_first_unified_day_a_month_or_more_later() {
    use AlignDay::{Day, Last};
    // old expiry date | months | day | new one | extra days
    for (old, months, day, expected, extra_days) in [
        ("2018-04-05", 1, Day(20), "2018-05-20", 15), // S12
        ("2018-09-10", 1, Day(1), "2018-11-01", 22),  // S13
        ("2018-05-17", 1, Day(1), "2018-07-01", 14),  // S13
        ("2026-04-19", 1, Day(20), "2026-05-20", 1),
        ("2026-04-20", 1, Day(20), "2026-05-20", 0), // it is unified already
        ("2026-04-21", 1, Day(20), "2026-06-20", 30),
        ("2026-04-21", 3, Day(20), "2026-08-20", 30),
        ("2026-01-31", 1, Day(28), "2026-02-28", 0),
        ("2026-01-31", 1, Last, "2026-02-28", 0),
        ("2028-01-31", 1, Day(28), "2028-03-28", 28), // 29 February is after the 28th
        ("2026-01-15", 1, Last, "2026-02-28", 13),
        ("2026-04-30", 1, Last, "2026-05-31", 1),
    ] {
        let expires = beijing().day_containing(beijing().parse_instant(old).expect("a date")).end;
        let unified = unified(expires, months, day, beijing()).expect("near");
        let new = expiry_date(unified.service.end, beijing()).to_string();
        assert_eq!((new.as_str(), unified.months, unified.extra_days), (expected, months, extra_days), "{old}");
        assert_eq!((unified.service.start, unified.extra.end), (expires, unified.service.end), "{old}");

        let on = unified_on(expires, expiry_date(unified.service.end, beijing()), beijing()).expect("later");
        assert_eq!((on.service, on.extra_days), (unified.service, extra_days), "{old}: the same as a given day");
    }
}

#[test]
fn a_unified_day_stays_unified() {
    let days_after = |old: &str, day: AlignDay| {
        let expires = beijing().day_containing(beijing().parse_instant(old).expect("a date")).end;
        let anchor = unified(expires, 1, day, beijing()).expect("near").anchor;
        [0, 1, 2, 3].map(|months| expiry_date(expires_at(Anchor { months, ..anchor }, beijing()), beijing()).to_string())
    };
    assert_eq!(days_after("2025-12-28", AlignDay::Day(28)), ["2026-01-28", "2026-02-28", "2026-03-28", "2026-04-28"]);
    assert_eq!(days_after("2026-01-28", AlignDay::Day(28)), ["2026-02-28", "2026-03-28", "2026-04-28", "2026-05-28"]);
    assert_eq!(days_after("2026-01-28", AlignDay::Last), ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]);
    assert_eq!(days_after("2026-01-03", AlignDay::Day(1)), ["2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01"]);
}

#[test]
fn a_given_last_day_extends_by_a_month_or_more() {
    let expires = at("2026-02-01T00:00:00+08:00"); // the expiry date is 31 January
    let on = |date: &str| unified_on(expires, date.parse().expect("a date"), beijing());
    assert_eq!(
        on("2026-01-31").expect_err("not later").to_string(),
        "the last day 2026-01-31 is not after 2026-01-31, which is paid for: a unified date extends only, it never shortens"
    );
    assert!(matches!(on("2025-12-31"), Err(AlignError::NeverShortens { .. })));
    assert_eq!(
        on("2026-02-27").expect_err("too short").to_string(),
        "the last day 2026-02-27 extends 2026-01-31 by less than a month; expected 2026-02-28 or later"
    );
    // last day | months | extra days
    for (date, months, extra_days) in
        [("2026-02-28", 1, 0), ("2026-03-30", 1, 30), ("2026-03-31", 2, 0), ("2027-01-30", 11, 30), ("2027-01-31", 12, 0)]
    {
        let unified = on(date).expect("later");
        assert_eq!((unified.months, unified.extra_days), (months, extra_days), "{date}");
    }
}

#[test]
fn a_change_counts_from_the_next_hour_or_midnight() {
    let (hourly, daily) = (profile(""), profile("change_from = \"next_day\""));
    let bought = at("2026-05-01T10:30:00+08:00");
    // changed at | newest rule | change day excluded
    for (now, hour, day) in [
        ("2026-05-01T10:30:00+08:00", "2026-05-02T00:00:00+08:00", "2026-05-02T00:00:00+08:00"), // the day of purchase
        ("2026-05-01T23:59:59+08:00", "2026-05-02T00:00:00+08:00", "2026-05-02T00:00:00+08:00"),
        ("2026-05-02T00:00:00+08:00", "2026-05-02T00:00:00+08:00", "2026-05-03T00:00:00+08:00"),
        ("2026-05-25T13:59:59+08:00", "2026-05-25T14:00:00+08:00", "2026-05-26T00:00:00+08:00"),
        ("2026-05-25T14:00:00+08:00", "2026-05-25T14:00:00+08:00", "2026-05-26T00:00:00+08:00"), // on the hour: from now
        ("2026-05-25T14:00:01+08:00", "2026-05-25T15:00:00+08:00", "2026-05-26T00:00:00+08:00"),
    ] {
        assert_eq!(beijing().to_text(change_from(at(now), bought, &hourly, beijing())), hour, "{now}");
        assert_eq!(beijing().to_text(change_from(at(now), bought, &daily, beijing())), day, "{now}");
    }
    // The hour is that of the clock on the wall.
    let kolkata = zone("Asia/Kolkata");
    let from = change_from(at("2026-05-25T13:40:00+05:30"), bought, &hourly, kolkata);
    assert_eq!(kolkata.to_text(from), "2026-05-25T14:00:00+05:30");
}

/// Days of grace are 24 hours each, also over a night of 23.
#[test]
fn grace_and_retention_follow_each_other() {
    let paris = zone("Europe/Paris");
    let (grace, retention) = grace_and_retention(at("2026-03-29T00:00:00+01:00"), 1, 15);
    assert_eq!(paris.to_text(grace.end), "2026-03-30T01:00:00+02:00");
    assert_eq!((retention.start, retention.seconds()), (grace.end, 15 * 86_400));
    let (none, _) = grace_and_retention(at("2026-03-29T00:00:00+01:00"), 0, 0);
    assert_eq!(none.seconds(), 0);
}

const ZONES: [&str; 6] = ["+08:00", "Europe/Paris", "America/New_York", "Africa/Cairo", "Asia/Kolkata", "Australia/Lord_Howe"];

/// An instant from 1990 to 2100, every other time at a midnight.
fn starts() -> impl Strategy<Value = (Zone, Instant)> {
    let seconds = 631_152_000_i64..4_102_444_800;
    (prop::sample::select(&ZONES[..]), seconds, any::<bool>()).prop_map(|(name, seconds, at_midnight)| {
        let (zone, instant) = (zone(name), Instant::from_seconds(seconds));
        (zone, if at_midnight { zone.day_containing(instant).start } else { instant })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn expiry_never_goes_back_as_months_grow((zone, from) in starts(), months in 0..200_u32) {
        let expires = |months| expires_at(Anchor { from, months }, zone);
        prop_assert!(expires(months) < expires(months + 1));
        prop_assert!(from <= expires(0), "nothing is covered before it begins");
        let expires = expires(months);
        prop_assert_eq!(expires, zone.day_containing(expires).start, "it ends with a day");
    }

    #[test]
    fn months_one_by_one_equal_months_at_once((zone, from) in starts(), months in 1..60_u32) {
        let at_once = Anchor::starting(from).plus(months).expect("near");
        let mut one_by_one = Anchor::starting(from);
        for _ in 0..months {
            one_by_one = one_by_one.plus(1).expect("near");
        }
        prop_assert_eq!(expires_at(one_by_one, zone), expires_at(at_once, zone));
    }

    #[test]
    fn unified_date_only_extends((zone, from) in starts(), months in 1..40_u32, day in 0..29_u32) {
        let expires = expires_at(Anchor { from, months: 1 }, zone);
        let day = if day == 0 { AlignDay::Last } else { AlignDay::Day(day) };
        let moved = unified(expires, months, day, zone).expect("near");
        prop_assert!(moved.service.end > expires && moved.extra_days <= 30);
        prop_assert_eq!(expires_at(moved.anchor, zone), moved.service.end, "the anchor is where the period ends");
        let again = expiry_date(expires_at(moved.anchor.plus(months).expect("near"), zone), zone);
        let by_rule = unified(moved.service.end, months, day, zone).expect("near");
        prop_assert_eq!(
            again.max(expiry_date(by_rule.service.end, zone)), again,
            "a renewal of a unified term ends on a unified day: aligning it again adds nothing later"
        );
    }

    #[test]
    fn attempts_lie_between_the_first_and_the_expiry((zone, from) in starts(), days_before in 0..10_u32, hour in 0..24_u32) {
        let knobs = format!("auto_renew_first_try = {{ days_before = {days_before}, at = \"{hour:02}:20\" }}");
        let profile = Profile::parse(&knobs).expect("a profile");
        let expires = expires_at(Anchor { from, months: 1 }, zone);
        let mut attempts = vec![first_attempt(expires, &profile, zone)];
        while let Some(next) = next_attempt(*attempts.last().expect("the first"), expires, &profile, zone) {
            prop_assert!(next < expires && next > attempts[attempts.len() - 1]);
            attempts.push(next);
        }
        prop_assert_eq!(attempts.len(), days_before as usize + 1);
    }
}
