//! A few days around a month's end with everything that sums of use cannot tell by themselves, and much that they can.
//!
//! Integer arithmetic alone makes it, so a seed names the same world on every machine.

use super::super::month::{Dice, Row};
use crate::support::Bench;
use reckoner_core::time::{Instant, Zone};
use std::path::PathBuf;

/// The clock of everything: all use lies before it.
pub const CLOCK: &str = "2026-04-02T00:00:00Z";

const ACCOUNTS: &str = "\
account_id,name,currency,credit_limit,payment_method,cost_center,valid_from
p-0,Plain and poor,CNY,0,balance,,
p-1,With vouchers,CNY,5,balance,east,
p-2,With discounts,CNY,0,external,,
p-3,In another currency,USD,1,balance,west,
p-4,Plain,CNY,100,balance,north,
p-4,Plain,CNY,100,balance,south,2026-03-30T00:20:00Z
p-5,Plain too,CNY,0,external,,
";

const PRODUCTS: &str = "product,name,overlap\none,One at a time,refuse\n";

/// sku, product, unit, unit_price, model, tiers, valid_from, valid_to, settle, min_seconds, step_seconds, min_charge.
const PRICES: &[&str] = &[
    "vm,ecs,hour,0.68,,,,,,,,",
    "vm,ecs,hour,0.7333333,,,2026-03-29T00:17:23Z,,,,,",
    "vm,ecs,hour,0.51,,,2026-03-31T15:00:00Z,,,,,",
    "flat,ecs,hour,0.37,,,,,,,,",
    "fine,ecs-fine,hour,0.000123456789,,,,,,,,",
    "gb,eip,GB,1.25,,,,,,,,",
    "gb,eip,GB,1.2,,,2026-03-29T01:30:00Z,,,,,",
    "free,eip,hour,0,,,,,,,,",
    "burst,ecs,hour,0.36,,,,,,600,60,",
    "burst,ecs,hour,0.39,,,2026-03-30T00:00:00Z,,,,,",
    "least,eip,hour,0.02,,,,,,,,0.01",
    "disk,evs,hour,0.00064,,,,,day,,,",
    "moves,evs,hour,0.001,,,,,day,,,",
    "moves,evs,hour,0.0011,,,2026-03-29T20:00:00Z,,hour,,,",
    "arch,obs,GB,0.17,,,,,month,,,",
    "tier,eip,GB,0.8,graduated,T,,,,,,",
    "step,eip,GB,0.8,graduated,F,,,,,,",
    "tall,log,hour,0.5,volume,V,,,day,,,",
    "log,log,GB,0.5,volume,V,,,,,,",
    "key,kms,request,0.03,package,P,,,,,,",
    "seat,one,hour,1.8,,,,,,,,",
    "gap,ecs,hour,0.2,,,,2026-03-30T02:30:00Z,,,,",
    "gap,ecs,hour,0.3,,,2026-03-31T00:00:00Z,,,,,",
    "word,ecs,hour,0.2,,,,,,,,",
    "word,ecs,GB,0.3,,,2026-03-29T02:00:00Z,,,,,",
    "dear,ecs,hour,90000000000,,,,,,,,",
];

