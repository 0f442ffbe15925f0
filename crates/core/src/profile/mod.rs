//! Profiles: a vendor's policies as a file of knobs, so that rules can differ without code.
//!
//! Owns: every knob, what it may say, the profiles that come with the engine, reading an operator's own.
//! Does not own: what a knob does (the module that asks for it says that), the settings of a home.
//! Promises: a profile always has every knob; a knob or word that does not exist is an error that names those that do,
//! never ignored.
//!
//! A file sets the knobs that differ from its `base` (a profile that comes with the engine, `huawei-intl` if it names none).
//! A table is merged part by part: `[auto_renew_first_try] days_before = 3` keeps the base's time of day. `huawei-intl.toml`
//! sets and explains them all.

mod knobs;
mod read;

pub use knobs::*;

use crate::number::{FeeScale, Money};
use crate::time::Zone;
use std::time::Duration;
use toml::Table;

const BUILTIN: [(&str, &str); 3] = [
    ("huawei-intl", include_str!("../../profiles/huawei-intl.toml")),
    ("huawei-cn", include_str!("../../profiles/huawei-cn.toml")),
    ("ksyun", include_str!("../../profiles/ksyun.toml")),
];

/// The key of a profile that is no knob: what the file sets its knobs on top of.
const BASE: &str = "base";

/// Every policy that a vendor or an operator may decide differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The zone in which days, months and timers close.
    pub zone: Zone,
    /// What use is measured in.
    pub ppu_unit: PpuUnit,
    /// The window that becomes one charge where the price row names none.
    pub ppu_settle: PpuSettle,
    /// When the last day of a subscription ends.
    pub expiry_instant: ExpiryInstant,
    /// What the 31st becomes in a shorter month.
    pub month_end_anchor: MonthEndAnchor,
    /// How long after its end an hour waits for its usage before the scheduler settles it.
    pub settle_delay: Duration,
    /// How long after its month usage still settles by itself; nothing: for ever.
    pub late_cutoff: Option<Duration>,
    /// Until when a transaction still belongs to its month.
    pub cycle_cutoff: CycleCutoff,
    /// The day of the next month on which a bill is final; 1 to 28.
    pub bill_final: u32,
    /// Digits after the point that a fee keeps; 2 to 8.
    pub fee_scale: FeeScale,
    /// Where fees become whole minor units.
    pub round_at: RoundAt,
    /// How orders and refunds become whole minor units. Handling fees are always half-up.
    pub rounding: Rounding,
    /// Over what tiers and packages count a month's quantity.
    pub tier_scope: TierScope,
    /// How a part of a period is priced.
    pub proration: Proration,
    /// From when a change of specification counts after the day of purchase.
    pub change_from: ChangeFrom,
    /// How the extra days of a unified expiry date are priced.
    pub align_proration: Proration,
    /// Over which days a period's amount is spread.
    pub amortize_days: AmortizeDays,
    /// Which voucher pays first.
    pub voucher_order: VoucherOrder,
    /// How many vouchers one order or renewal takes. Pay-per-use always takes many.
    pub vouchers_per_order: VouchersPerOrder,
    /// Which money pays first.
    pub fund_order: FundOrder,
    /// What may pay a renewal, in this order.
    pub renewal_sources: Vec<RenewalSource>,
    /// What must be available to start something billed by use, in the major unit.
    pub min_available_for_ppu: Money,
    /// The first attempt to renew.
    pub auto_renew_first_try: FirstTry,
    /// What follows a failed attempt to renew.
    pub auto_renew_retries: AutoRenewRetries,
    /// How much an automatic renewal buys where nobody chose.
    pub auto_renew_term: AutoRenewTerm,
    /// Where a period begins that is bought after expiry.
    pub renew_after_expiry_from: RenewAfterExpiryFrom,
    /// When an instance expires whose last attempt to renew failed.
    pub expire_on_failed_renewal: ExpireOnFailedRenewal,
    /// Whether a suspended instance may be renewed.
    pub renew_suspended: bool,
    /// When a downgrade at renewal takes effect.
    pub downgrade_timing: DowngradeTiming,
    /// The outstanding amount from which an account is in arrears.
    pub arrears_threshold: ArrearsThreshold,
    /// When an account's status moves.
    pub arrears_at: ArrearsAt,
    /// When arrears stop the service, where the product does not say.
    pub arrears_stops: ArrearsStops,
    /// Days that expired or unpaid resources still run.
    pub grace: DaysByLevel,
    /// Days that they are then kept, stopped, before they are released.
    pub retention: DaysByLevel,
    /// Whether what runs by use is billed while it is kept stopped.
    pub ppu_in_retention: PpuInRetention,
    /// The unit in which a period counts as used.
    pub refund_time_unit: RefundTimeUnit,
    /// Whether vouchers come back when a purchase is given back within five days.
    pub voucher_back_in_5_days: bool,
    /// How many purchases may be given back unconditionally within five days.
    pub five_day_quota: FiveDayQuota,
    /// The percentage kept of what was paid; nothing: none is kept.
    pub handling_fee: Option<HandlingFee>,
    /// Above which amount, by currency, a refund waits for a second person; nothing: none does.
    pub large_refund_above: Option<LargeRefund>,
    /// How long after its request a large refund is approved by itself; nothing: never.
    pub refund_auto_approve_after: Option<Duration>,
    /// Whether a person approves every bill.
    pub approval: Approval,
}

