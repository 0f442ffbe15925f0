//! Cases about delivered files and what came of them.

use super::samples::*;
use super::{ALWAYS, Place, picture};
use crate::{IngestRecord, Known, Store, StoreError, SupersededRow};
use reckoner_core::manifest::Manifest;
use reckoner_core::number::{Money, Quantity, UnitPrice};
use reckoner_core::table::{BillingMode, DiscountTerms, Overlap, PaymentMethod, PriceModel, PriceRow, SettleWindow, Tier, Unit};

pub(super) fn a_new_store_is_empty(place: &dyn Place) {
    let store = place.open();
    assert_eq!(store.latest_seq().expect("number"), 0);
    assert_eq!(store.frontier().expect("frontier"), None);
    assert_eq!(store.input_file("x").expect("file"), None);
    assert_eq!(store.mark("verified_seq").expect("mark"), None);
    assert_eq!(store.settlement_revisions("acme", at(1)).expect("revisions"), 0);
    assert_eq!(store.integrity_findings().expect("findings"), Vec::<String>::new());
}

pub(super) fn what_is_taken_in_comes_back(place: &dyn Place) {
    let mut store = place.open();
    let given = full_ingest("usage-1");
    assert_eq!(store.record_ingest(&given).expect("recorded"), 1);

    let file = crate::InputFile { seq: 1, ..file("usage-1") };
    assert_eq!(store.input_file(&file_id("usage-1")).expect("file"), Some(file.clone()));
    assert_eq!(store.input_files().expect("files"), [file]);
    assert_eq!(store.accounts().expect("accounts"), [known(&given.accounts)]);
    assert_eq!(store.products().expect("products"), [known(&given.products)]);
    assert_eq!(store.prices().expect("prices"), [known(&given.prices)]);
    assert_eq!(store.discounts().expect("discounts"), [known(&given.discounts)]);
    assert_eq!(store.vouchers().expect("vouchers"), [known(&given.vouchers)]);
    let funds = store.funds().expect("funds");
    assert_eq!((&funds[0].row, funds[0].status.as_str(), &funds[0].refusal), (&given.funds[0].1, "pending", &None));
    let orders = store.orders(ALWAYS).expect("orders");
    let origin = crate::OrderOrigin::File { seq: 1, file_id: file_id("usage-1"), line: given.orders[0].0 };
    let (row, state) = (given.orders[0].1.clone(), crate::OrderState::pending("o-usage-1"));
    let placed_by = Some("ada".to_owned());
    assert_eq!(orders, [crate::KnownOrder { row, origin, placed_by, state, approval: None }]);
    let vouchers = store.voucher_states(&["acme".to_owned()]).expect("vouchers");
    assert_eq!((&vouchers[0].row, vouchers[0].used, vouchers[0].returned), (&given.vouchers[0].1, Money::ZERO, Money::ZERO));
    let row_file = crate::LakeFile { seq: 1, ..given.row_files[0].clone() };
    assert_eq!(store.row_files(ALWAYS).expect("row files"), [row_file]);
    let superseded = SupersededRow { seq: 1, ..given.superseded[0].clone() };
    assert_eq!(store.superseded(ALWAYS).expect("superseded"), [superseded]);
    assert_eq!(store.quarantine().expect("quarantine"), given.quarantine);
    assert_eq!(store.usage_accounting(ALWAYS).expect("accounting"), given.accounting);
    assert_eq!(store.touched_hours(0).expect("hours").len(), 2); // an hour named twice is one
    assert_eq!(store.integrity_findings().expect("findings"), Vec::<String>::new());
}

fn known<T: Clone>(rows: &[(u64, T)]) -> Known<T> {
    Known { row: rows[0].1.clone(), seq: 1, file_id: file_id("usage-1"), line: rows[0].0 }
}

