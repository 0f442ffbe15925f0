//! Random lives: a seed becomes an account, its orders, money and hours of use over some months, with a taste for borders.

use super::desk::Desk;
use reckoner_core::life::{Given, OrderApproval};
use reckoner_core::table::OrderKind;
use reckoner_core::time::Instant;

const PRICES: &[&str] = &[
    "sku=vm.month product=vm billing_mode=subscription unit=month unit_price=100.10 terms=3=270 equivalent_sku=vm.hour",
    "sku=vm.large.month product=vm billing_mode=subscription unit=month unit_price=250.55 equivalent_sku=vm.hour",
    "sku=vm.year product=vm billing_mode=subscription unit=year unit_price=1000.01",
    "sku=vm.hour product=vm billing_mode=pay_per_use unit=hour unit_price=0.5",
    "sku=disk.month product=disk billing_mode=subscription unit=month unit_price=30",
    "sku=host.month product=pro billing_mode=subscription unit=month unit_price=60",
    "sku=pack.month product=pack billing_mode=subscription unit=month unit_price=20",
    "sku=cert.ov product=ssl billing_mode=one_time unit=each unit_price=80.80 term_months=2",
];
const PRODUCTS: &[&str] = &[
    "product=vm name=vm mode_switch=both",
    "product=disk name=disk grace_days=2 retention_days=0",
    "product=pro name=pro family=sec edition=professional edition_rank=2 arrears_stops=at_once",
    "product=pack name=pack family=sec addon=true",
    "product=ssl name=ssl renewal=new_order renewal_lead_days=30 refund=seven_day_full",
];
const PROFILES: &[&str] = &[
    "base = \"huawei-intl\"",
    "base = \"huawei-cn\"",
    "base = \"ksyun\"",
    "base = \"huawei-intl\"\ndowngrade_timing = \"now\"\nrenew_after_expiry_from = \"renewal\"\nvoucher_back_in_5_days = true",
    "base = \"ksyun\"\nexpire_on_failed_renewal = \"at_once\"\narrears_at = \"settlement\"\narrears_stops = \"at_once\"",
];
const ZONES: &[&str] = &["+08:00", "+08:00", "Europe/Paris", "America/New_York"];
const ACCOUNTS: &[&str] =
    &["", "credit_limit=500", "level=V4", "payment_method=external", "payment_method=invoice", "credit_limit=60 level=V0"];
const SKUS: &[&str] = &["vm.month", "vm.large.month", "vm.year", "vm.hour", "disk.month", "host.month", "pack.month", "cert.ov"];
const DAYS: u64 = 150;

/// A sequence of numbers from a seed (SplitMix64).
pub struct Dice(u64);

const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;

impl Dice {
    /// Neighbouring seeds are mixed first, so that their sequences share nothing.
    pub fn of(seed: u64) -> Self {
        Self(mixed(mixed(seed.wrapping_mul(STRIDE)) ^ seed))
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(STRIDE);
        mixed(self.0) % sides
    }

    pub fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len() as u64) as usize]
    }
}

fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// What a life is made of.
pub struct Life {
    pub seed: u64,
    pub desk: Desk,
    /// Ordered by place.
    pub given: Vec<Given>,
    pub until: Instant,
}

impl Life {
    pub fn of(seed: u64) -> Self {
        Self::under(seed, "")
    }

    /// The same life with further knobs of its profile turned, and with people who approve every other refund within days.
    pub fn under(seed: u64, knobs: &str) -> Self {
        let mut dice = Dice::of(seed);
        let (profile, zone, account) = (dice.one_of(PROFILES), dice.one_of(ZONES), dice.one_of(ACCOUNTS));
        let mut desk = Desk::with(&format!("{profile}\n{knobs}"), zone, account, PRICES, PRODUCTS);
        for number in 0..dice.roll(4) {
            let to = desk.zone.to_text(moment(&mut dice, &desk));
            let kind = dice.one_of(&["voucher", "voucher", "flexi_coupon", "stored_value"]);
            let amount = dice.one_of(&["10", "33.33", "150"]);
            desk.voucher(&format!(
                "voucher_id=v{number} kind={kind} amount={amount} valid_from=2025-01-01T00:00:00+08:00 valid_to={to}"
            ));
        }

        let mut given: Vec<Given> = (0..12 + dice.roll(30)).map(|number| step(&mut dice, &desk, number)).collect();
        if dice.roll(2) == 0 {
            given.extend(bundle(&mut dice, &desk));
        }
        if !knobs.is_empty() {
            let approvals: Vec<Given> = given.iter().filter_map(|given| approval(&mut dice, given)).collect();
            given.extend(approvals);
        }
        given.sort_by(|a, b| a.place().cmp(&b.place()));
        // Rolled last, so that lives are otherwise what they were without.
        for number in 0..dice.roll(3) {
            let to = desk.zone.to_text(moment(&mut dice, &desk));
            let percent_off = dice.one_of(&["10", "33.3", "100"]);
            let more = dice.one_of(&["", "order_kinds=renew", "skus=disk.month", "order_kinds=change;align", "min_amount=200"]);
            desk.voucher(&format!(
                "voucher_id=d{number} kind=discount amount= percent_off={percent_off} valid_from=2025-01-01T00:00:00+08:00 valid_to={to} {more}"
            ));
        }
        let until = desk.at("2026-01-20").plus_seconds(DAYS as i64 * 86_400);
        Self { seed, desk, given, until }
    }

    /// The life in pieces that end at these instants; what was seen at the end of each.
    pub fn in_pieces(&self, cuts: &[Instant]) -> Vec<Desk> {
        let mut desk = self.desk.clone();
        let mut seen = Vec::new();
        let mut from = 0;
        for until in cuts.iter().copied().chain([self.until]) {
            let to = self.given.partition_point(|given| given.at() <= until);
            desk.take(&self.given[from..to.max(from)], until, Instant::MIN);
            seen.push(desk.clone());
            from = to.max(from);
        }
        seen
    }

