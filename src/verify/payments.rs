//! Payments: who paid what is due, what is still outstanding, what became of vouchers and credit.
//!
//! Settlements and payment lines are read in slices of time. A line that pays later (or earlier, where what it pays for came
//! late) finds its settlement among those that are not paid up yet.

use super::ledger::Sums;
use super::{Check, Report, slices};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::audit::{self, Finding};
use reckoner_core::life::OrderCharge;
use reckoner_core::number::Money;
use reckoner_core::pay::{PaymentKind, PaymentLine, PaymentSource, SettlementTotals, Wallet};
use reckoner_core::table::{FundsKind, FundsRow, VoucherKind};
use reckoner_core::time::Window;
use reckoner_store::SettlementRecord;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What payments come to, for the ledger; amounts at 1e-8.
pub(super) struct Paid {
    pub wallets: Vec<Wallet>,
    /// Outstanding today, by account.
    pub outstanding: BTreeMap<String, i128>,
    /// Collected outside, by currency.
    pub external: BTreeMap<String, i128>,
    /// Paid by vouchers of every kind, by currency.
    pub vouchers: BTreeMap<String, i128>,
}

const CHECKS: [Check; 7] = [
    Check::PaymentsSettlement,
    Check::PaymentsLines,
    Check::PaymentsReference,
    Check::PaymentsOutstanding,
    Check::PaymentsVouchers,
    Check::PaymentsCredit,
    Check::PaymentsRefunds,
];

/// Checks payments. Without the ledger's sums nobody knows what chargebacks left open.
pub(super) fn check(books: &Books, sums: Option<&Sums>, report: &mut Report) -> Option<Paid> {
    report.attempt(&CHECKS, |report| {
        let mut walk = Walk::load(books)?;
        for slice in slices(books)? {
            walk.slice(books, slice, report)?;
        }
        report.count("payments", "lines", walk.lines);
        walk.finish(books, sums, report)
    })
}

/// Payment lines by source, of an account; at 1e-8.
#[derive(Default)]
struct BySource {
    /// Due less everything that was paid.
    unpaid: i128,
    money: i128,
    credit: i128,
    external: i128,
    written_off: i128,
}

/// Lines of a voucher, at 1e-8 and not below 0.
#[derive(Default)]
struct OfVoucher {
    used: i128,
    returned: i128,
    forfeited: i128,
}

/// What a payment line pays for.
struct PaidFor {
    account_id: String,
    currency: String,
    /// At 1e-8.
    unpaid: i128,
}

struct Walk {
    entries: HashMap<String, FundsRow>,
    /// What lines pay for funds entries, at 1e-8.
    paid_for_entries: HashMap<String, i128>,
    /// Settlements that are not paid up, and orders.
    unpaid: HashMap<String, PaidFor>,
    /// Lines for settlements that are not known yet.
    ahead: HashMap<String, Vec<PaymentLine>>,
    accounts: BTreeMap<String, BySource>,
    of_vouchers: BTreeMap<String, OfVoucher>,
    external: BTreeMap<String, i128>,
    vouchers: BTreeMap<String, i128>,
    lines: u64,
}

impl Walk {
    fn load(books: &Books) -> Result<Self, Failure> {
        let mut accounts: BTreeMap<String, BySource> = BTreeMap::new();
        let mut entries = HashMap::new();
        for entry in books.store().funds()?.into_iter().filter(|entry| entry.status == "done") {
            let row = entry.row;
            if row.kind == FundsKind::WriteOff {
                accounts.entry(row.account_id.clone()).or_default().written_off += i128::from(row.amount.e8());
            }
            entries.insert(row.entry_id.clone(), row);
        }
        let mut unpaid: HashMap<String, PaidFor> = HashMap::new();
        for slice in slices(books)? {
            for OrderCharge { order_id, charge } in books.store().order_charges(slice, None)? {
                let due = i128::from(charge.amounts.due.e8());
                let account_id = charge.key.account_id;
                accounts.entry(account_id.clone()).or_default().unpaid += due;
                let new = || PaidFor { account_id, currency: charge.currency, unpaid: 0 };
                unpaid.entry(order_id).or_insert_with(new).unpaid += due;
            }
        }
        Ok(Self {
            entries,
            paid_for_entries: HashMap::new(),
            unpaid,
            ahead: HashMap::new(),
            accounts,
            of_vouchers: BTreeMap::new(),
            external: BTreeMap::new(),
            vouchers: BTreeMap::new(),
            lines: 0,
        })
    }

