//! Damage that looks like chance and is the same every time, for runs without a fuzzer.

/// A sequence of numbers that looks like chance.
pub struct Chance(u64);

impl Chance {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// A number below the limit, which is above 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn span(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..(start + self.below(16)).min(length)
    }
}

/// A seed changed in one to four places: bits, bytes, words of the dictionary, parts of other seeds.
pub fn mutated(seeds: &[Vec<u8>], words: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(4) {
        let span = chance.span(bytes.len());
        match chance.below(8) {
            0 if !bytes.is_empty() => {
                let place = chance.below(bytes.len());
                bytes[place] ^= 1 << chance.below(8);
            }
            1 if !bytes.is_empty() => {
                let place = chance.below(bytes.len());
                bytes[place] = chance.below(256) as u8;
            }
            2 => drop(bytes.drain(span)),
            3 => bytes.truncate(span.start),
            4 => {
                let doubled = bytes[span.clone()].to_vec();
                drop(bytes.splice(span.start..span.start, doubled));
            }
            5 => {
                let other = &seeds[chance.below(seeds.len())];
                let part = other[chance.span(other.len())].to_vec();
                drop(bytes.splice(span, part));
            }
            _ => {
                let word = words[chance.below(words.len())].clone();
                drop(bytes.splice(span, word));
            }
        }
    }
    bytes
}

/// The words of a dictionary in the fuzzer's form: one in quotes a line, with `\xNN`, `\"` and `\\`; `#` begins a remark.
pub fn words(dictionary: &str) -> Vec<Vec<u8>> {
    let lines = dictionary.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| unescaped(line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).expect("a word in quotes")))
        .collect()
}

fn unescaped(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, behind @ ..] = rest {
        (bytes, rest) = match (first, behind) {
            (b'\\', [b'x', high, low, behind @ ..]) => {
                let digit = |digit: u8| char::from(digit).to_digit(16).expect("a hex digit") as u8;
                ([bytes, vec![digit(*high) * 16 + digit(*low)]].concat(), behind)
            }
            (b'\\', [escaped, behind @ ..]) => ([bytes, vec![*escaped]].concat(), behind),
            _ => ([bytes, vec![*first]].concat(), behind),
        };
    }
    bytes
}