    pub fn at_once(&self) -> Desk {
        self.in_pieces(&[]).pop().expect("one piece")
    }

    /// Some instants in order, those of borders among them.
    pub fn cuts(&self) -> Vec<Instant> {
        let mut dice = Dice::of(self.seed ^ 0xc0ffee);
        let mut cuts: Vec<Instant> = (0..4 + dice.roll(12)).map(|_| moment(&mut dice, &self.desk)).collect();
        cuts.sort();
        cuts
    }

    /// An end of a piece at every instant at which something is given.
    pub fn steps(&self) -> Vec<Instant> {
        let mut at: Vec<Instant> = self.given.iter().map(Given::at).collect();
        at.dedup();
        at
    }
}

/// An instant of the months, half of them at a border of a day or an attempt.
fn moment(dice: &mut Dice, desk: &Desk) -> Instant {
    let day = desk.zone.date_of(desk.at("2026-01-20")) + chrono::Days::new(dice.roll(DAYS));
    let time = dice.one_of(&["00:00:00", "00:00:01", "23:59:59", "03:00:00", "10:00:00", "10:00:00", "14:30:30"]);
    desk.at(&format!("{day}T{time}"))
}

/// Somebody's word about an order that may bring something back, up to five days after it; about every other one.
fn approval(dice: &mut Dice, given: &Given) -> Option<Given> {
    let Given::Order(order) = given else { return None };
    let may_wait = matches!(order.kind, OrderKind::Unsubscribe | OrderKind::Change) && dice.roll(2) == 0;
    may_wait.then(|| {
        Given::Approval(OrderApproval {
            order_id: order.order_id.clone(),
            account_id: order.account_id.clone(),
            approved_by: "ben".to_owned(),
            approved_at: order.placed_at.plus_seconds(dice.roll(5) as i64 * 86_400),
            reason: None,
        })
    })
}

/// Money, and two that are bought together with it.
fn bundle(dice: &mut Dice, desk: &Desk) -> Vec<Given> {
    let at = desk.at("2026-01-20").plus_seconds(dice.roll(15 * 86_400) as i64);
    let text = desk.zone.to_text(at);
    let renewal = dice.one_of(&["auto", "auto", "manual"]);
    let bought = |number, id, sku| order(number, "purchase", &text, id, &format!("sku={sku} renewal={renewal} bundle_id=b-1"));
    let money = format!("entry_id=f-b kind=top_up amount=500 at={text}");
    vec![Desk::money(&money), bought(900, "r-6", "vm.month"), bought(901, "r-7", "disk.month")]
}

fn step(dice: &mut Dice, desk: &Desk, number: u64) -> Given {
    // Most of what is bought is bought early, so that it lives for a while.
    let is_early = number < 10;
    let at = moment(dice, desk);
    let at = if is_early { desk.at("2026-01-20").plus_seconds((at.seconds() - desk.at("2026-01-20").seconds()) / 6) } else { at };
    let text = desk.zone.to_text(at);
    let resource_id = format!("r-{}", if is_early { number % 6 } else { dice.roll(8) });
    match if is_early { dice.roll(4) } else { dice.roll(18) } {
        0 | 4 => {
            let (kind, amount) =
                (dice.one_of(&["top_up", "top_up", "top_up", "grant"]), dice.one_of(&["0.01", "330.13", "2000"]));
            Desk::money(&format!("entry_id=f{number} kind={kind} amount={amount} at={text}"))
        }
        1..=3 | 5 => {
            let (sku, renewal) = (dice.one_of(SKUS), dice.one_of(&["auto", "auto", "manual", "none", "to_pay_per_use"]));
            let more = dice.one_of(&[
                "",
                "",
                "",
                "bundle_id=b-1",
                "bundle_id=b-1 periods=1",
                "depends_on=r-0;r-1",
                "trial=true",
                "periods=3",
                "quantity=2.5",
                "renewal_periods=2",
            ]);
            order(number, "purchase", &text, &resource_id, &format!("sku={sku} renewal={renewal} {more}"))
        }
        6 | 16 | 17 => desk.use_of(&format!("s{number:03}"), dice.one_of(&["0.00", "12.34", "700"]), &desk.text(at)),
        7 => order(number, "renew", &text, &resource_id, dice.one_of(&["", "periods=2", "periods=12"])),
        8 | 9 | 14 | 15 => {
            let more = dice.one_of(&["", "", "scope=renewal", "accept_fee=5"]);
            order(number, "unsubscribe", &text, &resource_id, more)
        }
        10 => {
            let more = dice.one_of(&["sku=vm.large.month", "sku=vm.month", "quantity=1", "quantity=4", "sku=vm.year"]);
            let when = dice.one_of(&["", "", "effective=now", "effective=next_period"]);
            order(number, "change", &text, &resource_id, &format!("{more} {when}"))
        }
        11 => {
            let renewal = dice.one_of(&["auto", "manual", "to_pay_per_use", "none"]);
            order(number, "set_renewal", &text, &resource_id, &format!("renewal={renewal}"))
        }
        12 => order(number, "align", &text, &resource_id, dice.one_of(&["align_day=20", "align_day=last", "periods=2"])),
        _ => order(number, "delete", &text, &resource_id, ""),
    }
}

fn order(number: u64, kind: &str, at: &str, resource_id: &str, more: &str) -> Given {
    Desk::order(&format!("order_id=o{number:03} kind={kind} placed_at={at} resource_id={resource_id} {more}"))
}
