//! Orders, quotes and renewals by command line: what is quoted is what is paid; batches do all or nothing; the statement
//! proves the wallet.

use crate::sample_home;
use crate::support::{Bench, Said};
use serde_json::Value;
use std::collections::BTreeMap;

const BOUGHT: &str = "2026-01-05T10:00:00+08:00";
const LATER: &str = "2026-01-20T10:30:00+08:00";

/// A home with two accounts, a catalogue and some money; nothing is bought yet.
fn shop() -> Bench {
    let bench = Bench::new();
    bench.line("init --as-of 2026-01-01").expect_exit(0);
    bench.write("accounts.csv", "account_id,name\nacme,Acme\nbirch,Birch\n");
    bench.write(
        "products.csv",
        "product,name,product_line,family,edition,edition_rank,addon,renewal\n\
         vm,Server,Compute,,,,,\neip,Elastic IP,Network,,,,,\nddos,Anti-DDoS IP,Security,,,,,own_page\n\
         guard,Guard,Security,guard,professional,2,,\nscreen,Guard screen,Security,guard,,,true,\n",
    );
    bench.write(
        "prices.csv",
        "sku,product,billing_mode,unit,unit_price,terms\nvm.month,vm,subscription,month,100,12=1000\n\
         vm.large.month,vm,subscription,month,200,\nvm.hour,vm,pay_per_use,hour,0.20,\neip.month,eip,subscription,month,23.5,\n\
         ddos.month,ddos,subscription,month,300,\nguard.month,guard,subscription,month,30,\n\
         screen.month,screen,subscription,month,10,\n",
    );
    bench.write(
        "funds.csv",
        "entry_id,account_id,kind,amount,at\nf-1,acme,top_up,1000,2026-01-01T00:00:00+08:00\n\
         f-2,acme,grant,50,2026-01-01T00:00:00+08:00\nf-3,birch,top_up,100,2026-01-01T00:00:00+08:00\n",
    );
    bench.line("ingest accounts.csv products.csv prices.csv funds.csv --as-of 2026-01-01").expect_exit(0);
    bench
}

fn at(bench: &Bench, clock: &str, line: &str) -> Said {
    bench.run(["--as-of", clock].into_iter().chain(line.split_whitespace()))
}

fn buy(bench: &Bench, resource: &str, sku: &str, more: &str) {
    let line = format!("orders place purchase --account acme --resource {resource} --sku {sku} {more}");
    at(bench, BOUGHT, &line).expect_exit(0);
}

fn ids(document: &Value) -> Vec<&str> {
    let resources = document["resources"].as_array().expect("a list");
    resources.iter().map(|one| one["resource_id"].as_str().expect("an id")).collect()
}

/// An account's cash and granted money, at 1e-8.
fn wallet(account: &Value) -> i64 {
    ["balance", "granted_balance"].iter().map(|column| e8(&account[column])).sum()
}

fn e8(amount: &Value) -> i64 {
    amount.as_str().expect("an amount").replace('.', "").parse().expect("digits")
}

