//! What holds of every life, over random ones. A failure names the seed; `Life::of(seed)` is that life again.

use super::desk::Desk;
use super::lives::{Dice, Life};
use reckoner_core::life::{
    AccountStatus, Given, OrderCharge, OrderStatus, Resource, ResourceStatus, Surroundings, advance, advance_plainly,
};
use reckoner_core::number::Money;
use reckoner_core::pay::PaymentKind;
use reckoner_core::rate::ChargeType;
use reckoner_core::table::{OrderKind, OrderRow, OrderScope, PaymentMethod, VoucherKind};
use reckoner_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

const LIVES: u64 = 200;

/// A quarter of them under a profile in which most refunds wait, for three days unless somebody is faster.
fn lives() -> impl Iterator<Item = Life> {
    let of = |seed| if seed % 4 == 3 { Life::under(seed, REFUNDS_WAIT) } else { Life::of(seed) };
    (0..LIVES).map(of)
}

const REFUNDS_WAIT: &str = "large_refund_above = { CNY = \"5\" }\nrefund_auto_approve_after = \"3d\"";

#[test]
fn pieces_equal_the_whole() {
    let mut steps = 0;
    for life in lives() {
        let (whole, pieces) = (life.at_once(), life.in_pieces(&life.cuts()).pop().expect("pieces"));
        let seed = life.seed;
        assert_eq!(whole.account, pieces.account, "seed {seed}");
        assert_eq!(whole.orders, pieces.orders, "seed {seed}");
        assert_eq!(whole.made, pieces.made, "seed {seed}");
        assert_eq!(whole.charges, pieces.charges, "seed {seed}");
        assert_eq!(whole.payments, pieces.payments, "seed {seed}");
        assert_eq!(whole.events, pieces.events, "seed {seed}");
        assert_eq!(whole.event_ids, pieces.event_ids, "seed {seed}");
        steps += whole.events.len();
    }
    assert!(steps > 3_000, "{steps} events are too few to tell");
}

/// Looking at what a step touched comes to the same as looking at everything, step by step; also of what is late.
#[test]
fn the_quick_way_is_the_plain_one() {
    let mut steps = 0;
    for life in lives() {
        let (mut quick, mut plain) = (life.desk.account.clone(), life.desk.account.clone());
        let (late, given): (Vec<_>, Vec<_>) =
            life.given.iter().cloned().enumerate().partition(|(place, _)| (*place as u64 + life.seed).is_multiple_of(5));
        let without_places = |given: Vec<(usize, Given)>| given.into_iter().map(|(_, given)| given).collect::<Vec<_>>();
        let middle = life.cuts().first().copied().unwrap_or(life.until);
        for (given, until, from) in [(without_places(given), middle, Instant::MIN), (without_places(late), life.until, middle)] {
            let terms = life.desk.terms(from);
            let (found, expected) =
                (advance(&mut quick, &given, until, &terms), advance_plainly(&mut plain, &given, until, &terms));
            steps += expected.len();
            assert_eq!(found, expected, "seed {}", life.seed);
            assert_eq!(quick, plain, "seed {}", life.seed);
        }
        let terms = life.desk.terms(Instant::MIN);
        let (mut quick, mut plain) = (life.desk.account.clone(), life.desk.account.clone());
        let found = advance(&mut quick, &life.given, life.until, &terms);
        assert_eq!(found, advance_plainly(&mut plain, &life.given, life.until, &terms), "seed {}", life.seed);
        assert_eq!(quick, plain, "seed {}", life.seed);
    }
    assert!(steps > 3_000, "{steps} steps are too few to tell");
}

#[test]
fn twice_is_once() {
    for life in lives().take(100) {
        let once = life.at_once();
        let mut twice = once.clone();
        twice.take(&[], life.until, Instant::MIN);
        assert_eq!((&once.account, &once.events), (&twice.account, &twice.events), "seed {}", life.seed);
        let again = life.at_once();
        assert_eq!((&once.account, &once.events), (&again.account, &again.events), "seed {}", life.seed);
    }
}

#[test]
fn no_wallet_below_zero() {
    let mut owing = 0;
    for life in lives() {
        for desk in life.in_pieces(&life.steps()) {
            let money = &desk.account.money;
            let held = [money.wallet.balance, money.wallet.granted, money.wallet.credit_used];
            let vouchers = money.vouchers.iter().map(|voucher| voucher.remaining());
            assert!(held.into_iter().chain(vouchers).all(|amount| !amount.is_negative()), "seed {}", life.seed);
            assert!(money.open.iter().all(|open| open.outstanding.is_positive()), "seed {}", life.seed);
            owing += u64::from(desk.account.is_in_arrears());
        }
    }
    assert!(owing > 150, "{owing} moments in arrears are too few to tell");
}

