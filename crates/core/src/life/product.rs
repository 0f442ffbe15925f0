//! What a product says about the life of its resources: the flags of `products` as values.

use super::refund::RefundPolicy;
use crate::number::Quantity;
use crate::profile::{ArrearsStops, Profile};
use crate::table::{BillingMode, ProductRow, read};
use crate::time::Instant;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The flags of one product, as in force at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductTerms {
    /// The product.
    pub product: String,
    /// The line of business.
    pub product_line: Option<String>,
    /// Products of one family are editions of the same thing.
    pub family: Option<String>,
    /// Which edition of its family.
    pub edition: Option<String>,
    /// Order of the editions; a higher one includes a lower one.
    pub edition_rank: i64,
    /// Whether it only works beside an edition of its family.
    pub is_addon: bool,
    /// Where its subscriptions are renewed.
    pub renewal: ProductRenewal,
    /// How long before expiry a one-time purchase may be renewed by a new order.
    pub renewal_lead_days: u32,
    /// Whether a subscription may go on, paid by use.
    pub may_go_by_use: bool,
    /// What an unsubscription returns.
    pub refund: RefundPolicy,
    /// How many units cost nothing.
    pub free_quota: Option<Quantity>,
    arrears_stops: Option<ArrearsStops>,
    grace_days: Option<u32>,
    retention_days: Option<u32>,
}

/// Where a product's subscriptions are renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductRenewal {
    /// In the list of renewals, by hand, in batches or by itself.
    Central,
    /// One by one, on a page of its own.
    OwnPage,
    /// By a new order.
    NewOrder,
    /// Not at all.
    None,
}

/// Every product with its rows in order of time.
#[derive(Debug, Clone, Default)]
pub struct Products {
    by_id: HashMap<String, Vec<(Instant, ProductTerms)>>,
}

impl Products {
    /// The products that these rows describe, in any order.
    pub fn new(rows: impl IntoIterator<Item = ProductRow>) -> Self {
        let mut by_id: HashMap<String, Vec<(Instant, ProductTerms)>> = HashMap::new();
        for row in rows {
            let dated = by_id.entry(row.product.clone()).or_default();
            dated.push((row.valid_from.unwrap_or(Instant::MIN), ProductTerms::of(&row)));
        }
        by_id.values_mut().for_each(|dated| dated.sort_by_key(|(from, _)| *from));
        Self { by_id }
    }

    /// The flags in force at the instant; the first row holds since ever, an unknown product has every default.
    pub fn at(&self, product: &str, instant: Instant) -> &ProductTerms {
        static DEFAULTS: LazyLock<ProductTerms> = LazyLock::new(ProductTerms::defaults);
        let Some(dated) = self.by_id.get(product) else { return &DEFAULTS };
        let later = dated.partition_point(|(from, _)| *from <= instant);
        dated.get(later.max(1) - 1).map_or(&DEFAULTS, |(_, terms)| terms)
    }
}

impl ProductTerms {
    fn defaults() -> Self {
        Self {
            product: String::new(),
            product_line: None,
            family: None,
            edition: None,
            edition_rank: 0,
            is_addon: false,
            renewal: ProductRenewal::Central,
            renewal_lead_days: 0,
            may_go_by_use: false,
            refund: RefundPolicy::Standard,
            free_quota: None,
            arrears_stops: None,
            grace_days: None,
            retention_days: None,
        }
    }

