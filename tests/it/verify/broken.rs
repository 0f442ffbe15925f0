//! One way to break each check, and that it is named.

use super::home::{ask, broken, flip, force, forge_charges, forge_rows, lake_file, ledger, sign, small_home};
use crate::support::Bench;
use reckoner_core::number::Money;
use reckoner_core::rate::Charge;

/// 5 January has the most charges: three accounts, two kinds of window.
const DAY: &str = "2026-01-05";

/// What is done to the books, and the first check that `verify` names then.
type Case = (&'static str, &'static str, fn(&Bench));

fn check(line: &str, cases: &[Case]) {
    for (expected, what, break_it) in cases {
        let bench = small_home();
        break_it(&bench);
        let said = bench.line(&format!("{line} --json"));
        assert_eq!(said.exit, 70, "{what}: {}{}", said.out, said.err);
        assert_eq!(broken(&said).first().map(String::as_str), Some(*expected), "{what}: {}", said.out);
        let saw = said.json()["error"]["saw"].as_str().map(str::to_owned).unwrap_or_default();
        assert!(saw.starts_with(&format!("invariant broken: {expected}: ")), "{what}: {saw}");
    }
}

/// As [`check`], where another check must be named before.
fn check_also(line: &str, cases: &[Case]) {
    for (expected, what, break_it) in cases {
        let bench = small_home();
        break_it(&bench);
        let said = bench.line(&format!("{line} --json")).expect_exit(70);
        assert!(broken(&said).iter().any(|name| name == expected), "{what}: {:?}", broken(&said));
    }
}

fn add(amount: &mut Money, e8: i64) {
    *amount += Money::from_e8(e8);
}

/// The charges of one settlement that has several.
fn of_one_settlement(charges: &mut [Charge]) -> Vec<&mut Charge> {
    let name = |charge: &Charge| (charge.key.account_id.clone(), charge.transaction_at, charge.product.clone());
    let names: Vec<_> = charges.iter().map(name).collect();
    let twice = names.iter().find(|one| names.iter().filter(|other| other == one).count() == 2).expect("two charges").clone();
    charges.iter_mut().filter(|charge| name(charge) == twice).collect()
}

#[test]
fn the_store() {
    check(
        "verify",
        &[
            ("store.integrity", "a table can be edited again", |bench| {
                ledger(bench).execute_batch("DROP TRIGGER legs_never_edited").expect("dropped");
            }),
            ("store.integrity", "a row names a file that is not there", |bench| {
                force(bench, "UPDATE lake_files SET file_id = 'nothing' WHERE kind = 'rows'");
            }),
            ("store.readable", "a quantity is no number", |bench| {
                force(bench, "UPDATE usage_accounting SET accepted_e12 = 'many' WHERE accepted_e12 = '0'");
            }),
            ("store.readable", "a row is no JSON", |bench| force(bench, "UPDATE accounts SET body = '{' WHERE line = 2")),
        ],
    );
}

#[test]
fn files() {
    check(
        "verify",
        &[
            ("files.accounted", "an accepted row became a duplicate", |bench| {
                let change = "accepted = accepted - 1, duplicates = duplicates + 1";
                force(bench, &format!("UPDATE input_files SET {change} WHERE name = 'usage-1.csv'"));
            }),
            ("files.accounted", "a refused row is not in quarantine", |bench| {
                force(bench, "DELETE FROM quarantine_states; DELETE FROM quarantine");
            }),
            ("files.raw", "a delivered file is gone", |bench| {
                let name = ask(bench, "SELECT file_id FROM input_files WHERE name = 'funds.csv'");
                std::fs::remove_file(bench.home().join("raw").join(name)).expect("removed");
            }),
            ("files.raw", "a delivered file was appended to", |bench| {
                let path =
                    bench.home().join("raw").join(ask(bench, "SELECT file_id FROM input_files WHERE name = 'usage-1.csv'"));
                let text = std::fs::read_to_string(&path).expect("read");
                std::fs::write(&path, format!("{text}more\n")).expect("written");
            }),
            ("files.lake", "a bit of a file of charges is turned", |bench| flip(&lake_file(bench, "charges", DAY))),
            ("files.lake", "a file of rows is gone", |bench| {
                std::fs::remove_file(lake_file(bench, "rows", DAY)).expect("removed");
            }),
            ("files.readable", "a file of charges is no Parquet, and the manifest agrees", |bench| {
                let path = lake_file(bench, "charges", DAY);
                std::fs::write(&path, "PAR1 nothing PAR1").expect("written");
                sign(bench, &path);
            }),
            ("files.manifest", "a charge more than the manifest says", |bench| {
                force(bench, "UPDATE lake_files SET rows = rows - 1 WHERE kind = 'charges'");
            }),
            ("files.manifest", "rows that last longer than the manifest says", |bench| {
                force(bench, "UPDATE lake_files SET span_end = span_end - 1 WHERE kind = 'rows' AND span_end > span_start");
            }),
        ],
    );
    check_also(
        "verify",
        // The database checks this one too, and is asked first.
        &[("files.rows", "a row is lost", |bench| {
            force(bench, "UPDATE input_files SET rows = rows + 1 WHERE name = 'usage-1.csv'");
        })],
    );
}

