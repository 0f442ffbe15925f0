//! When use happens, when it is charged, and to which month it belongs.

use super::home::Home;

/// A home with one sku by the hour at 1, and these uses of it, each of a resource of its own.
fn used(cases: &[Case]) -> Home {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("prices", "sku | unit | unit_price\n vm | hour | 1");
    let rows = cases.iter().map(|case| format!("\n{} | vm | {} | {}", case.id, case.started_at, case.ended_at));
    home.takes("usage", &format!("resource_id | sku | started_at | ended_at{}", rows.collect::<String>()));
    home.catches_up("2029-01-01 00:00:00");
    home
}

struct Case {
    id: &'static str,
    source: &'static str,
    started_at: &'static str,
    ended_at: &'static str,
    /// Start of each hour (of the billing zone) and the seconds used in it.
    seconds: &'static [(&'static str, u32)],
}

/// Every clock hour is a record of its own, in [start, end).
const CUT_AT_CLOCK_HOURS: [Case; 4] = [
    Case {
        id: "T01",
        source: "https://huaweicloud.com/guide/productsdesc-bms_611148b05e406868819925abc937bf9esupport1",
        started_at: "2023-03-10 08:45:30",
        ended_at: "2023-03-10 09:30:00",
        seconds: &[("08:00", 870), ("09:00", 1800)],
    },
    Case {
        id: "T03",
        source: "https://support.huaweicloud.com/intl/en-us/price-cci/cce_06_0020.html",
        started_at: "2023-04-08 10:09:06",
        ended_at: "2023-04-08 12:09:06",
        seconds: &[("10:00", 3054), ("11:00", 3600), ("12:00", 546)],
    },
    Case {
        id: "T11",
        source: "https://support.huaweicloud.com/eu/price-ecs/ecs_billing_2003.html",
        started_at: "2023-07-01 09:59:30", // the example names no day
        ended_at: "2023-07-01 10:45:46",
        seconds: &[("09:00", 30), ("10:00", 2746)],
    },
    Case {
        id: "T12",
        source: "https://support.huaweicloud.com/intl/tr-tr/price-drs/drs_00_0017.html",
        started_at: "2023-07-20 16:03:02",
        ended_at: "2023-07-20 18:53:52",
        seconds: &[("16:00", 3418), ("17:00", 3600), ("18:00", 3232)],
    },
];

#[test]
fn t01_t03_t11_t12_use_is_cut_at_clock_hours() {
    let charges = used(&CUT_AT_CLOCK_HOURS).export("charges");
    for Case { id, source, started_at, seconds, .. } in CUT_AT_CLOCK_HOURS {
        let date = &started_at[..10];
        let found: Vec<String> = charges
            .iter()
            .filter(|charge| charge["resource_id"] == id)
            .map(|charge| format!("{} {}", charge["window_start"], charge["quantity"]))
            .collect();
        let expected: Vec<String> = seconds.iter().map(|(hour, used)| format!("{date} {hour}:00 {used}")).collect();
        assert_eq!(found, expected, "{id}: {source}");
    }
}

/// T06, github.com/huaweicloudDocs/ecs, cn.zh-cn/用户指南/竞享计费型实例.md, table 3: bought for 3 hours at 0.07 an hour,
/// released by the system: metered, and charged nothing.
#[test]
fn t06_what_the_system_took_away_is_metered_and_waived() {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("prices", "sku | unit | unit_price\n c6.large.2 | hour | 0.07");
    home.takes(
        "usage",
        "sku        | started_at          | ended_at            | waived
         c6.large.2 | 2023-07-01 08:58:30 | 2023-07-01 10:28:30 | true",
    );
    home.catches_up("2023-07-02 00:00:00");
    home.check(
        "charges",
        "window_start        | quantity | list_amount | discount_amount | due_amount | reason
         2023-07-01 08:00:00 | 90       | 0.00175     | 0.00175         | 0          | waived
         2023-07-01 09:00:00 | 3600     | 0.07        | 0.07            | 0          | waived
         2023-07-01 10:00:00 | 1710     | 0.03325     | 0.03325         | 0          | waived",
    );
    home.check("payments", "amount");
}

