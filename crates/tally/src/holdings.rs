//! The holdings of a part of a delivery: found by account, resource and sku, and what their rows are held against.

use crate::codes::Codes;
use crate::identity::{account_seed, holding_in_account};
use crate::order::sorted_places;
use crate::part::{Judge, NONE};
use crate::shards::Shards;
use reckoner_core::intake::{Extremes, PlainTerms};
use reckoner_core::table::{Texts, Unit};

/// The holdings of a part, in the order in which they came.
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
    known: Shards,
    /// By this the holdings of a file of partials are ordered.
    identities: Vec<u64>,
    /// Identities and holdings in this order, of those that were there when rows were looked up the last time.
    in_order: Vec<(u64, u32)>,
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
        self.known.forget_wanted();
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

    /// Notes that the next row wants the holding of this resource, account and sku.
    #[inline]
    pub(crate) fn want(&mut self, resource_id: &str, key: [u32; 2]) {
        self.known.want(resource_id, key);
    }

    /// Appends the holdings that rows wanted, made where they are new.
    pub(crate) fn find_wanted(&mut self, to: &mut Vec<u32>) {
        let Self { known, keys, resources, skus, identities, seeds, .. } = self;
        known.find_wanted(to, |resource_id, key| {
            let holding = u32::try_from(keys.len()).expect("a part has fewer rows");
            keys.push(key);
            resources.push(resource_id);
            identities.push(holding_in_account(seeds[key[0] as usize], resource_id, skus.get(key[1])));
            holding
        });
        self.order_new();
    }

    /// Puts the holdings that came last to their places.
    fn order_new(&mut self) {
        let first_new = self.in_order.len();
        if first_new < self.len() {
            let new = sorted_places(&self.identities[first_new..]);
            self.in_order.extend(new.into_iter().map(|(identity, place)| (identity, first_new as u32 + place)));
            // Two runs in order: what the library does with them is to merge them.
            self.in_order.sort();
        }
    }

    /// All holdings in the order of a file of partials.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = u32> {
        self.in_order.iter().map(|(_, holding)| *holding)
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