#[test]
fn charges() {
    check(
        "verify",
        &[
            ("charges.equation", "a charge asks for more than it says", |bench| {
                forge_charges(bench, DAY, |charges| add(&mut charges[0].amounts.due, 1));
            }),
            ("charges.identity", "two charges have one id", |bench| {
                forge_charges(bench, DAY, |charges| charges[1].charge_id = charges[0].charge_id.clone());
            }),
            ("charges.price", "a price row that nobody published", |bench| {
                forge_charges(bench, DAY, |charges| charges[0].key.price_id = "pr_none".to_owned());
            }),
            ("charges.price", "another currency than the account's", |bench| {
                forge_charges(bench, DAY, |charges| charges[0].currency = "USD".to_owned());
            }),
            ("charges.window", "another month than its window's", |bench| {
                forge_charges(bench, DAY, |charges| charges[0].billing_period = "2026-02".to_owned());
            }),
            ("charges.window", "settled at another instant than its window's end", |bench| {
                forge_charges(bench, DAY, |charges| charges[0].transaction_at = charges[0].transaction_at.plus_seconds(60));
            }),
            ("charges.settled", "a settlement's due was edited", |bench| {
                force(bench, "UPDATE settlements SET due_e8 = due_e8 + 1 WHERE account_id = 'cid' AND due_e8 > 0");
            }),
            ("charges.settled", "a settlement is gone", |bench| {
                force(bench, "DELETE FROM settlements WHERE account_id = 'cid' AND due_e8 = 0");
            }),
            ("charges.settled", "a charge is of another account than its settlement", |bench| {
                forge_charges(bench, DAY, |charges| {
                    let place = charges.iter().position(|charge| charge.key.account_id == "cid").expect("cid's");
                    let other = charges.iter().position(|charge| charge.key.account_id == "ana").expect("ana's");
                    charges[place].settlement_id = charges[other].settlement_id.clone();
                });
            }),
        ],
    );
}