/// Why a text is not a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Not TOML at all.
    #[error("the profile is not valid TOML: {0}")]
    Syntax(String),
    /// No such profile comes with the engine.
    #[error("there is no profile `{seen}`; those that come with the engine are {known}{hint}")]
    UnknownProfile {
        /// What was asked for.
        seen: String,
        /// The profiles there are.
        known: String,
        /// The nearest, if one is near.
        hint: String,
    },
    /// A rule of a price row, not of a profile.
    #[error("`{0}` belongs to a price row, never to a profile: set it in the column `{0}` of prices")]
    OfPriceRow(String),
    /// No such knob.
    #[error("there is no knob `{seen}`; known knobs are {known}{hint}")]
    UnknownKnob {
        /// What was set.
        seen: String,
        /// The knobs there are.
        known: String,
        /// The nearest, if one is near.
        hint: String,
    },
    /// A value that the knob does not take.
    #[error("knob `{knob}` is `{seen}`; expected {expected}{hint}")]
    UnknownValue {
        /// The knob, with its part: `five_day_quota.per`.
        knob: String,
        /// What it was set to.
        seen: String,
        /// What it takes.
        expected: String,
        /// The nearest word, if one is near.
        hint: String,
    },
}

impl Profile {
    /// The names of the profiles that come with the engine, the default first.
    pub const BUILTIN_NAMES: [&str; 3] = [BUILTIN[0].0, BUILTIN[1].0, BUILTIN[2].0];

    /// A profile that comes with the engine.
    ///
    /// # Errors
    /// [`ProfileError::UnknownProfile`], which names those that do.
    pub fn builtin(name: &str) -> Result<Self, ProfileError> {
        Self::parse(builtin_text(name)?)
    }

    /// The text of a profile that comes with the engine, as `profiles/NAME.toml` holds it.
    ///
    /// # Errors
    /// [`ProfileError::UnknownProfile`], which names those that do.
    pub fn builtin_toml(name: &str) -> Result<&'static str, ProfileError> {
        builtin_text(name)
    }

    /// Reads a profile: the knobs that a text sets, on top of its `base`.
    ///
    /// # Errors
    /// A [`ProfileError`] that names the knob, what was seen and what was expected.
    ///
    /// # Example: Huawei's rules, but vouchers by expiry alone
    /// ```
    /// use reckoner_core::profile::{Profile, VoucherOrder};
    /// let profile = Profile::parse("base = \"huawei-cn\"\nvoucher_order = \"expiry_then_available\"")?;
    /// assert_eq!(profile.voucher_order, VoucherOrder::ExpiryThenAvailable);
    /// assert_eq!(profile.round_at, Profile::builtin("huawei-cn")?.round_at);
    /// # Ok::<(), reckoner_core::profile::ProfileError>(())
    /// ```
    pub fn parse(toml_text: &str) -> Result<Self, ProfileError> {
        Self::from_knobs(&read::Knobs(&whole_table(toml_text)?))
    }

    fn from_knobs(knobs: &read::Knobs<'_>) -> Result<Self, ProfileError> {
        Ok(Self {
            zone: knobs.zone("zone")?,
            ppu_unit: knobs.word("ppu_unit")?,
            ppu_settle: knobs.word("ppu_settle")?,
            expiry_instant: knobs.word("expiry_instant")?,
            month_end_anchor: knobs.word("month_end_anchor")?,
            settle_delay: knobs.duration("settle_delay")?,
            late_cutoff: knobs.duration_or("late_cutoff", "off")?,
            cycle_cutoff: knobs.word("cycle_cutoff")?,
            bill_final: knobs.number("bill_final", 1, 28)?,
            fee_scale: knobs.fee_scale("fee_scale")?,
            round_at: knobs.word("round_at")?,
            rounding: knobs.word("rounding")?,
            tier_scope: knobs.word("tier_scope")?,
            proration: knobs.word("proration")?,
            change_from: knobs.word("change_from")?,
            align_proration: knobs.word("align_proration")?,
            amortize_days: knobs.word("amortize_days")?,
            voucher_order: knobs.word("voucher_order")?,
            vouchers_per_order: knobs.per_order("vouchers_per_order")?,
            fund_order: knobs.word("fund_order")?,
            renewal_sources: knobs.words("renewal_sources")?,
            min_available_for_ppu: knobs.money("min_available_for_ppu")?,
            auto_renew_first_try: knobs.first_try("auto_renew_first_try")?,
            auto_renew_retries: knobs.word("auto_renew_retries")?,
            auto_renew_term: knobs.word("auto_renew_term")?,
            renew_after_expiry_from: knobs.word("renew_after_expiry_from")?,
            expire_on_failed_renewal: knobs.word("expire_on_failed_renewal")?,
            renew_suspended: knobs.yes_no("renew_suspended")?,
            downgrade_timing: knobs.word("downgrade_timing")?,
            arrears_threshold: knobs.threshold("arrears_threshold")?,
            arrears_at: knobs.word("arrears_at")?,
            arrears_stops: knobs.word("arrears_stops")?,
            grace: knobs.days_by_level("grace")?,
            retention: knobs.days_by_level("retention")?,
            ppu_in_retention: knobs.word("ppu_in_retention")?,
            refund_time_unit: knobs.word("refund_time_unit")?,
            voucher_back_in_5_days: knobs.yes_no("voucher_back_in_5_days")?,
            five_day_quota: knobs.quota("five_day_quota")?,
            handling_fee: knobs.handling_fee("handling_fee")?,
            large_refund_above: knobs.large_refund("large_refund_above")?,
            refund_auto_approve_after: knobs.waiting_time("refund_auto_approve_after")?,
            approval: knobs.word("approval")?,
        })
    }
}

