//! Which rows of the parts of a segment are taken: by identity, and where two are alike by what they say.

use super::both;
use reckoner_tally::{Part, Rows, Sought, before, each_common};

/// The identities of a part's rows, in order.
pub(super) type Sorted = Vec<u64>;

/// What becomes of the rows of a part; each list ascends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    /// New: they take effect.
    pub taken: Rows,
    /// They say what an earlier row of the delivery says.
    pub again: Rows,
    /// Only the readable way can tell.
    pub left: Vec<u32>,
}

/// What becomes of a row that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Again,
    Left,
}

/// What collisions mean to a part.
#[derive(Debug, Clone)]
struct Decided {
    /// Its rows that are not taken.
    not_taken: Vec<(u32, Fate)>,
    /// By collision, whether it takes a row of it.
    are_taken: Vec<bool>,
}

/// Decides about every row; `met` are identities of earlier rows, sorted. Of the identities of a part, those of rows that are
/// taken stay.
///
/// Whatever walks through all rows goes part by part, or half by half, in two threads; between them stand collisions alone.
pub(super) fn resolve(parts: &[Part], sorted: &mut [Sorted], met: &[u64]) -> Vec<Resolved> {
    let Collisions { identities, are_doubtful } = collisions(parts, sorted, met);
    let alike = rows_of(parts, &identities);
    let groups: Vec<&[Alike]> = alike.chunk_by(|one, other| one.collision == other.collision).collect();
    let fates = |groups: &[&[Alike]]| -> Vec<Option<Fate>> {
        groups.iter().flat_map(|group| fates_of(parts, group, are_doubtful[group[0].collision as usize])).collect()
    };
    let (first, second) = groups.split_at(groups.len() / 2);
    let fates = both(groups.is_empty(), || fates(first), || fates(second)).concat();
    let mut decided = vec![Decided { not_taken: Vec::new(), are_taken: vec![false; identities.len()] }; parts.len()];
    for (Alike { collision, part, row }, fate) in alike.iter().zip(fates) {
        let of_part = &mut decided[*part as usize];
        match fate {
            Some(fate) => of_part.not_taken.push((*row, fate)),
            None => of_part.are_taken[*collision as usize] = true,
        }
    }
    match (sorted, parts, &mut *decided) {
        ([sorted], [part], [decided]) => vec![resolved(part, sorted, &identities, decided)],
        ([first, second], [one, other], [of_one, of_other]) => {
            both(false, || resolved(one, first, &identities, of_one), || resolved(other, second, &identities, of_other))
        }
        _ => unreachable!("a segment has one part or two, and the identities of each"),
    }
}

/// What becomes of rows of one identity, in the order of the delivery; of a row that is taken nothing is said.
fn fates_of<'a>(parts: &'a [Part], group: &'a [Alike], is_doubtful: bool) -> impl Iterator<Item = Option<Fate>> + 'a {
    let part = |alike: &Alike| &parts[alike.part as usize];
    let is_same = move |row: &Alike| part(&group[0]).says_the_same(group[0].row as usize, part(row), row.row as usize);
    group.iter().enumerate().map(move |(place, row)| match (is_doubtful, place) {
        (true, _) => Some(Fate::Left),
        (false, 0) => None,
        (false, _) if is_same(row) => Some(Fate::Again),
        (false, _) => Some(Fate::Left),
    })
}

/// The rows of a part by what becomes of them.
fn resolved(part: &Part, sorted: &mut Sorted, identities: &[u64], Decided { not_taken, are_taken }: &mut Decided) -> Resolved {
    not_taken.sort_unstable();
    keep_taken(sorted, identities.iter().copied().zip(are_taken.iter().copied()));
    let mut resolved = Resolved::default();
    let mut next = 0;
    for (row, fate) in not_taken {
        let place = *row as usize;
        resolved.taken.push(next..place);
        next = place + 1;
        match fate {
            Fate::Again => resolved.again.push(place..next),
            Fate::Left => resolved.left.push(*row),
        }
    }
    resolved.taken.push(next..part.len());
    resolved
}

/// Leaves each of the sorted identities once, and those of collisions only where a row is taken.
fn keep_taken(sorted: &mut Sorted, collisions: impl Iterator<Item = (u64, bool)>) {
    let (mut kept, mut next) = (0, 0);
    for (identity, is_taken) in collisions {
        let start = next + before(&sorted[next..], identity);
        let alike = sorted[start..].iter().take_while(|other| **other == identity).count();
        let end = start + alike.min(is_taken.into());
        sorted.copy_within(next..end, kept);
        kept += end - next;
        next = start + alike;
    }
    sorted.copy_within(next.., kept);
    sorted.truncate(kept + sorted.len() - next);
}