/// A discount voucher is used by one order at most, in its validity, and what it took off is what the charges say.
#[test]
fn a_discount_voucher_is_used_once() {
    let mut used = 0;
    for life in lives() {
        let desk = life.at_once();
        for voucher in desk.account.money.vouchers.iter().filter(|voucher| voucher.row.kind == VoucherKind::Discount) {
            let is_lowered = |charge: &&OrderCharge| charge.charge.lowered_by() == Some(&*voucher.row.voucher_id);
            let charges: Vec<_> = desk.charges.iter().filter(is_lowered).collect();
            let orders: BTreeSet<&str> = charges.iter().map(|charge| charge.order_id.as_str()).collect();
            let off: Money = charges.iter().map(|charge| charge.charge.amounts.discount).sum();
            assert_eq!((voucher.used, voucher.returned), (off, Money::ZERO), "seed {}", life.seed);
            assert!(orders.len() <= 1, "seed {}: {orders:?}", life.seed);
            let is_alive = |charge: &&OrderCharge| voucher.row.validity().holds(charge.charge.transaction_at);
            assert!(charges.iter().all(is_alive), "seed {}", life.seed);
            used += orders.len();
        }
    }
    assert!(used > 50, "{used} discount vouchers in use are too few to tell");
}

/// Charges of an order and what it paid or brought back are one sum; on an invoice the rest stands open.
#[test]
fn every_charge_is_paid_or_open() {
    let (mut paid, mut invoiced) = (0, 0);
    for life in lives() {
        for desk in life.in_pieces(&life.steps()) {
            let Some((order_id, due)) = last_order(&desk) else { continue };
            let lines = desk.payments.iter().filter(|line| line.paid_for == order_id && line.kind != PaymentKind::Repayment);
            let by_sources: Money = lines.map(|line| line.amount).sum();
            let open = desk.account.money.open.iter().filter(|open| open.settlement_id == order_id);
            let open: Money = open.map(|open| open.outstanding).sum();
            // What an invoice was relieved of by a refund left no line.
            let is_on_invoice = open.is_positive() || by_sources != due;
            let pays = desk.terms(Instant::MIN).payment("acme", life.until).expect("acme has a row");
            if is_on_invoice && pays.method == PaymentMethod::Invoice {
                invoiced += 1;
                continue;
            }
            assert_eq!(by_sources + open, due, "seed {} order {order_id}", life.seed);
            paid += 1;
        }
    }
    assert!(paid > 1_000 && invoiced > 100, "{paid} paid, {invoiced} on invoice are too few to tell");
}

/// The order of the latest charges, and what they come to.
fn last_order(desk: &Desk) -> Option<(String, Money)> {
    let order_id = desk.charges.last()?.order_id.clone();
    let due = desk.charges.iter().filter(|charge| charge.order_id == order_id).map(|charge| charge.charge.amounts.due).sum();
    Some((order_id, due))
}

/// Refund and fee rows name what they correct: together they never take back more than it was.
#[test]
fn refunds_never_exceed_what_was_paid() {
    let mut refunds = 0;
    for life in lives() {
        let desk = life.at_once();
        let mut left: BTreeMap<&str, Money> = BTreeMap::new();
        for charge in &desk.charges {
            let amounts = charge.charge.amounts;
            assert_eq!(amounts.due, amounts.list - amounts.discount - amounts.truncated, "seed {}", life.seed);
            match &charge.charge.corrects {
                None => drop(left.insert(&charge.charge.charge_id, amounts.due)),
                Some(corrected) => {
                    let left = left.get_mut(corrected.as_str()).expect("what is corrected was charged before");
                    *left += amounts.due;
                    refunds += 1;
                }
            }
        }
        assert!(left.values().all(|left| !left.is_negative()), "seed {}: {left:?}", life.seed);
        let returned = desk.account.resources.values().flat_map(|one| &one.periods).all(|period| period.by_all() <= period.due);
        assert!(returned, "seed {}", life.seed);
        let charged: BTreeSet<&str> = desk.charges.iter().map(|charge| charge.charge.charge_id.as_str()).collect();
        assert_eq!(charged.len(), desk.charges.len(), "seed {}: a charge has an id of its own", life.seed);
    }
    assert!(refunds > 100, "{refunds} refunds are too few to tell");
}