    fn slice(&mut self, books: &Books, slice: Window, report: &mut Report) -> Result<(), Failure> {
        let mut new: HashMap<String, SettlementRecord> = HashMap::new();
        for settlement in books.store().settlements(slice)? {
            report.judge(Check::PaymentsSettlement, audit::check_settlement(&settlement.settlement_id, &totals(&settlement)));
            self.accounts.entry(settlement.account_id.to_string()).or_default().unpaid += i128::from(settlement.due.e8());
            let paid_for = PaidFor {
                account_id: settlement.account_id.to_string(),
                currency: settlement.currency.to_string(),
                unpaid: i128::from(settlement.due.e8()),
            };
            self.unpaid.insert(settlement.settlement_id.to_string(), paid_for);
            new.insert(settlement.settlement_id.to_string(), settlement);
        }
        let mut own: HashMap<String, SettlementTotals> = HashMap::new();
        for line in books.store().payments(slice)? {
            self.lines += 1;
            self.add_up(&line);
            if is_own(&line) && new.contains_key(&line.paid_for) {
                add_source(own.entry(line.paid_for.clone()).or_default(), &line);
            }
            self.pay(line, report);
        }
        let mut new: Vec<SettlementRecord> = new.into_values().collect();
        new.sort_by(|a, b| (a.at, &a.settlement_id).cmp(&(b.at, &b.settlement_id)));
        for settlement in new {
            let lines = own.remove(&*settlement.settlement_id).unwrap_or_default();
            report.judge(Check::PaymentsLines, compare_lines(&settlement, &lines));
            for line in self.ahead.remove(&*settlement.settlement_id).unwrap_or_default() {
                self.pay(line, report);
            }
            if self.unpaid.get(&*settlement.settlement_id).is_some_and(|paid_for| paid_for.unpaid == 0) {
                self.unpaid.remove(&*settlement.settlement_id);
            }
        }
        Ok(())
    }

    /// Adds a line to the sums by source.
    fn add_up(&mut self, line: &PaymentLine) {
        let amount = i128::from(line.amount.e8());
        let account = self.accounts.entry(line.account_id.clone()).or_default();
        account.unpaid -= amount;
        match line.source {
            PaymentSource::Balance | PaymentSource::Grant => account.money += amount,
            PaymentSource::Credit => account.credit += amount,
            PaymentSource::External => {
                account.external += amount;
                *self.external.entry(line.currency.clone()).or_default() += amount;
            }
            PaymentSource::Voucher | PaymentSource::FlexiCoupon | PaymentSource::StoredValue => {
                *self.vouchers.entry(line.currency.clone()).or_default() += amount;
                let voucher = self.of_vouchers.entry(line.source_id.clone().unwrap_or_default()).or_default();
                match line.kind {
                    PaymentKind::Payment | PaymentKind::Repayment => voucher.used += amount,
                    PaymentKind::Refund => voucher.returned -= amount,
                    PaymentKind::Forfeit => voucher.forfeited -= amount,
                }
            }
        }
    }

    /// Takes a line off what it pays for.
    fn pay(&mut self, line: PaymentLine, report: &mut Report) {
        let (account_id, currency) = if let Some(paid_for) = self.unpaid.get_mut(&line.paid_for) {
            paid_for.unpaid -= i128::from(line.amount.e8());
            (paid_for.account_id.as_str(), paid_for.currency.as_str())
        } else if let Some(entry) = self.entries.get(&line.paid_for) {
            *self.paid_for_entries.entry(line.paid_for.clone()).or_default() += i128::from(line.amount.e8());
            (entry.account_id.as_str(), entry.currency.as_str())
        } else {
            self.ahead.entry(line.paid_for.clone()).or_default().push(line);
            return;
        };
        let subject = || format!("payment `{}`", line.payment_id);
        let account = audit::compare_texts(subject(), "account = that of what it pays for", &line.account_id, account_id);
        let currency = audit::compare_texts(subject(), "currency = that of what it pays for", &line.currency, currency);
        report.judge(Check::PaymentsReference, account.into_iter().chain(currency));
    }

