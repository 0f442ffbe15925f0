//! Where customers stand, by the clock of the command: `accounts` by account_id, `vouchers` by voucher_id.

use super::{Batches, ByAccount, Cell, ExportTable, Row, Selection, at_hand};
use crate::books::Books;
use crate::failure::Failure;
use crate::report::ColumnKind::{Amount, Id, Instant as At, Text};
use reckoner_core::life::{AccountStatus, Standing};
use reckoner_core::pay::{VoucherState, Wallet};
use reckoner_core::table::{AccountRow, VoucherKind};
use reckoner_core::time::Instant;
use std::collections::{BTreeSet, HashMap};

pub(super) static ACCOUNTS: ExportTable = ExportTable {
    name: "accounts",
    columns: &[
        ("account_id", Id),
        ("status", Text),
        ("level", Text),
        ("balance", Amount),
        ("granted_balance", Amount),
        ("credit_limit", Amount),
        ("credit_used", Amount),
        ("voucher_balance", Amount),
        ("outstanding", Amount),
        ("currency", Text),
        ("in_arrears_since", At),
        ("grace_until", At),
        ("retention_until", At),
    ],
    by_account: ByAccount::Column,
    rows: accounts,
};

fn accounts<'a>(books: &'a Books, selection: &Selection) -> Result<Batches<'a>, Failure> {
    let accounts = books.accounts()?;
    let wanted: BTreeSet<&str> = accounts.ids().filter(|id| selection.wants_account(Some(id))).collect();
    let ids: Vec<String> = wanted.iter().map(|id| (*id).to_owned()).collect();
    let wallets: HashMap<String, Wallet> =
        books.store().wallets(&ids)?.into_iter().map(|wallet| (wallet.account_id.clone(), wallet)).collect();
    let mut vouchers: HashMap<String, Vec<VoucherState>> = HashMap::new();
    for state in books.store().voucher_states(&ids)? {
        vouchers.entry(state.row.account_id.clone()).or_default().push(state);
    }
    let mut outstanding: HashMap<String, i128> = HashMap::new();
    for (account_id, open) in books.store().open_settlements(&ids)? {
        *outstanding.entry(account_id).or_default() += i128::from(open.outstanding.e8());
    }

    let known = books.store().standings_of(&ids)?.into_iter().map(|known| known.standing);
    let mut standings: HashMap<String, Standing> = known.map(|standing| (standing.account_id.clone(), standing)).collect();

    let rows = wanted.into_iter().filter_map(|id| {
        let row = accounts.at(id, books.as_of)?;
        let standing = standings.remove(id);
        let wallet = wallets.get(id).cloned().unwrap_or_else(|| Wallet::new(id, &row.currency));
        let vouchers = vouchers.get(id).map(Vec::as_slice).unwrap_or_default();
        let outstanding = outstanding.get(id).copied().unwrap_or_default();
        Some(account(row, wallet, standing, alive(vouchers, row, books.as_of), outstanding))
    });
    Ok(at_hand(rows.collect()))
}

/// What the vouchers that are alive can still pay, at 1e-8.
fn alive(vouchers: &[VoucherState], row: &AccountRow, as_of: Instant) -> i128 {
    let can_pay = |state: &&VoucherState| {
        status(state, as_of) == "active" && state.row.kind != VoucherKind::Discount && state.row.currency == row.currency
    };
    vouchers.iter().filter(can_pay).map(|state| i128::from(state.remaining().e8())).sum()
}

/// An account that never left `normal` has no standing.
fn account(row: &AccountRow, wallet: Wallet, standing: Option<Standing>, voucher_balance: i128, outstanding: i128) -> Row {
    let status = standing.as_ref().map_or(AccountStatus::Normal, |standing| standing.status);
    vec![
        wallet.account_id.into(),
        status.as_str().into(),
        row.level.clone().into(),
        wallet.balance.into(),
        wallet.granted.into(),
        row.credit_limit.into(),
        wallet.credit_used.into(),
        Cell::WideAmount(voucher_balance),
        Cell::WideAmount(outstanding),
        wallet.currency.into(),
        wallet.in_arrears_since.into(),
        standing.as_ref().and_then(|standing| standing.grace_until).into(),
        standing.and_then(|standing| standing.retention_until).into(),
    ]
}

pub(super) static VOUCHERS: ExportTable = ExportTable {
    name: "vouchers",
    columns: &[
        ("voucher_id", Id),
        ("account_id", Id),
        ("kind", Text),
        ("amount", Amount),
        ("used", Amount),
        ("returned", Amount),
        ("remaining", Amount),
        ("valid_to", At),
        ("status", Text),
    ],
    by_account: ByAccount::Column,
    rows: vouchers,
};

fn vouchers<'a>(books: &'a Books, selection: &Selection) -> Result<Batches<'a>, Failure> {
    let known = books.store().vouchers()?.into_iter().map(|known| known.row.account_id);
    let holders: BTreeSet<String> = known.filter(|id| selection.wants_account(Some(id))).collect();
    let states = books.store().voucher_states(&holders.into_iter().collect::<Vec<_>>())?;
    let rows = states.into_iter().map(|state| {
        let (remaining, status) = (state.remaining(), status(&state, books.as_of));
        vec![
            state.row.voucher_id.into(),
            state.row.account_id.into(),
            state.row.kind.as_str().into(),
            state.row.amount.into(),
            state.used.into(),
            state.returned.into(),
            remaining.into(),
            state.row.valid_to.into(),
            status.into(),
        ]
    });
    Ok(at_hand(rows.collect()))
}

/// What a voucher is at an instant. One that is used up stays so after its time, unless something comes back to it.
fn status(state: &VoucherState, as_of: Instant) -> &'static str {
    match state.row.validity() {
        _ if state.is_used_up() => "used",
        validity if as_of < validity.start => "not_yet_valid",
        validity if validity.holds(as_of) => "active",
        _ => "expired",
    }
}