fn rows(bench: &Bench, clock: &str, table: &str) -> Vec<Value> {
    let said = at(bench, clock, &format!("export {table} --format ndjson")).expect_exit(0);
    said.out.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

#[test]
fn an_order_is_kept_as_delivered_carried_out_and_known_the_second_time() {
    let bench = shop();
    let line = "orders place purchase --account acme --resource vm-1 --sku vm.month --renewal auto --json";
    let first = at(&bench, BOUGHT, line).expect_exit(0).json();
    let shown = ["status", "amount", "expires_at"].map(|name| first[name].as_str().unwrap_or_default());
    assert_eq!(shown, ["done", "100.00000000", "2026-02-06T00:00:00+08:00"]);
    assert_eq!(first["duplicate"], false);

    // The same order at the same instant is the same order; a moment later it is another, which is refused.
    let again = at(&bench, BOUGHT, line).expect_exit(0).json();
    assert_eq!((&again["duplicate"], &again["order_id"]), (&true.into(), &first["order_id"]));
    let other = at(&bench, LATER, line).expect_exit(3).json();
    assert!(other["error"]["saw"].as_str().is_some_and(|saw| saw.contains("already_bought: `vm-1` is active")), "{other}");

    let orders = at(&bench, LATER, "orders list --account acme --json").expect_exit(0).json();
    let statuses: Vec<&str> =
        orders["orders"].as_array().expect("a list").iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["done", "refused"]);
    // One dated ahead waits, and is carried out with the next that happens to the account.
    let ahead = at(&bench, LATER, "orders place renew --resource vm-1 --placed-at 2026-02-01 --json").expect_exit(0).json();
    assert_eq!((&ahead["status"], &ahead["expires_at"]), (&"pending".into(), &first["expires_at"]));
    let manual = "orders place set_renewal --resource vm-1 --renewal manual --json";
    let then = at(&bench, "2026-02-01", manual).expect_exit(0).json();
    // Its own renewal of 29 January was due before.
    assert_eq!(then["expires_at"], "2026-04-06T00:00:00+08:00");

    let files = rows(&bench, LATER, "files");
    let placed: Vec<&Value> = files.iter().filter(|file| file["kind"] == "orders").collect();
    assert_eq!(placed.len(), 4);
    for file in placed {
        assert!(bench.home().join("raw").join(file["file_id"].as_str().unwrap()).exists(), "{file}");
    }
}

#[test]
fn what_cannot_be_an_order_says_why() {
    let bench = shop();
    buy(&bench, "vm-1", "vm.month", "");
    // command line | exit | what is said
    let cases = [
        ("orders place renew --resource vm-1 --periods 0", 2, "error: --periods: `periods` is `0`"),
        ("orders place renew --resource vm-9", 2, "nobody has a resource `vm-9`"),
        ("orders place renew --resource vm-9 --account acme", 3, "unknown_resource: `vm-9` was never bought"),
        ("orders place purchase --resource vm-2 --sku vm.month", 2, "nobody is named who buys"),
        ("orders place purchase --resource vm-2 --account acme", 2, "`sku` is empty"),
        ("orders place purchase --resource vm-2 --account birch --sku vm.large.month", 3, "insufficient_funds: "),
        ("orders place purchase --resource vm-2 --account nobody --sku vm.month", 2, "`reckoner quarantine show q_"),
        ("orders place cancel --resource vm-1", 2, "expected one of purchase, renew, unsubscribe, change"),
        ("quote renew --resource vm-9 --account acme", 3, "unknown_resource: "),
        ("quote delete --resource vm-1", 2, "expected one of purchase, renew, unsubscribe, change, align"),
        ("renewals renew", 2, "nothing says which subscriptions are meant"),
        ("renewals list --page 2", 2, "there is no page 2"),
        ("renewals list --expires 2026-02-01..2026-02-01", 2, "nothing lies in this range"),
        ("renewals calendar --account nobody", 2, "no account `nobody` is known"),
    ];
    for (line, exit, said) in cases {
        at(&bench, LATER, line).expect_exit(exit).expect_err(&[said]);
    }
}