pub(super) fn every_kind_of_reference_row_comes_back(place: &dyn Place) {
    let tiers = vec![
        Tier { up_to: Some(Quantity::units(100)), unit_price: UnitPrice::parse("0.1").expect("price"), flat: money("1") },
        Tier { up_to: None, unit_price: UnitPrice::parse("0.080000000001").expect("price"), flat: Money::ZERO },
    ];
    let size = Quantity::units(10);
    let package = PriceModel::Package { size, unit_price: UnitPrice::parse("5").expect("price"), free: Quantity::ZERO };
    let models = [PriceModel::Flat, PriceModel::Graduated { tiers: tiers.clone() }, PriceModel::Volume { tiers }, package];
    let mut given = empty_ingest("prices-1");
    for (line, model) in (2..).zip(models) {
        let sku = format!("sku-{line}");
        given.prices.push((line, PriceRow { model, unit: Unit::Amount("GB".to_owned()), ..price(&sku) }));
    }
    let dated = PriceRow {
        valid_from: Some(at(0)),
        valid_to: Some(at(5)),
        revision: 3,
        settle: SettleWindow::Month,
        billing_mode: BillingMode::Subscription,
        min_charge: money("0.01"),
        ..price("sku-2")
    };
    given.prices.push((9, dated));
    for method in [PaymentMethod::Balance, PaymentMethod::Invoice, PaymentMethod::External] {
        let account_id = format!("{method:?}");
        given.accounts.push((2, crate::conformance::samples::account(&account_id)));
        given.accounts.last_mut().expect("just pushed").1.payment_method = method;
    }
    given.accounts.sort_by(|one, other| one.1.account_id.cmp(&other.1.account_id));
    given.products.push((2, reckoner_core::table::ProductRow { overlap: Overlap::Refuse, ..product("p") }));
    let terms = DiscountTerms::UnitPrice(UnitPrice::parse("0.000000000001").expect("price"));
    given.discounts.push((2, reckoner_core::table::DiscountRow { terms, ..discount("d") }));

    let mut store = place.open();
    store.record_ingest(&given).expect("recorded");
    let prices: Vec<_> = store.prices().expect("prices").into_iter().map(|known| (known.line, known.row)).collect();
    let mut expected = given.prices.clone();
    expected.sort_by_key(|(_, row)| (row.sku.clone(), row.begins(), row.revision));
    assert_eq!(prices, expected);
    let accounts: Vec<_> = store.accounts().expect("accounts").into_iter().map(|known| (known.line, known.row)).collect();
    assert_eq!(accounts, given.accounts);
    assert_eq!(store.products().expect("products")[0].row, given.products[0].1);
    assert_eq!(store.discounts().expect("discounts")[0].row, given.discounts[0].1);
}

pub(super) fn files_are_numbered_in_order(place: &dyn Place) {
    let mut store = place.open();
    for (name, expected) in [("usage-b", 1), ("usage-a", 2), ("usage-c", 3)] {
        assert_eq!(store.record_ingest(&empty_ingest(name)).expect("recorded"), expected, "{name}");
    }
    store.record_ingest(&empty_ingest("usage-a")).expect_err("taken before"); // a refused file uses up no number
    assert_eq!(store.record_ingest(&empty_ingest("usage-d")).expect("recorded"), 4);
    assert_eq!(store.latest_seq().expect("number"), 4);
    let names: Vec<_> = store.input_files().expect("files").into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["usage-b", "usage-a", "usage-c", "usage-d"]);
}

/// A delivery under a new name that brings one thing of an older delivery once more.
fn again(what: &str) -> IngestRecord {
    let (old, new) = (full_ingest("usage-1"), empty_ingest("usage-2"));
    match what {
        "file" => IngestRecord { file: old.file, ..new },
        "account" => IngestRecord { accounts: old.accounts, ..new },
        "product" => IngestRecord { products: old.products, ..new },
        "price" => IngestRecord { prices: old.prices, ..new },
        "discount" => IngestRecord { discounts: old.discounts, ..new },
        "voucher" => IngestRecord { vouchers: old.vouchers, ..new },
        "funds entry" => IngestRecord { funds: old.funds, ..new },
        "order" => IngestRecord { orders: old.orders, ..new },
        "lake file" => IngestRecord { row_files: old.row_files, ..new },
        "superseded row" => IngestRecord { superseded: old.superseded, ..new },
        "quarantine item" => IngestRecord { quarantine: old.quarantine, ..new },
        _ => unreachable!("{what}"),
    }
}

const KEYS: [&str; 11] = [
    "file",
    "account",
    "product",
    "price",
    "discount",
    "voucher",
    "funds entry",
    "order",
    "lake file",
    "superseded row",
    "quarantine item",
];

pub(super) fn of_many_accounts_the_one_at_fault_is_named(place: &dyn Place) {
    let mut store = place.open();
    let accounts: Vec<_> = (0..150).map(|number| (number + 2, account(&format!("acct-{number:03}")))).collect();
    let mut given = IngestRecord { accounts: accounts.clone(), ..empty_ingest("accounts-1") };
    given.accounts.push((200, account("acct-077")));
    match store.record_ingest(&given).expect_err("a known key") {
        StoreError::AlreadyRecorded { what: "account", id } => assert!(id.starts_with("acct-077"), "{id}"),
        other => panic!("{other}"),
    }
    assert_eq!(store.accounts().expect("accounts"), []);
    given.accounts.pop();
    store.record_ingest(&given).expect("recorded");
    let recorded = store.accounts().expect("accounts").into_iter().map(|known| (known.line, known.row));
    assert_eq!(recorded.collect::<Vec<_>>(), accounts);
}