#[test]
fn payments() {
    check(
        "verify",
        &[
            ("payments.settlement", "a settlement says that cash paid more", |bench| {
                force(bench, "UPDATE settlements SET balance_e8 = balance_e8 + 1 WHERE account_id = 'ana' AND balance_e8 > 0");
            }),
            ("payments.lines", "cash paid what a voucher did", |bench| {
                force(bench, "UPDATE settlements SET balance_e8 = voucher_e8, voucher_e8 = balance_e8 WHERE balance_e8 > 0");
            }),
            ("payments.lines", "a payment is gone", |bench| force(bench, "DELETE FROM payments WHERE ordinal = 1")),
            ("payments.reference", "a payment is another account's", |bench| {
                force(bench, "UPDATE payments SET account_id = 'ben' WHERE ordinal = 1");
            }),
            ("payments.outstanding", "less is outstanding than is unpaid", |bench| {
                force(bench, "UPDATE open_settlements SET outstanding_e8 = outstanding_e8 - 1");
            }),
            ("payments.outstanding", "more is outstanding than is unpaid", |bench| {
                force(bench, "UPDATE open_settlements SET outstanding_e8 = outstanding_e8 + 1");
            }),
            ("payments.outstanding", "what is unpaid is not outstanding", |bench| force(bench, "DELETE FROM open_settlements")),
            ("payments.vouchers", "a voucher has something left that it paid", |bench| {
                force(bench, "UPDATE voucher_states SET used_e8 = used_e8 - 1");
            }),
            ("payments.vouchers", "a voucher got back what no line says", |bench| {
                force(bench, "UPDATE voucher_states SET returned_e8 = 1");
            }),
            ("payments.credit", "credit is in use that no line used", |bench| {
                force(bench, "UPDATE wallets SET credit_used_e8 = 7 WHERE account_id = 'ana'");
            }),
        ],
    );
    check_also(
        "verify",
        &[
            ("payments.reference", "a payment for nothing", |bench| {
                force(bench, "UPDATE payments SET paid_for = 'se_none' WHERE ordinal = 1");
            }),
            ("payments.refunds", "a voucher gets back more than it paid", |bench| {
                let columns = "payment_id, account_id, paid_for, seq, kind, source, source_id, amount_e8, currency, at";
                let values = "'pay_x', 'ana', paid_for, 9, 'refund', 'voucher', 'v-ana', -900000000, 'CNY', at";
                force(bench, &format!("INSERT INTO payments ({columns}) SELECT {values} FROM payments WHERE ordinal = 1"));
            }),
        ],
    );
}

#[test]
fn the_ledger() {
    /// Adds to one leg and takes off another of the same transaction.
    fn move_legs(bench: &Bench, to: &str, from: &str) {
        let transaction = format!(
            "(SELECT a.transaction_ordinal FROM legs a JOIN legs b USING (transaction_ordinal)
              WHERE a.account LIKE '{to}' AND b.account LIKE '{from}')"
        );
        force(
            bench,
            &format!(
                "UPDATE legs SET amount_e8 = amount_e8 + (account LIKE '{to}') - (account LIKE '{from}')
                 WHERE transaction_ordinal = {transaction} AND (account LIKE '{to}' OR account LIKE '{from}')"
            ),
        );
    }
    check(
        "verify",
        &[
            ("ledger.legs", "a leg is gone", |bench| {
                force(bench, "DELETE FROM legs WHERE leg = 1 AND transaction_ordinal = 1");
            }),
            ("ledger.wallets", "a wallet has more", |bench| {
                force(bench, "UPDATE wallets SET balance_e8 = balance_e8 + 1 WHERE account_id = 'ben'");
            }),
            ("ledger.wallets", "granted money has more", |bench| {
                force(bench, "UPDATE wallets SET granted_e8 = granted_e8 + 1 WHERE account_id = 'ana'");
            }),
            ("ledger.receivables", "the ledger says that more is owed", |bench| {
                move_legs(bench, "assets:receivable:cid", "income:ecs:%");
            }),
            ("ledger.income", "income is booked as vouchers", |bench| move_legs(bench, "income:ecs:%", "contra:vouchers")),
            ("ledger.funds", "a top-up was edited", |bench| {
                force(bench, "UPDATE funds SET body = replace(body, '300000000', '400000000') WHERE entry_id = 'f-1'");
            }),
            ("ledger.funds", "a top-up that was carried out waits again", |bench| {
                force(bench, "UPDATE funds_states SET status = 'pending' WHERE entry_id = 'f-5'");
            }),
        ],
    );
    check_also(
        "verify",
        &[
            ("ledger.balance", "a leg is gone", |bench| {
                force(bench, "DELETE FROM legs WHERE leg = 1 AND transaction_ordinal = 1");
            }),
            ("ledger.funds", "an account that nobody moves", |bench| {
                force(bench, "UPDATE legs SET account = 'assets:elsewhere' WHERE account = 'assets:cash'");
            }),
        ],
    );
}