    /// The flags that a row states. Its particulars were checked by their types when the row was read.
    fn of(row: &ProductRow) -> Self {
        let cell = |name: &str| row.particulars.get(name).map(String::as_str);
        let text = |name: &str| cell(name).map(str::to_owned);
        let days = |name: &str| cell(name).and_then(|text| text.parse().ok());
        Self {
            product: row.product.clone(),
            product_line: text("product_line"),
            family: text("family"),
            edition: text("edition"),
            edition_rank: cell("edition_rank").and_then(|text| text.parse().ok()).unwrap_or_default(),
            is_addon: cell("addon") == Some("true"),
            renewal: match cell("renewal") {
                Some("own_page") => ProductRenewal::OwnPage,
                Some("new_order") => ProductRenewal::NewOrder,
                Some("none") => ProductRenewal::None,
                _ => ProductRenewal::Central,
            },
            renewal_lead_days: days("renewal_lead_days").unwrap_or_default(),
            may_go_by_use: matches!(cell("mode_switch"), Some("to_pay_per_use" | "both")),
            refund: match cell("refund") {
                Some("seven_day_full") => RefundPolicy::SevenDayFull,
                Some("none") => RefundPolicy::None,
                _ => RefundPolicy::Standard,
            },
            free_quota: cell("free_quota").and_then(|text| read::quantity(text).ok()),
            arrears_stops: match cell("arrears_stops") {
                Some("at_once") => Some(ArrearsStops::AtOnce),
                Some("after_grace") => Some(ArrearsStops::AfterGrace),
                _ => None,
            },
            grace_days: days("grace_days"),
            retention_days: days("retention_days"),
        }
    }

    /// Whether what is billed so is renewed by a new order, within its lead days: what is bought once is, wherever that is done.
    pub fn is_by_new_order(&self, mode: BillingMode) -> bool {
        match self.renewal {
            ProductRenewal::NewOrder => true,
            ProductRenewal::OwnPage => mode == BillingMode::OneTime,
            ProductRenewal::Central | ProductRenewal::None => false,
        }
    }

    /// Whether an account with active resources of these products has what this one works beside: an edition of its family
    /// above `basic`, where it is an add-on (Huawei Cloud, SecMaster, billing termination).
    pub fn has_edition<'a>(&self, mut active: impl Iterator<Item = &'a Self>) -> bool {
        let is_edition =
            |other: &Self| !other.is_addon && other.family == self.family && other.edition.as_deref() != Some("basic");
        !self.is_addon || self.family.is_none() || active.any(is_edition)
    }

    /// When expiry or arrears stop the service.
    pub fn arrears_stops(&self, profile: &Profile) -> ArrearsStops {
        self.arrears_stops.unwrap_or(profile.arrears_stops)
    }

    /// Days that it runs on, expired or unpaid.
    pub fn grace_days(&self, profile: &Profile, mode: BillingMode, level: &str) -> u32 {
        self.grace_days.unwrap_or_else(|| profile.grace.days(mode, level))
    }

    /// Days that it is then kept, stopped.
    pub fn retention_days(&self, profile: &Profile, mode: BillingMode, level: &str) -> u32 {
        self.retention_days.unwrap_or_else(|| profile.retention.days(mode, level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Overlap;
    use std::collections::BTreeMap;

    #[test]
    fn a_products_own_word_goes_before_the_profiles() {
        let profile = |word: &str| Profile::parse(&format!("base = \"huawei-intl\"\narrears_stops = \"{word}\"")).expect("right");
        let product = |word: &str| {
            let particulars = BTreeMap::from([("arrears_stops".to_owned(), word.to_owned())]);
            let (name, overlap, valid_from) = ("edge".to_owned(), Overlap::Add, None);
            ProductRow { product: name.clone(), name, overlap, valid_from, particulars }
        };
        let unsaid = ProductRow { particulars: BTreeMap::new(), ..product("") };
        // profile | product's own word | arrears stop
        let cases = [
            ("after_grace", None, ArrearsStops::AfterGrace),
            ("at_once", None, ArrearsStops::AtOnce),
            ("at_once", Some(unsaid), ArrearsStops::AtOnce),
            ("at_once", Some(product("after_grace")), ArrearsStops::AfterGrace),
            ("after_grace", Some(product("at_once")), ArrearsStops::AtOnce),
        ];
        for (word, product, expected) in cases {
            let known = Products::new(product.clone());
            let seen = known.at("edge", Instant::from_seconds(0)).arrears_stops(&profile(word));
            assert_eq!(seen, expected, "{word} {product:?}");
        }
    }
}