#[test]
fn what_is_quoted_is_what_is_paid_and_what_comes_back() {
    let bench = shop();
    for (id, renewal) in [("vm-1", "auto"), ("vm-2", "manual")] {
        buy(&bench, id, "vm.month", &format!("--renewal {renewal}"));
    }
    // order | its amount, worked out by hand
    let steps = [
        ("renew --resource vm-1 --periods 2", "200.00000000"),
        // A month to 5 March, then 26 of the 31 days of March.
        ("align --resource vm-2 --align-day last", "183.87000000"),
        // 360 of 758 hours used: 47.49 kept; a tenth of 100 is the fee; the two renewed months come back whole.
        ("unsubscribe --resource vm-1", "-242.51000000"),
    ];
    for (order, amount) in steps {
        let before = at(&bench, LATER, "export accounts").expect_exit(0).out;
        let quoted = at(&bench, LATER, &format!("quote {order} --json")).expect_exit(0).json();
        assert_eq!(at(&bench, LATER, "export accounts").expect_exit(0).out, before, "a quote changes nothing");
        let placed = at(&bench, LATER, &format!("orders place {order} --json")).expect_exit(0).json();
        let quote = &quoted["quotes"][0];
        assert_eq!((quote["amount"].as_str(), placed["amount"].as_str()), (Some(amount), Some(amount)), "{order}: {quoted}");
        assert_eq!(quoted["sums"]["CNY"], amount);
        if quote["expires_after"] != quote["expires_before"] {
            assert_eq!(quote["expires_after"], placed["expires_at"], "{order}");
        }
        let last = quote["lines"].as_array().and_then(|lines| lines.last()).expect("a line");
        assert!(last["steps"].as_array().is_some_and(|steps| steps.len() >= 2), "{last}");
    }
    let text = at(&bench, LATER, "quote renew --resource vm-2").expect_exit(0).out;
    for piece in ["list  = 1 x 100", "  = 100.00 CNY is due\n", "  expires 2026-04-30 23:59:59; so far 2026-03-31 23:59:59\n"] {
        assert!(text.contains(piece), "{piece:?} is missing from:\n{text}");
    }
}

#[test]
fn a_discount_voucher_is_shown_where_it_lowers_a_price() {
    let bench = shop();
    bench.write(
        "vouchers.csv",
        "voucher_id,account_id,amount,valid_from,valid_to,kind,percent_off\n\
         off-20,acme,,2026-01-01T00:00:00+08:00,2027-01-01T00:00:00+08:00,discount,20\n",
    );
    at(&bench, BOUGHT, "ingest vouchers.csv").expect_exit(0);
    // Two are quoted one after the other: the first uses it up.
    let quote = "quote purchase --account acme --sku vm.month --resource vm-1;vm-2";
    let quoted = at(&bench, BOUGHT, quote).expect_exit(0).out;
    let pieces = [
        "discount = 20 % of 100 20.00 the discount voucher off-20, used up by it",
        "due = 100 - 20 - 0 80.00 list - discount - truncated",
        "= 100.00 CNY is due",
        "in all 180.00 CNY is due",
    ];
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for piece in pieces {
        assert!(plain(&quoted).contains(piece), "{piece:?} is missing from:\n{quoted}");
    }

    buy(&bench, "vm-1", "vm.month", "--order-id o-1");
    buy(&bench, "vm-2", "vm.month", "--order-id o-2");
    let explained = at(&bench, LATER, "explain o-1").expect_exit(0).out;
    let lowered = "lowered by 20.00 CNY with the discount voucher off-20, used up by it";
    assert!(plain(&explained).contains(lowered), "{explained}");
    let of = |order: &str| at(&bench, LATER, &format!("explain {order} --json")).expect_exit(0).json();
    let [first, second] = ["o-1", "o-2"].map(of);
    assert_eq!(
        (&first["amount"], &first["discount_voucher"]["voucher_id"]),
        (&"80.00000000".into(), &"off-20".into()),
        "{first}"
    );
    assert_eq!((&second["amount"], &second["discount_voucher"]), (&"100.00000000".into(), &Value::Null), "{second}");

    let charges = rows(&bench, LATER, "charges");
    let reasons: Vec<&Value> = charges.iter().map(|charge| &charge["reason"]).collect();
    assert_eq!(reasons, [&Value::from("discount_voucher:off-20"), &Value::Null]);
    let voucher = &rows(&bench, LATER, "vouchers")[0];
    let shown = ["amount", "used", "returned", "remaining", "status"].map(|column| voucher[column].as_str().unwrap_or_default());
    assert_eq!(shown, ["0.00000000", "20.00000000", "0.00000000", "0.00000000", "used"]);
    bench.line("verify").expect_exit(0);
}

