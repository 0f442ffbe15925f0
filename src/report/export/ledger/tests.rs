//! Names that every tool takes, and the two journals of one small ledger to the letter.

use super::*;
use reckoner_core::ledger::Leg;
use reckoner_core::number::Money;
use reckoner_core::time::Instant;
use std::collections::HashSet;

#[test]
fn names_are_valid_and_tell_ids_apart() {
    // the ledger's name | hledger's | beancount's
    let cases = [
        ("assets:cash", "assets:cash", "Assets:Cash"),
        ("suspense", "suspense", "Equity:Suspense"),
        ("contra:vouchers", "contra:vouchers", "Income:Contra:Vouchers"),
        ("expense:write_off", "expense:write_off", "Expenses:WriteOff"),
        ("income:fees", "income:fees", "Income:Fees"),
        ("income:ecs:pay_per_use", "income:ecs:pay_per_use", "Income:Ecs:PayPerUse"),
        ("income:a:b:one_time", "income:a%3Ab:one_time", "Income:A--cb:OneTime"),
        ("liabilities:wallet:acct-1", "liabilities:wallet:acct-1", "Liabilities:Wallet:Acct-1"),
        ("assets:receivable:Acct-1", "assets:receivable:Acct-1", "Assets:Receivable:X--kAcct-1"),
        ("assets:receivable:7/x@y.z_", "assets:receivable:7/x@y.z_", "Assets:Receivable:7--sx--ay--dz--u"),
        ("assets:receivable:-a", "assets:receivable:-a", "Assets:Receivable:X--k-a"),
        ("liabilities:granted::a:", "liabilities:granted:%3Aa%3A", "Liabilities:Granted:X--k--ca--c"),
    ];
    for (account, hledger, beancount) in cases {
        assert_eq!((names::hledger(account).as_str(), names::beancount(account).as_str()), (hledger, beancount), "{account}");
    }
}

#[test]
fn no_two_ids_share_a_name() {
    // Every id of up to four characters over an alphabet that tries the escapes.
    let alphabet = ["a", "A", "X", "k", "d", "h", "-", ".", ":", "1"];
    let mut ids: Vec<String> = vec![String::new()];
    let (mut hledger, mut beancount) = (HashSet::new(), HashSet::new());
    for _ in 0..4 {
        ids = ids.iter().flat_map(|id| alphabet.iter().map(move |c| format!("{id}{c}"))).collect();
        for id in &ids {
            let account = format!("liabilities:wallet:{id}");
            let name = names::beancount(&account);
            let component = name.strip_prefix("Liabilities:Wallet:").expect("two words in front");
            assert!(component.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit()), "{name}");
            assert!(component.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{name}");
            assert!(beancount.insert(name) && hledger.insert(names::hledger(&account)), "{id}");
        }
    }
}

fn small() -> Entries {
    let leg = |account: &str, e8| Leg { account: account.to_owned(), amount: Money::from_e8(e8) };
    let transaction = |id: &str, seconds, description: &str, legs| Transaction {
        transaction_id: id.to_owned(),
        at: Instant::from_seconds(seconds),
        currency: "CNY".to_owned(),
        description: description.to_owned(),
        legs,
    };
    let transactions = vec![
        // 23:30 in UTC is the next day's morning in the billing zone.
        transaction(
            "tx_1",
            1_767_569_400,
            "top_up",
            vec![leg("assets:cash", 500_000_000), leg("liabilities:wallet:a", -500_000_000)],
        ),
        transaction("tx_2", 1_767_573_000, "settlement", vec![leg("income:ecs:pay_per_use", -1), leg("liabilities:wallet:a", 1)]),
    ];
    Entries { zone: Zone::parse("+08:00").unwrap(), transactions }
}

fn text(journal: Journal) -> String {
    let mut bytes = Vec::new();
    small().write(journal, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn an_hledger_journal_declares_everything() {
    let expected = "; The ledger of reckoner: a debit is above 0, dates are billing days (+08:00).
commodity CNY 1000.00000000
account assets:cash
account income:ecs:pay_per_use
account liabilities:wallet:a

2026-01-05 (tx_1) top_up  ; at:2026-01-05T07:30:00+08:00
    assets:cash  CNY 5.00000000
    liabilities:wallet:a  CNY -5.00000000

2026-01-05 (tx_2) settlement  ; at:2026-01-05T08:30:00+08:00
    income:ecs:pay_per_use  CNY -0.00000001
    liabilities:wallet:a  CNY 0.00000001
";
    assert_eq!(text(Journal::Hledger), expected);
}

#[test]
fn a_beancount_journal_opens_what_it_uses() {
    let expected = "; The ledger of reckoner: a debit is above 0, dates are billing days (+08:00).
option \"title\" \"reckoner\"
option \"operating_currency\" \"CNY\"
2026-01-05 commodity CNY
2026-01-05 open Assets:Cash
  name: \"assets:cash\"
2026-01-05 open Income:Ecs:PayPerUse
  name: \"income:ecs:pay_per_use\"
2026-01-05 open Liabilities:Wallet:A
  name: \"liabilities:wallet:a\"

2026-01-05 * \"top_up\"
  transaction-id: \"tx_1\"
  at: \"2026-01-05T07:30:00+08:00\"
  Assets:Cash  5.00000000 CNY
  Liabilities:Wallet:A  -5.00000000 CNY

2026-01-05 * \"settlement\"
  transaction-id: \"tx_2\"
  at: \"2026-01-05T08:30:00+08:00\"
  Income:Ecs:PayPerUse  -0.00000001 CNY
  Liabilities:Wallet:A  0.00000001 CNY
";
    assert_eq!(text(Journal::Beancount), expected);
}
