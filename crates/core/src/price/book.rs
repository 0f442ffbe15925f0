//! The price book: which row holds when, as of what was known.
//!
//! A row holds from its `valid_from` until its `valid_to` or the next row's `valid_from`, whichever comes first. Of rows
//! with the same sku, currency and `valid_from` the highest revision known counts; the others are kept for what was
//! settled with them.

use crate::table::PriceRow;
use crate::time::{Instant, Window};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A published price row with its id and when it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The row as published.
    pub row: PriceRow,
    /// [`PriceRow::price_id`].
    pub price_id: String,
    /// When it holds, cut by later rows.
    pub validity: Window,
}

/// Every price row ever published, with the order in which they became known.
#[derive(Debug, Clone, Default)]
pub struct PriceBook {
    rows: Vec<(u64, PriceRow)>,
}

/// The prices of one state of knowledge.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    by_sku: HashMap<String, Vec<(String, Timeline)>>,
}

/// The prices of every state of knowledge: what each delivery made of the rows of a sku and currency.
#[derive(Debug, Clone, Default)]
pub struct PriceHistory {
    by_sku: HashMap<String, Vec<(String, States)>>,
}

/// What was known of a sku and currency since each delivery that changed it, in order of knowing.
type States = Vec<(u64, Timeline)>;

/// The rows of one sku and currency in order of time; they do not overlap, and there may be gaps.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    prices: Vec<Arc<Price>>,
}

/// Why a row cannot be published beside those that are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceConflict {
    /// Same sku, currency, valid_from and revision, other content.
    #[error(
        "the published row with this sku, currency, valid_from and revision says otherwise; a correction needs a higher revision"
    )]
    EditedInPlace,
    /// It would begin inside a row that says itself when it ends.
    #[error("a published row holds explicitly from {from} to {to}; this one would begin inside it")]
    InsideExplicit {
        /// Start of the row in the way.
        from: String,
        /// End of the row in the way.
        to: String,
    },
    /// A row that says when it ends would hold another one's beginning.
    #[error("a published row begins at {at}, inside the explicit validity of this one")]
    HoldsAnother {
        /// Where the other begins.
        at: String,
    },
    /// It would move use that is settled already into windows of another kind, where it would be charged again or never.
    #[error(
        "use before {until} is settled by the {settled}, and this row settles by the {wanted}; a row that begins then or later may"
    )]
    SettledOtherwise {
        /// Up to where windows are settled.
        until: String,
        /// The kind of window that they were settled in.
        settled: &'static str,
        /// The kind of window that the row names.
        wanted: &'static str,
    },
}

impl PriceBook {
    /// A book of rows, each with the sequence number of the delivery that published it.
    pub fn new(rows: impl IntoIterator<Item = (u64, PriceRow)>) -> Self {
        Self { rows: rows.into_iter().collect() }
    }

    /// Every row ever published.
    pub fn rows(&self) -> &[(u64, PriceRow)] {
        &self.rows
    }

    /// The prices of every state of knowledge at once.
    pub fn history(&self) -> PriceHistory {
        let mut known: BTreeMap<(&str, &str), Vec<(u64, &PriceRow)>> = BTreeMap::new();
        for (seq, row) in &self.rows {
            known.entry((&row.sku, &row.currency)).or_default().push((*seq, row));
        }

        let mut by_sku: HashMap<String, Vec<(String, States)>> = HashMap::new();
        for ((sku, currency), mut rows) in known {
            rows.sort_by_key(|(seq, _)| *seq);
            let mut states = States::new();
            let mut newest = BTreeMap::new();
            for (place, (seq, row)) in rows.iter().enumerate() {
                keep_newest(&mut newest, row);
                if rows.get(place + 1).is_none_or(|(next, _)| next != seq) {
                    states.push((*seq, Timeline::of(newest.values().copied())));
                }
            }
            by_sku.entry(sku.to_owned()).or_default().push((currency.to_owned(), states));
        }
        PriceHistory { by_sku }
    }

    /// The prices as known after delivery `seq`.
    pub fn as_of(&self, seq: u64) -> Prices {
        // (sku, currency) → valid_from → the highest revision known
        let mut newest: BTreeMap<(&str, &str), BTreeMap<Instant, &PriceRow>> = BTreeMap::new();
        for (_, row) in self.rows.iter().filter(|(known, _)| *known <= seq) {
            keep_newest(newest.entry((&row.sku, &row.currency)).or_default(), row);
        }

        let mut by_sku: HashMap<String, Vec<(String, Timeline)>> = HashMap::new();
        for ((sku, currency), rows) in newest {
            by_sku.entry(sku.to_owned()).or_default().push((currency.to_owned(), Timeline::of(rows.into_values())));
        }
        Prices { by_sku }
    }
}

