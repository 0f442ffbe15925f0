//! Codes for texts that repeat: each distinct text once, in the order in which they came.

use hashbrown::HashTable;
use reckoner_core::table::Texts;
use xxhash_rust::xxh3::xxh3_64;

/// Distinct texts and their codes.
#[derive(Debug, Default)]
pub struct Codes {
    texts: Texts,
    table: HashTable<u32>,
}

impl Codes {
    /// The code of a text; a new one gets the next.
    ///
    /// # Panics
    /// Beyond 4 GiB of distinct text.
    pub fn code(&mut self, text: &str) -> u32 {
        let Self { texts, table } = self;
        let entry = table.entry(
            xxh3_64(text.as_bytes()),
            |code| texts.get(*code as usize) == text,
            |code| xxh3_64(texts.get(*code as usize).as_bytes()),
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(known) => *known.get(),
            hashbrown::hash_table::Entry::Vacant(place) => {
                let code = u32::try_from(texts.len()).expect("texts of 4 GiB have fewer codes");
                place.insert(code);
                texts.push(text);
                code
            }
        }
    }

    /// The text of a code.
    pub fn get(&self, code: u32) -> &str {
        self.texts.get(code as usize)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// All texts, in the order of their codes.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    /// For every code its place among the texts in order.
    pub fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_unstable_by(|a, b| self.get(*a).cmp(self.get(*b)));
        let mut ranks = vec![0; order.len()];
        for (rank, code) in (0..).zip(order) {
            ranks[code as usize] = rank;
        }
        ranks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_code_and_a_code_one_text() {
        let mut codes = Codes::default();
        let texts: Vec<String> = (0..2_000).map(|number| format!("r-{}", number * 7_919 % 1_000)).collect();
        let coded: Vec<u32> = texts.iter().map(|text| codes.code(text)).collect();
        assert_eq!(codes.len(), 1_000);
        for (text, code) in texts.iter().zip(coded) {
            assert_eq!(codes.get(code), text);
        }
        let ranks = codes.ranks();
        let mut sorted: Vec<&str> = codes.texts().iter().collect();
        sorted.sort_unstable();
        for (code, rank) in ranks.iter().enumerate() {
            assert_eq!(sorted[*rank as usize], codes.get(code as u32));
        }
    }
}
