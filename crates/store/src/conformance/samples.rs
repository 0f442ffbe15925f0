//! Small values of every type, for cases: two accounts, `acme` and `birch`, in the hours of 5 January 2026.

mod lives;

pub use lives::*;

use crate::{
    BookmarkRecord, IngestRecord, InputFile, LakeFile, LakeKind, ManifestCheck, OutstandingNow, QuarantineDecision,
    QuarantineItem, Replacement, Rerun, RunRecord, SettledWindow, SettlementBatch, SettlementRecord, SupersededRow, TierTotal,
    UsageAccounting,
};
use reckoner_core::ledger::{Leg, Transaction};
use reckoner_core::manifest::{ListedFile, Manifest};
use reckoner_core::number::{Money, Quantity, UnitPrice};
use reckoner_core::pay::{PaymentKind, PaymentLine, PaymentSource, Wallet};
use reckoner_core::rate::Bookmark;
use reckoner_core::schedule::{WindowAction, WindowOrder};
use reckoner_core::table::{
    AccountRow, BillingMode, DiscountKind, DiscountRow, DiscountTerms, FundsKind, FundsRow, Overlap, PaymentMethod, PriceModel,
    PriceRow, ProductRow, SettleWindow, Unit, VoucherKind, VoucherRow,
};
use reckoner_core::time::{Instant, Window};
use std::collections::BTreeMap;

/// 2026-01-05T00:00:00Z.
const MONDAY: i64 = 1_767_571_200;

/// So many hours after Monday began.
pub fn at(hours: i64) -> Instant {
    Instant::from_seconds(MONDAY + hours * 3_600)
}

/// The hour that begins so many hours after Monday.
pub fn hour(hours: i64) -> Window {
    Window::new(at(hours), at(hours + 1))
}

/// An amount such as `12.5`, or `-12.5`.
pub fn money(text: &str) -> Money {
    Money::parse_signed(text).expect("a plain amount")
}

/// The id of the delivered file with this name.
pub fn file_id(name: &str) -> String {
    reckoner_core::id::derive("file", &[name])
}

/// A delivered file with one accepted row.
pub fn file(name: &str) -> InputFile {
    InputFile {
        file_id: file_id(name),
        seq: 0,
        name: name.to_owned(),
        kind: name.split('-').next().unwrap_or_default().to_owned(),
        bytes: 100,
        rows: 1,
        accepted: 1,
        duplicates: 0,
        refused: 0,
        is_refused: false,
        taken_at: at(1),
    }
}

/// A file of accepted rows.
pub fn row_file(path: &str, source: &str, span: Window) -> LakeFile {
    let (path, sha256) = (format!("rows/{path}"), reckoner_core::id::derive("sha", &[path]));
    let (kind, file_id, companion) = (LakeKind::Rows, file_id(source), String::new());
    LakeFile { path, kind, seq: 0, file_id, companion, counts_units: false, rows: 1, bytes: 50, sha256, span }
}

/// Sums of use, or hashes of record ids, beside a file of rows.
pub fn file_beside(rows: &LakeFile, kind: LakeKind) -> LakeFile {
    let path = format!("{kind:?}/{}", rows.path);
    let sha256 = reckoner_core::id::derive("sha", &[&path]);
    LakeFile { path, kind, companion: rows.path.clone(), counts_units: kind == LakeKind::Partials, sha256, ..rows.clone() }
}

/// A file of charges.
pub fn charge_file(path: &str, span: Window) -> LakeFile {
    let (path, sha256) = (format!("charges/{path}"), reckoner_core::id::derive("sha", &[path]));
    let (kind, file_id, companion) = (LakeKind::Charges, String::new(), String::new());
    LakeFile { path, kind, seq: 1, file_id, companion, counts_units: false, rows: 1, bytes: 60, sha256, span }
}

/// An account since ever.
pub fn account(account_id: &str) -> AccountRow {
    AccountRow {
        account_id: account_id.to_owned(),
        name: "Ängström & 测试".to_owned(),
        currency: "CNY".to_owned(),
        level: "V0".to_owned(),
        credit_limit: money("100"),
        payment_method: PaymentMethod::Balance,
        payer_account_id: None,
        cost_center: Some("cc-1".to_owned()),
        valid_from: None,
        revision: 0,
        particulars: BTreeMap::from([("tax_rate".to_owned(), "0".to_owned())]),
    }
}