    fn finish(mut self, books: &Books, sums: Option<&Sums>, report: &mut Report) -> Result<Paid, Failure> {
        let store = books.store();
        let wallets = store.all_wallets()?;
        let ids: BTreeSet<String> = store.accounts()?.into_iter().map(|known| known.row.account_id).collect();
        let ids: Vec<String> = ids.into_iter().chain(self.accounts.keys().cloned()).collect();

        for line in std::mem::take(&mut self.ahead).into_values().flatten() {
            let (law, computed) = ("it pays for a settlement, an order or a funds entry", "nothing of that id".to_owned());
            let (subject, stated) = (format!("payment `{}`", line.payment_id), format!("`{}`", line.paid_for));
            let finding = Finding { subject, law, stated, computed, difference: String::new() };
            report.judge(Check::PaymentsReference, [finding]);
        }
        check_vouchers(books, &ids, std::mem::take(&mut self.of_vouchers), report)?;
        self.check_accounts(&wallets, report);

        let mut outstanding: BTreeMap<String, i128> = BTreeMap::new();
        let mut open: BTreeMap<String, Money> = BTreeMap::new();
        for (account_id, settlement) in store.open_settlements(&ids)? {
            *outstanding.entry(account_id).or_default() += i128::from(settlement.outstanding.e8());
            open.insert(settlement.settlement_id, settlement.outstanding);
        }
        report.count("payments", "settlements outstanding", open.len() as u64);
        match sums {
            Some(sums) => self.check_outstanding(open, &outstanding, sums, report),
            None => report.not_made(&[Check::PaymentsOutstanding]),
        }
        Ok(Paid { wallets, outstanding, external: self.external, vouchers: self.vouchers })
    }

    fn check_accounts(&self, wallets: &[Wallet], report: &mut Report) {
        let credit_used: HashMap<&str, Money> =
            wallets.iter().map(|wallet| (wallet.account_id.as_str(), wallet.credit_used)).collect();
        let none = BySource::default();
        let ids: BTreeSet<&str> = self.accounts.keys().map(String::as_str).chain(credit_used.keys().copied()).collect();
        for account_id in ids {
            let sums = self.accounts.get(account_id).unwrap_or(&none);
            let stated = i128::from(credit_used.get(account_id).copied().unwrap_or_default().e8());
            let subject = format!("wallet of `{account_id}`");
            let law = "credit_used = the payment lines on credit";
            report.judge(Check::PaymentsCredit, audit::compare_amounts(subject, law, stated, sums.credit));

            // Granted money that repaid credit comes back as cash, so the two count as one; what was written off can become
            // cheaper afterwards, and then comes back as cash too.
            let nets = [
                audit::check_net(format!("cash and granted money of `{account_id}`"), sums.money, sums.written_off),
                audit::check_net(format!("credit of `{account_id}`"), sums.credit, 0),
                audit::check_net(format!("payments outside of `{account_id}`"), sums.external, 0),
            ];
            report.judge(Check::PaymentsRefunds, nets.into_iter().flatten());
        }
    }

    /// Each settlement is outstanding with at most what is due and not paid. By how much less tells the account's sum: what
    /// later settlements took off is in their own outstanding amount, which is below 0.
    fn check_outstanding(
        &mut self,
        mut open: BTreeMap<String, Money>,
        outstanding: &BTreeMap<String, i128>,
        sums: &Sums,
        report: &mut Report,
    ) {
        let mut unpaid: BTreeMap<String, i128> =
            self.unpaid.drain().map(|(settlement_id, paid_for)| (settlement_id, paid_for.unpaid)).collect();
        for (entry_id, entry) in &self.entries {
            let paid = self.paid_for_entries.remove(entry_id).unwrap_or_default();
            if entry.kind == FundsKind::Chargeback {
                let left = sums.chargebacks.get(entry_id).copied().unwrap_or_default();
                self.accounts.entry(entry.account_id.clone()).or_default().unpaid += left;
                unpaid.insert(entry_id.clone(), left - paid);
            } else {
                let subject = format!("funds entry `{entry_id}`");
                let law = "the lines by which it repays credit sum to 0";
                report.judge(Check::PaymentsOutstanding, audit::compare_amounts(subject, law, paid, 0));
            }
        }
        for (id, unpaid) in unpaid {
            let outstanding = open.remove(&id).unwrap_or_default();
            report.judge(Check::PaymentsOutstanding, audit::check_outstanding(&id, outstanding, unpaid));
        }
        for (id, outstanding) in open {
            report.judge(Check::PaymentsOutstanding, audit::check_outstanding(&id, outstanding, 0));
        }
        let ids: BTreeSet<&String> = self.accounts.keys().chain(outstanding.keys()).collect();
        for account_id in ids {
            let stated = outstanding.get(account_id).copied().unwrap_or_default();
            let computed = self.accounts.get(account_id).map_or(0, |account| account.unpaid - account.written_off);
            let subject = format!("everything outstanding of `{account_id}`");
            let law = "outstanding = due - payments - written off + charged back";
            report.judge(Check::PaymentsOutstanding, audit::compare_amounts(subject, law, stated, computed));
        }
    }
}

