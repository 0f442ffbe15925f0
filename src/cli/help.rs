//! What `--help` says after the options: units, borders, examples. Paragraphs are single lines; the terminal wraps them.

pub(super) const MAIN: &str = "\
Examples:
  reckoner demo
  reckoner init --home ./books --zone Europe/Paris --currency EUR
  reckoner ingest --home ./books accounts.csv prices.csv usage-2026-01-05T13.csv
  reckoner run hourly --home ./books
  reckoner export charges --from 2026-01-05 --to 2026-01-06 -o charges.csv

T is RFC 3339 with an offset (2026-01-05T08:00:00+08:00) or a date, its first instant in the billing \
zone. Ranges hold their start and not their end.

Exit codes: 0 done · 1 failed · 2 wrong usage or refused input · 3 refused by policy · 4 stale plan · 70 an \
invariant is broken. RECKONER_LOG=info shows what happens on the way.";

pub(super) const INIT: &str = "\
Done twice it is harmless: it completes what is missing and overwrites nothing. Asked for other settings than are in \
force it refuses and changes nothing.

Example:
  reckoner init --home ./books --zone +08:00 --currency CNY --profile huawei-intl";

pub(super) const DEMO: &str = "\
RECKONER_HOME does not count here: only --home makes the demo write into a folder that is there.";

pub(super) const INGEST: &str = "\
Formats: CSV (UTF-8, RFC 4180, header row), Parquet, NDJSON; each also as .gz or .zst. Files are taken in the order \
accounts, products, prices, discounts, vouchers, funds, orders, assignments, usage, whatever the order on the command \
line. A row that cannot be taken goes to quarantine; the others are taken all the same.

With --replaces the one usage file named stands in the place of an earlier delivery: rows that both have stay, changed \
rows take the old ones' place without a higher revision, rows that only the old one has are taken back, and the hours \
that this touches settle again as late usage. Rows of other deliveries are not touched. A row that cannot be taken holds \
the old one in force.

A file manifest-*.json says what its producer delivers: a file that differs from it is refused whole. It is taken before \
the files, whatever the order on the command line.

Without FILE it takes what lies in the home's inbox/ now: regular files whose name says their table, but no name that \
begins with . or ends in .tmp or .part. A file goes away from there once its bytes are in raw/ and what came of it is \
recorded. Producers write under such a name and rename when they are done: half a file is refused.

Exit code 0 if every row was accepted or a duplicate, 2 if any was refused or held in force, or if something in inbox/ had to be left.

Examples:
  reckoner ingest accounts.csv prices.csv usage-2026-01-05T13.csv
  reckoner ingest manifest-2026-01-05T13.json usage-2026-01-05T13.csv
  reckoner ingest usage-2026-01-05T13.corrected.csv --replaces usage-2026-01-05T13.csv
  reckoner ingest --kind usage meter-export.parquet";

pub(super) const RUN: &str = "\
Without a range it settles every window that has ended and is not settled, or that received rows since, oldest first. A \
range is settled without waiting for late files. Settling twice changes nothing.

Examples:
  reckoner run hourly
  reckoner run hourly --from 2026-01-05 --to 2026-01-06 --dry-run";

pub(super) const RERUN: &str = "\
Settles windows of the past again and shows what that would change, with the cause of each difference: input (rows that \
arrived or were replaced since), manual (refused rows that an operator took again), price (another price row or discount \
counts), rule (the engine or the profile reckons otherwise). Nothing is changed until the plan that is printed is given \
back with --apply; then exactly its differences are posted, once. Late usage needs no rerun: it settles by itself, at the \
prices of its window.

Exit code 4 if input, prices or windows have changed since the plan was made: look at the new one.

Examples:
  reckoner rerun hourly --from 2026-01-05 --to 2026-01-06 --reason \"price of vm.small was wrong\"
  reckoner rerun hourly --from 2026-01-05 --to 2026-01-06 --reason \"price of vm.small was wrong\" --apply plan_61f0…";
pub(super) const QUARANTINE_DISCARD: &str = "\
What is given up stays in quarantine as it was delivered, with who gave it up, when and why; its use stays counted as \
quarantined. Done twice it has no effect. `quarantine retry ITEM` takes an item that was given up again, if it is named; \
`retry --reason` leaves such items alone.

Examples:
  reckoner quarantine discard q_3b638f6a066e --reason 'a test host, not for sale'
  reckoner quarantine discard --reason negative_quantity";

pub(super) const CATCH_UP: &str = "\
Carries out every effect with an instant up to and including T, also of the day in progress; hours that received usage \
since they were settled are settled again. A T later than the clock is refused.

Example:
  reckoner catch-up --until 2026-01-06T00:00:00+08:00";