fn builtin_text(name: &str) -> Result<&'static str, ProfileError> {
    let found = BUILTIN.iter().find(|(builtin, _)| *builtin == name).map(|(_, text)| *text);
    found.ok_or_else(|| ProfileError::UnknownProfile {
        seen: name.to_owned(),
        known: Profile::BUILTIN_NAMES.map(|name| format!("`{name}`")).join(", "),
        hint: hint(name, Profile::BUILTIN_NAMES.into_iter()),
    })
}

/// A text's knobs on top of its bases': the default profile's keys are the knobs there are.
fn whole_table(toml_text: &str) -> Result<Table, ProfileError> {
    let default = parse_table(BUILTIN[0].1)?;
    if toml_text == BUILTIN[0].1 {
        return Ok(default);
    }
    let mut table = parse_table(toml_text)?;
    let mut whole = match table.remove(BASE) {
        Some(toml::Value::String(name)) => whole_table(builtin_text(&name)?)?,
        Some(other) => builtin_text(&other.to_string()).map(|_| Table::new())?,
        None => default.clone(),
    };
    if let Some(knob) = table.keys().find(|knob| !default.contains_key(*knob)) {
        return Err(unknown_knob(knob, &default));
    }
    for (knob, value) in table {
        set(&mut whole, knob, value);
    }
    Ok(whole)
}

fn parse_table(text: &str) -> Result<Table, ProfileError> {
    text.parse::<Table>().map_err(|error| ProfileError::Syntax(error.to_string().trim_end().to_owned()))
}

/// Sets a knob; of two tables, the parts.
fn set(whole: &mut Table, knob: String, value: toml::Value) {
    match (whole.get_mut(&knob), value) {
        (Some(toml::Value::Table(base)), toml::Value::Table(parts)) => {
            parts.into_iter().for_each(|(part, value)| set(base, part, value));
        }
        (_, value) => {
            whole.insert(knob, value);
        }
    }
}

fn unknown_knob(seen: &str, default: &Table) -> ProfileError {
    if ["min_seconds", "min_charge", "step_seconds"].contains(&seen) {
        return ProfileError::OfPriceRow(seen.to_owned());
    }
    ProfileError::UnknownKnob {
        seen: seen.to_owned(),
        known: default.keys().map(|knob| format!("`{knob}`")).collect::<Vec<_>>().join(", "),
        hint: hint(seen, default.keys().map(String::as_str)),
    }
}

/// `; did you mean …?` for the nearest word, if it is near enough to be a slip.
fn hint<'a>(seen: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known.map(|word| (distance(seen, word), word)).min();
    match nearest {
        Some((steps, word)) if steps * 2 <= word.len() => format!("; did you mean `{word}`?"),
        _ => String::new(),
    }
}

/// How many letters to put in, take out or change to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for column in 0..to.len() {
            let change = diagonal + usize::from(to[column] != letter);
            diagonal = row[column + 1];
            row[column + 1] = change.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests;
