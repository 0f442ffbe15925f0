//! Small tables and numbers for a person at a terminal: plain text, aligned, at most 100 columns, no colour.
//!
//! Text that comes from files may hold anything; control characters are shown, never sent.

use reckoner_core::number::{MONEY_SCALE, Money, QUANTITY_SCALE, format_trimmed};
use reckoner_core::time::{Instant, Zone};
use std::time::Duration;

/// Columns of text that a line has at most.
pub const WIDTH: usize = 100;
const GAP: usize = 2;

/// Where a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Words of which a part is worth nothing, such as ids: on the left, never shortened.
    Whole,
    /// Numbers.
    Right,
}

/// A small table of text.
#[derive(Debug, Clone)]
pub struct Sheet {
    width: usize,
    headings: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    /// A table with these columns.
    pub fn new(headings: &[(&str, Align)]) -> Self {
        let headings = headings.iter().map(|(name, align)| ((*name).to_owned(), *align)).collect();
        Self { width: WIDTH, headings, rows: Vec::new() }
    }

    /// The same, as wide as this.
    #[must_use]
    pub fn at_most(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// Adds a row; missing cells are empty, surplus ones are not shown.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let mut cells: Vec<String> = cells.into_iter().map(|cell| shown(&cell.into())).collect();
        cells.resize(self.headings.len(), String::new());
        self.rows.push(cells);
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as lines, each ended; the widest words give way where a line would pass [`WIDTH`].
    pub fn to_text(&self) -> String {
        let widths = self.widths();
        let heading: Vec<String> = self.headings.iter().map(|(name, _)| name.clone()).collect();
        let mut text = self.line(&heading, &widths);
        for row in &self.rows {
            text.push_str(&self.line(row, &widths));
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let column_width = |index: usize| {
            let cells = self.rows.iter().map(|row| width(&row[index]));
            cells.chain([width(&self.headings[index].0)]).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..self.headings.len()).map(column_width).collect();
        let gaps = GAP * widths.len().saturating_sub(1);
        // Numbers are never shortened: half a number is a wrong number.
        while widths.iter().sum::<usize>() + gaps > self.width {
            let words = (0..widths.len()).filter(|&index| self.headings[index].1 == Align::Left);
            match words.max_by_key(|&index| widths[index]).filter(|&index| widths[index] > 8) {
                Some(index) => widths[index] -= 1,
                None => break,
            }
        }
        widths
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, &column), (_, align)) in cells.iter().zip(widths).zip(&self.headings) {
            if !line.is_empty() || column == 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let cell = shortened(cell, column);
            let blanks = " ".repeat(column.saturating_sub(width(&cell)));
            match align {
                Align::Left | Align::Whole => line.extend([cell.as_str(), &blanks]),
                Align::Right => line.extend([&blanks, cell.as_str()]),
            }
        }
        format!("{}\n", line.trim_end())
    }
}

/// Facts about one thing, one a line, values aligned.
pub fn facts(pairs: &[(&str, String)]) -> String {
    let names = pairs.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    pairs.iter().map(|(name, value)| format!("{name}{}{}\n", " ".repeat(names + GAP - width(name)), shown(value))).collect()
}

