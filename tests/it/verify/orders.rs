//! A home in which orders were carried out: green, and each equation of orders broken.

use super::expect_green;
use super::home::{AS_OF, broken, force};
use crate::support::{Bench, copy_folder};
use reckoner_core::profile::Profile;
use reckoner_core::time::Zone;
use reckoner_engine::{Knowledge, advance_due};
use reckoner_store::SqliteStore;
use std::sync::OnceLock;

const FILES: &[(&str, &str)] = &[
    ("accounts.csv", "account_id,name,credit_limit,payment_method\nana,Ana,,balance\nbill,Bill,5000,invoice\n"),
    (
        "prices.csv",
        "sku,product,billing_mode,unit,unit_price\nvm.month,vm,subscription,month,100\nbig.month,vm,subscription,month,180\n",
    ),
    ("funds.csv", "entry_id,account_id,kind,amount,at\nf-1,ana,top_up,900,2026-01-01T00:00:00+08:00\n"),
    (
        "vouchers.csv",
        "voucher_id,account_id,amount,valid_from,valid_to,kind,percent_off,skus\n\
         v-1,ana,30,2026-01-01T00:00:00+08:00,2027-01-01T00:00:00+08:00,voucher,,\n\
         v-2,ana,,2026-01-01T00:00:00+08:00,2027-01-01T00:00:00+08:00,discount,20,big.month\n",
    ),
    (
        "orders.csv",
        "order_id,account_id,kind,placed_at,resource_id,sku,renewal\n\
         o-1,ana,purchase,2026-01-01T10:00:00+08:00,a-1,vm.month,auto\n\
         o-2,ana,purchase,2026-01-01T10:00:00+08:00,a-2,vm.month,auto\n\
         o-3,bill,purchase,2026-01-01T10:00:00+08:00,b-1,vm.month,auto\n\
         o-4,bill,purchase,2026-01-01T10:00:00+08:00,b-2,vm.month,auto\n\
         o-5,ana,change,2026-01-08T10:00:00+08:00,a-1,big.month,\n\
         o-6,ana,unsubscribe,2026-01-15T10:00:00+08:00,a-2,,\n\
         o-7,bill,unsubscribe,2026-01-15T10:00:00+08:00,b-1,,\n\
         o-8,ana,purchase,2026-01-16T10:00:00+08:00,a-3,vm.month,manual\n\
         w-1,ana,purchase,2026-01-16T10:00:00+08:00,a-4,vm.month,manual\n\
         w-2,ana,unsubscribe,2026-01-16T11:00:00+08:00,a-4,,\n",
    ),
];

/// A copy of a home with purchases, an upgrade that a discount voucher lowers, and refunds, from cash, a voucher and an
/// invoice; one of them waits.
fn home_with_orders() -> Bench {
    static MADE: OnceLock<Bench> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let bench = Bench::new();
        bench.line("init --epoch 2026-01-01").expect_exit(0);
        for (name, text) in FILES {
            bench.write(name, text);
            bench.line(&format!("ingest {name} --as-of {AS_OF}")).expect_exit(0);
        }
        let mut store = SqliteStore::open(bench.home().join("ledger.db")).expect("the store");
        let profile = Profile::parse("large_refund_above.CNY = \"90\"").expect("a profile");
        let zone = Zone::parse("+08:00").expect("a zone");
        let knowledge = Knowledge::load(&store, &profile, zone).expect("known");
        let until = zone.parse_instant(AS_OF).expect("an instant");
        let advanced = advance_due(&mut store, &knowledge, None, until).expect("carried out");
        assert_eq!((advanced.accounts, advanced.failed), (2, Vec::new()));
        bench
    });
    let bench = Bench::new();
    copy_folder(&made.home(), &bench.home());
    bench
}

#[test]
fn a_home_with_orders_is_green() {
    expect_green(&home_with_orders());
}

#[test]
fn each_broken_equation_is_named() {
    let cases = [
        ("orders.charges", "UPDATE order_states SET amount_e8 = amount_e8 + 1 WHERE order_id = 'o-1'"),
        ("orders.charges", "UPDATE order_states SET status = 'refused', done_at = NULL, refusal = 'x' WHERE order_id = 'o-1'"),
        ("orders.paid", "DELETE FROM payments WHERE paid_for = 'o-8'"),
        ("orders.paid", "UPDATE open_chargebacks SET outstanding_e8 = outstanding_e8 - 1"),
        ("orders.sources", "UPDATE payments SET source_id = NULL WHERE source = 'voucher'"),
        ("orders.sources", "UPDATE payments SET account_id = 'bill' WHERE paid_for = 'o-8'"),
        ("orders.periods", "UPDATE resources SET body = replace(body, '\"o-8\"', '\"o-9\"') WHERE resource_id = 'a-3'"),
        ("orders.periods", "DELETE FROM order_charges WHERE order_id = 'o-8'"),
        ("orders.waiting", "UPDATE order_states SET waits_for = NULL WHERE order_id = 'w-2'"),
        ("orders.waiting", "UPDATE resources SET body = json_remove(body, '$.waiting_refund') WHERE resource_id = 'a-4'"),
        (
            "orders.waiting",
            "UPDATE resources SET body = json_set(body, '$.waiting_refund.backs[0].fee', 1) WHERE resource_id = 'a-4'",
        ),
        (
            "orders.waiting",
            "UPDATE resources SET body = json_set(body, '$.periods[0].paid', json('[]')) WHERE resource_id = 'a-4'",
        ),
        ("orders.vouchers", "UPDATE voucher_states SET used_e8 = 0 WHERE voucher_id = 'v-2'"),
        ("orders.vouchers", "UPDATE order_charges SET reason = NULL"),
        ("orders.vouchers", "UPDATE order_charges SET reason = 'discount_voucher:v-2' WHERE order_id = 'o-8'"),
        ("orders.vouchers", "UPDATE order_charges SET reason = 'discount_voucher:v-3' WHERE order_id = 'o-8'"),
        ("payments.vouchers", "UPDATE voucher_states SET returned_e8 = 1 WHERE voucher_id = 'v-2'"),
        ("payments.outstanding", "UPDATE open_chargebacks SET outstanding_e8 = outstanding_e8 + 1"),
        ("ledger.income", "UPDATE legs SET account = 'liabilities:deferred:other' WHERE account = 'liabilities:deferred:vm'"),
    ];
    for (expected, statement) in cases {
        let bench = home_with_orders();
        force(&bench, statement);
        let said = bench.line("verify --json").expect_exit(70);
        assert!(broken(&said).iter().any(|name| name == expected), "{statement}: {:?}", broken(&said));
    }
}
