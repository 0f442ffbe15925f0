//! What operators said about windows: hold them back, let them go again, take them for complete.
//!
//! Orders are kept in the order given and never edited; what holds is folded from all of them. A hold covers every window
//! that it touches, also in part, so that no use of the held time is settled by way of a longer window. A release and a
//! force end holds for the time that they name. A window is forced where one order to force names all of it.

use crate::rate::DueWindow;
use crate::table::SettleWindow;
use crate::time::{Instant, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What an operator may say about windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowAction {
    /// Do not settle them for now.
    Hold,
    /// Settle them again.
    Release,
    /// Take them for complete: settle them now, held or not.
    Force,
}

/// One thing that an operator said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowOrder {
    /// What.
    pub action: WindowAction,
    /// About windows of this kind; nothing: of every kind.
    pub kind: Option<SettleWindow>,
    /// About this time; [`Instant::MIN`] and [`Instant::MAX`] where an end is left open.
    pub range: Window,
    /// Why; a hold and a force have a reason.
    pub reason: Option<String>,
    /// Who said it.
    pub actor: String,
    /// By the clock of the command.
    pub at: Instant,
}

/// A stretch of time that is held, and the order that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldTime<'a> {
    /// What is left of the order's range after later orders.
    pub range: Window,
    /// The order.
    pub order: &'a WindowOrder,
}

/// How a window stands by what operators said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Nobody said anything that holds: it settles as it falls due.
    Free,
    /// It is passed over; the earliest part of it that is held is held by this order.
    Held(&'a WindowOrder),
    /// This order took it for complete.
    Forced(&'a WindowOrder),
}

/// What holds for the windows of each kind after all orders.
#[derive(Debug, Clone, Default)]
pub struct Standings<'a> {
    orders: &'a [WindowOrder],
    /// For each kind, in order of time, not overlapping.
    held: [Vec<HeldTime<'a>>; SettleWindow::ALL.len()],
}

impl WindowAction {
    /// The word for scripts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Force => "force",
        }
    }
}

impl WindowOrder {
    /// Whether it speaks of windows of this kind.
    pub fn is_about(&self, kind: SettleWindow) -> bool {
        self.kind.is_none_or(|about| about == kind)
    }
}

impl<'a> Standings<'a> {
    /// Folds the orders, the oldest first.
    pub fn new(orders: &'a [WindowOrder]) -> Self {
        Self { orders, held: SettleWindow::ALL.map(|kind| held_time(orders, kind)) }
    }

    /// How a window stands.
    pub fn of(&self, kind: SettleWindow, window: Window) -> Standing<'a> {
        let held = &self.held[kind as usize];
        let first = held.partition_point(|held| held.range.end <= window.start);
        if let Some(held) = held.get(first).filter(|held| held.range.start < window.end) {
            return Standing::Held(held.order);
        }
        let is_forced = |order: &&WindowOrder| {
            order.action == WindowAction::Force
                && order.is_about(kind)
                && order.range.start <= window.start
                && window.end <= order.range.end
        };
        self.orders.iter().rfind(is_forced).map_or(Standing::Free, Standing::Forced)
    }

    /// The time that is held for windows of a kind, in order of time.
    pub fn held(&self, kind: SettleWindow) -> &[HeldTime<'a>] {
        &self.held[kind as usize]
    }

    /// Parts windows into those that may be settled and those that are held; both keep their order.
    pub fn part(&self, due: Vec<DueWindow>) -> (Vec<DueWindow>, Vec<DueWindow>) {
        due.into_iter().partition(|due| !matches!(self.of(due.kind, due.window), Standing::Held(_)))
    }
}

fn held_time(orders: &[WindowOrder], kind: SettleWindow) -> Vec<HeldTime<'_>> {
    let mut held: Vec<HeldTime> = Vec::new();
    for order in orders.iter().filter(|order| order.is_about(kind)) {
        // Whatever an order says, what was said of the same time before no longer holds.
        held = held.into_iter().flat_map(|held| without(held, order.range)).collect();
        match order.action {
            WindowAction::Hold => held.push(HeldTime { range: order.range, order }),
            WindowAction::Release | WindowAction::Force => {}
        }
    }
    held.sort_by_key(|held| held.range.start);
    held
}