/// A product since ever.
pub fn product(name: &str) -> ProductRow {
    ProductRow {
        product: name.to_owned(),
        name: name.to_owned(),
        overlap: Overlap::Add,
        valid_from: None,
        particulars: BTreeMap::new(),
    }
}

/// A flat price by the hour since ever.
pub fn price(sku: &str) -> PriceRow {
    PriceRow {
        sku: sku.to_owned(),
        product: "vm".to_owned(),
        billing_mode: BillingMode::PayPerUse,
        unit: Unit::Hour,
        unit_price: UnitPrice::parse("0.000000000001").expect("a plain price"),
        model: PriceModel::Flat,
        currency: "CNY".to_owned(),
        valid_from: None,
        valid_to: None,
        revision: 0,
        settle: SettleWindow::Hour,
        min_seconds: 0,
        step_seconds: 1,
        min_charge: Money::ZERO,
        particulars: BTreeMap::new(),
    }
}

/// 12.5 % off for an account.
pub fn discount(discount_id: &str) -> DiscountRow {
    DiscountRow {
        discount_id: discount_id.to_owned(),
        account_id: "acme".to_owned(),
        kind: DiscountKind::Commercial,
        terms: DiscountTerms::PercentOff("12.50".parse().expect("a plain decimal")),
        products: vec!["vm".to_owned()],
        skus: Vec::new(),
        modes: vec![BillingMode::PayPerUse],
        order_kinds: Vec::new(),
        valid_from: Some(at(0)),
        valid_to: None,
        revision: 0,
    }
}

/// A voucher of 50 for an account.
pub fn voucher(voucher_id: &str, account_id: &str) -> VoucherRow {
    VoucherRow {
        voucher_id: voucher_id.to_owned(),
        account_id: account_id.to_owned(),
        amount: money("50"),
        valid_from: at(0),
        valid_to: at(24),
        kind: VoucherKind::Voucher,
        percent_off: None,
        currency: "CNY".to_owned(),
        products: Vec::new(),
        skus: vec!["vm.small".to_owned()],
        modes: Vec::new(),
        regions: Vec::new(),
        order_kinds: Vec::new(),
        min_amount: Money::ZERO,
        granted_at: None,
        note: Some("welcome".to_owned()),
    }
}

/// A top-up of 10 at an instant.
pub fn funds(entry_id: &str, account_id: &str, at: Instant) -> FundsRow {
    FundsRow {
        entry_id: entry_id.to_owned(),
        account_id: account_id.to_owned(),
        kind: FundsKind::TopUp,
        amount: money("10"),
        at,
        currency: "CNY".to_owned(),
        note: None,
    }
}

/// A refused row of a delivered file.
pub fn item(item_id: &str, source: &str) -> QuarantineItem {
    QuarantineItem {
        item_id: item_id.to_owned(),
        file_id: file_id(source),
        file: source.to_owned(),
        line: 42,
        kind: "usage".to_owned(),
        column: Some("quantity".to_owned()),
        value: Some("-3".to_owned()),
        reason: "negative_quantity".to_owned(),
        detail: "quantity is negative".to_owned(),
        raw: vec![("record_id".to_owned(), "r,\"1\"".to_owned()), ("quantity".to_owned(), "-3".to_owned())],
        account_id: None,
        amount_at_risk: money("0.5"),
        status: "open".to_owned(),
        first_seen_at: at(2),
    }
}

/// What ada decided about an item.
pub fn decision(item_id: &str, status: &str, became: Option<&str>, reason: Option<&str>) -> QuarantineDecision {
    QuarantineDecision {
        item_id: item_id.to_owned(),
        status: status.to_owned(),
        became: became.map(str::to_owned),
        reason: reason.map(str::to_owned),
        actor: "ada".to_owned(),
        at: at(3),
        seq: 0,
    }
}

/// What ada said about windows.
pub fn window_order(action: WindowAction, kind: Option<SettleWindow>, range: Window, reason: Option<&str>) -> WindowOrder {
    WindowOrder { action, kind, range, reason: reason.map(str::to_owned), actor: "ada".to_owned(), at: at(3) }
}

/// A row that a row of `by` replaced.
pub fn superseded(source: &str, line: u64, by: &str, interval: Window) -> SupersededRow {
    SupersededRow {
        file_id: file_id(source),
        line,
        seq: 0,
        by_file_id: file_id(by),
        by_line: 2,
        account_id: "acme".to_owned(),
        record_id: "r-1".to_owned(),
        resource_id: "i-1".to_owned(),
        sku: "vm.small".to_owned(),
        interval,
    }
}

