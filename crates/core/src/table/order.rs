//! `orders`: what a customer wants done with a resource, and from when.

use super::cells::{Cells, missing};
use super::{Context, RawRow, Refusal, TableKind, read, reason};
use crate::life::{RenewalPolicy, words};
use crate::number::{Money, Quantity};
use crate::time::Instant;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// What is to be done.
    OrderKind {
        /// Starts a subscription, charges a one-time sku, registers a pay-per-use resource.
        Purchase = "purchase",
        /// Adds periods.
        Renew = "renew",
        /// Gives a subscription back.
        Unsubscribe = "unsubscribe",
        /// Another sku or quantity.
        Change = "change",
        /// Ends a pay-per-use resource.
        Delete = "delete",
        /// Another renewal policy.
        SetRenewal = "set_renewal",
        /// Another expiry day.
        Align = "align",
    }

    /// What an unsubscription ends.
    OrderScope {
        /// The resource.
        Resource = "resource",
        /// Only the renewal whose period has not begun.
        Renewal = "renewal",
    }

    /// When a change holds.
    Effective {
        /// At once.
        Now = "now",
        /// With the next period.
        NextPeriod = "next_period",
    }
}

/// The day of the month on which unified terms end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlignDay {
    /// 1 to 28.
    Day(u32),
    /// The month's last.
    Last,
}

/// One row of `orders`. What the cell leaves open is nothing here: what it then means depends on the kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    /// Names the order.
    pub order_id: String,
    /// Who orders.
    pub account_id: String,
    /// What is to be done.
    pub kind: OrderKind,
    /// When it takes effect.
    pub placed_at: Instant,
    /// What it concerns, or what a purchase makes.
    pub resource_id: String,
    /// What is bought or changed to.
    pub sku: Option<String>,
    /// How many units; nothing: 1 for a purchase, the resource's otherwise.
    pub quantity: Option<Quantity>,
    /// For how many of the sku's terms.
    pub periods: u32,
    /// What happens at expiry; nothing: manual for a purchase, as it was otherwise.
    pub renewal: Option<RenewalPolicy>,
    /// For how many of the sku's terms an automatic renewal is.
    pub renewal_periods: Option<u32>,
    /// Its bundle.
    pub bundle_id: Option<String>,
    /// It works while one of these is active.
    pub depends_on: Vec<String>,
    /// Charged 0, never renewed.
    pub is_trial: bool,
    /// Where.
    pub region: Option<String>,
    /// What kind of site.
    pub data_center_type: Option<String>,
    /// What people know it by.
    pub configuration: Option<String>,
    /// What people call it.
    pub resource_name: Option<String>,
    /// What an unsubscription ends.
    pub scope: OrderScope,
    /// When a change holds; nothing: the profile's.
    pub effective: Option<Effective>,
    /// For `align`: the day.
    pub align_day: Option<AlignDay>,
    /// For `align`: the last covered day.
    #[serde(with = "date_text", default)]
    pub expires_on: Option<NaiveDate>,
    /// The highest handling fee that the customer accepts; nothing: any.
    pub accept_fee: Option<Money>,
    /// Why.
    pub reason: Option<String>,
    /// Labels.
    pub tags: BTreeMap<String, String>,
}

