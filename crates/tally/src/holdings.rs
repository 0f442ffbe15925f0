//! The holdings of a part of a delivery: found by account, resource and sku, and what their rows are held against.

use crate::codes::{Codes, Key, mixed};
use crate::ends::Ends;
use crate::identity::{account_seed, holding_in_account};
use crate::part::{Judge, NONE};
use hashbrown::HashTable;
use reckoner_core::intake::PlainTerms;
use reckoner_core::table::{Texts, Unit};
use reckoner_core::time::{Instant, Window};

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
    table: HashTable<Place>,
    /// What each holding is known by.
    known: Vec<Known>,
    /// Those that are looked for, with their hashes.
    wanted: Vec<(Known, u64)>,
    /// By this the holdings of a file of partials are ordered.
    identities: Vec<u64>,
    /// By account what the identities of its records begin with.
    seeds: Vec<u64>,
    /// By account the code of its currency.
    currency_of: Vec<u32>,
    currencies: Codes,
    terms: Vec<PlainTerms>,
    /// By currency and sku the place of the terms.
    terms_at: Vec<Vec<Looked>>,
    /// By holding the time within which its use need not be looked at, where it was asked for.
    usable: Vec<Window>,
}

/// A time that was not asked for.
const NOT_ASKED: Window = Window::new(Instant::MAX, Instant::MIN);

/// The currency of an account that was not asked for.
const UNKNOWN: u32 = NONE - 1;

/// Where a hash leads: small, as each row looks for one.
#[derive(Debug, Clone, Copy)]
struct Place {
    hash: u64,
    holding: u32,
}

/// What a holding is known by; as it lies, one look at memory brings all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(32))]
struct Known {
    resource: Key,
    key: [u32; 2],
}

impl Known {
    /// Rows of one account and sku are as rare as those of one resource: the three together tell.
    fn hash(&self) -> u64 {
        mixed(self.resource.hash(), u64::from(self.key[0]) << 32 | u64::from(self.key[1]))
    }
}

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
        self.currency_of.fill(UNKNOWN);
        self.currencies = Codes::default();
        self.terms.clear();
        self.terms_at.clear();
        self.usable.clear();
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

    /// Appends the holdings of these resources, accounts and skus, made where they are new.
    ///
    /// They should be few, so that what is made of them stays near the processor.
    pub(crate) fn find<'a>(&mut self, named: impl Iterator<Item = (&'a str, [u32; 2])> + Clone, found: &mut Vec<u32>) {
        let mut wanted = std::mem::take(&mut self.wanted);
        wanted.clear();
        wanted.extend(named.clone().map(|(resource_id, key)| {
            let known = Known { resource: Key::of(resource_id), key };
            (known, known.hash())
        }));
        // In short loops, the memory of one step is on its way while the steps before wait for theirs.
        let likely =
            |(_, hash): &(Known, u64)| self.table.find(*hash, |place| place.hash == *hash).map_or(NONE, |place| place.holding);
        let start = found.len();
        found.extend(wanted.iter().map(likely));
        for ((holding, (known, hash)), (resource_id, _)) in found[start..].iter_mut().zip(&wanted).zip(named) {
            if *holding == NONE || !self.is(*holding, resource_id, *known) {
                *holding = self.find_one(*hash, resource_id, *known);
            }
        }
        self.wanted = wanted;
    }

    fn is(&self, holding: u32, resource_id: &str, known: Known) -> bool {
        self.known[holding as usize] == known
            && (known.resource.is_whole() || self.resources.get(holding as usize) == resource_id)
    }

    fn find_one(&mut self, hash: u64, resource_id: &str, known: Known) -> u32 {
        if let Some(place) = self.table.find(hash, |place| place.hash == hash && self.is(place.holding, resource_id, known)) {
            return place.holding;
        }
        let holding = u32::try_from(self.keys.len()).expect("a part has fewer rows");
        self.keys.push(known.key);
        self.resources.push(resource_id);
        self.known.push(known);
        self.identities.push(holding_in_account(self.seed(known.key[0]), resource_id, self.skus.get(known.key[1])));
        self.table.insert_unique(hash, Place { hash, holding }, |place| place.hash);
        holding
    }

    /// The time within which use of the holding need not be looked at for what has ended; looked up once a holding.
    pub(crate) fn usable(&mut self, holding: u32, ends: &Ends) -> Window {
        let (place, [account, _]) = (holding as usize, self.keys[holding as usize]);
        if self.usable.len() <= place {
            self.usable.resize(self.keys.len(), NOT_ASKED);
        }
        if self.usable[place] == NOT_ASKED {
            self.usable[place] = ends.usable(self.seed(account), self.accounts.get(account), self.resources.get(place));
        }
        self.usable[place]
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

    /// By this a holding has its place in a file of partials.
    pub(crate) fn identity(&self, holding: u32) -> u64 {
        self.identities[holding as usize]
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