/// T09, the same page, table 6: bought for 6 hours at 0.12 an hour.
#[test]
fn t09_what_the_system_took_away_after_hours_is_waived_too() {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("prices", "sku | unit | unit_price\n c6.large.2 | hour | 0.12");
    home.takes(
        "usage",
        "sku        | started_at          | ended_at            | waived
         c6.large.2 | 2023-07-01 08:58:30 | 2023-07-01 13:28:30 | true",
    );
    home.catches_up("2023-07-02 00:00:00");
    home.check(
        "charges",
        "window_start        | quantity | list_amount | due_amount
         2023-07-01 08:00:00 | 90       | 0.003       | 0
         2023-07-01 09:00:00 | 3600     | 0.12        | 0
         2023-07-01 10:00:00 | 3600     | 0.12        | 0
         2023-07-01 11:00:00 | 3600     | 0.12        | 0
         2023-07-01 12:00:00 | 3600     | 0.12        | 0
         2023-07-01 13:00:00 | 1710     | 0.057       | 0",
    );
}

/// T10, github.com/huaweicloudDocs/ecs, cn.zh-cn/用户指南/竞价计费型实例.md, samples 1 and 2: the market price at a clock
/// hour's start holds for that hour. Here the prices of the hours are published rows.
#[test]
fn t10_each_clock_hour_has_its_price() {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes(
        "prices",
        "sku  | unit | unit_price | valid_from
         spot | hour | 0.02       | 2023-07-01 08:00:00
         spot | hour | 0.03       | 2023-07-01 09:00:00
         spot | hour | 0.04       | 2023-07-01 10:00:00",
    );
    home.takes("usage", "sku | started_at | ended_at\n spot | 2023-07-01 08:30:00 | 2023-07-01 10:30:00");
    home.catches_up("2023-07-02 00:00:00");
    home.check(
        "charges",
        "window_start        | quantity | unit_price | due_amount
         2023-07-01 08:00:00 | 1800     | 0.02       | 0.01
         2023-07-01 09:00:00 | 3600     | 0.03       | 0.03
         2023-07-01 10:00:00 | 1800     | 0.04       | 0.02",
    );
    home.check_due("account_id", &[("acme", "0.06")]);
}

/// T13, https://support.huaweicloud.com/price-apig/apig_08_0017.md and
/// https://support.huaweicloud.com/intl/en-us/price-vpcep/vpcep_price_9000.html: what was deleted at 08:30 is charged for the
/// hour of 08:00, and not before that hour has ended.
#[test]
fn t13_an_hour_is_charged_after_it_has_ended() {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("prices", "sku | unit | unit_price\n gateway | hour | 1");
    home.takes("usage", "sku | started_at | ended_at\n gateway | 2023-07-01 08:00:00 | 2023-07-01 08:30:00");
    // the scheduler's way waits another 10 minutes for late files
    let cases = [("08:30:00", 0), ("08:59:59", 0), ("09:00:00", 0), ("09:09:59", 0)];
    for (at, charges) in cases {
        let said = home.runs_hourly(&format!("2023-07-01 {at}"));
        assert_eq!(said["charges"], charges, "run hourly at {at}");
    }
    assert_eq!(home.catches_up("2023-07-01 08:59:59")["charges"], 0);
    home.check("charges", "window_start");

    assert_eq!(home.runs_hourly("2023-07-01 09:10:00")["charges"], 1);
    home.check(
        "charges",
        "window_start        | window_end          | quantity | transaction_at
         2023-07-01 08:00:00 | 2023-07-01 09:00:00 | 1800     | 2023-07-01 09:00:00",
    );
}