/// Use of an hour, of which everything but `accepted` is nothing.
pub fn accepted(hour: Instant, account_id: &str, quantity_e12: i128) -> UsageAccounting {
    UsageAccounting {
        hour,
        account_id: account_id.to_owned(),
        sku: "vm.small".to_owned(),
        unit: "hour".to_owned(),
        accepted: Quantity::from_e12(quantity_e12),
        charged: Quantity::ZERO,
        zero_rated: Quantity::ZERO,
        duplicate: Quantity::ZERO,
        quarantined: Quantity::ZERO,
        minimum: Quantity::ZERO,
    }
}

/// A delivery with nothing but the file.
pub fn empty_ingest(name: &str) -> IngestRecord {
    IngestRecord { file: Some(file(name)), ..IngestRecord::default() }
}

/// A delivery that stands in the place of an earlier one.
pub fn replacement(new: &str, old: &str) -> IngestRecord {
    let replaced = file_id(old);
    let replaces = Replacement { replaced, file_id: file_id(new), seq: 0, kept: 1, changed: 2, taken_back: 3, added: 4, held: 5 };
    IngestRecord { replaces: Some(replaces), ..empty_ingest(new) }
}

/// A manifest of one file, for the first hour.
pub fn manifest(number: u64) -> Manifest {
    let sums = BTreeMap::from([("vm.small".to_owned(), Quantity::ONE)]);
    let listed = ListedFile {
        name: "usage-1".to_owned(),
        rows: Some(1),
        min_ts: Some(at(0)),
        sum_quantity: Some(sums),
        ..ListedFile::default()
    };
    Manifest { source: "meter".to_owned(), window: hour(0), number, is_final: true, files: vec![listed] }
}

/// A delivered manifest that compares an earlier file with what it says.
pub fn manifest_ingest(name: &str, number: u64, compared: &str, difference: Option<&str>) -> IngestRecord {
    let check = ManifestCheck {
        manifest_id: file_id(name),
        name: compared.to_owned(),
        file_id: file_id(compared),
        seq: 0,
        difference: difference.map(str::to_owned),
    };
    IngestRecord { manifest: Some(manifest(number)), manifest_checks: vec![check], ..empty_ingest(name) }
}

/// A delivery with one of everything; things that have names carry the file's.
pub fn full_ingest(name: &str) -> IngestRecord {
    let named = |kind: &str| format!("{kind}-{name}");
    let rows = row_file(&named("part"), name, hour(0));
    IngestRecord {
        delivered_by: "ada".to_owned(),
        accounts: vec![(2, account(&named("a")))],
        products: vec![(2, product(&named("p")))],
        prices: vec![(2, price(&named("s")))],
        discounts: vec![(2, discount(&named("d")))],
        vouchers: vec![(2, voucher(&named("v"), "acme"))],
        funds: vec![(2, funds(&named("f"), "acme", at(1)))],
        orders: vec![(2, order(&named("o"), "acme", at(1)))],
        partial_files: vec![file_beside(&rows, LakeKind::Partials)],
        identity_files: vec![file_beside(&rows, LakeKind::Identities)],
        row_files: vec![rows],
        touched_hours: vec![at(0), at(0), at(1)],
        superseded: vec![superseded(name, 2, name, hour(0))],
        quarantine: vec![item(&named("q"), name)],
        accounting: vec![accepted(at(0), "acme", 5)],
        ..empty_ingest(name)
    }
}

/// A settlement of 3 at an instant, 2 from cash, 1 left unpaid.
pub fn settlement(settlement_id: &str, account_id: &str, at: Instant, revision: u32) -> SettlementRecord {
    SettlementRecord {
        settlement_id: settlement_id.into(),
        account_id: account_id.into(),
        at,
        revision,
        billing_period: "2026-01".into(),
        currency: "CNY".into(),
        charges: 1,
        due: money("3"),
        voucher: Money::ZERO,
        balance: money("2"),
        granted: Money::ZERO,
        credit: Money::ZERO,
        external: Money::ZERO,
        outstanding: money("1"),
        run_id: "run-1".into(),
    }
}

/// A payment of 2 from cash.
pub fn payment(payment_id: &str, paid_for: &str, seq: u32, at: Instant) -> PaymentLine {
    PaymentLine {
        payment_id: payment_id.to_owned(),
        account_id: "acme".to_owned(),
        paid_for: paid_for.to_owned(),
        seq,
        kind: PaymentKind::Payment,
        source: PaymentSource::Balance,
        source_id: None,
        amount: money("2"),
        currency: "CNY".to_owned(),
        at,
    }
}

