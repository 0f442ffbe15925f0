//! Texts, each as the beginning that it shares with the one before and the rest (`DELTA_BYTE_ARRAY`).
//!
//! Texts stand end to end, so that what follows one of them may be read as well as the text: words are compared and moved
//! whole, and what they hold too much is passed over.

use super::{Reach, differences};

/// Where a text begins and ends.
pub(crate) type Span = [u32; 2];

/// What is written over in one go.
const PIECE: usize = 16;
/// Endings that are looked up together: in a short loop, the memory of one is on its way while those before wait for theirs.
const TOGETHER: usize = 256;

/// A page of texts being made; its room is used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    shared: Vec<u32>,
    lengths: Vec<u32>,
    rest: Rest,
    spans: Vec<Span>,
}

/// What texts do not share, end to end; and room for more.
#[derive(Debug, Default)]
struct Rest {
    bytes: Vec<u8>,
    filled: usize,
}

impl Rest {
    fn reserve(&mut self, more: usize) {
        if self.bytes.len() < self.filled + more + PIECE {
            self.bytes.resize(2 * (self.filled + more + PIECE), 0);
        }
    }

    /// Appends the first bytes of what stands here.
    #[inline]
    fn push(&mut self, from: &[u8], length: usize) {
        self.reserve(length);
        let to = &mut self.bytes[self.filled..];
        match (from.first_chunk::<PIECE>(), to.first_chunk_mut::<PIECE>()) {
            (Some(piece), Some(to)) if length <= PIECE => *to = *piece,
            _ => to[..length].copy_from_slice(&from[..length]),
        }
        self.filled += length;
    }
}

impl Endings {
    /// Appends so many texts, of which one often begins like the one before.
    pub fn write(&mut self, out: &mut Vec<u8>, text: &[u8], count: usize, spans: impl Iterator<Item = Span>) {
        self.shared.resize(count, 0);
        self.lengths.resize(count, 0);
        let mut before = [0; 2];
        for ((span, shared), length) in spans.zip(&mut self.shared).zip(&mut self.lengths) {
            *shared = common(text, before, span);
            *length = span[1] - span[0] - *shared;
            self.rest.push(&text[(span[0] + *shared) as usize..], *length as usize);
            before = span;
        }
        self.finish(out);
    }

    /// The same for texts in no order: the beginning is what all of them share.
    pub fn write_scattered(&mut self, out: &mut Vec<u8>, text: &[u8], spans: impl Iterator<Item = Span>) {
        self.spans.clear();
        self.spans.extend(spans);
        self.share(self.spans.len(), beginning(text, self.spans.iter().copied()));
        for (([start, end], shared), length) in self.spans.iter().zip(&self.shared).zip(&mut self.lengths) {
            *length = end - start - shared;
            self.rest.push(&text[(start + shared) as usize..], *length as usize);
        }
        self.finish(out);
    }

    /// The same for so many texts of which the endings are short, by their codes.
    pub fn write_short(&mut self, out: &mut Vec<u8>, texts: &ShortEndings, count: usize, codes: impl Iterator<Item = u32>) {
        self.share(count, texts.beginning.len() as u32);
        if count > 0 {
            self.rest.push(&texts.beginning, texts.beginning.len());
        }
        match &texts.endings {
            Short::Of7(endings) => self.push_short(endings, codes),
            Short::Of15(endings) => self.push_short(endings, codes),
        }
        self.lengths.iter_mut().take(1).for_each(|first| *first += texts.beginning.len() as u32);
        self.finish(out);
    }

    fn push_short<const ROOM: usize>(&mut self, endings: &[[u8; ROOM]], mut codes: impl Iterator<Item = u32>) {
        self.rest.reserve(self.lengths.len() * ROOM);
        let (mut filled, bytes) = (self.rest.filled, &mut self.rest.bytes[..]);
        let mut found = [[0; ROOM]; TOGETHER];
        for lengths in self.lengths.chunks_mut(TOGETHER) {
            let found = &mut found[..lengths.len()];
            found.iter_mut().zip(&mut codes).for_each(|(ending, code)| *ending = endings[code as usize]);
            for (ending, length) in found.iter().zip(lengths) {
                *bytes[filled..].first_chunk_mut().expect("there is room for all") = *ending;
                *length = ending[ROOM - 1].into();
                filled += *length as usize;
            }
        }
        self.rest.filled = filled;
    }

