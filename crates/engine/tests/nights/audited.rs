//! The books of orders after a life with everything in it, and what is said where they are not right.

use crate::home::{Home, deliver};
use reckoner_core::life::{OrderStatus, Resource, WaitingRefund};
use reckoner_core::number::Money;
use reckoner_core::pay::{PaymentLine, PaymentSource};
use reckoner_core::rate::Charge;
use reckoner_core::table::{TableKind, VoucherKind};
use reckoner_core::time::{Instant, Window};
use reckoner_engine::audit::{OrderBooks, OrderFindings, check};
use reckoner_store::Store;

const ALWAYS: Window = Window { start: Instant::MIN, end: Instant::MAX };

/// Everything that the store has of orders.
fn order_books(store: &dyn Store) -> OrderBooks {
    let known = store.orders(ALWAYS).expect("orders");
    let ids: Vec<String> = store.accounts().expect("accounts").into_iter().map(|known| known.row.account_id).collect();
    let of_order = |id: &str| known.iter().any(|order| order.row.order_id == id);
    let open = store.open_settlements(&ids).expect("what is open").into_iter();
    let open = open.map(|(_, open)| (open.settlement_id, open.outstanding)).filter(|(id, _)| of_order(id)).collect();
    let lines = store.payments(ALWAYS).expect("lines").into_iter().filter(|line| of_order(&line.paid_for)).collect();
    OrderBooks {
        charges: store.order_charges(ALWAYS, None).expect("charges"),
        lines,
        open,
        resources: store.resources().expect("resources"),
        vouchers: {
            let states = store.voucher_states(&ids).expect("vouchers").into_iter();
            states.filter(|state| state.row.kind == VoucherKind::Discount).collect()
        },
        orders: known.into_iter().map(|order| (order.row.account_id, order.state)).collect(),
    }
}

/// Purchases with and without a voucher, by balance and by invoice; renewals by hand and by night, one of them failed; an
/// upgrade; refunds with a fee, of an invoice that is open and of a renewal; refused orders, one that waits for its instant and
/// one for approval.
fn a_life(profile: &str) -> OrderBooks {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::under(folder.path(), &format!("base = \"{profile}\"\nlarge_refund_above = {{ CNY = \"500\" }}"));
    let mut store = home.open();
    let prices = [
        "sku=vm.month product=vm billing_mode=subscription unit=month unit_price=100",
        "sku=big.month product=vm billing_mode=subscription unit=month unit_price=180",
    ];
    deliver(&mut store, TableKind::Prices, "prices", &prices);
    let accounts = [
        "account_id=cash name=Cash",
        "account_id=poor name=Poor",
        "account_id=bill name=Bill payment_method=invoice credit_limit=5000",
    ];
    deliver(&mut store, TableKind::Accounts, "accounts", &accounts);
    let funds = [
        "entry_id=f1 account_id=cash kind=top_up amount=5000 at=2026-01-01T00:00:00+08:00",
        "entry_id=f2 account_id=poor kind=top_up amount=100 at=2026-01-01T00:00:00+08:00",
    ];
    deliver(&mut store, TableKind::Funds, "funds", &funds);
    let voucher =
        "voucher_id=v1 account_id=cash amount=30 valid_from=2026-01-01T00:00:00+08:00 valid_to=2027-01-01T00:00:00+08:00";
    let discount = "voucher_id=v2 account_id=cash kind=discount amount= percent_off=20 skus=big.month valid_from=2026-01-01T00:00:00+08:00 \
                    valid_to=2027-01-01T00:00:00+08:00";
    deliver(&mut store, TableKind::Vouchers, "vouchers", &[voucher, discount]);
    let buy = |id: &str, account: &str, resource: &str| {
        let bought = "placed_at=2026-01-01T10:00:00+08:00 sku=vm.month renewal=auto";
        format!("order_id={id} account_id={account} kind=purchase {bought} resource_id={resource}")
    };
    let later = |id: &str, account: &str, at: &str, rest: &str| {
        format!("order_id={id} account_id={account} placed_at=2026-{at}T10:00:00+08:00 {rest}")
    };
    let orders = [
        buy("o01", "cash", "c-1"),
        buy("o02", "cash", "c-2"),
        buy("o03", "cash", "c-3"),
        buy("o04", "poor", "p-1"),
        buy("o05", "poor", "p-2"), // no money: refused
        buy("o06", "bill", "b-1"),
        buy("o07", "bill", "b-2"),
        later("o08", "cash", "01-08", "kind=change resource_id=c-1 sku=big.month"),
        later("o09", "cash", "01-09", "kind=renew resource_id=c-2 periods=2"),
        later("o10", "cash", "01-10", "kind=unsubscribe resource_id=c-2 scope=renewal"),
        later("o11", "cash", "01-20", "kind=unsubscribe resource_id=c-3"),
        later("o12", "bill", "01-20", "kind=unsubscribe resource_id=b-1"),
        later("o13", "cash", "06-01", "kind=renew resource_id=c-1"), // waits
        format!("{} quantity=6", buy("o14", "cash", "c-4")),
        later("o15", "cash", "01-03", "kind=unsubscribe resource_id=c-4"), // waits for approval
    ];
    deliver(&mut store, TableKind::Orders, "orders", &orders);
    let advanced = home.advance(&mut store, "2026-02-03T00:00:00");
    assert_eq!(advanced.failed, []);
    order_books(&store)
}

