//! The holdings of a part of a delivery: found by account, resource and sku, and what their rows are held against.

use crate::codes::Codes;
use crate::identity::{account_seed, holding_in_account};
use crate::part::{Judge, NONE};
use crate::shards::{SHARDS, Shard, Shards, shard_of};
use reckoner_core::intake::{Extremes, PlainTerms};
use reckoner_core::table::{Texts, Unit};

/// The holdings of a part, shard by shard; a code is known once rows were looked up, and no longer than these rows.
#[derive(Debug, Default)]
pub struct PartHoldings {
    /// Accounts.
    pub accounts: Codes,
    /// The resource of each holding.
    pub resources: Texts,
    /// Skus.
    pub skus: Codes,
    /// Account and sku of each holding.
    pub keys: Vec<[u32; 2]>,
    shards: Shards,
    /// By row that wants a holding, its shard.
    wanted_of: Vec<u8>,
    /// By account what the identities of its records begin with.
    seeds: Vec<u64>,
    /// By account the code of its currency.
    currency_of: Vec<u32>,
    currencies: Codes,
    terms: Vec<PlainTerms>,
    /// By currency and sku the place of the terms.
    terms_at: Vec<Vec<Looked>>,
}

/// The currency of an account that was not asked for.
const UNKNOWN: u32 = NONE - 1;

/// Whether terms were looked for, and where they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Looked {
    #[default]
    NotYet,
    Nothing,
    At(u32),
}

/// Holdings and accounts that are worth being kept for the next rows.
const KEPT_MAX: usize = 2_000_000;

impl PartHoldings {
    /// Makes ready for other rows, of which many will be of the same holdings: these stay known, what their rows are held
    /// against is looked up anew.
    pub(crate) fn renew(&mut self) {
        if self.len().max(self.accounts.len()).max(self.skus.len()) > KEPT_MAX {
            *self = Self::default();
            return;
        }
        self.forget_wanted();
        self.currency_of.fill(UNKNOWN);
        self.currencies = Codes::default();
        self.terms.clear();
        self.terms_at.clear();
    }

    /// The codes of these accounts, of which all is looked up that their rows need.
    pub(crate) fn accounts(&mut self, account_ids: &Texts, judge: &dyn Judge) -> Vec<u32> {
        let codes = self.accounts.codes(account_ids);
        for code in self.seeds.len()..self.accounts.len() {
            self.seeds.push(account_seed(self.accounts.get(code as u32)));
            self.currency_of.push(UNKNOWN);
        }
        for code in &codes {
            let currency = &mut self.currency_of[*code as usize];
            if *currency == UNKNOWN {
                let known = judge.currency(self.accounts.get(*code));
                *currency = known.map_or(NONE, |currency| self.currencies.code(currency));
            }
        }
        codes
    }

    /// What the identities of an account's records begin with.
    pub(crate) fn seed(&self, account: u32) -> u64 {
        self.seeds[account as usize]
    }

    /// Notes that the next row wants the holding of this resource, account and sku; `seed` is the account's.
    #[inline]
    pub(crate) fn want(&mut self, seed: u64, resource_id: &str, key: [u32; 2]) {
        let shard = shard_of(holding_in_account(seed, resource_id, self.skus.get(key[1])));
        self.wanted_of.push(shard);
        self.shards.0[usize::from(shard)].want(resource_id, key);
    }

    /// Tells rows the holdings that they wanted, and the shards of those; new holdings are made.
    pub(crate) fn find_wanted(&mut self, holding: &mut Vec<u32>, shard: &mut Vec<u8>) {
        let Self { shards: Shards(shards), seeds, skus, .. } = self;
        let hash_of =
            |resource_id: &str, [account, sku]: [u32; 2]| holding_in_account(seeds[account as usize], resource_id, skus.get(sku));
        let find = |shards: &mut [Shard]| {
            for shard in shards {
                shard.find_wanted();
                shard.order_new(hash_of);
            }
        };
        let (first, second) = shards.split_at_mut(SHARDS / 2);
        std::thread::scope(|scope| {
            scope.spawn(|| find(second));
            find(first);
        });
        self.lay_out();
        let (rows, before) = (self.wanted_of.len(), holding.len());
        holding.resize(before + rows, NONE);
        let (first, second) = holding[before..].split_at_mut(rows / 2);
        std::thread::scope(|scope| {
            scope.spawn(|| self.tell(rows / 2, second));
            self.tell(0, first);
        });
        shard.extend_from_slice(&self.wanted_of);
        self.forget_wanted();
    }