pub(super) fn what_is_known_is_refused_by_its_key(place: &dyn Place) {
    let mut store = place.open();
    store.record_ingest(&full_ingest("usage-1")).expect("recorded");
    let before = picture(&*store);
    for what in KEYS {
        match store.record_ingest(&again(what)).expect_err("known") {
            StoreError::AlreadyRecorded { what: seen, id } => assert!(seen == what && !id.is_empty(), "{what}: {seen} {id}"),
            other => panic!("{what}: {other}"),
        }
        assert_eq!(picture(&*store), before, "{what}");
    }

    // A higher revision, another currency or another beginning is another row.
    let mut next = empty_ingest("prices-2");
    let old = price("s-usage-1");
    next.prices = vec![
        (2, PriceRow { revision: 1, ..old.clone() }),
        (3, PriceRow { currency: "EUR".to_owned(), ..old.clone() }),
        (4, PriceRow { valid_from: Some(at(0)), ..old }),
    ];
    store.record_ingest(&next).expect("recorded");
}

pub(super) fn an_ingest_is_all_or_nothing(place: &dyn Place) {
    let mut store = place.open();
    store.record_ingest(&full_ingest("usage-1")).expect("recorded");
    let before = picture(&*store);

    // Everything is new but for one part, each part in its turn.
    for what in KEYS {
        let (bad, mut mixed) = (again(what), full_ingest("usage-3"));
        match what {
            "file" => mixed.file = bad.file,
            "account" => mixed.accounts.extend(bad.accounts),
            "product" => mixed.products.extend(bad.products),
            "price" => mixed.prices.extend(bad.prices),
            "discount" => mixed.discounts.extend(bad.discounts),
            "voucher" => mixed.vouchers.extend(bad.vouchers),
            "funds entry" => mixed.funds.extend(bad.funds),
            "order" => mixed.orders.extend(bad.orders),
            "lake file" => mixed.row_files.extend(bad.row_files),
            "superseded row" => mixed.superseded.extend(bad.superseded),
            _ => mixed.quarantine.extend(bad.quarantine),
        }
        store.record_ingest(&mixed).expect_err("one part is known");
        assert_eq!(picture(&*store), before, "{what}");
    }
    store.record_ingest(&full_ingest("usage-3")).expect("nothing of it was there");
}

pub(super) fn quarantine_items_are_resolved(place: &dyn Place) {
    let mut store = place.open();
    store.record_ingest(&full_ingest("usage-1")).expect("recorded");

    // Discarding needs no file and uses up no number; what it takes out of the accounting is added with it.
    let resolved_items = vec![("q-usage-1".to_owned(), "discarded".to_owned())];
    let discard = IngestRecord { resolved_items, ..IngestRecord::default() };
    assert_eq!(store.record_ingest(&discard).expect("recorded"), 1);
    assert_eq!(store.quarantine().expect("quarantine")[0].status, "discarded");
    assert_eq!(store.latest_seq().expect("number"), 1);

    let before = picture(&*store);
    let resolved_items = vec![("q-usage-1".to_owned(), "retried".to_owned()), ("q-none".to_owned(), "retried".to_owned())];
    let unknown = store.record_ingest(&IngestRecord { resolved_items, ..IngestRecord::default() }).expect_err("unknown item");
    assert!(matches!(unknown, StoreError::Missing { ref id, .. } if id == "q-none"), "{unknown}");
    let rows = IngestRecord { file: None, ..full_ingest("usage-2") };
    let placeless = store.record_ingest(&rows).expect_err("rows without a file");
    assert!(matches!(placeless, StoreError::Impossible { .. }), "{placeless}");
    // The counts of a file must add up; those of a file that was refused whole are not counted.
    let mut miscounted = empty_ingest("usage-2");
    miscounted.file.as_mut().expect("file").rows = 7;
    let error = store.record_ingest(&miscounted).expect_err("7 is not 1 + 0 + 0");
    assert!(matches!(error, StoreError::Impossible { .. }), "{error}");
    assert_eq!(picture(&*store), before);
    miscounted.file.as_mut().expect("file").is_refused = true;
    store.record_ingest(&miscounted).expect("refused whole");
}

