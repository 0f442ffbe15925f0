//! Accounts that bought nothing and to which nothing comes in: they may pay plainly what they use, and then go on by what
//! time does. Held to the timeline, which takes one step after the other.

use super::desk::{Desk, cny};
use super::lives::Dice;
use reckoner_core::life::{self, LifeAccount, Taken};
use reckoner_core::pay::{self, AccountMoney, Outstanding, PaymentTerms, Purse};
use reckoner_core::time::Instant;

const PROFILES: &[&str] = &[
    "base = \"huawei-intl\"",
    "base = \"ksyun\"",
    "base = \"ksyun\"\narrears_at = \"settlement\"",
    "base = \"huawei-intl\"\narrears_threshold = \"3\"",
];
const ACCOUNTS: &[&str] = &["", "credit_limit=5", "payment_method=external", "payment_method=invoice", "level=V0"];

/// The same account with what is outstanding as one amount.
fn as_one(account: &LifeAccount) -> LifeAccount {
    let outstanding = account.money.open.first().map(|oldest| Outstanding {
        settlement_id: oldest.settlement_id.clone(),
        at: oldest.at,
        amount: account.money.outstanding(),
    });
    let money = AccountMoney::owing(account.money.wallet.clone(), outstanding);
    LifeAccount { money, standing: account.standing.clone(), ..LifeAccount::new(account.money.clone()) }
}

/// Pays all, then goes on by what time does.
fn pays_first(
    desk: &Desk,
    mut account: LifeAccount,
    settled: &[(Instant, &str)],
    until: Instant,
    from: Instant,
) -> (LifeAccount, Vec<Taken>) {
    let terms = desk.terms(from);
    let mut oldest = account.money.open.first().map(|open| (open.settlement_id.clone(), open.at));
    let mut purse = Purse { outstanding: account.money.outstanding(), wallet: account.money.wallet };
    for (at, amount) in settled {
        let payment = PaymentTerms::of(terms.accounts.at("acme", *at).expect("a row"));
        let effects = pay::apply_plain(&mut purse, *at, cny(amount), payment, terms.profile).expect("it takes");
        if effects.totals.outstanding.is_positive() && oldest.is_none() {
            oldest = Some((at.to_utc_text(), *at));
        }
    }
    let amount = purse.outstanding;
    let outstanding = oldest.map(|(settlement_id, at)| Outstanding { settlement_id, at, amount });
    account.money = AccountMoney::owing(purse.wallet, outstanding);
    let taken = life::advance(&mut account, &[], until, &terms);
    (account, taken)
}

#[test]
fn who_pays_first_and_goes_on_stands_where_the_timeline_leads() {
    let (mut paid_first, mut moved, mut one_by_one) = (0, 0, 0);
    for seed in 0..400 {
        let mut dice = Dice::of(seed);
        let mut desk = Desk::with(dice.one_of(PROFILES), "+08:00", dice.one_of(ACCOUNTS), &[], &[]);
        desk.pays_in("2026-01-01T00:00:00", "4");
        let mut hour = desk.at("2026-01-01T00:00:00");
        let mut from = Instant::MIN;
        for _ in 0..12 {
            let hours: Vec<Instant> = (0..=dice.roll(4)).map(|place| hour.plus_seconds(place as i64 * 3_600)).collect();
            let (first, last) = (hours[0], hours[hours.len() - 1]);
            let until = if dice.roll(2) == 0 { desk.zone.day_containing(last).end } else { last };
            hour = last.max(until).plus_seconds(3_600 * (1 + dice.roll(12) as i64));
            let settled: Vec<(Instant, &str)> = hours.iter().map(|at| (*at, dice.one_of(&["0.5", "1", "2.5"]))).collect();
            let given: Vec<_> =
                settled.iter().map(|(at, amount)| desk.use_of(&at.to_utc_text(), amount, &desk.zone.to_text(*at))).collect();
            let (before, overdue) = (as_one(&desk.account), desk.account.money.wallet.in_arrears_since);
            let mut account = desk.account.clone();
            let taken = life::advance(&mut account, &given, until, &desk.terms(from));
            let by_time: Vec<Taken> = taken.into_iter().filter(|taken| matches!(taken, Taken::Life(..))).collect();
            if life::moves_after(&before.standing, overdue, (first, last), &desk.terms(from)) {
                let (found, found_by_time) = pays_first(&desk, before, &settled, until, from);
                assert_eq!(found_by_time, by_time, "seed {seed}");
                assert_eq!(found, as_one(&account), "seed {seed}");
                (paid_first, moved) = (paid_first + 1, moved + by_time.len());
            } else {
                one_by_one += 1;
            }
            (desk.account, from) = (account, if dice.roll(8) == 0 { until.plus_seconds(7_200) } else { from });
        }
    }
    assert!(paid_first > 500 && moved > 50 && one_by_one > 100, "{paid_first} {moved} {one_by_one} are too few to tell");
}