pub(super) const SERVE: &str = "\
Looks for work when the crons of jobs/*.toml ring (UTC), and every minute besides: takes what lies in inbox/, then settles \
every window that is due, oldest first, settle_delay_seconds of jobs/hourly.toml after its end. What was missed while \
nothing ran is made up for. A file in inbox/ is taken once it has looked the same for two seconds. The home is locked \
only while there is work, so that other commands write in between.

SIGTERM or Ctrl-C finishes the batch at work (25 s at most, a batch is a billing day) and ends with exit code 0. What fails \
is tried again with growing pauses, as jobs/hourly.toml says; `reckoner status --check` tells. A broken invariant ends it \
with exit code 70. When the clock jumps by more than 5 s, nothing is settled until it has behaved for 3 minutes.

What it does goes to standard error, a line each; RECKONER_LOG=warn makes it quieter.

Example:
  reckoner serve --home ./books";

pub(super) const WINDOWS_LIST: &str = "\
A window is listed when it has input. Its state is open (not over yet), due, settled, `settled, has news` (rows came or \
were replaced since), held, or forced. seq is the newest delivery that its charges hold, rows what the newest run read; \
charges and amount are those of all runs, the amount in the home's currency. Below stands what is held, by whom and why.

Examples:
  reckoner windows list
  reckoner windows list hourly --from 2026-01-05 --to 2026-01-06 --json";

pub(super) const WINDOWS_HOLD: &str = "\
A window is held if any part of it lies in the range. Without JOB that goes for days and months too, so that no use of a \
held hour settles by way of a longer window. Held windows are passed over by every command until they are released; what is settled already stays, and late \
rows for it wait. Ingest goes on. A later hold of the same time has its own reason from then on.

Example:
  reckoner windows hold hourly --from 2026-01-05T10:00:00+08:00 --reason 'meter 7 delivers twice'";

pub(super) const WINDOWS_RELEASE: &str = "\
Without a range every hold ends. What waited is due again and settles with the next catch-up, oldest first, at the \
instants at which it would have settled.

Example:
  reckoner windows release hourly --from 2026-01-05 --to 2026-01-06 --reason 'delivered again'";

pub(super) const WINDOWS_FORCE: &str = "\
For windows that a source will never complete, or that somebody else holds. Whole windows that are over, settled in this \
command; who forced them and why is kept, and whoever did so does not approve that month's bills. Usage that comes \
later settles by itself.

Example:
  reckoner windows force hourly --from 2026-01-05 --to 2026-01-06 --reason 'source B was switched off on the 4th'";

pub(super) const STATUS: &str = "\
Read from the store alone, also when nothing is serving; takes no lock and never waits.

With --check the exit code is for a monitor: 0 fine · 1 look: quarantine items are open, a file that a manifest \
lists is missing or differs, usage waits to be settled for more than an hour, windows are held beyond their job's deadline, something in inbox/ is left there, or the clock jumped · \
2 bad: a file is missing or usage waits for more than three hours, what `serve` does fails, `serve` went silent without being stopped, or the books \
cannot be read. Usage waits since its window ended, or since it was delivered if that was later. A home that nobody serves \
is no fault.

Examples:
  reckoner status
  reckoner status --check || mail -s 'reckoner: look' ops@example.com < /dev/null";

pub(super) const VERIFY: &str = "\
Holds files, charges, payments, ledger, usage and windows against each other, changes none of them, takes no lock and \
works while another command writes. Every check has a name; `--json` lists them with what they mean, what they looked at and \
what they found.

Files that an earlier green verify has hashed are not hashed again, unless with --full, which also reads every delivered \
file again, line by line. What was hashed is remembered only if nobody else is writing when verify ends.

Exit code 70 names the first check that is broken: settle nothing before somebody has looked.";

pub(super) const EXPLAIN: &str = "\
From a charge: the formula with its numbers, the discounts that competed, the price row, every delivered row behind it \
with its file and line, what it corrects, what paid for it. From a settlement: its charges and payments. The amounts are \
computed again on the way; whether they come out the same is said. The beginning of an id is enough: its kind and six \
characters or more, where nothing else begins so.

Examples:
  reckoner explain ch_6b1f2a90c4d85e7712ab34cd56ef7890
  reckoner explain se_0a1b2c3d --json";

pub(super) const EXPORT: &str = "\
Sorted by key, the same bytes for the same store. Amounts have the profile's fee scale, quantities and prices no \
trailing zeros, instants the billing zone's offset, no value is an empty cell. In CSV a text that a spreadsheet would \
run as a formula (it begins with = + - @, a tab or a carriage return) gets a ' in front; numbers and ids never do, so \
that they come back as they went. Without -o the table goes to standard output. --from and --to are held against the \
table's first time column; a row without a value there is in no range.

