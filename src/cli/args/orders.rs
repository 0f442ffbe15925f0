//! Options of `orders` and `quote`: the columns of an order.

use super::super::help;
use super::super::value::When;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use reckoner_core::table::OrderKind;

/// `orders`.
#[derive(Debug, Clone, Subcommand)]
pub enum OrdersCommand {
    /// Place an order; it is carried out at once if its instant has come
    Place(Box<PlaceArgs>),
    /// Orders and what became of them
    List(OrdersListArgs),
    /// Let a large refund come back, as a second person
    Approve(ApproveArgs),
}

/// `orders approve`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::ORDERS_APPROVE)]
pub struct ApproveArgs {
    /// The order whose refund waits
    #[arg(value_name = "ORDER_ID")]
    pub order_id: String,
    /// Why; kept with it
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `orders list`.
#[derive(Debug, Clone, Args)]
pub struct OrdersListArgs {
    /// Only this account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Only those whose refund waits for approval
    #[arg(long)]
    pub waiting: bool,
    /// First instant of the range, by the time the order is placed
    #[arg(long, value_name = "T")]
    pub from: Option<When>,
    /// First instant no longer in the range
    #[arg(long, value_name = "T")]
    pub to: Option<When>,
}

/// `orders place`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::ORDERS_PLACE)]
pub struct PlaceArgs {
    /// What is ordered
    #[arg(value_name = "KIND", value_parser = kinds(KINDS))]
    pub kind: OrderKind,
    /// Whose [default: whoever has the resource]
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Which resource, or what a purchase makes
    #[arg(long, value_name = "ID")]
    pub resource: String,
    /// Names the order [default: derived from its content]
    #[arg(long, value_name = "ID")]
    pub order_id: Option<String>,
    /// When it takes effect; an instant ahead waits [default: now]
    #[arg(long, value_name = "T")]
    pub placed_at: Option<When>,
    /// The order's other columns.
    #[command(flatten)]
    pub terms: OrderTerms,
}

/// `quote`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::QUOTE)]
pub struct QuoteArgs {
    /// What would be ordered
    #[arg(value_name = "KIND", value_parser = kinds(QUOTED))]
    pub kind: OrderKind,
    /// Whose [default: whoever has the resource]
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Which resources: a;b, or the option several times
    #[arg(long = "resource", value_name = "ID", value_delimiter = ';', required = true)]
    pub resources: Vec<String>,
    /// The order's other columns.
    #[command(flatten)]
    pub terms: OrderTerms,
}

/// The columns of an order that its kind may need, as options.
#[derive(Debug, Clone, Default, Args)]
pub struct OrderTerms {
    /// As what it is priced
    #[arg(long, value_name = "SKU")]
    pub sku: Option<String>,
    /// How many, up to 12 decimals [default: 1 for a purchase, as it was otherwise]
    #[arg(long, value_name = "N")]
    pub quantity: Option<String>,
    /// Terms bought at once [default: 1]
    #[arg(long, value_name = "N")]
    pub periods: Option<String>,
    /// auto, manual, none or to_pay_per_use [default: manual]
    #[arg(long, value_name = "POLICY")]
    pub renewal: Option<String>,
    /// Terms of an automatic renewal
    #[arg(long, value_name = "N")]
    pub renewal_periods: Option<String>,
    /// The bundle it belongs to
    #[arg(long = "bundle", value_name = "ID")]
    pub bundle_id: Option<String>,
    /// Works while one of these is active: a;b
    #[arg(long, value_name = "IDS")]
    pub depends_on: Option<String>,
    /// Charged 0, never renewed
    #[arg(long)]
    pub trial: bool,
    /// Where
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Kind of data centre
    #[arg(long, value_name = "TYPE")]
    pub data_center_type: Option<String>,
    /// Configuration, for people
    #[arg(long, value_name = "TEXT")]
    pub configuration: Option<String>,
    /// Display name of the resource
    #[arg(long, value_name = "NAME")]
    pub resource_name: Option<String>,
    /// resource, or renewal: only the period not begun
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<String>,
    /// now or next_period
    #[arg(long, value_name = "WHEN")]
    pub effective: Option<String>,
    /// 1 to 28 or last [default: 1]
    #[arg(long, value_name = "DAY")]
    pub align_day: Option<String>,
    /// Last covered day, for align
    #[arg(long, value_name = "DATE")]
    pub expires_on: Option<String>,
    /// Refused if the handling fee is higher
    #[arg(long, value_name = "AMOUNT")]
    pub accept_fee: Option<String>,
    /// no_longer_needed, wrong_purchase, too_expensive, replaced or other
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// Labels: key=value;key=value
    #[arg(long, value_name = "TAGS")]
    pub tags: Option<String>,
}

impl OrderTerms {
    /// The cells that the options fill, by column.
    pub fn cells(&self) -> Vec<(&'static str, String)> {
        let trial = self.trial.then(|| "true".to_owned());
        let cells = [
            ("sku", &self.sku),
            ("quantity", &self.quantity),
            ("periods", &self.periods),
            ("renewal", &self.renewal),
            ("renewal_periods", &self.renewal_periods),
            ("bundle_id", &self.bundle_id),
            ("depends_on", &self.depends_on),
            ("trial", &trial),
            ("region", &self.region),
            ("data_center_type", &self.data_center_type),
            ("configuration", &self.configuration),
            ("resource_name", &self.resource_name),
            ("scope", &self.scope),
            ("effective", &self.effective),
            ("align_day", &self.align_day),
            ("expires_on", &self.expires_on),
            ("accept_fee", &self.accept_fee),
            ("reason", &self.reason),
            ("tags", &self.tags),
        ];
        cells.into_iter().filter_map(|(column, text)| Some((column, text.clone()?))).collect()
    }
}

/// Kinds of orders with their help.
type Kinds = &'static [(OrderKind, &'static str)];

const KINDS: Kinds = &[
    (OrderKind::Purchase, "starts a subscription, charges a one-time sku, registers a pay-per-use resource"),
    (OrderKind::Renew, "adds periods"),
    (OrderKind::Unsubscribe, "gives a subscription back"),
    (OrderKind::Change, "another sku or quantity"),
    (OrderKind::Delete, "ends a pay-per-use resource"),
    (OrderKind::SetRenewal, "another renewal policy"),
    (OrderKind::Align, "another expiry day"),
];

const QUOTED: Kinds = &[
    (OrderKind::Purchase, "what it costs"),
    (OrderKind::Renew, "what further periods cost"),
    (OrderKind::Unsubscribe, "what comes back and what is kept"),
    (OrderKind::Change, "what another sku or quantity costs or brings back"),
    (OrderKind::Align, "what another expiry day costs"),
];

fn kinds(known: Kinds) -> impl TypedValueParser<Value = OrderKind> {
    let values = known.iter().map(|(kind, help)| PossibleValue::new(kind.as_str()).help(*help));
    PossibleValuesParser::new(values.collect::<Vec<_>>())
        .map(|word| OrderKind::parse(&word).expect("only known words are let through"))
}
