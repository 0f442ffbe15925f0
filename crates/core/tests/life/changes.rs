//! Changes of specification: what an upgrade pays, when a downgrade holds, what stands in its way.

use super::desk::Desk;

const PRICES: &[&str] = &[
    "sku=s.month product=vm billing_mode=subscription unit=month unit_price=310",
    "sku=l.month product=vm-large billing_mode=subscription unit=month unit_price=620",
    "sku=s.year product=vm billing_mode=subscription unit=year unit_price=3650",
    "sku=h.small product=vm billing_mode=pay_per_use unit=hour unit_price=1",
    "sku=h.large product=vm billing_mode=pay_per_use unit=hour unit_price=2",
];

fn bought(knobs: &str) -> Desk {
    let mut desk = Desk::with(&format!("base = \"huawei-intl\"\n{knobs}"), "+08:00", "", PRICES, &[]);
    desk.pays_in("2026-01-01T00:00:00", "2000");
    assert_eq!(desk.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=s.month"), "done");
    desk
}

/// Domain 8: (new - old) x the part of the month that is left, from the next full hour; on the day of purchase from midnight.
/// What a downgrade found used up is kept at the finest; what is given back afterwards is whole minor units all the same.
#[test]
fn what_is_left_of_a_downgrade_comes_back_in_whole_cents() {
    let prices = [
        "sku=big product=vm billing_mode=subscription unit=month unit_price=70",
        "sku=small product=vm billing_mode=subscription unit=month unit_price=30",
    ];
    let mut desk = Desk::with("base = \"huawei-intl\"\ndowngrade_timing = \"now\"", "+08:00", "", &prices, &[]);
    desk.pays_in("2026-01-01T00:00:00", "100");
    desk.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=big");
    desk.does("2026-01-11T00:00:00", "change", "i-1", "sku=small");
    desk.does("2026-01-20T00:00:00", "unsubscribe", "i-1", "");
    // Of 70 ten days took 22.58064516; 27.09 of the rest went back; nine of the 21 days took 8.71258064 of what was left.
    assert_eq!(
        (desk.came_back("o2").as_str(), desk.came_back("o3").as_str()),
        ("-27.09 0.00 0.00 27.09", "-7.33 31.29 4.29 7.33")
    );
}

#[test]
fn an_upgrade_pays_for_what_is_left() {
    // placed at | paid | the change is paid for from
    let cases = [
        ("2026-01-01T00:00:00", "300.00", "2026-01-02T00:00:00"), // the day of purchase: 30 of 31 days
        ("2026-01-16T23:00:00", "150.41", "2026-01-16T23:00:00"), // on the hour: at once
        ("2026-01-16T23:00:01", "150.00", "2026-01-17T00:00:00"), // the next full hour: 15 of 31 days
        ("2026-01-31T23:00:00", "0.41", "2026-01-31T23:00:00"),   // the last hour: 310/31/24
        ("2026-01-31T23:00:01", "0.00", "2026-02-01T00:00:00"),   // nothing is left to pay for
    ];
    for (at, paid, from) in cases {
        let mut desk = bought("");
        assert_eq!(desk.does(at, "change", "i-1", "sku=l.month"), "done", "{at}");
        let charge = &desk.charges.last().unwrap().charge;
        assert_eq!((charge.amounts.due.to_text(2).as_str(), desk.text(charge.key.window.start).as_str()), (paid, from), "{at}");
        let resource = &desk.account.resources["i-1"];
        assert_eq!((resource.sku.as_str(), resource.product.as_str()), ("l.month", "vm-large"), "{at}");
        assert_eq!(desk.seen("i-1").split(' ').nth(2), Some("2026-02-01T00:00:00"), "a change moves no expiry");
    }
}

/// Domain 8: a downgrade gives back what is saved for the time left; 4.12: or holds with the next period.
#[test]
fn a_downgrade_holds_now_or_with_the_next_period() {
    let large = |knobs: &str| {
        let mut desk = bought(knobs);
        assert_eq!(desk.does("2026-01-01T00:00:00", "purchase", "i-2", "sku=l.month renewal=auto"), "done");
        desk
    };
    let mut now = large("downgrade_timing = \"now\"");
    assert_eq!(now.does("2026-01-17T00:00:00", "change", "i-2", "sku=s.month"), "done");
    assert_eq!(
        (now.came_back("o3").as_str(), now.account.resources["i-2"].sku.as_str()),
        ("-150.00 0.00 0.00 150.00", "s.month")
    );

    let mut next = large("");
    assert_eq!(next.does("2026-01-17T00:00:00", "change", "i-2", "sku=s.month"), "done");
    assert_eq!(next.account.resources["i-2"].sku, "l.month");
    assert_eq!(next.does("2026-01-18T00:00:00", "change", "i-2", "sku=l.month quantity=2"), "change_waits");
    // The automatic renewal of 25 January is priced as what it becomes; it becomes it as the period begins.
    next.advance(vec![], "2026-01-31T23:59:59");
    let renewal = &next.charges.last().unwrap().charge;
    assert_eq!((renewal.key.sku.as_str(), renewal.amounts.due.to_text(2).as_str()), ("s.month", "310.00"));
    assert_eq!(next.account.resources["i-2"].sku, "l.month");
    next.advance(vec![], "2026-02-01T00:00:00");
    let resource = &next.account.resources["i-2"];
    assert_eq!((resource.sku.as_str(), resource.product.as_str(), resource.next_period.is_none()), ("s.month", "vm", true));
    assert_eq!(next.when("i-2", "changed"), ["2026-02-01T00:00:00"]);
}

/// Domain 4.12: what waits with a renewal can be given back with it; 7.3: a change since stands in the way.
#[test]
fn a_change_that_waits_goes_with_its_renewal() {
    let mut desk = bought("");
    assert_eq!(desk.does("2026-01-01T00:00:00", "purchase", "i-2", "sku=l.month"), "done");
    desk.does("2026-01-10T00:00:00", "change", "i-2", "sku=s.month");
    assert_eq!(desk.does("2026-01-11T00:00:00", "renew", "i-2", ""), "done");
    assert_eq!(desk.does("2026-01-12T00:00:00", "unsubscribe", "i-2", "scope=renewal"), "done");
    assert_eq!(desk.came_back("o5"), "-310.00 0.00 0.00 310.00");
    let resource = &desk.account.resources["i-2"];
    assert!(resource.next_period.is_none() && resource.sku == "l.month");

    // Renewed first, changed for the period after: the renewal is no longer dropped alone.
    assert_eq!(desk.does("2026-01-13T00:00:00", "renew", "i-1", ""), "done");
    assert_eq!(desk.does("2026-01-14T00:00:00", "change", "i-1", "sku=l.month effective=next_period"), "done");
    assert_eq!(desk.does("2026-01-15T00:00:00", "unsubscribe", "i-1", "scope=renewal"), "changed_since");
    desk.advance(vec![], "2026-02-01T00:00:00");
    assert_eq!(desk.account.resources["i-1"].sku, "s.month", "the period that was renewed before stays as it was");
}

/// Domain 6.10: no upgrade in arrears, also one that costs nothing yet; a downgrade is allowed.
#[test]
fn in_arrears_only_downward() {
    let cases = [
        ("i-1", "sku=l.month", "in_arrears"),
        ("i-1", "sku=l.month effective=next_period", "in_arrears"),
        ("i-1", "quantity=2", "in_arrears"),
        ("i-2", "sku=s.month", "done"),
        ("h-1", "sku=h.large", "in_arrears"),
        ("h-2", "sku=h.small", "done"),
    ];
    for (resource_id, cells, expected) in cases {
        let mut desk = bought("");
        desk.does("2026-01-01T00:00:00", "purchase", "i-2", "sku=l.month");
        desk.does("2026-01-01T00:00:00", "purchase", "h-1", "sku=h.small");
        desk.does("2026-01-01T00:00:00", "purchase", "h-2", "sku=h.large");
        let owing = desk.use_of("s-1", "5000", "2026-01-31T23:30:00");
        desk.advance(vec![owing], "2026-01-31T23:30:00");
        assert_eq!(desk.does("2026-01-31T23:45:00", "change", resource_id, cells), expected, "{resource_id} {cells}");
    }
}

#[test]
fn what_is_refused_changes_nothing() {
    // resource | cells | refused as
    let cases = [
        ("i-9", "sku=l.month", "unknown_resource"),
        ("i-1", "sku=none", "no_price"),
        ("i-1", "sku=h.small", "other_billing_mode"),
        ("i-1", "quantity=0", "no_quantity"),
        ("i-1", "sku=s.month", "nothing_changes"),
        ("i-1", "quantity=50", "insufficient_funds"),
    ];
    for (resource_id, cells, expected) in cases {
        let mut desk = bought("");
        let before = desk.account.clone();
        assert_eq!(desk.does("2026-01-10T00:00:00", "change", resource_id, cells), expected, "{cells}");
        assert_eq!((before.money, before.resources), (desk.account.money, desk.account.resources), "{cells}");
    }
}