/// Words in lines of at most `width` columns, each line behind `indent`. A longer word has a line of its own.
pub fn wrapped(text: &str, indent: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace().map(shown) {
        match lines.last_mut() {
            Some(line) if self::width(line) + 1 + self::width(&word) <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// `1 window`, `1,200 windows`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    grouped_digits(&number.to_string())
}

fn grouped_digits(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1,234.50 CNY`: every digit that there is, at least two after the point.
pub fn money(amount: Money, currency: &str) -> String {
    wide_money(i128::from(amount.e8()), currency)
}

/// [`money`] for a sum at 1e-8 that may pass 64 bits.
pub fn wide_money(amount_e8: i128, currency: &str) -> String {
    let (sign, magnitude) = signed(amount_e8, MONEY_SCALE);
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((&magnitude, ""));
    format!("{sign}{}.{fraction:0<2} {currency}", grouped_digits(whole)).trim_end().to_owned()
}

/// `5,400` or `0.5`: a quantity or price, every digit that there is.
pub fn decimal(value_e12: i128) -> String {
    let (sign, magnitude) = signed(value_e12, QUANTITY_SCALE);
    match magnitude.split_once('.') {
        Some((whole, fraction)) => format!("{sign}{}.{fraction}", grouped_digits(whole)),
        None => format!("{sign}{}", grouped_digits(&magnitude)),
    }
}

fn signed(value: i128, scale: u32) -> (&'static str, String) {
    let text = format_trimmed(value, scale);
    match text.strip_prefix('-') {
        Some(magnitude) => ("-", magnitude.to_owned()),
        None => ("", text),
    }
}

/// `1.2 MB`, in steps of 1000.
pub fn human_bytes(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < units.len() {
        tenths /= 1_000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, units[unit])
}

/// `2026-01-05 10:00:00` on the clocks of the billing zone.
pub fn on_the_clock(instant: Instant, zone: Zone) -> String {
    zone.to_text(instant).chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// The last second before an end, as vendors print an expiry: `2026-02-05 23:59:59`.
pub fn last_covered(end: Instant, zone: Zone) -> String {
    on_the_clock(end.plus_seconds(-1), zone)
}

/// `850 ms`, `1.2 s`, `3 min 5 s`, `2 h 10 min`.
pub fn human_duration(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", millis / 100),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// How many a second: `1,250,000/s`.
pub fn rate(count: u64, duration: Duration) -> String {
    let millis = duration.as_millis().max(1);
    let a_second = u128::from(count) * 1_000 / millis;
    format!("{}/s", grouped(u64::try_from(a_second).unwrap_or(u64::MAX)))
}

/// Control characters as `\u{1b}`, so that a name from a file cannot move the cursor.
fn shown(text: &str) -> String {
    let show = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(show).collect()
}

fn shortened(text: &str, column: usize) -> String {
    if width(text) <= column {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if width(&kept) + char_width(c) + 1 > column {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Chinese, Japanese and Korean characters fill two columns.
fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f => 0, // combining marks
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f => 2,
        0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_numbers_stay_whole() {
        let mut sheet = Sheet::new(&[("account", Align::Left), ("name", Align::Left), ("due", Align::Right)]);
        sheet.row(["a-1", "云服务", "1,234.50"]);
        sheet.row(["a-22", "\u{1b}[2J", "0.05"]);
        // The wide characters fill two columns each; a sequence that would clear the screen is only shown.
        let expected = "account  name            due\n\
                        a-1      云服务     1,234.50\n\
                        a-22     \\u{1b}[2J      0.05\n";
        assert_eq!(sheet.to_text(), expected);

        sheet.row(["x".repeat(90), "y".repeat(90), "9".repeat(20)]);
        let wide = sheet.to_text();
        assert!(wide.lines().all(|line| width(line) <= WIDTH), "{wide}");
        assert!(wide.contains(&"9".repeat(20)) && wide.contains('…'), "{wide}");
    }

    #[test]
    fn ids_stay_whole_and_other_words_give_way() {
        let mut sheet = Sheet::new(&[("id", Align::Whole), ("name", Align::Left)]).at_most(20);
        sheet.row(["0123456789", "a longer name"]);
        assert_eq!(sheet.to_text(), "id          name\n0123456789  a longe…\n");
    }

    #[test]
    fn an_expiry_is_shown_as_the_last_covered_second() {
        let (end, zone) = (Instant::parse("2026-02-05T16:00:00Z"), Zone::parse("+08:00"));
        let (end, zone) = (end.expect("an instant"), zone.expect("a zone"));
        assert_eq!(
            (on_the_clock(end, zone), last_covered(end, zone)),
            ("2026-02-06 00:00:00".into(), "2026-02-05 23:59:59".into())
        );
    }

    #[test]
    fn sentences_are_wrapped_between_words() {
        assert_eq!(wrapped("a bb  ccc dddd", "  ", 6), "  a bb\n  ccc\n  dddd\n");
        assert_eq!(wrapped("longer-than-that a", "", 6), "longer-than-that\na\n");
        assert_eq!(wrapped("", "  ", 6), "");
    }

    #[test]
    fn numbers_for_people() {
        for (number, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
        let amounts =
            [(0, "0.00 CNY"), (150_000_000, "1.50 CNY"), (-123_456_789_012, "-1,234.56789012 CNY"), (1, "0.00000001 CNY")];
        for (e8, expected) in amounts {
            assert_eq!(money(Money::from_e8(e8), "CNY"), expected);
        }
        assert_eq!(money(Money::from_e8(i64::MIN), ""), "-92,233,720,368.54775808");
        assert_eq!(wide_money(10_i128.pow(20), "CNY"), "1,000,000,000,000.00 CNY");
        for (e12, expected) in
            [(0, "0"), (5_400 * 10_i128.pow(12), "5,400"), (-1_234_500_000_000_000, "-1,234.5"), (1, "0.000000000001")]
        {
            assert_eq!(decimal(e12), expected);
        }
        for (bytes, expected) in [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (999_999, "999.9 kB"), (1_250_000, "1.2 MB")] {
            assert_eq!(human_bytes(bytes), expected);
        }
        for (millis, expected) in [(850, "850 ms"), (1_250, "1.2 s"), (185_000, "3 min 5 s"), (7_800_000, "2 h 10 min")] {
            assert_eq!(human_duration(Duration::from_millis(millis)), expected);
        }
        assert_eq!(rate(1_250_000, Duration::from_secs(1)), "1,250,000/s");
        assert_eq!(facts(&[("zone", "+08:00".into()), ("currency", "CNY".into())]), "zone      +08:00\ncurrency  CNY\n");
    }
}