/// What is given back was paid: what stood there before the order, by the periods' own parts, is what the order splits.
#[test]
fn paid_equals_consumed_plus_fee_plus_refund() {
    let mut given_back = 0;
    for life in lives() {
        let moments: Vec<Instant> = life.steps().into_iter().flat_map(|at| [at.plus_seconds(-1), at]).collect();
        let pieces = life.in_pieces(&moments);
        for (place, at) in moments.iter().enumerate().skip(1).step_by(2) {
            let (before, after) = (&pieces[place - 1], &pieces[place]);
            let Some(order) = only_unsubscription(&life, *at, after) else { continue };
            let state = &after.orders[&order.order_id];
            let [consumed, fee, refund] = [state.consumed, state.fee, state.refund].map(Option::unwrap_or_default);
            assert!(![consumed, fee, refund].iter().any(|amount| amount.is_negative()), "seed {}", life.seed);
            let is_asked = |start: Instant| order.scope == OrderScope::Resource || start > *at;
            let ended = members(before, &order.resource_id);
            let periods = ended.iter().flat_map(|resource| &resource.periods);
            let held: Vec<_> = periods.filter(|period| !period.is_given_back && is_asked(period.service.start)).collect();
            let all: Money = held.iter().map(|period| period.by_all()).sum();
            let but_vouchers: Money = held.iter().map(|period| period.by_all() - period.by_vouchers()).sum();
            let split = consumed + fee + refund;
            assert!(but_vouchers <= split && split <= all, "seed {} order {}", life.seed, order.order_id);

            let of_order = after.charges.iter().filter(|charge| charge.order_id == order.order_id);
            let charged: Money = of_order.clone().map(|charge| charge.charge.amounts.due).sum();
            assert_eq!(charged, -refund, "seed {} order {}", life.seed, order.order_id);
            let fees = of_order.filter(|charge| charge.charge.charge_type == ChargeType::Fee);
            assert_eq!(fees.map(|charge| charge.charge.amounts.due).sum::<Money>(), fee, "seed {}", life.seed);
            given_back += 1;
        }
    }
    assert!(given_back > 50, "{given_back} unsubscriptions are too few to tell");
}

/// The unsubscription that alone was given at the instant, if it was carried out.
fn only_unsubscription<'a>(life: &'a Life, at: Instant, after: &Desk) -> Option<&'a OrderRow> {
    let mut given = life.given.iter().filter(|given| given.at() == at);
    let (Some(Given::Order(order)), None) = (given.next(), given.next()) else { return None };
    let is_done = after.orders[&order.order_id].status == OrderStatus::Done;
    (order.kind == OrderKind::Unsubscribe && is_done).then_some(&**order)
}

fn members<'a>(desk: &'a Desk, resource_id: &str) -> Vec<&'a Resource> {
    let ids = desk.account.whole(resource_id);
    ids.iter().map(|id| &desk.account.resources[id]).collect()
}

#[test]
fn a_bundle_has_one_expiry_and_policy() {
    let mut shared = 0;
    for life in lives() {
        for desk in life.in_pieces(&life.cuts()) {
            let live: Vec<&Resource> = desk.account.resources.values().filter(|one| !one.has_ended()).collect();
            for one in &live {
                for other in live.iter().filter(|other| other.bundle_id.is_some() && other.bundle_id == one.bundle_id) {
                    let of = |one: &Resource| (one.expires_at, one.renewal, one.renewal_periods, one.next_attempt_at);
                    assert_eq!(of(one), of(other), "seed {}: {} and {}", life.seed, one.resource_id, other.resource_id);
                    shared += u64::from(one.resource_id != other.resource_id);
                }
            }
        }
    }
    assert!(shared > 50, "{shared} shared bundles are too few to tell");
}

#[test]
fn what_ended_stays_ended() {
    let mut ended = 0;
    for life in lives() {
        let pieces = life.in_pieces(&life.cuts());
        for (before, after) in pieces.iter().zip(&pieces[1..]) {
            for (id, resource) in before.account.resources.iter().filter(|(_, resource)| resource.has_ended()) {
                let mut now = after.account.resources[id].clone();
                // A refund that waited comes back, which leaves the resource what it was.
                if resource.waiting_refund != now.waiting_refund {
                    (now.periods, now.waiting_refund) = (resource.periods.clone(), resource.waiting_refund.clone());
                }
                assert_eq!(*resource, now, "seed {}", life.seed);
                ended += 1;
            }
        }
    }
    assert!(ended > 500, "{ended} ended resources are too few to tell");
}