/// T14, https://support.huaweicloud.com/price-nlp/nlp_05_0015.html: three calls of a day are one bill. The vendor prints the
/// hours in which they fell (10:00 to 12:00); here the window is the billing day.
#[test]
fn t14_three_calls_of_a_day_are_one_charge() {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("prices", "sku | unit | unit_price | settle\n nlp | call | 0.012 | day");
    home.takes(
        "usage",
        "sku | started_at          | ended_at
         nlp | 2023-07-25 10:13:30 | 2023-07-25 10:13:30
         nlp | 2023-07-25 10:16:45 | 2023-07-25 10:16:45
         nlp | 2023-07-25 11:20:11 | 2023-07-25 11:20:11",
    );
    assert_eq!(home.catches_up("2023-07-25 23:59:59")["charges"], 0);
    home.catches_up("2023-07-26 00:00:00");
    home.check(
        "charges",
        "window_start        | window_end          | quantity | transaction_at
         2023-07-25 00:00:00 | 2023-07-26 00:00:00 | 3        | 2023-07-26 00:00:00",
    );
}

/// T15 and T16, https://support.huaweicloud.com/intl/en-us/price-ccm/ccm_01_0035.html: the deletion of a private CA is
/// scheduled for midnight with a delay of 7 days. Where it is carried out nothing is billed from midnight on; where it is
/// cancelled after 3 days, the gap is. The meter delivers the gap only then, and it settles as late use.
#[test]
fn t15_t16_the_gap_before_a_deletion_is_billed_if_it_is_cancelled() {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("prices", "sku | unit | unit_price\n private-ca | hour | 1");
    // An account that cannot pay would be released meanwhile.
    home.takes("funds", "amount\n 100");
    let used = |from: &str, to: &str| format!("sku | started_at | ended_at\n private-ca | {from} | {to}");
    home.takes("usage", &used("2021-12-31 00:00:00", "2022-01-01 00:00:00"));
    home.catches_up("2022-01-08 00:00:00");
    let billed_from_midnight = |home: &Home| {
        let charges = home.export("charges");
        let of_gap = charges.iter().filter(|charge| *charge["window_start"] >= *"2022-01-01 00:00:00");
        of_gap.map(|charge| charge["quantity"].parse::<u32>().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(billed_from_midnight(&home), [0; 0]);

    home.takes("usage", &used("2022-01-01 00:00:00", "2022-01-04 00:00:00"));
    home.catches_up("2022-01-08 00:00:00");
    assert_eq!(billed_from_midnight(&home), [3600; 72]);
}

/// C05 and C06, https://support.huaweicloud.com/intl/en-us/faq-billing/billing_faq_5100092.html: the month of the bill is that
/// of the use, also for what is deducted on the first of the next month.
#[test]
fn c05_c06_the_bill_is_that_of_the_month_of_use() {
    let mut home = Home::new("huawei-intl", "USD");
    home.takes("prices", "sku | unit | unit_price | settle\n vm | hour | 1 | hour\n call | call | 1 | day");
    home.takes(
        "usage",
        "sku  | started_at          | ended_at
         vm   | 2024-06-10 10:00:00 | 2024-06-10 11:00:00
         vm   | 2024-06-30 23:00:00 | 2024-07-01 01:00:00
         call | 2024-06-30 12:00:00 | 2024-06-30 12:00:00",
    );
    home.catches_up("2024-07-02 00:00:00");
    home.check(
        "charges",
        "sku  | window_start        | transaction_at      | billing_period
         vm   | 2024-06-10 10:00:00 | 2024-06-10 11:00:00 | 2024-06
         call | 2024-06-30 00:00:00 | 2024-07-01 00:00:00 | 2024-06
         vm   | 2024-06-30 23:00:00 | 2024-07-01 00:00:00 | 2024-06
         vm   | 2024-07-01 00:00:00 | 2024-07-01 01:00:00 | 2024-07",
    );
}