/// Identities that several rows have.
struct Collisions {
    /// Each once, sorted.
    identities: Vec<u64>,
    /// Whether a row that is not plain, or that of another delivery, has it too: the order between them is the readable
    /// way's to keep.
    are_doubtful: Vec<bool>,
}

/// Identities from here on are the upper half.
pub(super) const MIDDLE: u64 = 1 << 63;

/// What is twice in one of these lists, which are in order, or in two of them.
fn twice(lists: Vec<&[u64]>) -> Vec<u64> {
    let pairs = lists.iter().flat_map(|list| list.windows(2)).filter(|pair| pair[0] == pair[1]);
    let mut found: Vec<u64> = pairs.map(|pair| pair[0]).collect();
    if let [first, second] = *lists {
        each_common(first, second, |identity| found.push(identity));
    }
    found
}

/// The identities that more than one row has.
fn collisions(parts: &[Part], sorted: &[Sorted], met: &[u64]) -> Collisions {
    // No identity of one half is one of the other.
    let halves = |rows: &Sorted| rows.partition_point(|identity| *identity < MIDDLE);
    let lower = || twice(sorted.iter().map(|rows| &rows[..halves(rows)]).collect());
    let upper = || twice(sorted.iter().map(|rows| &rows[halves(rows)..]).collect());
    let alike = both(false, lower, upper).into_iter().flatten();
    let mut found: Vec<(u64, bool)> = alike.map(|identity| (identity, false)).collect();
    let not_plain = parts.iter().flat_map(|part| &part.not_plain).filter_map(|row| row.identity);
    found.extend(not_plain.chain(met.iter().copied()).map(|identity| (identity, true)));
    // Of one that is doubtful too, that comes first.
    found.sort_unstable_by_key(|(identity, is_doubtful)| (*identity, !is_doubtful));
    found.dedup_by_key(|(identity, _)| *identity);
    let (identities, are_doubtful) = found.into_iter().unzip();
    Collisions { identities, are_doubtful }
}

/// A row that has the identity of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Alike {
    collision: u32,
    part: u32,
    row: u32,
}

