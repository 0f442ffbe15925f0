//! Nights of renewals on a real store: carried out once, whoever tries, however often, and wherever it ends midway.

mod audited;
mod books;
mod broken;
mod disturbed;
mod home;
mod once;
mod together;
mod waiting;

use home::{Home, deliver};
use reckoner_core::table::TableKind;
use reckoner_store::SqliteStore;
use std::path::Path;

/// The night on which everything in these tests is due.
pub const NIGHT: &str = "2026-02-01T00:00:00";
/// The night after it.
pub const NIGHT_AFTER: &str = "2026-02-02T00:00:00";

/// Twelve accounts under profile `ksyun`, each with two subscriptions bought on 1 January that are tried on 1 February and
/// expire on the 2nd. Every third account has a voucher, every fourth no money left. Everything is bought, nothing is tried.
pub fn before_the_night(folder: &Path) -> (Home, SqliteStore) {
    before_the_night_in_order(folder, &(0..12).collect::<Vec<_>>())
}

/// The same, delivered in this order.
pub fn before_the_night_in_order(folder: &Path, accounts: &[usize]) -> (Home, SqliteStore) {
    let home = Home::new(folder, "ksyun");
    let mut store = home.open();
    let price = "sku=vm.month product=vm billing_mode=subscription unit=month unit_price=100";
    deliver(&mut store, TableKind::Prices, "prices", &[price]);
    let each = |text: &dyn Fn(usize) -> String| accounts.iter().map(|account| text(*account)).collect::<Vec<_>>();
    deliver(&mut store, TableKind::Accounts, "accounts", &each(&|n| format!("account_id=a-{n} name=A{n}")));
    let money = |n: usize| {
        let amount = if n.is_multiple_of(4) { 200 } else { 500 };
        format!("entry_id=f-{n} account_id=a-{n} kind=top_up amount={amount} at=2026-01-01T00:00:00+08:00")
    };
    deliver(&mut store, TableKind::Funds, "funds", &each(&money));
    let voucher = |n: usize| {
        let term = "valid_from=2026-01-02T00:00:00+08:00 valid_to=2027-01-01T00:00:00+08:00";
        format!("voucher_id=v-{n} account_id=a-{n} amount=30 {term}")
    };
    let vouchers: Vec<String> = accounts.iter().filter(|n| n.is_multiple_of(3)).map(|n| voucher(*n)).collect();
    deliver(&mut store, TableKind::Vouchers, "vouchers", &vouchers);
    for number in 1..=2 {
        let order = |n: usize| {
            format!(
                "order_id=o-{n}-{number} account_id=a-{n} kind=purchase placed_at=2026-01-01T1{number}:00:00+08:00 \
                 resource_id=i-{n}-{number} sku=vm.month renewal=auto"
            )
        };
        deliver(&mut store, TableKind::Orders, &format!("orders {number}"), &each(&order));
    }
    let advanced = home.advance(&mut store, "2026-01-31T23:59:59");
    assert_eq!((advanced.accounts, advanced.failed), (12, Vec::new()));
    (home, store)
}