/// Reads a row of `orders`.
///
/// # Errors
/// [`Refusal`] for the first column that is wrong, then for a purchase without a sku, then for a change that names neither
/// a sku nor a quantity. What an order finds (no such resource, an account in arrears) is not looked at here.
pub fn parse(row: &RawRow<'_>, _context: &Context<'_>) -> Result<OrderRow, Refusal> {
    let mut cells = Cells::new(TableKind::Orders, row);
    let order = OrderRow {
        order_id: cells.id("order_id")?,
        account_id: cells.id("account_id")?,
        kind: cells.word("kind")?,
        placed_at: cells.value("placed_at", read::instant)?,
        resource_id: cells.id("resource_id")?,
        sku: cells.optional("sku", read::id)?,
        quantity: cells.optional("quantity", read::quantity)?,
        periods: u32::try_from(cells.integer("periods")?).expect("the schema's range fits"),
        renewal: cells.word_if_any("renewal")?,
        renewal_periods: cells.count_if_any("renewal_periods")?,
        bundle_id: cells.optional("bundle_id", read::id)?,
        depends_on: cells.ids("depends_on")?,
        is_trial: cells.value("trial", read::boolean)?,
        region: cells.optional("region", read::text)?,
        data_center_type: cells.optional("data_center_type", read::text)?,
        configuration: cells.optional("configuration", read::text)?,
        resource_name: cells.optional("resource_name", read::text)?,
        scope: cells.word("scope")?,
        effective: cells.word_if_any("effective")?,
        align_day: align_day(&mut cells)?,
        expires_on: cells.optional("expires_on", read::date)?,
        accept_fee: cells.optional("accept_fee", read::money)?,
        reason: cells.word_if_any("reason")?,
        tags: cells.optional("tags", read::map)?.unwrap_or_default(),
    };
    cells.end();

    check_object(row, &order)?;
    Ok(order)
}

/// 1 to 28, or `last`.
fn align_day(cells: &mut Cells<'_>) -> Result<Option<AlignDay>, Refusal> {
    let (min, max) = cells.range_of("align_day");
    cells.optional("align_day", |text| match text {
        "last" => Ok(AlignDay::Last),
        day => {
            let day = read::integer(day, min, max)?;
            Ok(AlignDay::Day(u32::try_from(day).expect("the schema's range fits")))
        }
    })
}

/// What is bought or changed to has to be said.
fn check_object(row: &RawRow<'_>, order: &OrderRow) -> Result<(), Refusal> {
    let sku = || row.schema().column("sku").expect("orders have a sku");
    match order.kind {
        OrderKind::Purchase if order.sku.is_none() => Err(missing(sku())),
        OrderKind::Change if order.sku.is_none() && order.quantity.is_none() => {
            let expected = "expected a sku, a quantity or both: a change says what the resource becomes";
            Err(Refusal::at("sku", "", reason::MISSING_VALUE, expected))
        }
        OrderKind::Purchase
        | OrderKind::Renew
        | OrderKind::Unsubscribe
        | OrderKind::Change
        | OrderKind::Delete
        | OrderKind::SetRenewal
        | OrderKind::Align => Ok(()),
    }
}