fn totals(settlement: &SettlementRecord) -> SettlementTotals {
    let SettlementRecord { due, voucher, balance, granted, credit, external, outstanding, .. } = *settlement;
    SettlementTotals { due, voucher, balance, granted, credit, external, outstanding }
}

/// Whether a line is of the settlement that it pays for, made with it; or of a later effect that paid what was left.
fn is_own(line: &PaymentLine) -> bool {
    line.kind != PaymentKind::Repayment || line.source_id.as_ref() == Some(&line.paid_for)
}

fn add_source(totals: &mut SettlementTotals, line: &PaymentLine) {
    *match line.source {
        PaymentSource::Voucher | PaymentSource::FlexiCoupon | PaymentSource::StoredValue => &mut totals.voucher,
        PaymentSource::Balance => &mut totals.balance,
        PaymentSource::Grant => &mut totals.granted,
        PaymentSource::Credit => &mut totals.credit,
        PaymentSource::External => &mut totals.external,
    } += line.amount;
}

fn compare_lines(settlement: &SettlementRecord, lines: &SettlementTotals) -> Vec<Finding> {
    let subject = || format!("settlement `{}`", settlement.settlement_id);
    let pairs = [
        ("voucher = its lines from vouchers", settlement.voucher, lines.voucher),
        ("balance = its lines from cash", settlement.balance, lines.balance),
        ("granted = its lines from granted money", settlement.granted, lines.granted),
        ("credit = its lines on credit", settlement.credit, lines.credit),
        ("external = its lines from outside", settlement.external, lines.external),
    ];
    let compared = pairs.into_iter().map(|(law, stated, computed)| {
        audit::compare_amounts(subject(), law, i128::from(stated.e8()), i128::from(computed.e8()))
    });
    compared.flatten().collect()
}

fn check_vouchers(
    books: &Books,
    ids: &[String],
    mut lines: BTreeMap<String, OfVoucher>,
    report: &mut Report,
) -> Result<(), Failure> {
    for state in books.store().voucher_states(ids)? {
        let voucher_id = &state.row.voucher_id;
        let of_lines = lines.remove(voucher_id).unwrap_or_default();
        let net = of_lines.used - of_lines.returned - of_lines.forfeited;
        // What a discount voucher took off an order is no payment.
        let is_discount = state.row.kind == VoucherKind::Discount;
        let paid = if is_discount { Money::ZERO } else { state.used };
        let findings = [
            audit::check_voucher(&state),
            compare_voucher(voucher_id, "used = its payment lines", paid, of_lines.used),
            compare_voucher(voucher_id, "returned = its refund lines", state.returned, of_lines.returned),
        ];
        report.judge(Check::PaymentsVouchers, findings.into_iter().flatten());
        report.judge(Check::PaymentsRefunds, audit::check_net(format!("voucher `{voucher_id}`"), net, 0));
    }
    for voucher_id in lines.into_keys() {
        let (law, computed) = ("a voucher that pays is known", "no such voucher".to_owned());
        let (subject, stated) = ("payment lines".to_owned(), format!("`{voucher_id}`"));
        report.judge(Check::PaymentsVouchers, [Finding { subject, law, stated, computed, difference: String::new() }]);
    }
    Ok(())
}

fn compare_voucher(voucher_id: &str, law: &'static str, stated: Money, computed_e8: i128) -> Option<Finding> {
    audit::compare_amounts(format!("voucher `{voucher_id}`"), law, i128::from(stated.e8()), computed_e8)
}
