//! When accounts were frozen: what the store knows, what is foreseen, and how it came out.
//!
//! Use is rated before the account's life is carried through the same hours. So a batch is rated by what is known and
//! foreseen of frozen time; where the accounts' standing came out otherwise, it is rated again by what came out.

use reckoner_core::life::{AccountStatus, Standing};
use reckoner_core::profile::{PpuInRetention, Profile};
use reckoner_core::rate::{DueWindow, Frozen};
use reckoner_core::time::{Instant, Window};
use reckoner_store::{Store, StoreError};

/// The frozen times that touch a window, as the store knows them.
///
/// # Errors
/// What the store says.
pub fn frozen(store: &dyn Store, profile: &Profile, touching: Window) -> Result<Frozen, StoreError> {
    let intervals = store.standing_intervals(touching)?.into_iter();
    let frozen = intervals.filter(|interval| is_frozen(interval.status, profile));
    Ok(Frozen::new(frozen.map(|interval| {
        let end = interval.ends_at.unwrap_or(Instant::MAX);
        (interval.account_id, Window::new(interval.starts_at, end))
    })))
}

/// The same with what time is about to do by itself: accounts in arrears whose grace is over inside the window.
///
/// # Errors
/// What the store says.
pub fn frozen_foreseen(
    store: &dyn Store,
    profile: &Profile,
    frozen: &Frozen,
    touching: Window,
    due: &[String],
) -> Result<Frozen, StoreError> {
    let standings = store.standings_of(due)?.into_iter().map(|known| known.standing);
    let freezing = standings.filter(|standing| standing.status == AccountStatus::Arrears).filter_map(|standing| {
        let since = standing.grace_until?.max(standing.since);
        (since < touching.end).then_some(Standing { status: AccountStatus::Retention, since, ..standing })
    });
    Ok(frozen_after(frozen, profile, &freezing.collect::<Vec<_>>()))
}

/// The frozen times once these standings are recorded, in this order.
pub fn frozen_after<'s>(frozen: &Frozen, profile: &Profile, standings: impl IntoIterator<Item = &'s Standing>) -> Frozen {
    let mut frozen = frozen.clone();
    for standing in standings {
        let mut times = frozen.of(&standing.account_id).to_vec();
        let open = times.last_mut().filter(|time| time.end == Instant::MAX);
        match (open, is_frozen(standing.status, profile)) {
            (None, true) => times.push(Window::new(standing.since, Instant::MAX)),
            (Some(open), false) if open.start < standing.since => open.end = standing.since,
            (Some(_), false) => drop(times.pop()),
            (Some(_), true) | (None, false) => continue,
        }
        frozen.put(&standing.account_id, times);
    }
    frozen
}

/// Whether use in these windows, rated by one, would be rated the same by the other.
pub fn is_frozen_alike(one: &Frozen, other: &Frozen, due: &[DueWindow]) -> bool {
    let mut differ = one.accounts().chain(other.accounts()).filter(|account_id| one.of(account_id) != other.of(account_id));
    differ.all(|account_id| due.iter().all(|due| one.inside(account_id, due.window) == other.inside(account_id, due.window)))
}

/// Whether what an account uses costs nothing while it stands so.
fn is_frozen(status: AccountStatus, profile: &Profile) -> bool {
    match status {
        AccountStatus::Normal | AccountStatus::Arrears => false,
        AccountStatus::Retention => profile.ppu_in_retention == PpuInRetention::Free,
        AccountStatus::Released => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AccountStatus::{Arrears, Normal, Released, Retention};
    use reckoner_core::table::SettleWindow;

    type Case<'a> = (&'a str, &'a [(AccountStatus, i64)], &'a [(i64, i64)]);

    fn standing(status: AccountStatus, since: i64) -> Standing {
        Standing { status, since: Instant::from_seconds(since), ..Standing::normal("jay") }
    }

    fn window(start: i64, end: i64) -> Window {
        Window::new(Instant::from_seconds(start), Instant::from_seconds(end))
    }

    #[test]
    fn times_open_and_close_with_the_standing() {
        let end = Instant::MAX.seconds();
        // profile | standings | frozen after
        let cases: [Case<'_>; 7] = [
            ("huawei-intl", &[(Arrears, 10)], &[]),
            ("huawei-intl", &[(Arrears, 10), (Retention, 20)], &[(20, end)]),
            ("huawei-intl", &[(Retention, 20), (Retention, 20), (Released, 30)], &[(20, end)]),
            ("huawei-intl", &[(Retention, 20), (Normal, 30), (Arrears, 40)], &[(20, 30)]),
            ("huawei-intl", &[(Retention, 20), (Normal, 20)], &[]),
            ("huawei-intl", &[(Retention, 20), (Normal, 30), (Retention, 50)], &[(20, 30), (50, end)]),
            ("ksyun", &[(Retention, 20), (Released, 30), (Normal, 40)], &[(30, 40)]), // billed while it is kept
        ];
        for (profile, standings, expected) in cases {
            let profile = Profile::builtin(profile).expect("comes with the engine");
            let standings: Vec<Standing> = standings.iter().map(|(status, since)| standing(*status, *since)).collect();
            let frozen = frozen_after(&Frozen::default(), &profile, &standings);
            let expected: Vec<Window> = expected.iter().map(|(start, end)| window(*start, *end)).collect();
            assert_eq!(frozen.of("jay"), expected, "{standings:?}");
        }
    }

    #[test]
    fn what_lies_outside_the_windows_makes_no_difference() {
        let profile = Profile::builtin("huawei-intl").expect("comes with the engine");
        let due = DueWindow { window: window(100, 200), kind: SettleWindow::Hour, book_seq: 1, settled_seq: None };
        // frozen from | alike
        for (since, is_alike) in [(99, false), (100, false), (199, false), (200, true), (300, true)] {
            let moved = [standing(Retention, since)];
            let after = frozen_after(&Frozen::default(), &profile, &moved);
            assert_eq!(is_frozen_alike(&Frozen::default(), &after, &[due]), is_alike, "{since}");
        }
    }
}
