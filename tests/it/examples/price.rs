//! What use costs: price, quantity, discount, and what is cut off.

use super::home::{Home, money};
use reckoner_core::allocate::allocate;
use reckoner_core::number::FeeScale;

/// P03, https://support.huaweicloud.com/billing_faq/billing_faq_5100021.md: 10 GB for 25 874 s. The vendor deducts the time in
/// one go, so the day is the window.
#[test]
fn p03_a_fee_is_kept_to_8_decimals_and_cut_to_cents() {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("prices", "sku | unit | unit_price | settle\n evs | hour | 0.0006400000 | day");
    home.takes("usage", "sku | started_at | ended_at | quantity\n evs | 2023-03-10 08:00:00 | 2023-03-10 15:11:14 | 10");
    home.catches_up("2023-03-11 00:00:00");
    home.check(
        "charges",
        "quantity | unit_price | list_amount | discount_amount | truncated_amount | due_amount
         258740   | 0.00064    | 0.04599822  | 0               | 0.00599822       | 0.04",
    );
}

/// P05, https://support.huaweicloud.com/price-nlp/nlp_05_0015.html: three calls.
#[test]
fn p05_due_is_list_less_discount_less_what_is_cut() {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("prices", "sku | unit | unit_price | settle\n nlp | call | 0.012 | day");
    home.takes("usage", "sku | started_at | ended_at | quantity\n nlp | 2023-07-25 10:13:30 | 2023-07-25 10:13:30 | 3");
    home.catches_up("2023-07-26 00:00:00");
    home.check(
        "charges",
        "list_amount | discount_amount | truncated_amount | due_amount
         0.036       | 0               | 0.006            | 0.03",
    );
}

/// P06, https://support.huaweicloud.com/intl/en-us/faq-billing/DeductMont_faq_200010.html: 10 GB (implied) for 1 775 064 s. The
/// ninth decimal is a 6: cutting gives …466, rounding would give …467.
#[test]
fn p06_the_international_site_cuts_at_8_decimals() {
    let mut home = Home::new("huawei-intl", "USD");
    home.takes("prices", "sku | unit | unit_price | settle\n evs | hour | 0.0001700000 | month");
    home.takes("usage", "sku | started_at | ended_at | quantity\n evs | 2023-03-01 00:00:00 | 2023-03-21 13:04:24 | 10");
    home.catches_up("2023-04-01 00:00:00");
    home.check("charges", "quantity | truncated_amount | due_amount\n 17750640 | 0 | 0.83822466");
}

/// P07, https://support.huaweicloud.com/intl/en-us/price-apig/apig_08_0007.html: 3.53 an hour for 179 996 s. The page goes on
/// to show 176.50; how amounts are shown is no matter of charges.
#[test]
fn p07_two_days_of_seconds_before_they_are_rounded_for_show() {
    let mut home = Home::new("huawei-intl", "USD");
    home.takes("prices", "sku | unit | unit_price | settle\n gateway | hour | 3.53 | month");
    home.takes("usage", "sku | started_at | ended_at\n gateway | 2023-03-08 15:50:04 | 2023-03-10 17:50:00");
    home.catches_up("2023-04-01 00:00:00");
    home.check("charges", "quantity | due_amount\n 179996 | 176.49607777");
}

/// P08, https://endocs.ksyun.com/documents/5955?type=3: an hour of an EIP that costs something costs a cent at least.
#[test]
fn p08_an_hour_that_costs_something_costs_a_cent() {
    let mut home = Home::new("ksyun", "CNY");
    home.takes("prices", "sku | unit | unit_price | min_charge\n eip | hour | 0.36 | 0.01");
    home.takes(
        "usage",
        "resource_id | sku | started_at          | ended_at            | waived
         a           | eip | 2023-03-10 08:00:00 | 2023-03-10 08:00:01 | false
         b           | eip | 2023-03-10 08:00:00 | 2023-03-10 08:01:39 | false
         c           | eip | 2023-03-10 08:00:00 | 2023-03-10 08:01:40 | false
         d           | eip | 2023-03-10 08:00:00 | 2023-03-10 08:03:20 | false
         e           | eip | 2023-03-10 08:00:00 | 2023-03-10 08:01:40 | true",
    );
    home.catches_up("2023-03-11 00:00:00");
    home.check(
        "charges",
        "resource_id | quantity | list_amount | discount_amount | truncated_amount | due_amount
         a           | 1        | 0.0001      | 0               | -0.0099          | 0.01
         b           | 99       | 0.0099      | 0               | -0.0001          | 0.01
         c           | 100      | 0.01        | 0               | 0                | 0.01
         d           | 200      | 0.02        | 0               | 0                | 0.02
         e           | 100      | 0.01        | 0.01            | 0                | 0",
    );
}

/// P09, https://help.aliyun.com/document_detail/408467.html: five instances at 12.1234 are billed together, the bill is cut, and
/// the odd cent is put on one line. A bill is a charge of five here; the split is `allocate`'s.
#[test]
fn p09_a_bill_is_cut_once_and_its_lines_sum_to_it() {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("prices", "sku | unit | unit_price\n ecs | instance | 12.1234");
    home.takes("usage", "sku | started_at | ended_at | quantity\n ecs | 2023-03-10 08:00:00 | 2023-03-10 09:00:00 | 5");
    home.catches_up("2023-03-11 00:00:00");
    home.check("charges", "list_amount | truncated_amount | due_amount\n 60.617 | 0.007 | 60.61");

    let lines = allocate(home.due(), &[1; 5], FeeScale::TWO, &[1, 2, 3, 4, 5]).unwrap();
    assert_eq!(lines, ["12.13", "12.12", "12.12", "12.12", "12.12"].map(money));
}