    /// Tells the holdings of the rows from this one on.
    fn tell(&self, from: usize, holdings: &mut [u32]) {
        let mut told = [0; SHARDS];
        self.wanted_of[..from].iter().for_each(|shard| told[usize::from(*shard)] += 1);
        let mut found: Vec<_> = self.shards.0.iter().zip(told).map(|(shard, told)| shard.found()[told..].iter()).collect();
        for (holding, shard) in holdings.iter_mut().zip(&self.wanted_of[from..]) {
            let place = usize::from(*shard);
            *holding = self.shards.0[place].first + found[place].next().expect("each finds what it wants");
        }
    }

    /// Puts the holdings of one shard behind those of the one before.
    fn lay_out(&mut self) {
        let Self { shards: Shards(shards), keys, resources, .. } = self;
        let count: usize = shards.iter().map(Shard::len).sum();
        if keys.len() == count {
            return;
        }
        keys.clear();
        resources.clear();
        for shard in shards {
            shard.first = u32::try_from(keys.len()).expect("a part has fewer rows");
            keys.extend(shard.keys());
            resources.push_run(shard.resources(), 0..shard.len());
        }
    }

    /// Makes room for what so many rows want.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.wanted_of.reserve(rows);
        // Holdings are spread evenly: each shard has its share of rows, or grows.
        self.shards.0.iter_mut().for_each(|shard| shard.reserve(rows / SHARDS + rows / SHARDS / 16));
    }

    fn forget_wanted(&mut self) {
        self.wanted_of.clear();
        self.shards.0.iter_mut().for_each(Shard::forget_wanted);
    }

    /// The holdings of each shard, in their order of a file of partials, and its first holding.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (u32, impl Iterator<Item = u32>)> {
        self.shards.0.iter().map(|shard| (shard.first, shard.in_order().map(|holding| shard.first + holding)))
    }

    /// What rows of the account and sku are held against; nothing where each must be looked at.
    #[inline]
    pub(crate) fn terms_of(&mut self, account: u32, sku: u32, judge: &dyn Judge) -> Option<&PlainTerms> {
        let currency = self.currency_of[account as usize];
        if currency == NONE {
            return None;
        }
        let place = match self.looked(currency, sku) {
            Looked::NotYet => self.look(currency, sku, judge),
            known => known,
        };
        self.terms_at(place)
    }

    /// Whether whatever rows of these accounts and skus use within the extremes is certain to be accepted.
    pub(crate) fn admit_all(&mut self, accounts: &[u32], skus: &[u32], extremes: Extremes, judge: &dyn Judge) -> bool {
        let mut of_currency = vec![NONE; self.currencies.len()];
        for account in accounts {
            match self.currency_of[*account as usize] {
                NONE => return false,
                currency => of_currency[currency as usize] = *account,
            }
        }
        let one_of_each = of_currency.into_iter().filter(|account| *account != NONE);
        let mut each = one_of_each.flat_map(|account| skus.iter().map(move |sku| (account, *sku)));
        each.all(|(account, sku)| self.terms_of(account, sku, judge).is_some_and(|terms| terms.admit_all(extremes)))
    }

    fn looked(&self, currency: u32, sku: u32) -> Looked {
        let of_currency = self.terms_at.get(currency as usize);
        of_currency.and_then(|places| places.get(sku as usize)).copied().unwrap_or_default()
    }

    fn look(&mut self, currency: u32, sku: u32, judge: &dyn Judge) -> Looked {
        let found = match judge.terms(self.skus.get(sku), self.currencies.get(currency)) {
            Some(terms) => {
                self.terms.push(terms);
                Looked::At(self.terms.len() as u32 - 1)
            }
            None => Looked::Nothing,
        };
        if self.terms_at.len() <= currency as usize {
            self.terms_at.resize_with(currency as usize + 1, Vec::new);
        }
        let places = &mut self.terms_at[currency as usize];
        if places.len() <= sku as usize {
            places.resize(sku as usize + 1, Looked::NotYet);
        }
        places[sku as usize] = found;
        found
    }

    fn terms_at(&self, place: Looked) -> Option<&PlainTerms> {
        match place {
            Looked::At(place) => self.terms.get(place as usize),
            Looked::NotYet | Looked::Nothing => None,
        }
    }

    /// The unit in which a holding of plain rows is measured.
    ///
    /// # Panics
    /// For a holding without plain rows.
    pub fn unit(&self, holding: u32) -> &Unit {
        let [account, sku] = self.keys[holding as usize];
        let looked = self.looked(self.currency_of[account as usize], sku);
        &self.terms_at(looked).expect("a holding of plain rows has terms").unit
    }

    /// Account, resource and sku of a holding.
    pub fn texts(&self, holding: u32) -> [&str; 3] {
        let [account, sku] = self.keys[holding as usize];
        [self.accounts.get(account), self.resources.get(holding as usize), self.skus.get(sku)]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::holding_identity;
    use std::collections::BTreeSet;

    /// Every account is known, and nothing is for sale.
    struct Known;

    impl Judge for Known {
        fn currency(&self, _: &str) -> Option<&str> {
            Some("CNY")
        }

        fn terms(&self, _: &str, _: &str) -> Option<PlainTerms> {
            None
        }
    }

    /// Names of which some are as long as a key and some longer, and some that only the last byte tells apart.
    fn name(number: usize) -> [String; 3] {
        let resource = format!("{}-{}", "r".repeat(number % 31), number % 97);
        [format!("a{}", number % 5), resource, format!("s{}", number % 3)]
    }

    #[test]
    fn a_holding_is_found_by_its_names_and_by_no_others() {
        let mut holdings = PartHoldings::default();
        let mut all: BTreeSet<[String; 3]> = BTreeSet::new();
        // Round after round some are known and some are new.
        for round in [0..0, 0..40, 20..700, 0..1, 100..2_000] {
            let names: Vec<[String; 3]> = round.map(|number| name(number * 7_919)).collect();
            let mut account_ids = Texts::default();
            names.iter().for_each(|[account_id, ..]| account_ids.push(account_id));
            let accounts = holdings.accounts(&account_ids, &Known);
            for ([_, resource_id, sku], account) in names.iter().zip(accounts) {
                let key = [account, holdings.skus.code(sku)];
                holdings.want(holdings.seed(account), resource_id, key);
            }
            let (mut found, mut shards) = (Vec::new(), Vec::new());
            holdings.find_wanted(&mut found, &mut shards);
            assert_eq!((found.len(), shards.len()), (names.len(), names.len()));
            for (names, (holding, shard)) in names.iter().zip(found.iter().zip(shards)) {
                assert_eq!(holdings.texts(*holding), names.each_ref().map(String::as_str));
                let (first, mut in_order) = holdings.in_order().nth(usize::from(shard)).expect("there is such a shard");
                assert!(first <= *holding && in_order.any(|one| one == *holding), "{names:?} is in shard {shard}");
            }

            all.extend(names);
            let in_order: Vec<u32> = holdings.in_order().flat_map(|(_, in_order)| in_order).collect();
            let identities: Vec<u64> = in_order.iter().map(|holding| holding_identity(holdings.texts(*holding))).collect();
            assert!(identities.is_sorted(), "in the order of a file of partials");
            let told: Vec<[&str; 3]> = in_order.iter().map(|holding| holdings.texts(*holding)).collect();
            assert_eq!(told.iter().map(|texts| texts.map(str::to_owned)).collect::<BTreeSet<_>>(), all);
            assert_eq!((told.len(), holdings.len()), (all.len(), all.len()), "each once");

            // What was wanted and never looked up is forgotten.
            let [_, resource_id, _] = name(97 * 31);
            if !holdings.accounts.is_empty() {
                holdings.want(holdings.seed(0), &resource_id, [0, 0]);
            }
            holdings.renew();
        }
    }
}
