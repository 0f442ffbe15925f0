//! What a knob may say: one enum a knob, with the words that profiles use.

use crate::number::{FeeScale, Money};
use crate::table::BillingMode;
use chrono::NaiveTime;
use std::collections::BTreeMap;

/// A knob that takes one of a few words.
pub(super) trait Words: Sized + Copy + 'static {
    /// Every word with its meaning.
    const WORDS: &'static [(&'static str, Self)];
}

macro_rules! knob_words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$word_doc])* $variant),+ }

        impl $name {
            /// The word that profiles use.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl Words for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];
        }
    )+};
}

knob_words! {
    /// What use is measured in.
    PpuUnit {
        /// Whole seconds.
        Second = "second",
    }

    /// The window that becomes one charge where the price row names none.
    PpuSettle {
        /// The clock hour.
        Hour = "hour",
    }

    /// When the last day of a subscription ends.
    ExpiryInstant {
        /// At the midnight after it, printed 23:59:59.
        EndOfDay = "end_of_day",
    }

    /// What the 31st becomes in a shorter month.
    MonthEndAnchor {
        /// Its last day; the original day again where there is one.
        KeepDay = "keep_day",
    }

    /// Until when a transaction still belongs to its month.
    CycleCutoff {
        /// Until the month's bill is issued.
        Issue = "issue",
    }

    /// Where fees become whole minor units.
    RoundAt {
        /// Once a month, half-up, on the bill's total.
        Bill = "bill",
        /// On every settlement line, cut.
        Line = "line",
    }

    /// How orders and refunds become whole minor units.
    Rounding {
        /// Half away from zero.
        HalfUp = "half_up",
        /// Towards zero.
        Truncate = "truncate",
    }

    /// Over what tiers and packages count a month's quantity.
    TierScope {
        /// Everything that the account uses of the sku.
        Account = "account",
        /// Each resource on its own.
        Resource = "resource",
        /// Everything that the payer's accounts use of the sku.
        Payer = "payer",
    }

    /// How a part of a period is priced.
    Proration {
        /// Days left of each calendar month's own; years by 365, without 29 February.
        Calendar = "calendar",
        /// Every month has 30 days.
        Thirty = "30",
    }

    /// From when a change of specification counts after the day of purchase.
    ChangeFrom {
        /// The next full hour; on the hour, that instant.
        NextFullHour = "next_full_hour",
        /// The next midnight.
        NextDay = "next_day",
    }

    /// Over which days a period's amount is spread.
    AmortizeDays {
        /// From the start date to the date that the term names.
        Nominal = "nominal",
    }

    /// Which voucher pays first. Remaining ties: larger remaining amount, earlier grant, id.
    VoucherOrder {
        /// Pay-per-use: limited scope, then earliest expiry. Orders: largest balance, then earliest expiry.
        ScopeThenExpiry = "scope_then_expiry",
        /// Earliest expiry, then largest remaining amount.
        ExpiryThenAvailable = "expiry_then_available",
        /// Earliest expiry, then the largest part that can pay here, then smallest remaining amount.
        ExpiryThenDeductible = "expiry_then_deductible",
    }

    /// Which money pays first.
    FundOrder {
        /// Cash, then granted money.
        CashFirst = "cash_first",
        /// Granted money, then cash.
        GrantedFirst = "granted_first",
    }

    /// What may pay a renewal.
    RenewalSource {
        /// Vouchers, flexi coupons, stored value.
        Voucher = "voucher",
        /// Cash and granted money.
        Balance = "balance",
        /// Credit.
        Credit = "credit",
    }

    /// What follows a failed attempt to renew.
    AutoRenewRetries {
        /// Another one each day at the same time, until renewed or expired.
        Daily = "daily",
        /// Nothing.
        None = "none",
    }

    /// How much an automatic renewal buys where nobody chose.
    AutoRenewTerm {
        /// A year of what was bought for whole years, a month of everything else.
        AsBought = "as_bought",
        /// A month; a year of what is sold by the year, which has no shorter term.
        OneMonth = "one_month",
    }

    /// Where a period begins that is bought after expiry.
    RenewAfterExpiryFrom {
        /// At the old expiry: days of grace are used up.
        OldExpiry = "old_expiry",
        /// At the renewal.
        Renewal = "renewal",
    }

    /// When an instance expires whose last attempt to renew failed.
    ExpireOnFailedRenewal {
        /// At the end of its expiry date.
        EndOfDay = "end_of_day",
        /// At the attempt.
        AtOnce = "at_once",
    }

    /// When a downgrade at renewal takes effect.
    DowngradeTiming {
        /// At the renewal.
        Now = "now",
        /// With the new period.
        NextPeriod = "next_period",
    }

    /// When an account's status moves.
    ArrearsAt {
        /// With the daily job.
        Midnight = "midnight",
        /// At the settlement.
        Settlement = "settlement",
    }

    /// When arrears stop the service.
    ArrearsStops {
        /// When the grace days are over.
        AfterGrace = "after_grace",
        /// When they begin.
        AtOnce = "at_once",
    }

    /// Whether what runs by use is billed while it is kept stopped.
    PpuInRetention {
        /// Rated at nothing.
        Free = "free",
        /// Billed.
        Billed = "billed",
    }

    /// The unit in which a period counts as used.
    RefundTimeUnit {
        /// Whole hours; the one begun does not count.
        Hour = "hour",
        /// Days, with the day of application.
        Day = "day",
    }

    /// What a quota of purchases given back is counted over.
    QuotaPer {
        /// A calendar year of the billing zone.
        CalendarYear = "calendar_year",
        /// A product.
        Product = "product",
    }

    /// Whether a person approves every bill.
    Approval {
        /// Always.
        Required = "required",
        /// Only bills with a finding.
        AutoIfClean = "auto_if_clean",
    }
}