#[test]
fn a_list_pages_and_says_what_is_not_in_it() {
    let bench = shop();
    for number in 1..=3 {
        buy(&bench, &format!("vm-{number}"), "vm.month", "--configuration 2vCPU");
    }
    buy(&bench, "eip-1", "eip.month", "--periods 2 --renewal auto --data-center-type edge");
    buy(&bench, "trial-1", "vm.month", "--trial");
    buy(&bench, "ddos-1", "ddos.month", "");
    buy(&bench, "host-1", "vm.hour", "");
    // filter | what is on the page
    let cases = [
        ("", "vm-1 vm-2 vm-3 eip-1 host-1"),
        ("--per-page 2 --page 2", "vm-3 eip-1"),
        ("--tab auto", "eip-1"),
        ("--tab no-expiry", "host-1"),
        ("--product vm --expires 2026-02-05..2026-02-06", "vm-1 vm-2 vm-3"),
        ("--expires 2026-02-06..2026-02-07", ""),
        ("--data-center-type edge --account acme", "eip-1"),
        ("--account birch", ""),
    ];
    for (filter, expected) in cases {
        let document = at(&bench, LATER, &format!("renewals list {filter} --json")).expect_exit(0).json();
        assert_eq!(ids(&document).join(" "), expected, "{filter}");
    }
    let text = at(&bench, LATER, "renewals list --tab manual").expect_exit(0).out;
    let line = "vm-1      acme     Compute       2vCPU          subscription  2026-02-05 23:59:59  manual   active\n";
    for piece in
        [line, "page 1 of 1, 3 resources\n", "  1 on trial: never renewed\n", "  1 of products that are renewed on a page"]
    {
        assert!(text.contains(piece), "{piece:?} is missing from:\n{text}");
    }
}