/// P10, http://cn-henji.com/docs/help/cec/content/charging/charging-mode: 3 an hour until 13:40, 12 after.
#[test]
fn p10_a_change_inside_the_hour_cuts_it() {
    // a change of configuration: another sku
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("prices", "sku | unit | unit_price\n large | hour | 12\n small | hour | 3");
    home.takes(
        "usage",
        "sku   | started_at          | ended_at
         small | 2023-03-10 12:00:00 | 2023-03-10 13:40:00
         large | 2023-03-10 13:40:00 | 2023-03-10 14:00:00",
    );
    home.catches_up("2023-03-11 00:00:00");
    home.check(
        "charges",
        "sku   | window_start        | window_end          | quantity | due_amount
         small | 2023-03-10 12:00:00 | 2023-03-10 13:00:00 | 3600     | 3
         large | 2023-03-10 13:00:00 | 2023-03-10 14:00:00 | 1200     | 4
         small | 2023-03-10 13:00:00 | 2023-03-10 14:00:00 | 2400     | 2",
    );

    // a change of price: the window is cut as well
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("prices", "sku | unit | unit_price | valid_from\n vm | hour | 3 |\n vm | hour | 12 | 2023-03-10 13:40:00");
    home.takes("usage", "sku | started_at | ended_at\n vm | 2023-03-10 12:00:00 | 2023-03-10 14:00:00");
    home.catches_up("2023-03-11 00:00:00");
    home.check(
        "charges",
        "sku | window_start        | window_end          | quantity | due_amount
         vm  | 2023-03-10 12:00:00 | 2023-03-10 13:00:00 | 3600     | 3
         vm  | 2023-03-10 13:00:00 | 2023-03-10 13:40:00 | 2400     | 2
         vm  | 2023-03-10 13:40:00 | 2023-03-10 14:00:00 | 1200     | 4",
    );
}

/// P12, https://www.alibabacloud.com/help/doc-detail/276991.htm: a day's calls at two prices per million, deducted at midnight.
#[test]
fn p12_a_days_calls_are_deducted_at_the_next_midnight() {
    let mut home = Home::new("huawei-intl", "USD");
    home.takes("funds", "amount | currency\n 10 | USD");
    home.takes(
        "prices",
        "sku   | unit | unit_price | settle
         read  | call | 0.00000045 | day
         write | call | 0.00000075 | day",
    );
    home.takes(
        "usage",
        "sku   | started_at          | ended_at            | quantity
         read  | 2021-01-01 09:00:00 | 2021-01-01 10:00:00 | 1000000
         write | 2021-01-01 09:00:00 | 2021-01-01 10:00:00 | 2000000",
    );
    assert_eq!(home.catches_up("2021-01-01 23:59:59")["charges"], 0);
    home.catches_up("2021-01-02 00:00:00");
    home.check(
        "charges",
        "sku   | due_amount | transaction_at
         read  | 0.45       | 2021-01-02 00:00:00
         write | 1.5        | 2021-01-02 00:00:00",
    );
    home.check("payments", "source | amount | at\n balance | 1.95 | 2021-01-02 00:00:00");
}

/// P13, github.com/tencentyun/qcloud-documents, product/管理与支持/计费相关(new)/13.云服务退货说明/云服务退货说明.md: the first 96
/// hours at 0.42, then 0.21. Tiers count hours, and run over the month.
#[test]
fn p13_hours_after_the_96th_cost_less() {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes(
        "prices",
        r#"sku | unit | unit_price | model     | tiers
           cvm | hour | 0          | graduated | [{"up_to":"96","unit_price":"0.42"},{"unit_price":"0.21"}]"#,
    );
    home.takes("funds", "amount\n 100"); // who pays is not frozen
    home.takes("usage", "sku | started_at | ended_at\n cvm | 2023-03-10 08:00:00 | 2023-03-15 08:00:00");
    home.catches_up("2023-04-01 00:00:00");
    home.check_due("account_id", &[("acme", "45.36")]);
    let charges = home.export("charges");
    let by_hour: Vec<&str> = charges.iter().map(|charge| charge["due_amount"].as_str()).collect();
    assert_eq!(by_hour, [["0.42"; 96].as_slice(), &["0.21"; 24]].concat());
}

/// C14, github.com/FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec, specification/appendix/saas_examples/simple_agreements.md:
/// licences at 20 a month.
#[test]
fn c14_licences_by_the_month() {
    let mut home = Home::new("huawei-intl", "USD");
    home.takes("prices", "sku | unit | unit_price | settle\n licence | licence | 20 | month");
    home.takes("funds", "amount\n 40000"); // who pays is not frozen
    home.takes(
        "usage",
        "sku     | started_at          | ended_at            | quantity
         licence | 2024-04-01 00:00:00 | 2024-05-01 00:00:00 | 505
         licence | 2024-05-01 00:00:00 | 2024-06-01 00:00:00 | 650
         licence | 2024-06-01 00:00:00 | 2024-07-01 00:00:00 | 635",
    );
    home.catches_up("2024-07-01 00:00:00");
    home.check_due("billing_period", &[("2024-04", "10100"), ("2024-05", "13000"), ("2024-06", "12700")]);
}