The ledger's debits are above 0. As hledger (which `ledger` reads too) and as beancount it declares every account and \
commodity; names that a tool cannot have are written so that no two become one.

Examples:
  reckoner export charges --from 2026-01-05 --to 2026-01-06 -o charges.csv
  reckoner export payments --account acct-1 --format ndjson
  reckoner export ledger --format hledger -o ledger.journal";

pub(super) const CHECK: &str = "\
Looks over the settings, every profile and job file, and what is known of prices, discounts and vouchers: usage that waits \
for a price, gaps, prices that end within 30 days, rows that overlap or contradict each other, currencies and names that \
lead nowhere, discounts that can never win, years that are sold where the profile renews by the month, jobs that wake too \
rarely. A finding names its file and line, what was seen, what was expected and what to do.

An error is wrong: exit code 2. A warning may be meant so: exit code 0. Whether the books are right is for `verify`.

Examples:
  reckoner check
  reckoner check --json";

pub(super) const SAMPLE: &str = "\
Writes accounts.csv, prices.csv and usage-0001.csv, … in the contract's columns. 20 resources an account, 40 skus, \
records of 1 to 5400 s sorted by start, one row in 200 delivered twice. The same arguments give the same bytes on every \
machine.

Example:
  reckoner sample --rows 1000000 ./input && reckoner ingest ./input/*.csv";

pub(super) const ORDERS_PLACE: &str = "\
The order goes the way of a delivered file: its bytes are kept in raw/, a row that cannot be taken goes to quarantine. If its \
instant has come it is carried out at once, with whatever else is due for the account by now; what became of it is printed. \
The same order at the same instant is a duplicate and has no effect again.

An order that cannot be carried out is kept as refused with its reason: exit code 3. A large refund waits for a second \
person: see `reckoner orders approve`.

Examples:
  reckoner orders place purchase --account acme --resource vm-1 --sku vm.month --periods 3 --renewal auto
  reckoner orders place unsubscribe --resource vm-1 --accept-fee 20 --reason no_longer_needed
  reckoner orders place change --resource vm-1 --quantity 2 --effective next_period";

pub(super) const ORDERS_APPROVE: &str = "\
A refund above the profile's large_refund_above waits for a second person: the resource ended when the order was placed, used \
time counts to then, and the money comes back when somebody approves it. Who placed the order cannot (exit code 3); --actor \
says who acts. What else is due for the account is carried out before. Who approved it, when and why is kept; approving it \
again has no effect.

Examples:
  reckoner orders list --waiting
  reckoner orders approve ord_7159bfebc7189b3619b2bcd4238fd7cc --actor ben --reason 'the contract has ended'";

pub(super) const QUOTE: &str = "\
Shows every step with its rule and its numbers, the amount, what would be kept, and the expiry afterwards. Below 0 comes \
back. The account is taken as it will stand now, with everything that is due for it by then; several resources are reckoned \
one after the other. What is due is shown whether the money is there or not; where it is missing that is said.

Exit code 3 where the order would be refused for another reason, with its code.

Examples:
  reckoner quote renew --resource vm-1 --periods 12
  reckoner quote unsubscribe --resource 'vm-1;vm-2'
  reckoner quote change --resource vm-1 --sku vm.large.month";

pub(super) const RENEWALS_LIST: &str = "\
Sorted by expiry, then id. The expiry is shown as the last covered second, which is also what --expires is held against. \
Every policy but auto stands under the tab manual; what is paid by use has no expiry. Trials, one-time purchases and \
products that are renewed elsewhere or not at all are not in the list; the last lines say how many and why. Members of a \
bundle are marked with its name: they renew together and are left out of batches.

Examples:
  reckoner renewals list --tab manual --expires 2026-02-01..2026-03-01
  reckoner renewals list --product vm --page 2";

pub(super) const RENEWALS_BATCH: &str = "\
Names resources, or takes those that `renewals list` shows with the same filters. Members of a bundle, trials, one-time \
purchases and products that are renewed elsewhere are refused, as is what the order itself would be refused for, missing \
money included. If one is refused nothing is done, and exit code 3; --skip leaves those out. --quote shows what it would come to, also where money is missing. Each of the others becomes an \
order of its own, by expiry, what others depend on first.

Examples:
  reckoner renewals renew --expires 2026-02-01..2026-03-01 --periods 3 --quote
  reckoner renewals set --renewal auto --resource 'vm-1;vm-2'
  reckoner renewals align --align-day last --product vm --skip";

pub(super) const RENEWALS_CALENDAR: &str = "\
Takes a copy of every account through the days ahead by the steps that will be carried out, so that the order in which \
renewals get the money is the true one; nothing is changed. Money and orders dated ahead are counted, use that is not \
settled yet is not.

Example:
  reckoner renewals calendar --days 90 --account acme";