    /// So many texts begin like the first.
    fn share(&mut self, count: usize, beginning: u32) {
        self.lengths.resize(count, 0);
        self.shared.resize(count, beginning);
        self.shared.iter_mut().take(1).for_each(|first| *first = 0);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        differences(out, Reach::Bits32, &self.shared);
        differences(out, Reach::Bits32, &self.lengths);
        out.extend_from_slice(&self.rest.bytes[..self.rest.filled]);
        self.shared.clear();
        self.lengths.clear();
        self.rest.filled = 0;
    }
}

/// Texts without the beginning that all of them share, where little is left of each: a text is one look instead of two, at
/// where it stands and at what stands there.
#[derive(Debug)]
pub(crate) struct ShortEndings {
    beginning: Vec<u8>,
    endings: Short,
}

/// Endings, the last byte of which says how many of the others there are.
#[derive(Debug)]
enum Short {
    Of7(Vec<[u8; 8]>),
    Of15(Vec<[u8; 16]>),
}

impl ShortEndings {
    /// Nothing where what is left of some text is long.
    pub fn of(text: &[u8], spans: impl ExactSizeIterator<Item = Span> + Clone) -> Option<Self> {
        let shared = beginning(text, spans.clone());
        let first = spans.clone().next().map_or(0, |[start, _]| start as usize);
        let longest = spans.clone().fold(0, |longest, [start, end]| longest.max(end - start)) - shared;
        let spans = spans.map(|[start, end]| [start + shared, end]);
        let endings = match longest {
            0..8 => Short::Of7(short(text, spans)),
            8..16 => Short::Of15(short(text, spans)),
            _ => return None,
        };
        Some(Self { beginning: text[first..first + shared as usize].to_vec(), endings })
    }
}

fn short<const ROOM: usize>(text: &[u8], spans: impl ExactSizeIterator<Item = Span>) -> Vec<[u8; ROOM]> {
    let mut endings = vec![[0; ROOM]; spans.len()];
    for (to, [start, end]) in endings.iter_mut().zip(spans) {
        let (from, length) = (&text[start as usize..], (end - start) as usize);
        match from.first_chunk() {
            Some(piece) => *to = *piece,
            None => to[..length].copy_from_slice(&from[..length]),
        }
        to[ROOM - 1] = length as u8;
    }
    endings
}

/// The 8 bytes from this place on, where there are so many.
#[inline]
fn word(text: &[u8], place: usize) -> Option<u64> {
    text.get(place..).and_then(|rest| rest.first_chunk()).map(|word| u64::from_le_bytes(*word))
}

/// How many bytes two texts begin with alike.
#[inline]
fn common(text: &[u8], [one, one_end]: Span, [other, other_end]: Span) -> u32 {
    let most = (one_end - one).min(other_end - other);
    let (one, other) = (&text[one as usize..], &text[other as usize..]);
    let mut alike = 0;
    for (one, other) in one.as_chunks().0.iter().zip(other.as_chunks().0) {
        let differing = u128::from_le_bytes(*one) ^ u128::from_le_bytes(*other);
        if differing != 0 {
            return most.min(alike + differing.trailing_zeros() / 8);
        }
        alike += 16;
        if alike >= most {
            return most;
        }
    }
    let rest = alike as usize..most as usize;
    alike + one[rest.clone()].iter().zip(&other[rest]).take_while(|(byte, other)| byte == other).count() as u32
}

/// How many bytes all texts begin with alike.
fn beginning(text: &[u8], spans: impl Iterator<Item = Span> + Clone) -> u32 {
    let Some([first, end]) = spans.clone().next() else { return 0 };
    let most = spans.clone().fold(end - first, |most, [start, end]| most.min(end - start));
    let mut alike = 0;
    while alike < most {
        let differing = word(text, (first + alike) as usize).and_then(|wanted| {
            let of = |start| word(text, (start + alike) as usize).map(|word| word ^ wanted);
            spans.clone().try_fold(0, |differing, [start, _]| of(start).map(|of| differing | of))
        });
        match differing {
            Some(0) => alike += 8,
            Some(differing) => return most.min(alike + differing.trailing_zeros() / 8),
            None => return spans.map(|span| common(text, [first, end], span)).min().unwrap_or_default(),
        }
    }
    most
}
