//! Which source pays first. What the vendors show for orders is shown for use here, where the source does not differ.

use super::home::Home;

/// One use of this much, on the first of March 2017, by each of these accounts.
fn uses(home: &mut Home, amount: &str, account_ids: &[&str]) {
    home.takes("prices", &format!("sku | unit | unit_price\n thing | piece | {amount}"));
    let row = |id: &&str| format!("\n{id} | thing | 2017-03-01 00:00:00 | 2017-03-01 01:00:00");
    let rows: String = account_ids.iter().map(row).collect();
    home.takes("usage", &format!("account_id | sku | started_at | ended_at{rows}"));
    home.catches_up("2017-03-02 00:00:00");
}

/// W01, github.com/tencentyun/qcloud-documents, product/管理与支持/计费相关(new)/4.支付/代金券.md
/// (https://cloud.tencent.com/document/product/555/7428): a fee of 4 and five vouchers. Of each account one voucher more is
/// missing, the one that paid for the account before, so that the whole order shows.
fn five_vouchers(mut home: Home, order: [&str; 5], expected: &str) {
    // voucher | amount | the first instant no longer covered
    let vouchers = [("A", 10, 10), ("B", 8, 10), ("C", 5, 10), ("D", 2, 10), ("E", 4, 11)];
    let accounts = ["all", "one-less", "two-less", "three-less"];
    home.takes_accounts(accounts);
    let mut rows = String::new();
    for (missing, account_id) in accounts.iter().enumerate() {
        for (voucher_id, amount, end) in vouchers.iter().filter(|(id, ..)| !order[..missing].contains(id)) {
            rows += &format!("\n{account_id}-{voucher_id} | {account_id} | {amount} | 2017-03-{end} 00:00:00");
        }
    }
    home.takes("vouchers", &format!("voucher_id | account_id | amount | valid_to{rows}"));
    uses(&mut home, "4", &accounts);

    let payments = home.export("payments");
    let mut found = Vec::new();
    for account_id in accounts {
        let of_account = payments.iter().filter(|line| line["account_id"] == account_id);
        found
            .push(of_account.map(|line| format!("{} pays {}", line["source_id"], line["amount"])).collect::<Vec<_>>().join(", "));
    }
    assert_eq!(found.join("; "), expected);
}

/// Earliest expiry, then the largest available amount.
#[test]
fn w01_five_vouchers_in_the_ksyun_order() {
    five_vouchers(
        Home::new("ksyun", "CNY"),
        ["A", "B", "C", "D", "E"],
        "all-A pays 4; one-less-B pays 4; two-less-C pays 4; three-less-D pays 2, three-less-E pays 2",
    );
}

/// Earliest expiry, then the largest part that can pay, then the smallest balance: C has 1 left.
#[test]
fn w01_five_vouchers_in_the_tencent_order() {
    five_vouchers(
        Home::with_own_profile("base = \"ksyun\"\nvoucher_order = \"expiry_then_deductible\"\n", "CNY"),
        ["C", "B", "A", "D", "E"],
        "all-C pays 4; one-less-B pays 4; two-less-A pays 4; three-less-D pays 2, three-less-E pays 2",
    );
}

/// W03, https://support.huaweicloud.com/usermanual-billing/unsubscription_topic_20000081.html: of 100 a voucher pays 20, cash 80.
#[test]
fn w03_voucher_first_and_cash_the_rest() {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("vouchers", "voucher_id | amount\n v | 20");
    home.takes("funds", "amount\n 100");
    uses(&mut home, "100", &["acme"]);
    home.check(
        "payments",
        "seq | kind    | source  | source_id | amount
         1   | payment | voucher | v         | 20
         2   | payment | balance |           | 80",
    );
}

/// W04, github.com/tencentyun/qcloud-documents, product/管理与支持/计费相关(new)/13.云服务退货说明/云服务退货说明.md: 12 months at
/// 51, less 17 %.
#[test]
fn w04_voucher_cash_and_granted_money() {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("prices", "sku | unit | unit_price\n cvm | month-of-use | 51");
    home.takes("discounts", "percent_off | skus\n 17 | cvm");
    home.takes("vouchers", "voucher_id | amount\n v | 100");
    home.takes("funds", "kind | amount\n grant | 250\n top_up | 200");
    home.takes("usage", "sku | started_at | ended_at | quantity\n cvm | 2017-03-01 00:00:00 | 2017-03-01 01:00:00 | 12");
    home.catches_up("2017-03-02 00:00:00");
    home.check(
        "charges",
        "list_amount | discount_amount | truncated_amount | due_amount
         612         | 104.04          | 0                | 507.96",
    );
    home.check(
        "payments",
        "seq | kind    | source  | source_id | amount
         1   | payment | voucher | v         | 100
         2   | payment | balance |           | 200
         3   | payment | grant   |           | 207.96",
    );
}

/// W05, https://huaweicloud.com/s/JeWmguS9lei_nOeoi-i_nuaOpeS4gOWPsOa1t-WkluacjeWKoeWZqCU/t_30_p_17/Jei0ueeUqOS4reW_gyU
/// (按需资源扣费顺序), without the resource package that would go first: every kind of funds in its turn. The page has no amounts.
#[test]
fn w05_every_kind_of_funds_in_its_turn() {
    let mut home = Home::new("huawei-cn", "CNY");
    home.takes("accounts", "account_id | credit_limit\n rich | 100");
    home.takes(
        "vouchers",
        "voucher_id | account_id | kind         | amount
         card       | rich       | stored_value | 3
         coupon     | rich       | flexi_coupon | 2
         voucher-1  | rich       | voucher      | 1
         voucher-2  | rich       | voucher      | 1",
    );
    home.takes("funds", "account_id | amount\n rich | 4");
    uses(&mut home, "16", &["rich"]);
    home.check(
        "payments",
        "seq | source       | source_id | amount
         1   | voucher      | voucher-1 | 1
         2   | voucher      | voucher-2 | 1
         3   | flexi_coupon | coupon    | 2
         4   | stored_value | card      | 3
         5   | balance      |           | 4
         6   | credit       |           | 5",
    );
}
