//! The morning after: what happened on a billing day, for people and for whatever starts and stops resources.
//!
//! Both are functions of the day's events alone, so that writing them again gives the same bytes: an event stands in the file
//! of the day on which it took effect, once, under an id that never changes.

use reckoner_core::life::{LifeEvent, LifeEventKind};
use reckoner_core::number::Money;
use reckoner_core::time::{Instant, Zone};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What each event is called outside: of an account, or of a subscription.
fn event_type(event: &LifeEvent) -> String {
    let of = if event.resource_id.is_some() { "subscription" } else { "account" };
    let what = match event.kind {
        LifeEventKind::ArrearsBegan => "arrears.began",
        LifeEventKind::ArrearsEnded => "arrears.ended",
        other => other.as_str(),
    };
    format!("reckoner.{of}.{what}")
}

/// An event as CloudEvents 1.0 has it; what it has stands in the order of names.
#[derive(Serialize)]
struct CloudEvent<'a> {
    data: BTreeMap<&'a str, &'a str>,
    datacontenttype: &'static str,
    id: &'a str,
    source: &'static str,
    specversion: &'static str,
    subject: Cow<'a, str>,
    time: &'a str,
    #[serde(rename = "type")]
    kind: String,
}

/// The events as CloudEvents 1.0, one JSON document a line, in the order (at, event_id).
pub fn cloud_events(events: &[LifeEvent], zone: Zone) -> String {
    let (mut lines, mut times) = (String::new(), Times::new(zone));
    for event in events {
        let mut data: BTreeMap<&str, &str> = event.data.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        data.insert("account_id", &event.account_id);
        let subject = match &event.resource_id {
            Some(resource_id) => {
                data.insert("resource_id", resource_id);
                Cow::Owned(format!("{}/{resource_id}", event.account_id))
            }
            None => Cow::Borrowed(event.account_id.as_str()),
        };
        let document = CloudEvent {
            data,
            datacontenttype: "application/json",
            id: &event.event_id,
            source: "/reckoner",
            specversion: "1.0",
            subject,
            time: times.text(event.at),
            kind: event_type(event),
        };
        lines += &serde_json::to_string(&document).expect("texts are written as JSON without fail");
        lines.push('\n');
    }
    lines
}

/// Instants as text in the billing zone: many events are of one instant.
struct Times {
    zone: Zone,
    latest: Option<(Instant, String)>,
}

impl Times {
    fn new(zone: Zone) -> Self {
        Self { zone, latest: None }
    }

    fn text(&mut self, at: Instant) -> &str {
        if self.latest.as_ref().is_none_or(|(latest, _)| *latest != at) {
            self.latest = None;
        }
        &self.latest.get_or_insert_with(|| (at, self.zone.to_text(at))).1
    }
}

/// One line of a day's report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLine {
    /// When, RFC 3339 in the billing zone.
    pub at: String,
    /// What happened.
    pub kind: LifeEventKind,
    /// To whom.
    pub account_id: String,
    /// To what; empty: to the account.
    pub resource_id: String,
    /// What was paid for it, or is outstanding.
    pub amount: Option<Money>,
    /// Why it failed.
    pub reason: String,
}

/// The columns of [`ReportLine::cells`].
pub const REPORT_COLUMNS: [&str; 6] = ["at", "event", "account_id", "resource_id", "amount", "reason"];

impl ReportLine {
    /// The line as text, amounts at 1e-8.
    pub fn cells(&self) -> [String; 6] {
        let amount = self.amount.map(|amount| amount.to_string()).unwrap_or_default();
        let (account_id, resource_id) = (self.account_id.clone(), self.resource_id.clone());
        [self.at.clone(), self.kind.as_str().to_owned(), account_id, resource_id, amount, self.reason.clone()]
    }
}

/// The lines of a day, in the order of its events.
pub fn report(events: &[LifeEvent], zone: Zone) -> Vec<ReportLine> {
    let mut times = Times::new(zone);
    let line = |event: &LifeEvent| ReportLine {
        at: times.text(event.at).to_owned(),
        kind: event.kind,
        account_id: event.account_id.clone(),
        resource_id: event.resource_id.clone().unwrap_or_default(),
        amount: amount_of(event),
        reason: event.data.get("reason").cloned().unwrap_or_default(),
    };
    events.iter().map(line).collect()
}

/// What was paid for it, or is outstanding, if an event says so.
pub fn amount_of(event: &LifeEvent) -> Option<Money> {
    let text = event.data.get("amount").or_else(|| event.data.get("outstanding"))?;
    Money::parse_signed(text).ok()
}

/// How often each thing happened, with the sum of its amounts, in the order of the kinds.
pub fn sums(lines: &[ReportLine]) -> BTreeMap<LifeEventKind, (u64, Money)> {
    let mut sums: BTreeMap<LifeEventKind, (u64, Money)> = BTreeMap::new();
    for line in lines {
        let (count, sum) = sums.entry(line.kind).or_default();
        *count += 1;
        *sum += line.amount.unwrap_or_default();
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn events() -> Vec<LifeEvent> {
        let at = Instant::from_seconds(1_772_640_000); // 2026-03-05T00:00:00+08:00
        vec![
            LifeEvent::new(LifeEventKind::Renewed, at, "acme", Some("i-1"), "o-1").with("amount", "90.5"),
            LifeEvent::new(LifeEventKind::Renewed, at, "acme", Some("i-2"), "o-1").with("amount", "9.5"),
            LifeEvent::new(LifeEventKind::RenewalFailed, at, "beta", Some("i-3"), "").with("reason", "insufficient_funds"),
            LifeEvent::new(LifeEventKind::ArrearsBegan, at, "beta", None, "").with("outstanding", "3"),
        ]
    }

    #[test]
    fn events_are_cloud_events_with_ids_that_do_not_change() {
        let text = cloud_events(&events(), Zone::parse("+08:00").unwrap());
        let documents: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(documents[0]["type"], "reckoner.subscription.renewed");
        assert_eq!(documents[0]["subject"], "acme/i-1");
        assert_eq!(documents[0]["time"], "2026-03-05T00:00:00+08:00");
        assert_eq!(documents[0]["data"]["amount"], "90.5");
        assert_eq!(documents[3]["type"], "reckoner.account.arrears.began");
        let ids: std::collections::BTreeSet<&str> = documents.iter().filter_map(|one| one["id"].as_str()).collect();
        assert_eq!(ids.len(), 4);
        assert_eq!(text, cloud_events(&events(), Zone::parse("+08:00").unwrap()));
    }

    #[test]
    fn a_day_is_summed_by_what_happened() {
        let lines = report(&events(), Zone::UTC);
        let shown: Vec<String> =
            sums(&lines).iter().map(|(kind, (count, sum))| format!("{} {count} {}", kind.as_str(), sum.to_text(2))).collect();
        assert_eq!(shown, ["renewed 2 100.00", "renewal_failed 1 0.00", "arrears_began 1 3.00"]);
        assert_eq!(lines[2].cells()[5], "insufficient_funds");
    }
}