/// A transaction of these legs.
pub fn transaction(transaction_id: &str, at: Instant, legs: &[(&str, &str)]) -> Transaction {
    let leg = |(account, amount): &(&str, &str)| Leg { account: (*account).to_owned(), amount: money(amount) };
    Transaction {
        transaction_id: transaction_id.to_owned(),
        at,
        currency: "CNY".to_owned(),
        description: "settlement".to_owned(),
        legs: legs.iter().map(leg).collect(),
    }
}

/// A wallet with some cash.
pub fn wallet(account_id: &str, balance: &str) -> Wallet {
    Wallet {
        account_id: account_id.to_owned(),
        currency: "CNY".to_owned(),
        balance: money(balance),
        granted: Money::ZERO,
        credit_used: Money::ZERO,
        in_arrears_since: None,
    }
}

/// The month's quantity of a resource of `vm.small`.
pub fn tier_total(account_id: &str, resource_id: &str, quantity_e12: i128) -> TierTotal {
    TierTotal {
        account_id: account_id.to_owned(),
        sku: "vm.small".to_owned(),
        price_id: "pr-1".to_owned(),
        billing_period: "2026-01".to_owned(),
        resource_id: resource_id.to_owned(),
        quantity: Quantity::from_e12(quantity_e12),
    }
}

/// A run over an hour.
pub fn run(run_id: &str, window: Window) -> RunRecord {
    RunRecord {
        run_id: run_id.to_owned(),
        job: "hourly".to_owned(),
        window,
        attempt: 1,
        trigger: "manual".to_owned(),
        actor: "ada".to_owned(),
        status: "done".to_owned(),
        started_at: at(2),
        ended_at: at(3),
        rows_in: 10,
        rows_out: 1,
        rejected: 0,
        postings: 2,
        amount: money("3"),
        reason: None,
        inputs: "{}".to_owned(),
    }
}

/// An hour's state.
pub fn settled(hours: i64, settled_seq: u64, book_seq: u64) -> SettledWindow {
    SettledWindow { kind: SettleWindow::Hour, window: hour(hours), settled_seq, book_seq }
}

/// A rerun of acme's `vm.small`.
pub fn bookmark(covers: Window) -> BookmarkRecord {
    let (account_id, sku) = (Some("acme".to_owned()), Some("vm.small".to_owned()));
    BookmarkRecord {
        bookmark: Bookmark { covers, account_id, sku, book_seq: 1, reprices: true },
        rerun: Some(Rerun { plan_id: "plan-1".to_owned(), reason: "the price was wrong".to_owned() }),
        actor: "ana".to_owned(),
        at: covers.end,
    }
}

/// What is outstanding now.
pub fn now(account_id: &str, id: &str, at: Instant, amount: &str) -> OutstandingNow {
    OutstandingNow { account_id: account_id.to_owned(), id: id.to_owned(), at, amount: money(amount) }
}

/// A batch that settles an hour for the first time and has one of everything; its names carry the hour's number.
/// It needs the voucher and the funds entry of [`full_ingest`] of the file `usage-1`.
pub fn full_batch(hours: i64) -> SettlementBatch {
    let named = |kind: &str| format!("{kind}-{hours}");
    let end = at(hours + 1);
    SettlementBatch {
        read_at: None,
        windows: vec![(settled(hours, 1, 1), None)],
        bookmark: Some(bookmark(hour(hours))),
        charge_files: vec![charge_file(&named("part"), hour(hours))],
        settlements: vec![settlement(&named("st"), "acme", end, 0)],
        payments: vec![payment(&named("pay"), &named("st"), 1, end)],
        opened: Vec::new(),
        outstanding: vec![now("acme", &named("st"), end, "1")],
        transactions: vec![transaction(&named("t"), end, &[("assets:cash", "2"), ("income:vm", "-2")])],
        wallets: vec![wallet("acme", "8"), Wallet { in_arrears_since: Some(end), ..wallet("birch", "0") }],
        vouchers: vec![("v-usage-1".to_owned(), money("1"), money("0.5"))],
        funds: Vec::new(),
        life: full_life(hours),
        tier_totals: vec![tier_total("acme", "i-1", 7)],
        tier_totals_gone: Vec::new(),
        accounting: vec![accepted(at(hours), "acme", 1)],
        runs: vec![run(&named("run"), hour(hours))],
        frontier: Some(end),
    }
}
