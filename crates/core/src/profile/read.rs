//! Reading knobs from TOML: each says what it takes, and what was seen instead.

use super::ProfileError;
use super::knobs::{ArrearsThreshold, DaysByLevel, FirstTry, FiveDayQuota, HandlingFee, LargeRefund, VouchersPerOrder, Words};
use crate::number::{FeeScale, Money};
use crate::time::Zone;
use chrono::NaiveTime;
use std::collections::BTreeMap;
use std::time::Duration;
use toml::{Table, Value};

const A_DURATION: &str = "a whole number with a unit, such as `10m`, `36h` or `3d`";

const WAITING_DAYS_MAX: u64 = 3_650;

/// The knobs of a whole profile: bases merged in, every knob present.
pub(super) struct Knobs<'a>(pub &'a Table);

impl<'a> Knobs<'a> {
    fn value(&self, knob: &str) -> &'a Value {
        self.0.get(knob).expect("the base of every profile sets every knob")
    }

    pub fn zone(&self, knob: &str) -> Result<Zone, ProfileError> {
        let expected = "an offset such as `+08:00` or an IANA zone such as `Europe/Paris`";
        text(self.value(knob)).and_then(|text| Zone::parse(text).ok()).ok_or_else(|| bad(knob, self.value(knob), expected))
    }

    pub fn word<T: Words>(&self, knob: &str) -> Result<T, ProfileError> {
        word(knob, self.value(knob))
    }

    pub fn words<T: Words>(&self, knob: &str) -> Result<Vec<T>, ProfileError> {
        let Value::Array(items) = self.value(knob) else {
            return Err(bad(knob, self.value(knob), &format!("a list of {}", known_words::<T>())));
        };
        items.iter().map(|item| word(knob, item)).collect()
    }

    pub fn yes_no(&self, knob: &str) -> Result<bool, ProfileError> {
        self.value(knob).as_bool().ok_or_else(|| bad(knob, self.value(knob), "`true` or `false`"))
    }

    pub fn number(&self, knob: &str, least: u32, most: u32) -> Result<u32, ProfileError> {
        number(knob, self.value(knob), least, most)
    }

    pub fn fee_scale(&self, knob: &str) -> Result<FeeScale, ProfileError> {
        let digits = self.number(knob, 2, 8)?;
        Ok(FeeScale::new(digits).expect("2 to 8 digits are a scale"))
    }

    pub fn money(&self, knob: &str) -> Result<Money, ProfileError> {
        let value = self.value(knob);
        money(value).ok_or_else(|| bad(knob, value, "an amount in quotes, such as `\"100\"`"))
    }

    pub fn duration(&self, knob: &str) -> Result<Duration, ProfileError> {
        let value = self.value(knob);
        text(value).and_then(duration).ok_or_else(|| bad(knob, value, A_DURATION))
    }

    /// A duration, or the word that says there is none.
    pub fn duration_or(&self, knob: &str, none: &str) -> Result<Option<Duration>, ProfileError> {
        if text(self.value(knob)) == Some(none) {
            return Ok(None);
        }
        let expected = format!("`{none}`, or {A_DURATION}");
        self.duration(knob).map(Some).map_err(|_| bad(knob, self.value(knob), &expected))
    }

    /// How long something waits for a person, at most ten years; or `never`.
    pub fn waiting_time(&self, knob: &str) -> Result<Option<Duration>, ProfileError> {
        let time = self.duration_or(knob, "never")?;
        match time.is_none_or(|time| time.as_secs() <= WAITING_DAYS_MAX * 86_400) {
            true => Ok(time),
            false => Err(bad(knob, self.value(knob), &format!("`never`, or at most `{WAITING_DAYS_MAX}d`"))),
        }
    }

    pub fn threshold(&self, knob: &str) -> Result<ArrearsThreshold, ProfileError> {
        let value = self.value(knob);
        if text(value) == Some("minor_unit") {
            return Ok(ArrearsThreshold::MinorUnit);
        }
        let amount = money(value).filter(|amount| amount.is_positive()).map(ArrearsThreshold::Amount);
        amount.ok_or_else(|| bad(knob, value, "`minor_unit`, or an amount above 0 in quotes, such as `\"5.00\"`"))
    }

    pub fn per_order(&self, knob: &str) -> Result<VouchersPerOrder, ProfileError> {
        let value = self.value(knob);
        if text(value) == Some("many") {
            return Ok(VouchersPerOrder::Many);
        }
        let count = number(knob, value, 1, 1_000).map(VouchersPerOrder::AtMost);
        count.map_err(|_| bad(knob, value, "`many`, or a number from 1 to 1000"))
    }

    pub fn first_try(&self, knob: &str) -> Result<FirstTry, ProfileError> {
        let parts = self.parts(knob, &["days_before", "at"])?;
        let at_knob = format!("{knob}.at");
        let at = text(parts[1]).and_then(|text| NaiveTime::parse_from_str(text, "%H:%M").ok());
        Ok(FirstTry {
            days_before: number(&format!("{knob}.days_before"), parts[0], 0, 30)?,
            at: at.ok_or_else(|| bad(&at_knob, parts[1], "a time of day such as `03:00`"))?,
        })
    }

    pub fn quota(&self, knob: &str) -> Result<FiveDayQuota, ProfileError> {
        let parts = self.parts(knob, &["count", "per"])?;
        Ok(FiveDayQuota {
            count: number(&format!("{knob}.count"), parts[0], 0, 1_000_000)?,
            per: word(&format!("{knob}.per"), parts[1])?,
        })
    }

    pub fn handling_fee(&self, knob: &str) -> Result<Option<HandlingFee>, ProfileError> {
        if text(self.value(knob)) == Some("none") {
            return Ok(None);
        }
        let terms = ["month", "one_year", "two_years", "three_years"];
        let parts = self.parts(knob, &terms)?;
        let percents = |at: usize| -> Result<Vec<u32>, ProfileError> {
            let knob = format!("{knob}.{}", terms[at]);
            match parts[at] {
                Value::Array(items) if !items.is_empty() => items.iter().map(|item| number(&knob, item, 0, 100)).collect(),
                other => Err(bad(&knob, other, "a list of percentages by year of use, such as `[15, 10]`")),
            }
        };
        Ok(Some(HandlingFee { month: percents(0)?, one_year: percents(1)?, two_years: percents(2)?, three_years: percents(3)? }))
    }

    /// Amounts by currency, or the word that says there are none.
    pub fn large_refund(&self, knob: &str) -> Result<Option<LargeRefund>, ProfileError> {
        let value = self.value(knob);
        if text(value) == Some("none") {
            return Ok(None);
        }
        let expected = "`none`, or a table of amounts in quotes by currency, such as `{ CNY = \"50000\" }`";
        let Value::Table(table) = value else { return Err(bad(knob, value, expected)) };
        let mut above = BTreeMap::new();
        for (currency, value) in table {
            let is_currency = currency.len() == 3 && currency.bytes().all(|letter| letter.is_ascii_uppercase());
            let amount = money(value).filter(|amount| is_currency && !amount.is_negative());
            let amount = amount.ok_or_else(|| bad(&format!("{knob}.{currency}"), value, expected))?;
            above.insert(currency.clone(), amount);
        }
        Ok(Some(LargeRefund { above }))
    }

    pub fn days_by_level(&self, knob: &str) -> Result<DaysByLevel, ProfileError> {
        let value = self.value(knob);
        if value.is_integer() {
            return Ok(DaysByLevel { subscription: levels(knob, value)?, pay_per_use: levels(knob, value)? });
        }
        let parts = self.parts(knob, &["subscription", "pay_per_use"])?;
        Ok(DaysByLevel {
            subscription: levels(&format!("{knob}.subscription"), parts[0])?,
            pay_per_use: levels(&format!("{knob}.pay_per_use"), parts[1])?,
        })
    }

    fn parts(&self, knob: &str, names: &[&str]) -> Result<Vec<&'a Value>, ProfileError> {
        parts(knob, self.value(knob), names)
    }
}