/// The first attempt of an automatic renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstTry {
    /// Days before the expiry date; 0 is the expiry date itself.
    pub days_before: u32,
    /// Time of day in the billing zone.
    pub at: NaiveTime,
}

/// How many vouchers one order or renewal takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VouchersPerOrder {
    /// At most this many; above 0.
    AtMost(u32),
    /// As many as it needs.
    Many,
}

/// The outstanding amount from which an account is in arrears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrearsThreshold {
    /// One minor unit of the account's currency.
    MinorUnit,
    /// This much, in the major unit; above 0.
    Amount(Money),
}

impl ArrearsThreshold {
    /// The threshold in this currency.
    pub fn amount(self, currency: &str) -> Money {
        match self {
            Self::MinorUnit => Money::from_e8(10_i64.pow(8 - FeeScale::minor_unit(currency).digits())),
            Self::Amount(amount) => amount,
        }
    }
}

/// Purchases that may be given back unconditionally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FiveDayQuota {
    /// How many.
    pub count: u32,
    /// Per year or per product.
    pub per: QuotaPer,
}

/// Which refunds are large, by currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeRefund {
    pub(super) above: BTreeMap<String, Money>,
}

impl LargeRefund {
    /// The amount above which a refund in this currency is large; nothing: none is.
    pub fn above(&self, currency: &str) -> Option<Money> {
        self.above.get(currency).copied()
    }
}

/// Days by billing mode and the account's level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaysByLevel {
    pub(super) subscription: BTreeMap<String, u32>,
    pub(super) pay_per_use: BTreeMap<String, u32>,
}

impl DaysByLevel {
    /// The levels that an account may have.
    pub const LEVELS: [&str; 6] = ["V0", "V1", "V2", "V3", "V4", "V5"];

    /// Days for something billed in this mode, at this level. A one-time purchase counts as a subscription, a level that
    /// does not exist as `V0`.
    pub fn days(&self, mode: BillingMode, level: &str) -> u32 {
        let days = match mode {
            BillingMode::Subscription | BillingMode::OneTime => &self.subscription,
            BillingMode::PayPerUse => &self.pay_per_use,
        };
        *days.get(level).unwrap_or(&days[Self::LEVELS[0]])
    }
}

/// The percentage kept of what was paid, by term class; each list by the year of use, from the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlingFee {
    /// Terms under 12 months.
    pub month: Vec<u32>,
    /// 12 months.
    pub one_year: Vec<u32>,
    /// 13 to 24 months.
    pub two_years: Vec<u32>,
    /// 25 to 36 months.
    pub three_years: Vec<u32>,
}

impl HandlingFee {
    /// The percentage for an order of `term_months`, given back in its `year_of_use`, counted from 1. Beyond the last year
    /// of a list its last percentage holds, beyond three years the three years' list.
    pub fn percent(&self, term_months: u32, year_of_use: u32) -> u32 {
        let by_year = match term_months {
            0..12 => &self.month,
            12 => &self.one_year,
            13..=24 => &self.two_years,
            25.. => &self.three_years,
        };
        let at = usize::try_from(year_of_use.saturating_sub(1)).unwrap_or(usize::MAX);
        *by_year.get(at).or(by_year.last()).expect("a list of percentages is not empty")
    }
}