/// What is left of a held stretch outside a range: before it, after it.
fn without(held: HeldTime<'_>, range: Window) -> impl Iterator<Item = HeldTime<'_>> {
    let Window { start, end } = held.range;
    let parts = [Window::new(start, end.min(range.start)), Window::new(start.max(range.end), end)];
    parts.into_iter().filter(|part| part.start < part.end).map(move |range| HeldTime { range, ..held })
}

/// Who forced windows of a month, or released windows of it that were held: they may not approve the month's bills.
///
/// A release without a range counts only for months in which something was held when it was given.
pub fn intervened_in(orders: &[WindowOrder], month: Window) -> BTreeSet<&str> {
    let mut actors = BTreeSet::new();
    for (place, order) in orders.iter().enumerate() {
        let Some(meant) = order.range.overlap(month) else { continue };
        let has_acted = match order.action {
            WindowAction::Hold => false,
            WindowAction::Force => true,
            WindowAction::Release => {
                let before = Standings::new(&orders[..place]);
                let is_held = |kind: SettleWindow| matches!(before.of(kind, meant), Standing::Held(_));
                SettleWindow::ALL.into_iter().any(|kind| order.is_about(kind) && is_held(kind))
            }
        };
        if has_acted {
            actors.insert(order.actor.as_str());
        }
    }
    actors
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Action, kind, range.
    type Said = (&'static str, &'static str, (i64, i64));

    /// What was said, oldest first; kind and window; how it stands.
    type Case = (&'static [Said], SettleWindow, (i64, i64), &'static str);

    const ALL_OF_TIME: (i64, i64) = (i64::MIN, i64::MAX);

    fn window((start, end): (i64, i64)) -> Window {
        Window::new(Instant::from_seconds(start), Instant::from_seconds(end))
    }

    /// `hold hour 10..20`: an order of which the reason says its place among the others.
    fn orders(said: &[Said]) -> Vec<WindowOrder> {
        let orders = said.iter().enumerate().map(|(place, (action, kind, range))| WindowOrder {
            action: serde_json::from_value((*action).into()).expect("an action"),
            kind: SettleWindow::ALL.into_iter().find(|known| known.as_str() == *kind),
            range: window(*range),
            reason: Some(place.to_string()),
            actor: format!("actor-{place}"),
            at: Instant::from_seconds(0),
        });
        orders.collect()
    }

    fn standing(orders: &[WindowOrder], kind: SettleWindow, range: (i64, i64)) -> String {
        match Standings::new(orders).of(kind, window(range)) {
            Standing::Free => "free".to_owned(),
            Standing::Held(order) => format!("held by {}", order.reason.as_deref().unwrap_or_default()),
            Standing::Forced(order) => format!("forced by {}", order.reason.as_deref().unwrap_or_default()),
        }
    }

    #[test]
    fn the_last_word_holds() {
        use SettleWindow::{Day, Hour};
        const HOLD: Said = ("hold", "all", (10, 40));
        // what was said, oldest first | kind and window | how it stands
        let cases: &[Case] = &[
            (&[], Hour, (10, 20), "free"),
            (&[HOLD], Hour, (0, 10), "free"), // half-open: they only touch
            (&[HOLD], Hour, (40, 50), "free"),
            (&[HOLD], Hour, (10, 20), "held by 0"),
            (&[HOLD], Hour, (5, 11), "held by 0"), // a second of it is enough
            (&[HOLD], Day, (0, 90), "held by 0"),  // use of the held hours would settle with the day
            (&[("hold", "hour", (10, 40))], Day, (0, 90), "free"),
            (&[("hold", "all", ALL_OF_TIME)], Hour, (10, 20), "held by 0"),
            // A release ends the hold for its range only.
            (&[HOLD, ("release", "all", (20, 30))], Hour, (20, 30), "free"),
            (&[HOLD, ("release", "all", (20, 30))], Hour, (10, 20), "held by 0"),
            (&[HOLD, ("release", "all", (20, 30))], Hour, (30, 40), "held by 0"),
            (&[HOLD, ("release", "all", (20, 30))], Day, (0, 90), "held by 0"),
            (&[HOLD, ("release", "all", ALL_OF_TIME)], Day, (0, 90), "free"),
            (&[HOLD, ("release", "day", ALL_OF_TIME)], Hour, (10, 20), "held by 0"),
            (&[("release", "all", (10, 40)), HOLD], Hour, (10, 20), "held by 1"), // only a later one does
            // A second hold has the reason from then on.
            (&[HOLD, ("hold", "all", (20, 30))], Hour, (20, 30), "held by 1"),
            (&[HOLD, ("hold", "all", (20, 30))], Hour, (10, 30), "held by 0"),
            // A force ends the hold of what it names, and takes it for complete.
            (&[HOLD, ("force", "all", (10, 20))], Hour, (10, 20), "forced by 1"),
            (&[HOLD, ("force", "all", (10, 20))], Hour, (20, 30), "held by 0"),
            (&[HOLD, ("force", "all", (10, 20))], Hour, (15, 25), "held by 0"),
            (&[("force", "all", (10, 20))], Hour, (15, 25), "free"), // only a part of it was named
            (&[("force", "all", (10, 20)), ("force", "all", (10, 20))], Hour, (10, 20), "forced by 1"),
            (&[("force", "all", (10, 20)), HOLD], Hour, (10, 20), "held by 1"),
            // What was forced stays so, whatever was held and released since.
            (&[("force", "all", (10, 20)), HOLD, ("release", "all", (0, 90))], Hour, (10, 20), "forced by 0"),
            (&[("force", "hour", (10, 20))], Day, (10, 20), "free"),
        ];
        for (said, kind, range, expected) in cases {
            assert_eq!(standing(&orders(said), *kind, *range), *expected, "{said:?} {kind:?} {range:?}");
        }
    }

    #[test]
    fn held_time_is_in_order_and_never_overlaps() {
        let said = orders(&[
            ("hold", "all", (50, 90)),
            ("hold", "all", (10, 60)),
            ("release", "all", (20, 30)),
            ("hold", "hour", (25, 35)),
        ]);
        let standings = Standings::new(&said);
        let ranges = |kind| {
            let held = standings.held(kind).iter();
            held.map(|held| (held.range.start.seconds(), held.range.end.seconds())).collect::<Vec<_>>()
        };
        assert_eq!(ranges(SettleWindow::Hour), [(10, 20), (25, 35), (35, 60), (60, 90)]);
        assert_eq!(ranges(SettleWindow::Month), [(10, 20), (30, 60), (60, 90)]);
    }

    #[test]
    fn who_forced_or_released_a_month_is_known() {
        let month = window((100, 200));
        // what was said | who intervened in the month
        let cases: &[(&[Said], &[&str])] = &[
            (&[("hold", "all", (100, 200))], &[]), // a hold lets nothing through
            (&[("force", "all", (0, 100))], &[]),  // the month before
            (&[("force", "hour", (190, 210))], &["actor-0"]),
            (&[("release", "all", ALL_OF_TIME)], &[]), // nothing was held
            (&[("hold", "all", (0, 50)), ("release", "all", ALL_OF_TIME)], &[]),
            (&[("hold", "all", (150, 160)), ("release", "all", ALL_OF_TIME)], &["actor-1"]),
            (&[("hold", "all", (150, 160)), ("release", "day", ALL_OF_TIME)], &["actor-1"]),
            (&[("hold", "hour", (150, 160)), ("release", "day", ALL_OF_TIME)], &[]),
        ];
        for (said, expected) in cases {
            let said_by = orders(said);
            assert_eq!(intervened_in(&said_by, month).into_iter().collect::<Vec<_>>(), *expected, "{said:?}");
        }
    }
}