const TIERS: [(&str, &str); 4] = [
    (",T,", r#"[{"up_to":"10","unit_price":"0.8"},{"up_to":"100","unit_price":"0.72"},{"unit_price":"0.55"}]"#),
    (",F,", r#"[{"up_to":"20","unit_price":"0.78"},{"unit_price":"0.7","flat":"1.5"}]"#),
    (",V,", r#"[{"up_to":"40","unit_price":"0.5"},{"unit_price":"0.3"}]"#),
    (",P,", r#"{"size":"1000","unit_price":"0.03","free":"2000"}"#),
];

const PRICE_COLUMNS: &str = "sku,product,unit,unit_price,model,tiers,valid_from,valid_to,settle,min_seconds,step_seconds,min_charge,\
                             billing_mode,currency,revision\n";

const DISCOUNTS: &str = "\
discount_id,account_id,kind,percent_off,unit_price,products,skus,valid_from,valid_to
d-1,p-2,commercial,12.5,,ecs,,,
d-2,p-2,partner,,0.3,,flat,2026-03-29T00:30:00Z,
d-3,p-1,commercial,5,,,gb,2026-03-30T00:00:00Z,
";

/// With this nobody's lines are without discounts.
const DISCOUNT_OF_ALL: &str = "d-4,*,promotional,3,,,flat,2026-03-29T00:00:00Z,2026-03-31T00:00:00Z\n";

const VOUCHERS: &str = "\
voucher_id,account_id,amount,valid_from,valid_to,products
v-1,p-1,0.5,2026-03-01T00:00:00Z,2026-04-30T00:00:00Z,ecs
v-2,p-1,1.5,2026-03-01T00:00:00Z,2026-03-30T00:00:00Z,
";

const FUNDS: &str = "\
entry_id,account_id,kind,amount,at
f-1,p-0,top_up,3,2026-03-28T00:00:00Z
f-2,p-4,top_up,20,2026-03-29T12:30:00Z
f-3,p-3,grant,2,2026-03-29T01:00:00Z
f-4,p-4,top_up,1,2026-03-30T00:00:00Z
f-5,p-0,withdrawal,1,2026-03-31T00:00:00Z
";

/// Two resources of every account that are deleted early on.
fn orders() -> String {
    let mut text = "order_id,account_id,kind,placed_at,resource_id,sku\n".to_owned();
    for (account, resource) in (0..6).flat_map(|account| [(account, 1), (account, 2)]) {
        let order = format!("o-{account}{resource}");
        text += &format!("{order},p-{account},purchase,2025-12-30T00:00:00Z,r-{resource},vm\n");
        text += &format!("{order}-end,p-{account},delete,2026-03-29T00:20:10Z,r-{resource},\n");
    }
    text
}

/// sku, and how a record uses it: `h`eld for a time, an `a`mount, or whole units.
const SKUS: [(&str, char); 26] = [
    ("vm", 'h'),
    ("vm", 'h'),
    ("flat", 'h'),
    ("flat", 'h'),
    ("flat", 'h'),
    ("fine", 'h'),
    ("gb", 'a'),
    ("gb", 'a'),
    ("free", 'h'),
    ("burst", 'h'),
    ("least", 'h'),
    ("least", 'h'),
    ("disk", 'h'),
    ("moves", 'h'),
    ("arch", 'a'),
    ("tier", 'a'),
    ("tier", 'a'),
    ("step", 'a'),
    ("tall", 'h'),
    ("log", 'a'),
    ("key", 'w'),
    ("seat", 'h'),
    ("seat", 'h'),
    ("gap", 'h'),
    ("word", 'h'),
    ("later", 'h'),
];

/// Where use begins more often than not: a month's end, a midnight, a price, a change of clocks.
const NEAR: [&str; 6] = [
    "2026-03-28T18:00:00Z",
    "2026-03-28T23:00:00Z",
    "2026-03-29T00:00:00Z",
    "2026-03-29T01:00:00Z",
    "2026-03-31T14:00:00Z",
    "2026-03-31T22:00:00Z",
];

/// The files of the reference tables.
pub fn reference(bench: &Bench, has_discount_of_all: bool) -> Vec<PathBuf> {
    let discounts = if has_discount_of_all { format!("{DISCOUNTS}{DISCOUNT_OF_ALL}") } else { DISCOUNTS.to_owned() };
    let tables = [
        ("accounts.csv", ACCOUNTS.to_owned()),
        ("products.csv", PRODUCTS.to_owned()),
        ("prices.csv", prices(PRICES, 0)),
        ("discounts.csv", discounts),
        ("vouchers.csv", VOUCHERS.to_owned()),
        ("funds.csv", FUNDS.to_owned()),
        ("orders.csv", orders()),
    ];
    tables.map(|(name, text)| written(bench, name, &text)).to_vec()
}

/// What was missing, and prices that were wrong.
pub fn put_right(bench: &Bench) -> Vec<PathBuf> {
    let accounts = "account_id,name,payment_method\np-9,Late,external\n";
    let new = prices(&["later,ecs,hour,0.4,,,,,,,,"], 0);
    let revised = prices(&["flat,ecs,hour,0.39,,,,,,,,", "gb,eip,GB,1.3,,,2026-03-29T01:30:00Z,,,,,"], 1);
    let vouchers = "voucher_id,account_id,amount,valid_from,valid_to\nv-3,p-5,2,2026-03-01T00:00:00Z,2026-04-30T00:00:00Z\n";
    [("accounts-late.csv", accounts), ("prices-new.csv", &new), ("prices-revised.csv", &revised), ("vouchers-late.csv", vouchers)]
        .map(|(name, text)| written(bench, name, text))
        .to_vec()
}

fn written(bench: &Bench, name: &str, text: &str) -> PathBuf {
    bench.write(name, text);
    bench.path(name)
}

/// In both currencies; the other one is a tenth.
fn prices(rows: &[&str], revision: u32) -> String {
    let mut text = PRICE_COLUMNS.to_owned();
    for row in rows {
        let mut row = (*row).to_owned();
        for (word, tiers) in TIERS {
            row = row.replace(word, &format!(",\"{}\",", tiers.replace('"', "\"\"")));
        }
        for currency in ["CNY", "USD"] {
            text += &format!("{row},pay_per_use,{currency},{revision}\n");
        }
    }
    text
}

/// Rows, file after file, each of which says something about those before.
pub struct World {
    dice: Dice,
    zone: Zone,
    known: Vec<Row>,
    count: u32,
}

impl World {
    pub fn new(seed: u64, zone: &str) -> Self {
        Self { dice: Dice::new(seed), zone: Zone::parse(zone).unwrap(), known: Vec::new(), count: 0 }
    }

    /// The rows of a file: new use, rows about each other and about rows of earlier files, in random order.
    pub fn file(&mut self, rows: u32) -> Vec<Row> {
        let mut file = Vec::new();
        for _ in 0..rows {
            let row = self.fresh();
            match self.dice.below(8) {
                0 => file.extend(self.about(&row)),
                1 if !self.known.is_empty() => {
                    let earlier = self.known[self.dice.below(self.known.len() as i64) as usize].clone();
                    file.extend(self.about(&earlier));
                }
                _ => {}
            }
            file.push(row);
        }
        self.dice.shuffle(&mut file);
        self.known.extend(file.iter().filter(|row| !row.get("record_id").is_empty()).cloned());
        file
    }

    /// A file in the place of an earlier one: some rows are gone, some say something else, some are new.
    pub fn instead_of(&mut self, old: &[Row]) -> Vec<Row> {
        let mut file = self.file(old.len() as u32 / 4);
        for row in old {
            match self.dice.below(6) {
                0 => {}
                1 => file.push(row.clone().with("quantity", "4")),
                _ => file.push(row.clone()),
            }
        }
        file
    }

    /// New use.
    fn fresh(&mut self) -> Row {
        self.count += 1;
        let id = format!("u-{:04}", self.count);
        let dice = &mut self.dice;
        let (sku, shape) = SKUS[dice.below(SKUS.len() as i64) as usize];
        let start = match dice.below(50) {
            0 => seconds_of(NEAR[0]) + dice.below(75 * 3_600),
            _ => seconds_of(NEAR[dice.below(6) as usize]) + dice.below(16) * 450,
        };
        let length = match (shape, dice.below(12)) {
            ('h', 0) => 0,
            ('h', 1..=4) => 1 + dice.below(120),
            ('h', 5..=8) => 3_600,
            ('h', 9) if dice.below(12) == 0 => dice.below(30 * 3_600),
            ('h', _) => 1 + dice.below(2 * 3_600),
            (_, 0..=6) => 0,
            _ => dice.below(7_200),
        };
        let quantity = match shape {
            'h' => ["", "1", "1", "2", "2.5", "0.000000000001", "3.333333333333", "0"][dice.below(8) as usize].to_owned(),
            'a' => format!("{}.{:06}{:06}", dice.below(12), dice.below(1_000_000), dice.below(1_000_000)),
            _ => dice.below(900).to_string(),
        };
        let (account, resource) = (dice.below(6), dice.below(5));
        let row = Row(std::array::from_fn(|_| String::new()));
        let row = row
            .with("record_id", id)
            .with("account_id", format!("p-{account}"))
            .with("resource_id", format!("r-{resource}"))
            .with("sku", sku)
            .with("started_at", self.instant(start))
            .with("ended_at", self.instant((start + length).min(seconds_of("2026-04-01T23:00:00Z"))))
            .with("quantity", quantity);
        let row = self.labelled(row, resource);
        self.spoilt(row)
    }

    /// Most resources say the same of themselves all the time; the last one never does.
    fn labelled(&mut self, row: Row, resource: i64) -> Row {
        let said = if resource == 4 || self.dice.below(25) == 0 { self.dice.below(4) } else { resource };
        row.with("region", ["", "cn-north-6", "cn-east-1", ""][said as usize])
            .with("tags", ["", "", "team=edge;env=prod", "env=test"][said as usize])
            .with("resource_name", ["", "a, \"quoted\" name", "网关", ""][self.dice.below(4) as usize])
    }

    /// Sometimes something is odd about the row.
    fn spoilt(&mut self, row: Row) -> Row {
        match self.dice.below(60) {
            0 => row.with("account_id", "p-9"),
            1 => row.with("sku", "unheard.of"),
            2 => row.with("quantity", "-1"),
            3 => row.with("ended_at", "2026-04-02T09:00:00Z"),
            4 => row.with("sku", "dear").with("quantity", "77"),
            5 => row.with("record_id", ""),
            6 | 7 => row.with("waived", "true"),
            8 => row.with("corrects", "never-delivered"),
            9 => row.with("account_id", ""),
            10 => row.with("quantity", "999999999999999999"),
            // Long ago: the id may come again in the world's own days.
            11 => row.with("started_at", "2025-12-30T23:10:00Z").with("ended_at", "2025-12-31T00:10:00Z"),
            12 => row.with("started_at", "2026-02-10T09:10:00Z").with("ended_at", "2026-02-10T10:10:00Z"),
            _ => row,
        }
    }

    /// Rows that say something about a row.
    fn about(&mut self, row: &Row) -> Vec<Row> {
        self.count += 1;
        let other_id = format!("c-{:04}", self.count);
        let other = row.clone().with("quantity", "7");
        let revised = row.clone().with("revision", "1").with("quantity", "2").with("tags", "put=right");
        let correction = row.clone().with("record_id", &other_id).with("corrects", row.get("record_id")).with("waived", "");
        match self.dice.below(13) {
            0 => vec![row.clone()],
            1 => vec![self.written_differently(row)],
            2 => vec![other],
            3 => vec![other, row.clone()],
            4 => vec![revised],
            5 => vec![revised.clone(), revised, other.with("revision", "2")],
            6 => vec![correction.with("quantity", "0")],
            7 => vec![correction.with("quantity", "3")],
            8 => vec![correction.with("resource_id", "r-other").with("quantity", "1")],
            9 => vec![correction.clone(), correction.with("record_id", format!("{other_id}b")).with("corrects", other_id)],
            10 => vec![row.clone().with("account_id", "p-5")],
            11 => vec![row.clone().with("waived", "true")],
            _ => vec![row.clone().with("resource_name", "another")],
        }
    }

    /// The same fact in other words.
    fn written_differently(&mut self, row: &Row) -> Row {
        let mut tags: Vec<&str> = row.get("tags").split(';').collect();
        tags.reverse();
        let mut row = row.clone().with("tags", tags.join(";")).with("revision", "0");
        for column in ["started_at", "ended_at"] {
            let at = Instant::parse(row.get(column)).unwrap().to_utc_text();
            row = row.with(column, at);
        }
        match row.get("quantity") {
            "" => row.with("quantity", "1.000"),
            _ => row,
        }
    }

    fn instant(&mut self, seconds: i64) -> String {
        let instant = Instant::from_seconds(seconds);
        if self.dice.below(3) == 0 { instant.to_utc_text() } else { self.zone.to_text(instant) }
    }
}

fn seconds_of(instant: &str) -> i64 {
    Instant::parse(instant).unwrap().seconds()
}