#[test]
fn usage() {
    check(
        "verify",
        &[
            ("usage.accepted", "accepted use is forgotten", |bench| {
                force(bench, "UPDATE usage_accounting SET accepted_e12 = '0' WHERE account_id = 'cid' AND accepted_e12 <> '0'");
            }),
            ("usage.touched", "an hour does not know that it received a row", |bench| {
                force(bench, "DELETE FROM hour_touches WHERE seq = 6");
            }),
            ("usage.recount", "one charge asks for more, another of its settlement for less", |bench| {
                forge_charges(bench, DAY, |charges| {
                    for (charge, e8) in of_one_settlement(charges).into_iter().zip([1, -1]) {
                        add(&mut charge.amounts.list, e8);
                        add(&mut charge.amounts.due, e8);
                    }
                });
            }),
            ("usage.tiers", "a month's total was edited", |bench| {
                force(bench, "UPDATE tier_totals SET quantity_e12 = quantity_e12 || '0'");
            }),
            ("usage.settled", "use was charged that no row has", |bench| {
                force(bench, "UPDATE usage_accounting SET charged_e12 = charged_e12 || '0' WHERE charged_e12 > '0'");
            }),
        ],
    );
    check_also(
        "verify",
        &[
            ("usage.recount", "an accepted row used less", |bench| {
                forge_rows(bench, DAY, |rows| rows.iter_mut().for_each(|row| row.ended_at = row.started_at));
            }),
            ("usage.recount", "a row that was replaced is in force again", |bench| {
                force(bench, "DELETE FROM superseded_rows WHERE record_id = 'a-1'");
            }),
            ("usage.recount", "a window's charges are gone with their file", |bench| {
                force(bench, "DELETE FROM lake_files WHERE path LIKE 'charges/day=2026-01-06/%'");
            }),
            ("usage.tiers", "a tiered charge says another list amount", |bench| {
                forge_charges(bench, "2026-01-06", |charges| {
                    add(&mut charges[0].amounts.list, 1);
                    add(&mut charges[0].amounts.discount, 1);
                });
            }),
            ("usage.conservation", "use was charged that was not accepted", |bench| {
                force(bench, "UPDATE usage_accounting SET charged_e12 = charged_e12 || '0' WHERE charged_e12 > '0'");
            }),
        ],
    );
}

#[test]
fn windows() {
    // Hours of 8 January, in which nothing was used.
    check(
        "verify",
        &[
            ("windows.aligned", "a window begins inside an hour", |bench| {
                force(bench, "INSERT INTO windows VALUES ('hour', 1767801600 + 60, 1767801600 + 3660, 6, 6)");
            }),
            ("windows.aligned", "a day is too long", |bench| {
                force(bench, "INSERT INTO windows VALUES ('day', 1767801600, 1767801600 + 2 * 86400, 6, 6)");
            }),
            ("windows.aligned", "the frontier lies inside an hour", |bench| {
                force(bench, "UPDATE marks SET value = '2026-01-19T00:00:01Z' WHERE name = 'frontier'");
            }),
            ("windows.known", "settled with a delivery that is not there", |bench| {
                force(bench, "INSERT INTO windows VALUES ('hour', 1767801600, 1767801600 + 3600, 7, 6)");
            }),
            ("windows.known", "settled first after it was settled last", |bench| {
                force(bench, "INSERT INTO windows VALUES ('hour', 1767801600, 1767801600 + 3600, 5, 6)");
            }),
            ("windows.order", "an hour received rows and was passed over", |bench| {
                force(bench, "INSERT INTO hour_touches (seq, hour) VALUES (5, 1767542400)");
            }),
        ],
    );
}

#[test]
fn raw() {
    check(
        "verify --full",
        &[
            ("raw.usage", "an accepted row has another name than its line", |bench| {
                forge_rows(bench, DAY, |rows| rows[0].resource_name = Some("another".to_owned()));
                bench.line("verify").expect_exit(0);
            }),
            ("raw.usage", "a refused line is kept otherwise", |bench| {
                force(bench, "UPDATE quarantine SET raw = replace(raw, 'x-1', 'x-2') WHERE line = 9");
            }),
            ("raw.reference", "an account has another name than its line", |bench| {
                force(bench, "UPDATE accounts SET body = replace(body, 'Ana', 'Eve')");
            }),
            ("raw.reference", "a funds entry has another instant than its line", |bench| {
                force(bench, "UPDATE funds SET body = replace(body, '1767456000', '1767456001') WHERE entry_id = 'f-1'");
            }),
        ],
    );
}