#[test]
fn a_batch_does_all_or_nothing() {
    let bench = shop();
    buy(&bench, "vm-1", "vm.month", "");
    buy(&bench, "vm-2", "vm.month", "");
    buy(&bench, "vm-3", "vm.month", "--bundle b-1");
    buy(&bench, "eip-3", "eip.month", "--bundle b-1");
    buy(&bench, "trial-1", "vm.month", "--trial");
    let before = at(&bench, LATER, "export orders").expect_exit(0).out;
    let said = at(&bench, LATER, "renewals set --renewal auto --resource vm-1;vm-3 --resource trial-1").expect_exit(3);
    said.expect_err(&[
        "nothing was done: 2 of 3 resources",
        "vm-3  bundle_member: ",
        "trial-1  trial: ",
        "hint: `--skip` does the others: 1 resource",
    ]);
    assert_eq!(at(&bench, LATER, "export orders").expect_exit(0).out, before);

    let set = at(&bench, LATER, "renewals set --renewal auto --product vm --skip --json").expect_exit(0).json();
    let statuses: Vec<String> =
        set["orders"].as_array().expect("a list").iter().map(|one| format!("{} {}", one["resource_id"], one["status"])).collect();
    assert_eq!(statuses, [r#""vm-1" "done""#, r#""vm-2" "done""#]);
    assert_eq!(set["refused"].as_array().map(Vec::len), Some(1));
    let auto = at(&bench, LATER, "renewals list --tab auto --json").expect_exit(0).json();
    assert_eq!(ids(&auto), ["vm-1", "vm-2"]);

    // Five months each are a thousand, and less is left: none is done, and with --skip the first.
    let renew = "renewals renew --resource vm-2;vm-1 --periods 5";
    at(&bench, LATER, renew).expect_exit(3).expect_err(&["1 of 2 resources", "vm-2  insufficient_funds: "]);
    let quoted = at(&bench, LATER, &format!("{renew} --quote --json")).expect_exit(0).json();
    let done = at(&bench, LATER, &format!("{renew} --skip --json")).expect_exit(0).json();
    assert_eq!((&done["orders"][0]["resource_id"], &done["orders"][0]["amount"]), (&"vm-1".into(), &"500.00000000".into()));
    // A quote says what both would come to, and for which of them money is missing.
    let missing: Vec<bool> =
        quoted["quotes"].as_array().expect("a list").iter().map(|one| !one["would_be_refused"].is_null()).collect();
    assert_eq!((quoted["sums"]["CNY"].as_str(), missing), (Some("1000.00000000"), vec![false, true]));
}

#[test]
fn the_calendar_says_what_the_days_ahead_then_do() {
    let bench = shop();
    // 450 are left of 1050 after three at 100 and one at 300: enough for a month of vm-1, not for six of vm-2.
    buy(&bench, "vm-1", "vm.month", "--renewal auto");
    buy(&bench, "vm-2", "vm.month", "--renewal auto --renewal-periods 6");
    buy(&bench, "vm-3", "vm.month", "");
    buy(&bench, "ddos-1", "ddos.month", "");
    let text = at(&bench, LATER, "renewals calendar --days 40").expect_exit(0).out;
    let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = text.lines().map(plain).collect();
    for line in [
        "2026-01-29 03:00:00 acme vm-1 renews 100.00 CNY 350.00 CNY until 2026-03-05 23:59:59",
        "2026-01-29 03:00:00 acme vm-2 does not renew 350.00 CNY insufficient_funds; tried 8 times, last 2026-02-05 03:00:00",
        "2026-02-05 23:59:59 acme vm-3 expires",
        "2026-02-05 23:59:59 acme vm-2 expires",
        "2026-02-21 00:00:00 acme vm-3 freezes",
    ] {
        assert!(lines.iter().any(|shown| shown == line), "{line:?} is missing from:\n{text}");
    }
    assert_eq!(at(&bench, LATER, "renewals calendar --days 1").expect_exit(0).out, "nothing is due in the next 1 day\n");
    let document = at(&bench, LATER, "renewals calendar --days 10 --json").expect_exit(0).json();
    let covered: Vec<&Value> = document["due"].as_array().expect("a list").iter().map(|due| &due["is_covered"]).collect();
    assert_eq!(covered, [&Value::from(true), &Value::from(false)]);

    // The days come: with the next order of the account everything is carried out that was due by then.
    let then = "2026-02-10T00:00:00+08:00";
    at(&bench, then, "orders place set_renewal --resource vm-1 --renewal auto").expect_exit(0);
    let acme = rows(&bench, then, "accounts --account acme");
    assert_eq!(wallet(&acme[0]), 350 * 100_000_000);
    let statuses: Vec<String> = rows(&bench, then, "subscriptions")
        .iter()
        .map(|row| format!("{} {}", row["resource_id"].as_str().unwrap(), row["status"].as_str().unwrap()))
        .collect();
    assert_eq!(statuses, ["ddos-1 expired", "vm-1 active", "vm-2 expired", "vm-3 expired"]);
}

#[test]
fn a_statement_proves_the_wallet() {
    let bench = shop();
    buy(&bench, "vm-1", "vm.month", "--periods 9");
    buy(&bench, "eip-1", "eip.month", "");
    at(&bench, LATER, "orders place unsubscribe --resource vm-1").expect_exit(0);
    let statement = rows(&bench, LATER, "statement --account acme");
    let kinds: Vec<&str> = statement.iter().map(|row| row["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["top_up", "grant", "order", "order", "order"]);
    proves(&statement, &rows(&bench, LATER, "accounts"));

    // A month of use with every kind of payment, and money that comes late.
    let month = sample_home::after_the_month();
    let (statement, accounts) = (sample_home::rows(&month, "statement"), sample_home::rows(&month, "accounts"));
    assert!(statement.len() > 50, "{}", statement.len());
    proves(&statement, &accounts);
}

/// Every row's balance is the one before it and its amount; the last of an account is its wallet.
fn proves(statement: &[Value], accounts: &[Value]) {
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    for row in statement {
        let balance = last.entry(sample_home::text(row, "account_id")).or_default();
        *balance += e8(&row["amount"]);
        assert_eq!(*balance, e8(&row["balance_after"]), "{row}");
    }
    for account in accounts {
        let id = sample_home::text(account, "account_id");
        assert_eq!(last.get(id).copied().unwrap_or_default(), wallet(account), "{id}");
    }
}

#[test]
fn editions_follow_the_quotas() {
    let bench = shop();
    buy(&bench, "guard-1", "guard.month", "--quantity 20");
    buy(&bench, "screen-1", "screen.month", "--depends-on guard-1");
    let shown =
        |clock: &str| at(&bench, clock, "export editions").expect_exit(0).out.lines().nth(1).unwrap_or_default().to_owned();
    assert_eq!(shown(LATER), "acme,guard,professional,20,");
    at(&bench, LATER, "orders place unsubscribe --resource guard-1").expect_exit(0);
    assert_eq!(shown(LATER), "acme,guard,basic,0,screen-1");
}

/// A dry run of a night says what the night then does, and changes nothing; so does the night of one account.
#[test]
fn tonights_preview_is_what_the_night_does() {
    let bench = Bench::new();
    bench.line("init --profile ksyun --zone +08:00 --currency CNY").expect_exit(0);
    bench.write("accounts.csv", "account_id,name\nacme,Acme\nbirch,Birch\n");
    bench.write("prices.csv", "sku,product,billing_mode,unit,unit_price\nvm,ecs,subscription,month,10\n");
    let mut funds = "entry_id,account_id,kind,amount,at\n".to_owned();
    let mut orders = "order_id,account_id,kind,placed_at,resource_id,sku,renewal\n".to_owned();
    for account in ["acme", "birch"] {
        funds += &format!("f-{account},{account},top_up,20,2026-01-05T09:00:00+08:00\n");
        orders += &format!("o-{account},{account},purchase,2026-01-05T10:00:00+08:00,i-{account},vm,auto\n");
    }
    bench.write("funds.csv", &funds);
    bench.write("orders.csv", &orders);
    bench.line("ingest accounts.csv prices.csv funds.csv orders.csv --as-of 2026-01-05T08:00:00+08:00").expect_exit(0);
    bench.line("catch-up --as-of 2026-02-04T20:00:00+08:00").expect_exit(0);
    let before = bench.line("export subscriptions").out;

    let night = "--as-of 2026-02-05T06:00:00+08:00 --json";
    let preview = bench.line(&format!("run daily --dry-run {night}")).expect_exit(0).json();
    assert_eq!(preview["lives"]["happened"]["renewed"]["count"], 2);
    assert_eq!(bench.line("export subscriptions").out, before);

    // Every order leads back to the line that placed it, its charge and what paid it.
    let story = bench.line("explain o-acme --json").expect_exit(0).json();
    assert_eq!(
        (&story["kind"], &story["amount"], &story["charges_add_up"]),
        (&"order".into(), &"10.00000000".into(), &true.into())
    );
    assert_eq!((&story["file"]["file"], &story["payments"][0]["source"]), (&"orders.csv".into(), &"balance".into()));
    let charge_id = story["charges"][0]["charge_id"].as_str().expect("a charge").to_owned();
    assert_eq!(bench.line(&format!("explain {charge_id} --json")).expect_exit(0).json()["order_id"], "o-acme");
    let text = bench.line("explain o-acme").expect_exit(0).out;
    for piece in ["order        o-acme (purchase)", "purchase of vm", "orders.csv:2", "balance"] {
        assert!(text.contains(piece), "{piece:?} is missing from: {text}");
    }

    let one = bench.line(&format!("run daily --account birch {night}")).expect_exit(0).json();
    assert_eq!(one["lives"]["happened"]["renewed"]["count"], 1);
    let rest = bench.line(&format!("run daily {night}")).expect_exit(0).json();
    assert_eq!(rest["lives"]["happened"]["renewed"]["count"], 1);
    assert_eq!(bench.line(&format!("run daily {night}")).expect_exit(0).json()["lives"]["orders_done"], 0);

    // A rerun of the days finds nothing that is missing, and its plan is applied once.
    let rerun = "rerun daily --from 2026-02-01 --to 2026-02-05 --reason looked-again --as-of 2026-02-05T06:00:00+08:00";
    let plan = bench.line(&format!("{rerun} --json")).expect_exit(0).json();
    assert_eq!(plan["lives"]["orders_done"], 0);
    bench.line(&format!("{rerun} --apply plan_0")).expect_exit(4);
    bench.line(&format!("{rerun} --apply {}", plan["plan"].as_str().expect("a plan"))).expect_exit(0);
    bench.line("verify --full").expect_exit(0);
}