#[test]
fn the_books_of_orders_tie_out() {
    for profile in ["ksyun", "huawei-intl", "huawei-cn"] {
        let books = a_life(profile);
        assert_eq!(check(&books), OrderFindings::default(), "{profile}");
        let count = |status| books.orders.iter().filter(|(_, order)| order.status == status).count();
        assert!(count(OrderStatus::Done) >= 11, "{profile}: {:#?}", books.orders);
        assert_eq!((count(OrderStatus::Pending), count(OrderStatus::Refused)), (2, 1), "{profile}");
        assert!(books.orders.iter().any(|(_, order)| order.waits_for.is_some()), "{profile}");
        assert!(books.charges.iter().any(|charge| charge.charge.corrects.is_some()));
        assert!(!books.open.is_empty());
        assert!(books.vouchers[0].is_used_up(), "{profile}: the upgrade used it");
    }
}

#[test]
fn whatever_is_changed_is_named() {
    let one = Money::parse("1").expect("an amount");
    type Change = Box<dyn Fn(&mut OrderBooks)>;
    fn resource<'b>(books: &'b mut OrderBooks, id: &str) -> &'b mut Resource {
        books.resources.iter_mut().find(|resource| resource.resource_id == id).expect("it was bought")
    }
    fn waiting(books: &mut OrderBooks) -> &mut WaitingRefund {
        resource(books, "c-4").waiting_refund.as_mut().expect("it waits")
    }
    fn lowered(books: &mut OrderBooks) -> &mut Charge {
        let charge = books.charges.iter_mut().find(|charge| charge.charge.lowered_by().is_some());
        &mut charge.expect("the upgrade used a discount voucher").charge
    }
    let cases: Vec<(&str, &str, Change)> = vec![
        ("charges", "amount = the due", Box::new(move |books| books.orders[0].1.amount = Some(one))),
        ("charges", "has no charge", Box::new(|books| books.orders[0].1.status = OrderStatus::Refused)),
        ("charges", "they are of an order", Box::new(|books| drop(books.orders.remove(0)))),
        ("paid", "due = its payment lines", Box::new(move |books| books.lines[0].amount += one)),
        ("paid", "due = its payment lines", Box::new(|books| drop(books.lines.remove(0)))),
        ("paid", "due = its payment lines", Box::new(|books| books.open.clear())),
        ("sources", "account = that of its order", Box::new(|books| books.lines[0].account_id = "poor".to_owned())),
        (
            "sources",
            "names it",
            Box::new(|books| {
                let from_voucher = books.lines.iter_mut().find(|line| line.source == PaymentSource::Voucher);
                from_voucher.expect("a voucher paid").source_id = None;
            }),
        ),
        ("periods", "due = its charge's", Box::new(move |books| resource(books, "c-1").periods[0].due += one)),
        ("periods", "not above", Box::new(move |books| resource(books, "c-1").periods[0].paid[0].amount += one)),
        ("periods", "a charge of its own", Box::new(|books| resource(books, "c-1").periods[0].charge_id = "ch_0".to_owned())),
        ("periods", "it paid for a period", Box::new(|books| drop(resource(books, "c-1").periods.remove(0)))),
        ("waiting", "beside a resource", Box::new(|books| resource(books, "c-4").waiting_refund = None)),
        (
            "waiting",
            "of an order that waits",
            Box::new(|books| books.orders.iter_mut().for_each(|(_, order)| order.waits_for = None)),
        ),
        ("waiting", "paid = consumed", Box::new(move |books| waiting(books).backs[0].paid += one)),
        ("waiting", "refund = what goes", Box::new(move |books| waiting(books).backs[0].parts[0].amount += one)),
        ("waiting", "no more than the period holds", Box::new(|books| resource(books, "c-4").periods[0].paid.clear())),
        (
            "waiting",
            "moves no money",
            Box::new(|books| {
                let line = books.lines[0].clone();
                books.lines.push(PaymentLine { paid_for: "o15".to_owned(), ..line });
            }),
        ),
        ("vouchers", "used = the discounts", Box::new(move |books| books.vouchers[0].used += one)),
        ("vouchers", "used = the discounts", Box::new(|books| lowered(books).reason = None)),
        ("vouchers", "is known", Box::new(|books| lowered(books).reason = Some("discount_voucher:v9".to_owned()))),
        ("vouchers", "account = that of its order", Box::new(|books| books.vouchers[0].row.account_id = "poor".to_owned())),
        (
            "vouchers",
            "used by one order",
            Box::new(|books| {
                let mut twin = books.charges.iter().find(|charge| charge.charge.lowered_by().is_some()).expect("one").clone();
                twin.order_id = "o01".to_owned();
                books.charges.push(twin);
            }),
        ),
        ("periods", "service =", Box::new(|books| resource(books, "c-1").periods[0].service.end = Instant::MAX)),
    ];
    for (part, law, change) in cases {
        let mut books = a_life("huawei-intl");
        change(&mut books);
        let OrderFindings { charges, paid, sources, periods, waiting, vouchers } = check(&books);
        let found = match part {
            "charges" => charges,
            "paid" => paid,
            "sources" => sources,
            "waiting" => waiting,
            "vouchers" => vouchers,
            _ => periods,
        };
        assert!(found.iter().any(|finding| finding.law.contains(law)), "{law} is not among {found:#?}");
    }
}