pub(super) fn decisions_are_kept_in_order(place: &dyn Place) {
    let mut store = place.open();
    store.record_ingest(&full_ingest("usage-1")).expect("recorded");
    let decided = |status: &str, became: Option<&str>, reason: Option<&str>| IngestRecord {
        resolved_items: vec![("q-usage-1".to_owned(), status.to_owned())],
        decisions: vec![decision("q-usage-1", status, became, reason)],
        ..IngestRecord::default()
    };
    // An item may be given up, and taken again all the same.
    store.record_ingest(&decided("discarded", None, Some("a test host"))).expect("recorded");
    let retried = IngestRecord { file: empty_ingest("usage-2").file, ..decided("retried", Some("accepted"), None) };
    store.record_ingest(&retried).expect("recorded");
    let kept = store.quarantine_decisions().expect("decisions");
    assert_eq!(kept.iter().map(|kept| (kept.status.as_str(), kept.seq)).collect::<Vec<_>>(), [("discarded", 1), ("retried", 2)]);
    assert_eq!((kept[0].reason.as_deref(), kept[1].became.as_deref()), (Some("a test host"), Some("accepted")));
    assert_eq!(store.quarantine().expect("quarantine")[0].status, "retried");

    let before = picture(&*store);
    // Nothing is given up without a reason, reopened, or decided about what is not there.
    let unknown = vec![decision("q-none", "retried", None, None)];
    let refused = [
        decided("discarded", None, None),
        decided("open", None, Some("again")),
        decided("retried", Some("lost"), None),
        IngestRecord { decisions: unknown, ..IngestRecord::default() },
    ];
    for record in refused {
        let error = store.record_ingest(&record).expect_err("no such decision");
        assert!(matches!(error, StoreError::Impossible { .. }), "{error}");
        assert_eq!(picture(&*store), before);
    }
}

pub(super) fn a_delivery_is_replaced_once(place: &dyn Place) {
    let mut store = place.open();
    for name in ["usage-1", "usage-2"] {
        store.record_ingest(&full_ingest(name)).expect("recorded");
    }
    let given = replacement("usage-3", "usage-1");
    assert_eq!(store.record_ingest(&given).expect("recorded"), 3);
    let expected = crate::Replacement { seq: 3, ..given.replaces.expect("given") };
    assert_eq!(store.replacements().expect("replacements"), [expected]);

    let before = picture(&*store);
    let again = store.record_ingest(&replacement("usage-4", "usage-1")).expect_err("replaced already");
    assert!(matches!(again, StoreError::AlreadyRecorded { what: "replacement", .. }), "{again}");
    let itself = store.record_ingest(&replacement("usage-4", "usage-4")).expect_err("a file cannot replace itself");
    assert!(matches!(itself, StoreError::Impossible { .. }), "{itself}");
    store.record_ingest(&replacement("usage-4", "usage-none")).expect_err("an unknown delivery");
    let placeless = IngestRecord { file: None, ..replacement("usage-4", "usage-3") };
    store.record_ingest(&placeless).expect_err("nothing was delivered in its place");
    assert_eq!(picture(&*store), before);
    store.record_ingest(&replacement("usage-4", "usage-3")).expect("the newest is replaced in its turn");
}

pub(super) fn manifests_and_their_checks_come_back(place: &dyn Place) {
    let mut store = place.open();
    store.record_ingest(&full_ingest("usage-1")).expect("recorded");
    let given = manifest_ingest("manifest-1", 1, "usage-1", Some("rows: 1 is not 2"));
    assert_eq!(store.record_ingest(&given).expect("recorded"), 2);
    let known = store.manifests().expect("manifests");
    assert_eq!((known.len(), known[0].seq, &known[0].file_id), (1, 2, &file_id("manifest-1")));
    assert_eq!(Some(&known[0].manifest), given.manifest.as_ref());
    let check = crate::ManifestCheck { seq: 2, ..given.manifest_checks[0].clone() };
    assert_eq!(store.manifest_checks().expect("checks"), [check]);

    let before = picture(&*store);
    let again = store.record_ingest(&manifest_ingest("manifest-2", 1, "usage-1", None)).expect_err("number 1 is known");
    assert!(matches!(again, StoreError::AlreadyRecorded { what: "manifest", .. }), "{again}");
    store.record_ingest(&manifest_ingest("manifest-2", 2, "usage-none", None)).expect_err("an unknown file");
    assert_eq!(picture(&*store), before);
    store.record_ingest(&manifest_ingest("manifest-2", 2, "usage-1", None)).expect("a higher number");
    assert_eq!(store.manifest_checks().expect("checks")[1].difference, None);

    // A later word that no longer lists the file is about it too; another hour is not.
    let silent = IngestRecord { manifest: Some(Manifest { files: Vec::new(), ..manifest(3) }), ..empty_ingest("manifest-3") };
    store.record_ingest(&silent).expect("recorded");
    let other = IngestRecord {
        manifest: Some(Manifest { window: hour(5), files: Vec::new(), ..manifest(1) }),
        ..empty_ingest("manifest-4")
    };
    store.record_ingest(&other).expect("recorded");
    let about = store.manifests_about("usage-1").expect("manifests");
    assert_eq!(about.iter().map(|known| known.manifest.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(store.manifest_checks_about("usage-1").expect("checks"), store.manifest_checks().expect("checks"));
    assert!(store.manifests_about("usage-2").expect("none").is_empty());
    assert!(store.manifest_checks_about("usage-2").expect("none").is_empty());
}

/// Keeps the trait usable behind a pointer.
const _: fn(&mut dyn Store) = |_| ();