/// Of rows that begin together the highest revision counts.
fn keep_newest<'a>(newest: &mut BTreeMap<Instant, &'a PriceRow>, row: &'a PriceRow) {
    let kept = newest.entry(row.begins()).or_insert(row);
    if row.revision > kept.revision {
        *kept = row;
    }
}

impl PriceHistory {
    /// The prices for use during `needed` in a window that was first settled with delivery `seq`: those known then.
    ///
    /// Where they leave a gap (a row that was retried after its price arrived), those of the first later delivery that
    /// closes it: never what came after that, so that settling the window again finds the same prices.
    pub fn timeline(&self, sku: &str, currency: &str, seq: u64, needed: Window) -> Option<&Timeline> {
        let (_, states) = self.by_sku.get(sku)?.iter().find(|(of, _)| of == currency)?;
        let known = states.partition_point(|(known, _)| *known <= seq).saturating_sub(1);
        let covering = states[known..].iter().find(|(_, timeline)| timeline.covers(needed));
        covering.or(states.last()).map(|(_, timeline)| timeline)
    }
}

impl PriceHistory {
    /// The prices that [`Self::timeline`] gives for all use during `within`, whatever part of it is needed; nothing where
    /// that depends on the part.
    pub fn timeline_covering(&self, sku: &str, currency: &str, seq: u64, within: Window) -> Option<&Timeline> {
        let (_, states) = self.by_sku.get(sku)?.iter().find(|(of, _)| of == currency)?;
        let known = states.partition_point(|(known, _)| *known <= seq).saturating_sub(1);
        states.get(known).map(|(_, timeline)| timeline).filter(|timeline| timeline.covers(within))
    }
}

impl Prices {
    /// The rows of a sku in a currency.
    pub fn timeline(&self, sku: &str, currency: &str) -> Option<&Timeline> {
        self.by_sku.get(sku)?.iter().find(|(of, _)| of == currency).map(|(_, timeline)| timeline)
    }

    /// The currencies that a sku is priced in; empty: the sku is unknown.
    pub fn currencies(&self, sku: &str) -> Vec<&str> {
        self.by_sku.get(sku).map(|all| all.iter().map(|(currency, _)| currency.as_str()).collect()).unwrap_or_default()
    }
}

impl Timeline {
    fn of<'a>(rows: impl Iterator<Item = &'a PriceRow>) -> Self {
        let rows: Vec<&PriceRow> = rows.collect();
        let prices = rows.iter().enumerate().map(|(place, row)| {
            let stated = row.stated_validity();
            let end = rows.get(place + 1).map_or(stated.end, |next| stated.end.min(next.begins()));
            Arc::new(Price { row: (*row).clone(), price_id: row.price_id(), validity: Window::new(stated.start, end) })
        });
        Self { prices: prices.collect() }
    }

    /// All of them, in order of time.
    pub fn prices(&self) -> &[Arc<Price>] {
        &self.prices
    }

    /// The price that holds at the instant.
    pub fn at(&self, instant: Instant) -> Option<&Arc<Price>> {
        let after = self.prices.partition_point(|price| price.validity.start <= instant);
        let price = self.prices.get(after.checked_sub(1)?)?;
        price.validity.holds(instant).then_some(price)
    }

    /// The prices that hold during some part of the window, in order of time.
    pub fn during(&self, window: Window) -> impl Iterator<Item = &Arc<Price>> {
        let first = self.prices.partition_point(|price| price.validity.end <= window.start);
        self.prices[first..].iter().take_while(move |price| price.validity.start < window.end)
    }

    /// Whether some price holds at every instant of the window.
    pub fn covers(&self, window: Window) -> bool {
        let mut reached = window.start;
        for price in self.during(window) {
            if price.validity.start > reached {
                return false;
            }
            reached = price.validity.end;
        }
        reached >= window.end
    }
}