/// The parts of a table, in the order of `names`: all of them, and no others.
fn parts<'v>(knob: &str, value: &'v Value, names: &[&str]) -> Result<Vec<&'v Value>, ProfileError> {
    let listed = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let expected = format!("a table of {listed}");
    let Value::Table(table) = value else {
        return Err(bad(knob, value, &expected));
    };
    if let Some((name, value)) = table.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        return Err(bad(&format!("{knob}.{name}"), value, &expected));
    }
    names.iter().map(|name| table.get(*name).ok_or_else(|| bad(knob, value, &expected))).collect()
}

fn levels(knob: &str, value: &Value) -> Result<BTreeMap<String, u32>, ProfileError> {
    let levels = DaysByLevel::LEVELS;
    let each = if value.is_integer() { vec![value; levels.len()] } else { parts(knob, value, &levels)? };
    levels.iter().zip(each).map(|(level, days)| Ok(((*level).to_owned(), number(knob, days, 0, 3_650)?))).collect()
}

fn word<T: Words>(knob: &str, value: &Value) -> Result<T, ProfileError> {
    // A word such as `30` may be written as a number.
    let seen = match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        _ => return Err(bad(knob, value, &known_words::<T>())),
    };
    let found = T::WORDS.iter().find(|(word, _)| *word == seen).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| ProfileError::UnknownValue {
        knob: knob.to_owned(),
        expected: known_words::<T>(),
        hint: super::hint(&seen, T::WORDS.iter().map(|(word, _)| *word)),
        seen,
    })
}

fn known_words<T: Words>() -> String {
    T::WORDS.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn number(knob: &str, value: &Value, least: u32, most: u32) -> Result<u32, ProfileError> {
    let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
    let in_range = number.filter(|number| (least..=most).contains(number));
    in_range.ok_or_else(|| bad(knob, value, &format!("a whole number from {least} to {most}")))
}

fn money(value: &Value) -> Option<Money> {
    text(value).and_then(|text| Money::parse(text).ok())
}

/// `10m`, `10 min`, `36h`, `3d`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit_seconds = match text[digits..].trim_start() {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let count: u32 = text[..digits].parse().ok()?;
    Some(Duration::from_secs(u64::from(count) * unit_seconds))
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

fn bad(knob: &str, value: &Value, expected: &str) -> ProfileError {
    let seen = text(value).map_or_else(|| value.to_string(), str::to_owned);
    ProfileError::UnknownValue { knob: knob.to_owned(), seen, expected: expected.to_owned(), hint: String::new() }
}