/// Who starts and stops resources by the events alone is right at every moment.
#[test]
fn events_tell_what_works() {
    let mut told = 0;
    for life in lives() {
        let mut cuts = life.cuts();
        cuts.extend(life.steps());
        cuts.sort();
        cuts.dedup();
        let pieces = life.in_pieces(&cuts);
        cuts.push(life.until);
        let mut known: BTreeMap<String, bool> = BTreeMap::new();
        let mut heard = 0;
        for (desk, at) in pieces.iter().zip(&cuts) {
            for event in &desk.events[heard..] {
                let [_, of, kind] = event.split(' ').collect::<Vec<_>>()[..] else { unreachable!("three words") };
                let works = match kind {
                    "suspended" | "released" | "unsubscribed" | "deleted" => false,
                    "restored" => true,
                    _ => continue,
                };
                // Only the renewal may have been given back.
                let is_live = desk.account.resources.get(of).is_some_and(|one| !one.has_ended());
                if kind == "unsubscribed" && is_live {
                    continue;
                }
                if let Some(known) = known.get_mut(of) {
                    *known = works;
                    told += 1;
                }
            }
            heard = desk.events.len();
            let active: BTreeSet<String> = desk
                .account
                .resources
                .values()
                .filter(|one| one.status == ResourceStatus::Active)
                .map(|one| one.resource_id.clone())
                .collect();
            for (id, resource) in &desk.account.resources {
                let terms = desk.terms(Instant::MIN);
                let product = terms.product(&resource.product, *at);
                let hosts = desk.account.resources.values().filter(|one| one.status == ResourceStatus::Active);
                let around = Surroundings {
                    arrears_stops: product.arrears_stops(terms.profile),
                    account: desk.account.standing.status,
                    active: &active,
                    has_edition: product.has_edition(hosts.map(|one| terms.product(&one.product, *at))),
                };
                let works = resource.works(&around);
                let by_events = *known.entry(id.clone()).or_insert(works);
                assert_eq!(by_events, works, "seed {} {id} at {}: {:#?}", life.seed, desk.text(*at), desk.events);
            }
        }
    }
    assert!(told > 300, "{told} events are too few to tell");
}

#[test]
fn an_account_in_arrears_gets_out_by_paying_alone() {
    let mut cleared = 0;
    for life in lives() {
        for desk in life.in_pieces(&life.cuts()) {
            let owes = desk.account.is_in_arrears();
            let is_normal = desk.account.standing.status == AccountStatus::Normal;
            assert!(owes || is_normal, "seed {}: nothing is owed, yet it stands in arrears", life.seed);
            cleared += desk.events.iter().filter(|event| event.ends_with("arrears_ended")).count();
        }
    }
    assert!(cleared > 50, "{cleared} ends of arrears are too few to tell");
}

/// A third of what is given becomes known only after its instant: no effect lies before what was looked at already, and what
/// else holds of lives holds.
#[test]
fn what_is_late_rewrites_nothing() {
    let mut late_ones = 0;
    for life in lives() {
        let mut dice = Dice::of(life.seed ^ 0x1a7e);
        let mut desk = life.desk.clone();
        let (mut known, mut from) = (Instant::MIN, 0);
        let mut late: Vec<Given> = Vec::new();
        for until in life.cuts().into_iter().chain([life.until]) {
            let to = life.given.partition_point(|given| given.at() <= until).max(from);
            let (waits, mut given): (Vec<Given>, Vec<Given>) =
                life.given[from..to].iter().cloned().partition(|_| dice.roll(3) == 0);
            given.append(&mut late);
            given.sort_by(|a, b| a.place().cmp(&b.place()));
            late_ones += given.iter().filter(|given| given.at() < known).count();

            let (events, charges) = (desk.happened.len(), desk.charges.len());
            desk.take(&given, until, known);
            assert!(desk.happened[events..].iter().all(|at| *at >= known), "seed {}: {:#?}", life.seed, &desk.events[events..]);
            assert!(desk.happened[events..].is_sorted(), "seed {}: {:#?}", life.seed, &desk.events[events..]);
            assert!(desk.charges[charges..].iter().all(|one| one.charge.transaction_at >= known), "seed {}", life.seed);
            let wallet = &desk.account.money.wallet;
            assert!(![wallet.balance, wallet.granted, wallet.credit_used].iter().any(|held| held.is_negative()));
            (known, from, late) = (until, to, waits);
        }
    }
    assert!(late_ones > 500, "{late_ones} late ones are too few to tell");
}