/// A date as `2026-03-31`, or nothing.
mod date_text {
    use chrono::NaiveDate;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de};

    pub fn serialize<S: Serializer>(date: &Option<NaiveDate>, serializer: S) -> Result<S::Ok, S::Error> {
        date.map(|date| date.to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::testing::{Cases, row};

    const BASE: &[(&str, &str)] = &[
        ("order_id", "o1"),
        ("account_id", "acct-ember"),
        ("kind", "purchase"),
        ("placed_at", "2026-01-05T10:00:00+08:00"),
        ("resource_id", "edge-0001"),
        ("sku", "edge.pro.month"),
    ];

    fn order(changes: &[(&str, &str)]) -> OrderRow {
        parse(&row(TableKind::Orders, &[BASE, changes].concat()), &Context::new("CNY")).expect("right")
    }

    #[test]
    fn a_row_is_read_or_refused_by_its_first_fault() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "ok"),
            (&[("order_id", "o 1")], "invalid_id order_id"),
            (&[("account_id", "")], "missing_value account_id"),
            (&[("kind", "")], "missing_value kind"),
            (&[("kind", "cancel")], "invalid_value kind"),
            (&[("placed_at", "2026-01-05")], "invalid_timestamp placed_at"),
            (&[("placed_at", "2026-01-05T10:00:00")], "naive_timestamp placed_at"),
            (&[("resource_id", "")], "missing_value resource_id"),
            (&[("sku", "")], "missing_value sku"), // a purchase buys something
            (&[("sku", ""), ("kind", "change")], "missing_value sku"),
            (&[("sku", ""), ("kind", "change"), ("quantity", "2")], "ok"),
            (&[("kind", "change")], "ok"),
            (&[("sku", ""), ("kind", "renew")], "ok"),
            (&[("sku", ""), ("kind", "unsubscribe"), ("scope", "renewal")], "ok"),
            (&[("sku", ""), ("kind", "delete")], "ok"),
            (&[("sku", ""), ("kind", "set_renewal"), ("renewal", "to_pay_per_use")], "ok"),
            (&[("sku", ""), ("kind", "align")], "ok"), // the day may be the profile's
            (&[("quantity", "-1")], "negative_quantity quantity"),
            (&[("quantity", "0.5")], "ok"),
            (&[("periods", "0")], "out_of_range periods"),
            (&[("periods", "1200")], "ok"),
            (&[("periods", "1201")], "out_of_range periods"),
            (&[("renewal", "always")], "invalid_value renewal"),
            (&[("renewal_periods", "0")], "out_of_range renewal_periods"),
            (&[("bundle_id", "b 7")], "invalid_id bundle_id"),
            (&[("depends_on", "edge-0001;edge-0002")], "ok"),
            (&[("depends_on", "edge-0001;")], "invalid_list depends_on"),
            (&[("trial", "yes")], "invalid_value trial"),
            (&[("scope", "all")], "invalid_value scope"),
            (&[("effective", "later")], "invalid_value effective"),
            (&[("align_day", "0")], "out_of_range align_day"),
            (&[("align_day", "28")], "ok"),
            (&[("align_day", "29")], "out_of_range align_day"), // not in every month
            (&[("align_day", "last")], "ok"),
            (&[("align_day", "first")], "not_a_number align_day"),
            (&[("expires_on", "2026-02-29")], "invalid_timestamp expires_on"),
            (&[("accept_fee", "-1")], "negative_amount accept_fee"),
            (&[("reason", "boredom")], "invalid_value reason"),
            (&[("tags", "team")], "invalid_map tags"),
        ];
        Cases { kind: TableKind::Orders, base: BASE, parse }.check(cases);
    }

    #[test]
    fn what_a_cell_leaves_open_is_nothing() {
        let plain = order(&[("kind", "change"), ("quantity", "2")]);
        assert_eq!((plain.quantity, plain.renewal, plain.renewal_periods), (Some(Quantity::units(2)), None, None));
        assert_eq!((plain.effective, plain.align_day, plain.expires_on, plain.accept_fee), (None, None, None, None));
        assert_eq!((plain.periods, plain.scope, plain.is_trial), (1, OrderScope::Resource, false));
        assert_eq!(order(&[]).quantity, None);
    }

    #[test]
    fn every_cell_is_kept_and_survives_json() {
        let full = order(&[
            ("quantity", "0.5"),
            ("periods", "3"),
            ("renewal", "auto"),
            ("renewal_periods", "12"),
            ("bundle_id", "bundle-7"),
            ("depends_on", "edge-0002;edge-0003"),
            ("trial", "true"),
            ("region", "cn-north-4"),
            ("data_center_type", "core"),
            ("configuration", "4 vCPU, 8 GB"),
            ("resource_name", "web server"),
            ("scope", "renewal"),
            ("effective", "next_period"),
            ("align_day", "28"),
            ("expires_on", "2026-03-31"),
            ("accept_fee", "10.00"),
            ("reason", "replaced"),
            ("tags", "team=web"),
        ]);
        assert_eq!((full.renewal, full.renewal_periods), (Some(RenewalPolicy::Auto), Some(12)));
        assert_eq!((full.align_day, full.effective), (Some(AlignDay::Day(28)), Some(Effective::NextPeriod)));
        assert_eq!(full.expires_on, NaiveDate::from_ymd_opt(2026, 3, 31));
        assert_eq!((full.reason.as_deref(), full.tags.len(), full.depends_on.len()), (Some("replaced"), 1, 2));
        let text = serde_json::to_string(&full).expect("written");
        assert_eq!(serde_json::from_str::<OrderRow>(&text).expect("read"), full);
    }
}