/// Whether a new row may be published beside those of the same sku and currency that are known.
///
/// `Ok(false)`: the same row is published already.
///
/// # Errors
/// [`PriceConflict`] when the row would edit a published one or begin inside one that says when it ends.
pub fn check_new_row<'a>(row: &PriceRow, known: impl Iterator<Item = &'a PriceRow> + Clone) -> Result<bool, PriceConflict> {
    let same_place = |other: &PriceRow| other.begins() == row.begins();
    if let Some(same) = known.clone().find(|other| same_place(other) && other.revision == row.revision) {
        return if same == row { Ok(false) } else { Err(PriceConflict::EditedInPlace) };
    }
    let mut newest: BTreeMap<Instant, &PriceRow> = BTreeMap::new();
    for other in known.filter(|other| !same_place(other)) {
        let kept = newest.entry(other.begins()).or_insert(other);
        if other.revision > kept.revision {
            *kept = other;
        }
    }
    for other in newest.into_values() {
        if other.valid_to.is_some() && other.stated_validity().holds(row.begins()) {
            let validity = other.stated_validity();
            let from = if validity.start == Instant::MIN { "ever".to_owned() } else { validity.start.to_utc_text() };
            return Err(PriceConflict::InsideExplicit { from, to: validity.end.to_utc_text() });
        }
        if row.valid_to.is_some() && row.stated_validity().holds(other.begins()) {
            return Err(PriceConflict::HoldsAnother { at: other.begins().to_utc_text() });
        }
    }
    Ok(true)
}

/// Refuses a new row that settles in windows of another kind than the row that holds in its place, where use is settled.
///
/// Windows keep the prices that they were settled with, each its own. If hours that are settled could become part of a day
/// that is not, their use would be charged by the hour and by the day; the other way round, by neither.
///
/// # Errors
/// [`PriceConflict::SettledOtherwise`] when the row would hold at some instant before `settled_until` at which a known row
/// with another settlement window holds.
pub fn check_settle_window<'a>(
    row: &PriceRow,
    known: impl Iterator<Item = &'a PriceRow>,
    settled_until: Instant,
) -> Result<(), PriceConflict> {
    let known = PriceBook::new(known.map(|other| (0, other.clone()))).as_of(0);
    let Some(timeline) = known.timeline(&row.sku, &row.currency) else { return Ok(()) };
    let begins = row.begins();
    let next = timeline.prices.iter().map(|price| price.validity.start).find(|start| *start > begins);
    let end = row.stated_validity().end.min(next.unwrap_or(Instant::MAX)).min(settled_until);
    if end <= begins {
        return Ok(());
    }
    match timeline.during(Window::new(begins, end)).find(|price| price.row.settle != row.settle) {
        Some(other) => Err(PriceConflict::SettledOtherwise {
            until: settled_until.to_utc_text(),
            settled: other.row.settle.as_str(),
            wanted: row.settle.as_str(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::price::parse;
    use crate::table::{Context, RawRow, TableKind};

    fn price(valid_from: &str, revision: &str, unit_price: &str) -> PriceRow {
        let cells = [
            ("sku", "vm"),
            ("product", "ecs"),
            ("billing_mode", "pay_per_use"),
            ("unit", "hour"),
            ("unit_price", unit_price),
            ("valid_from", valid_from),
            ("revision", revision),
        ];
        let pairs = cells.map(|(column, text)| (column.to_owned(), text.to_owned()));
        let raw = RawRow::from_pairs(TableKind::Prices.schema(), 2, &pairs).expect("columns of the table");
        parse(&raw, &Context::new("CNY")).expect("a price")
    }

    #[test]
    fn a_window_keeps_the_prices_it_was_settled_with() {
        let (january, march) = ("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z");
        let book = PriceBook::new([
            (2, price(march, "0", "1")),
            (5, price(january, "0", "2")),
            (7, price(january, "1", "3")),
            (7, price(march, "1", "4")),
        ]);
        let history = book.history();
        let unit_price = |seq, at: &str| {
            let at = Instant::parse(at).expect("an instant");
            let timeline = history.timeline("vm", "CNY", seq, Window::new(at, at.plus_seconds(1)))?;
            timeline.at(at).map(|price| price.row.unit_price.to_string())
        };
        // settled with delivery | used at | price
        let cases = [
            (2, "2026-03-05T00:00:00Z", Some("1")),
            (6, "2026-03-05T00:00:00Z", Some("1")),
            (9, "2026-03-05T00:00:00Z", Some("4")),
            (2, "2026-01-05T00:00:00Z", Some("2")), // unknown then: the first that came, not the revision after it
            (0, "2026-01-05T00:00:00Z", Some("2")), // the sku was unknown then
            (7, "2026-01-05T00:00:00Z", Some("3")),
            (9, "2025-12-31T00:00:00Z", None), // nobody ever published one
        ];
        for (seq, at, expected) in cases {
            assert_eq!(unit_price(seq, at).as_deref(), expected, "{seq} {at}");
        }
        assert!(history.timeline("vm", "USD", 9, Window::new(Instant::MIN, Instant::MAX)).is_none());
    }
}