/// Whatever the file lets in is answered: done or refused, and never a halt.
#[test]
fn odd_orders_are_answered() {
    let kinds = ["purchase", "renew", "unsubscribe", "change", "delete", "set_renewal", "align"];
    let cells = [
        "quantity=0",
        "quantity=999999999999999999",
        "quantity=0.000000000001",
        "periods=1200",
        "periods=1200 quantity=999999999999",
        "renewal_periods=1200 renewal=auto",
        "renewal=to_pay_per_use",
        "scope=renewal",
        "effective=next_period quantity=3",
        "effective=now quantity=0.5",
        "expires_on=9999-12-31",
        "expires_on=1999-12-31",
        "align_day=last periods=1200",
        "accept_fee=0",
        "bundle_id=b-1",
        "depends_on=r-1",
        "trial=true renewal=auto",
        "sku=none",
    ];
    let skus = ["vm.month", "vm.year", "vm.hour", "cert.ov", "pack.month"];
    let mut answered = 0;
    for (seed, sku) in skus.iter().enumerate() {
        let bare = Life::of(seed as u64).desk;
        for at in ["2026-01-20T00:00:00", "2026-02-20T03:00:00", "2026-02-21T00:00:00", "2026-03-10T00:00:00"] {
            let mut bought = bare.clone();
            bought.pays_in("2026-01-19T00:00:00", "9000");
            bought.does("2026-01-20T00:00:00", "purchase", "r-1", &format!("sku={sku} renewal=auto"));
            for kind in kinds {
                for more in cells {
                    let mut desk = bought.clone();
                    let sku = if more.starts_with("sku=") { String::new() } else { format!("sku={sku}") };
                    let resource_id = if kind == "purchase" { "r-2" } else { "r-1" };
                    let result = desk.does(at, kind, resource_id, &format!("{sku} {more}"));
                    assert_ne!(result, "waits", "{kind} {more} {at}");
                    answered += 1;
                }
            }
        }
    }
    assert_eq!(answered, skus.len() * 4 * kinds.len() * cells.len());
}

/// Between its request and its approval a refund posts nothing, and nothing else is done with what it waits for; by then it
/// has come back, once. What was paid for a period is what is kept of it, what came back, and what waits.
#[test]
fn a_refund_that_waits_posts_nothing() {
    let (mut waited, mut by_itself, mut by_somebody) = (0, 0, 0);
    for life in (0..LIVES / 2).map(|seed| Life::under(seed, REFUNDS_WAIT)) {
        for desk in life.in_pieces(&life.steps()) {
            for (order_id, state) in desk.orders.iter().filter(|(_, state)| state.waits_for.is_some()) {
                assert_eq!(state.status, OrderStatus::Pending, "seed {} order {order_id}", life.seed);
                assert!(!desk.charges.iter().any(|charge| charge.order_id == *order_id), "seed {} order {order_id}", life.seed);
                assert!(!desk.payments.iter().any(|line| line.paid_for == *order_id), "seed {} order {order_id}", life.seed);
                let refunds = desk.account.resources.values().filter_map(|one| one.waiting_refund.as_ref());
                assert!(refunds.clone().any(|refund| refund.order_id == *order_id), "seed {} order {order_id}", life.seed);
                waited += 1;
            }
            for resource in desk.account.resources.values() {
                for back in resource.waiting_refund.iter().flat_map(|waiting| &waiting.backs) {
                    assert_eq!(back.paid, back.consumed + back.fee + back.refund, "seed {}", life.seed);
                    let period = &resource.periods[back.place];
                    assert!(!period.is_given_back && back.paid <= period.by_all(), "seed {}", life.seed);
                }
            }
            let approved: BTreeSet<&str> = desk.approvals.iter().map(|approval| approval.order_id.as_str()).collect();
            assert_eq!(approved.len(), desk.approvals.len(), "seed {}: approved once", life.seed);
            assert!(approved.iter().all(|id| desk.orders[*id].status == OrderStatus::Done), "seed {}", life.seed);
        }
        for approval in life.at_once().approvals {
            match approval.approved_by.as_str() {
                "engine" => by_itself += 1,
                _ => by_somebody += 1,
            }
        }
    }
    assert!(waited > 50 && by_itself > 10 && by_somebody > 10, "{waited} {by_itself} {by_somebody} are too few to tell");
}