/// The rows that have one of these identities, identity by identity; those of one in the order of the delivery.
fn rows_of(parts: &[Part], identities: &[u64]) -> Vec<Alike> {
    if identities.is_empty() {
        return Vec::new();
    }
    let sought = Sought::new(identities);
    let of_part = |part: usize| {
        let alike = (0..).zip(&parts[part].identity).filter_map(|(row, identity)| {
            let collision = u32::try_from(sought.place(*identity)?).expect("collisions are fewer than rows");
            Some(Alike { collision, part: part as u32, row })
        });
        alike.collect::<Vec<_>>()
    };
    let mut rows = both(parts.len() == 1, || of_part(0), || of_part(1)).concat();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use reckoner_core::account::Accounts;
    use reckoner_core::intake::{PlainTerms, UsageChecks};
    use reckoner_core::price::{PriceBook, Prices};
    use reckoner_core::table::{Coded, Context, RawRow, TableKind, UsageColumns, price};
    use reckoner_core::time::{Instant, Zone};
    use reckoner_tally::{Judge, identity, sorted_hashes};

    const ACCOUNT: &str = "a";

    /// Everything is for sale.
    struct Market(Prices);

    impl Market {
        fn new() -> Self {
            let cells = [("sku", "gb"), ("product", "p"), ("billing_mode", "pay_per_use"), ("unit", "GB"), ("unit_price", "1")];
            let pairs: Vec<(String, String)> = cells.map(|(column, cell)| (column.to_owned(), cell.to_owned())).to_vec();
            let raw = RawRow::from_pairs(TableKind::Prices.schema(), 2, &pairs).expect("known columns");
            let row = price::parse(&raw, &Context::new("CNY")).expect("a price");
            Self(PriceBook::new([(1, row)]).as_of(1))
        }
    }

    impl Judge for Market {
        fn currency(&self, _: &str) -> Option<&str> {
            Some("CNY")
        }

        fn terms(&self, sku: &str, currency: &str) -> Option<PlainTerms> {
            let accounts = Accounts::new([]);
            let (as_of, zone) = (Instant::from_seconds(1_000_000), Zone::parse("UTC").expect("a zone"));
            UsageChecks { accounts: &accounts, prices: &self.0, as_of, epoch: None, late_from: None, zone }
                .plain_terms(sku, currency)
        }
    }

    /// Rows as words, `x1`: record `x` uses 1; `x?` is not plain. What becomes of the plain ones, as words again.
    fn fates(texts: &[&str], met: &str) -> Vec<String> {
        let market = Market::new();
        let mut parts = Vec::new();
        for text in texts {
            let mut columns = UsageColumns::default();
            for (row, word) in (0..).zip(text.split_whitespace()) {
                let (id, quantity) = word.split_at(1);
                columns.lines.push(u64::from(row) + 2);
                columns.record_id.push(id);
                for (column, cell) in
                    [(&mut columns.account_id, ACCOUNT), (&mut columns.resource_id, "r"), (&mut columns.sku, "gb")]
                {
                    one(column, cell);
                }
                columns.started_at.push(1_000);
                columns.ended_at.push(1_000);
                columns.quantity_e12.push(quantity.parse().unwrap_or_default());
                if quantity == "?" {
                    columns.unread.push(row);
                }
            }
            let mut part = Part::default();
            part.take(&columns, &market);
            part.find_holdings();
            parts.push(part);
        }
        let mut met: Vec<u64> = met.split_whitespace().map(|id| identity(ACCOUNT, id)).collect();
        met.sort_unstable();
        let mut sorted = vec![Sorted::new(); parts.len()];
        parts.iter().zip(&mut sorted).for_each(|(part, sorted)| sorted_hashes(&part.identity, sorted));
        let resolved = resolve(&parts, &mut sorted, &met);
        let parts = parts.iter().zip(&resolved).zip(&sorted);
        parts.map(|((part, resolved), sorted)| said(part, resolved, sorted)).collect()
    }

    fn one(column: &mut Coded, cell: &str) {
        column.codes.push(column.values.len() as u32);
        column.values.push(cell);
    }

    /// `taken | again | left`.
    fn said(part: &Part, resolved: &Resolved, sorted: &Sorted) -> String {
        let mut identities: Vec<u64> = resolved.taken.iter().map(|row| part.identity[row]).collect();
        identities.sort_unstable();
        assert_eq!(*sorted, identities, "the identities of what is taken, sorted");
        let word = |row: usize| format!("{}{}", part.record_id.get(row), part.quantity.e12(row));
        let words = |rows: &mut dyn Iterator<Item = usize>| rows.map(word).collect::<Vec<_>>().join(" ");
        let Resolved { taken, again, left, .. } = resolved;
        let left = &mut left.iter().map(|row| *row as usize);
        format!("{} | {} | {}", words(&mut taken.iter()), words(&mut again.iter()), words(left))
    }

    #[test]
    fn the_first_of_an_id_is_taken_and_what_says_the_same_is_again() {
        // parts | known before | taken, again, left of each part
        let cases: [(&[&str], &str, &[&str]); 12] = [
            (&[""], "", &[" |  | "]),
            (&["x1 y1 z1"], "", &["x1 y1 z1 |  | "]),
            (&["x1 y1 x1 x1"], "", &["x1 y1 | x1 x1 | "]),
            (&["x1 x2 x1"], "", &["x1 | x1 | x2"]),
            (&["x2 x1 x1"], "", &["x2 |  | x1 x1"]), // the odd one is the first: it stays
            (&["x1 y1", "y1 x2 z1"], "", &["x1 y1 |  | ", "z1 | y1 | x2"]),
            (&["z1", "x1 x1 y1"], "", &["z1 |  | ", "x1 y1 | x1 | "]),
            (&["x1 x1", "x2 x1"], "", &["x1 | x1 | ", " | x1 | x2"]),
            // Known before, or beside a row that is not plain: their order is the readable way's to keep.
            (&["x1 y1 x1"], "x", &["y1 |  | x1 x1"]),
            (&["x1 y1", "x1"], "x q", &["y1 |  | x1", " |  | x1"]),
            (&["x1 y1 x? x1"], "", &["y1 |  | x1 x1"]),
            (&["x1 y1", "x? z1"], "y", &[" |  | x1 y1", "z1 |  | "]),
        ];
        for (parts, met, expected) in cases {
            assert_eq!(fates(parts, met), expected, "{parts:?}, known: {met:?}");
        }
    }
}
