//! What only this implementation can get wrong: settings, triggers, schemas, a commit whose answer is lost.

use super::journal::APPEND_ONLY;
use super::open::{APPLICATION_ID, KNOWN_SCHEMA, MIGRATIONS};
use super::*;
use crate::conformance::samples::*;
use crate::conformance::{self, ALWAYS, Place, ends, picture};
use reckoner_core::life::ResourceStatus;
use reckoner_core::number::Money;
use reckoner_core::schedule::WindowAction;
use rusqlite::Error;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("ledger.db")
    }

    /// A connection past the store, as another program would have.
    fn raw(&self) -> Connection {
        Connection::open(self.path()).expect("opened")
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(self.path()).expect("opened")
    }

    /// A store in which every append-only table has a row.
    fn filled(&self) -> SqliteStore {
        let mut store = self.store();
        store.record_ingest(&full_ingest("usage-1")).expect("recorded");
        store.record_settlement(&full_batch(0)).expect("recorded");
        let decisions = vec![decision("q-usage-1", "discarded", None, Some("a test host"))];
        store.record_ingest(&IngestRecord { decisions, ..IngestRecord::default() }).expect("recorded");
        store.record_window_order(&window_order(WindowAction::Release, None, ALWAYS, None)).expect("recorded");
        store.record_ingest(&replacement("usage-8", "usage-1")).expect("recorded");
        store.record_ingest(&manifest_ingest("manifest-1", 1, "usage-1", None)).expect("recorded");
        store
    }
}

impl Place for Folder {
    fn open(&self) -> Box<dyn Store> {
        Box::new(self.store())
    }

    fn open_read_only(&self) -> Box<dyn Store> {
        Box::new(SqliteStore::open_read_only(self.path()).expect("opened"))
    }
}

#[test]
fn the_store_conforms() {
    conformance::check(Folder::new);
}

#[test]
fn durability_is_switched_on() {
    let folder = Folder::new();
    let store = folder.store();
    let value = |pragma: &str| {
        let text = |row: &rusqlite::Row| {
            Ok(row.get::<_, i64>(0).map(|number| number.to_string()).or_else(|_| row.get::<_, String>(0)).expect("a value"))
        };
        store.connection().expect("open").pragma_query_value(None, pragma, text).expect("answered")
    };
    let cases = [
        ("journal_mode", "wal"),
        ("synchronous", "2"), // FULL
        ("foreign_keys", "1"),
        ("recursive_triggers", "1"),
        ("trusted_schema", "0"),
        ("cell_size_check", "1"),
        ("busy_timeout", "10000"),
        ("user_version", &KNOWN_SCHEMA.to_string()),
    ];
    for (pragma, expected) in cases {
        assert_eq!(value(pragma), expected, "{pragma}");
    }
}

#[test]
fn a_store_keeps_its_pages_and_the_journal_holds_as_many_bytes() {
    // bytes of a page that the store has; none: it is new | bytes it has then | pages of the journal
    for (had, expected, pages) in [(None, 16_384, 16_384), (Some(4_096), 4_096, 65_536), (Some(65_536), 65_536, 4_096)] {
        let folder = Folder::new();
        if let Some(had) = had {
            let raw = folder.raw();
            raw.pragma_update(None, "page_size", had).expect("set");
            raw.execute_batch(MIGRATIONS[0]).expect("a step");
            raw.pragma_update(None, "application_id", APPLICATION_ID).expect("set");
            raw.pragma_update(None, "user_version", 1).expect("set");
        }
        let store = folder.store();
        let ask = |name: &str| -> i64 {
            store.connection().expect("open").pragma_query_value(None, name, |row| row.get(0)).expect("an answer")
        };
        assert_eq!((ask("page_size"), ask("wal_autocheckpoint")), (expected, pages));
    }
}

#[test]
fn nothing_known_or_posted_is_edited_or_taken_away() {
    let folder = Folder::new();
    let before = picture(&folder.filled());
    let raw = folder.raw();
    raw.pragma_update(None, "recursive_triggers", true).expect("set");
    for table in APPEND_ONLY {
        let column: String =
            raw.query_row("SELECT name FROM pragma_table_info(?1) LIMIT 1", [table], |row| row.get(0)).expect("a column");
        for statement in [
            format!("UPDATE {table} SET {column} = {column}"),
            format!("DELETE FROM {table}"),
            format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}"),
        ] {
            let error = raw.execute_batch(&statement).expect_err("append-only").to_string();
            assert_eq!(error, format!("table {table} is append-only: a correction is a new row"), "{statement}");
        }
    }
    assert_eq!(picture(&folder.store()), before);
}

#[test]
fn no_row_costs_a_table_of_its_own() {
    let folder = Folder::new();
    drop(folder.store());
    let raw = folder.raw();
    let texts = |sql: &str, column: &str| -> Vec<String> {
        let mut statement = raw.prepare(sql).expect("prepared");
        let texts = statement.query_map([], |row| row.get(column)).expect("asked");
        texts.collect::<Result<_, _>>().expect("read")
    };
    let tables = texts("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'", "name");
    assert!(tables.len() > 20, "{tables:?}");
    for table in tables {
        let columns = texts(&format!("SELECT name FROM pragma_table_info('{table}')"), "name");
        let row = format!("({})", vec!["1"; columns.len()].join(", "));
        let steps = texts(&format!("EXPLAIN INSERT INTO {table} VALUES {row}, {row}"), "opcode");
        assert!(steps.contains(&"MakeRecord".to_owned()), "{table}");
        assert!(!steps.contains(&"OpenEphemeral".to_owned()), "{table}: {steps:?}");
    }
}

#[test]
fn a_word_that_no_list_has_is_refused() {
    let folder = Folder::new();
    drop(folder.store());
    let raw = folder.raw();
    raw.pragma_update(None, "foreign_keys", false).expect("set");
    // a table and its columns | what else stands in a row | the words that it may have
    let cases: [(&str, &str, &[&str]); 6] = [
        ("account_standings (status, account_id, since, life_at)", "1, 1", &["normal", "arrears", "retention", "released"]),
        ("standing_intervals (status, account_id, starts_at)", "1", &["normal", "arrears", "retention", "released"]),
        (
            "order_states (status, order_id, placed_at, done_at, refusal)",
            "1, iif(word = 'pending', NULL, 1), iif(word = 'refused', '', NULL)",
            &["pending", "done", "refused"],
        ),
        (
            "payments (kind, payment_id, source, account_id, paid_for, seq, amount_e8, currency, at)",
            "'grant', '', '', 1, 1, '', 1",
            &["payment", "refund", "repayment", "forfeit"],
        ),
        (
            "payments (source, payment_id, kind, account_id, paid_for, seq, amount_e8, currency, at)",
            "'refund', '', '', 1, 1, '', 1",
            &["voucher", "flexi_coupon", "stored_value", "balance", "grant", "credit", "external"],
        ),
        (
            "quarantine_decisions (status, item_id, actor, at, seq, reason)",
            "'', 1, 1, ''",
            &["retried", "discarded", "superseded"],
        ),
    ];
    for (number, (table, others, words)) in cases.into_iter().enumerate() {
        for word in [words, &["", "settled"]].concat() {
            let row = format!("SELECT word, '{number}-' || word, {others} FROM (SELECT '{word}' AS word)");
            let recorded = raw.execute(&format!("INSERT INTO {table} {row}"), []);
            assert_eq!(recorded.is_ok(), words.contains(&word), "{table}: {word}: {recorded:?}");
        }
    }
}

#[test]
fn wrong_types_are_refused() {
    let folder = Folder::new();
    drop(folder.store());
    for value in ["12.5", "'abc'", "1e300", "NULL"] {
        let statement = format!("INSERT INTO wallets VALUES ('acme', 'CNY', {value}, 0, 0, NULL)");
        assert!(folder.raw().execute_batch(&statement).is_err(), "{value}");
    }
}

#[test]
fn tampering_is_found() {
    let folder = Folder::new();
    let store = folder.filled();
    folder.raw().execute_batch("DROP TRIGGER payments_never_edited; DELETE FROM wallets").expect("done");
    let raw = folder.raw();
    raw.execute_batch("INSERT INTO voucher_states VALUES ('v-none', 0, 0)").expect_err("foreign keys are checked by default");
    raw.execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO voucher_states VALUES ('v-none', 0, 0)").expect("done");
    let findings = store.integrity_findings().expect("findings");
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings[0].contains("`voucher_states`") && findings[0].contains("`vouchers`"), "{}", findings[0]);
    assert!(findings[1].contains("`payments`"), "{}", findings[1]);
}

#[test]
fn a_value_that_cannot_be_read_is_named() {
    let folder = Folder::new();
    let store = folder.filled();
    folder.raw().execute_batch("UPDATE tier_totals SET quantity_e12 = '1.5'").expect("done");
    let error = store.tier_totals(&[("acme".to_owned(), "vm.small".to_owned())]).expect_err("not a whole number");
    let expected = "tier_totals `acme`: column `quantity_e12` cannot be read (`1.5` is not a whole number); \
                    run `reckoner verify`, then restore a backup";
    assert_eq!(error.to_string(), expected);
    folder.raw().execute_batch("UPDATE marks SET value = 'soon' WHERE name = 'frontier'").expect("done");
    assert!(matches!(store.frontier(), Err(StoreError::Corrupt { .. })));
}

#[test]
fn reading_makes_no_store() {
    let folder = Folder::new();
    let error = SqliteStore::open_read_only(folder.path()).expect_err("there is none");
    assert!(matches!(error, StoreError::NoStore { .. }), "{error}");
    assert!(!folder.path().exists());

    std::fs::write(folder.path(), "").expect("written"); // an empty file is no store yet
    let error = SqliteStore::open_read_only(folder.path()).expect_err("no schema");
    assert!(matches!(error, StoreError::OlderSchema { found: 0, known: KNOWN_SCHEMA }), "{error}");
}

#[test]
fn other_schemas_and_other_programs_are_left_alone() {
    let folder = Folder::new();
    drop(folder.filled());
    folder.raw().pragma_update(None, "user_version", KNOWN_SCHEMA + 1).expect("set");
    for error in
        [SqliteStore::open(folder.path()).expect_err("newer"), SqliteStore::open_read_only(folder.path()).expect_err("newer")]
    {
        assert!(matches!(error, StoreError::NewerSchema { found, .. } if found == KNOWN_SCHEMA + 1), "{error}");
    }

    let folder = Folder::new();
    folder.raw().execute_batch("CREATE TABLE bookmarks (url TEXT)").expect("made");
    let error = SqliteStore::open(folder.path()).expect_err("foreign");
    assert!(matches!(error, StoreError::NotAStore { found: 0, .. }), "{error}");
    let tables: i64 = folder.raw().query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0)).expect("counted");
    assert_eq!(tables, 1);
}

/// A store as it was at an earlier schema.
fn older_store(folder: &Folder, schema: u32) -> Connection {
    let raw = folder.raw();
    for step in &MIGRATIONS[..schema as usize] {
        raw.execute_batch(step).expect("a step");
    }
    raw.pragma_update(None, "application_id", APPLICATION_ID).expect("set");
    raw.pragma_update(None, "user_version", schema).expect("set");
    raw
}

#[test]
fn files_of_an_older_store_are_still_there() {
    let folder = Folder::new();
    let (rows, charges) = (row_file("a", "usage-1", hour(0)), charge_file("a", hour(0)));
    let raw = older_store(&folder, 6);
    let file = "INSERT INTO input_files VALUES (1, ?1, 'usage-1', 'usage', 100, 1, 1, 0, 0, 0, 0)";
    raw.execute(file, [file_id("usage-1")]).expect("recorded");
    for file in [&charges, &rows] {
        let kind = if file.kind == LakeKind::Rows { "rows" } else { "charges" };
        let source = (!file.file_id.is_empty()).then_some(&file.file_id);
        let (start, end) = (file.span.start.seconds(), file.span.end.seconds());
        let params = (&file.path, kind, source, file.rows as i64, file.bytes as i64, &file.sha256, start, end);
        raw.execute("INSERT INTO lake_files VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8)", params).expect("recorded");
    }
    drop(raw);

    let store = folder.store();
    assert_eq!(store.row_files(ALWAYS).expect("files"), [LakeFile { seq: 1, ..rows }]);
    assert_eq!(store.charge_files(ALWAYS).expect("files"), [charges]);
    assert_eq!(store.integrity_findings().expect("findings"), Vec::<String>::new());
}

#[test]
fn what_had_ended_in_an_older_store_is_known() {
    let folder = Folder::new();
    let raw = older_store(&folder, 9);
    let sql = "INSERT INTO resources (account_id, resource_id, status, product, sku, renewal, body)
        VALUES ('acme', ?1, ?2, 'edge', 'edge.pro.month', 'manual', ?3)";
    for (resource_id, status, ended) in
        [("a", ResourceStatus::Active, None), ("b", ResourceStatus::Deleted, Some(at(3))), ("c", ResourceStatus::Expired, None)]
    {
        let body = Resource { status, ended_at: ended, ..resource("acme", resource_id, 9) };
        let body = serde_json::to_string(&body).expect("JSON");
        raw.execute(sql, (resource_id, status.as_str(), body)).expect("recorded");
    }
    drop(raw);

    let store = folder.store();
    assert_eq!(ends(&store), [format!("acme b {:?}", at(3))]);
    assert_eq!(store.integrity_findings().expect("findings"), Vec::<String>::new());
}

#[test]
fn settlements_of_an_older_store_are_still_there() {
    let folder = Folder::new();
    let raw = older_store(&folder, 6);
    let paid = SettlementRecord { outstanding: Money::ZERO, ..settlement("st-0", "acme", at(1), 0) };
    let rows = [paid, settlement("st-2", "birch", at(1), 0), settlement("st-1", "acme", at(2), 0)];
    for row in rows.iter().rev() {
        let sql = "INSERT INTO settlements VALUES (?1, ?2, ?3, 0, '2026-01', 'CNY', 1, ?4, 0, ?5, 0, 0, 0, ?6, 'run-1')";
        let amounts = (row.due.e8(), row.balance.e8(), row.outstanding.e8());
        let params = (&row.settlement_id, &row.account_id, row.at.seconds(), amounts.0, amounts.1, amounts.2);
        raw.execute(sql, params).expect("recorded");
    }
    let open = "INSERT INTO open_settlements VALUES (?1, ?2, ?3, 0, ?4, ?5)";
    for (id, account, hours, period, left) in
        [("st-2", "birch", 1, "2026-01", 40), ("f-1", "acme", 3, "", 70), ("st-1", "acme", 2, "2026-01", 50)]
    {
        raw.execute(open, (id, account, at(hours).seconds(), period, left)).expect("recorded");
    }
    drop(raw);

    let mut store = folder.store();
    assert_eq!(store.settlements(ALWAYS).expect("settlements"), rows);
    let named = ["acme", "birch"].map(str::to_owned);
    let found = |store: &SqliteStore| {
        let open = store.open_settlements(&named).expect("settlements").into_iter();
        open.map(|(account, open)| format!("{account} {} {}", open.settlement_id, open.outstanding.e8())).collect::<Vec<_>>()
    };
    assert_eq!(found(&store), ["birch st-2 40", "acme st-1 50", "acme f-1 70"]);
    assert_eq!(store.integrity_findings().expect("findings"), Vec::<String>::new());
    let outstanding = vec![now("acme", "st-1", at(2), "0"), now("acme", "f-1", at(3), "0.00000001")];
    store.record_settlement(&SettlementBatch { outstanding, ..SettlementBatch::default() }).expect("recorded");
    assert_eq!(found(&store), ["birch st-2 40", "acme f-1 1"]);
}

#[test]
fn a_store_of_before_orders_takes_them() {
    let folder = Folder::new();
    let raw = older_store(&folder, 8);
    let row = settlement("st-1", "acme", at(1), 0);
    let sql = "INSERT INTO settlements VALUES (?1, ?2, ?3, 0, '2026-01', 'CNY', 1, ?4, 0, ?5, 0, 0, 0, ?6, 'run-1')";
    let amounts = (row.due.e8(), row.balance.e8(), row.outstanding.e8());
    raw.execute(sql, (&row.settlement_id, &row.account_id, at(1).seconds(), amounts.0, amounts.1, amounts.2)).expect("recorded");
    drop(raw);

    let mut store = folder.store();
    assert_eq!(store.settlements(ALWAYS).expect("settlements"), [row]);
    assert_eq!(store.orders(ALWAYS).expect("orders"), []);
    store.record_ingest(&full_ingest("usage-1")).expect("recorded");
    store.record_settlement(&of_life(full_life(0))).expect("recorded");
    let orders = store.orders(ALWAYS).expect("orders").into_iter().map(|known| known.row.order_id).collect::<Vec<_>>();
    assert_eq!(orders, ["o-usage-1", "renewal-0"]);
    assert_eq!(store.life_due(Instant::MAX).expect("accounts"), ["acme", "birch"]);
    assert_eq!(store.integrity_findings().expect("findings"), Vec::<String>::new());
}

#[test]
fn orders_of_a_store_of_before_refunds_waited_wait_as_they_did() {
    let folder = Folder::new();
    let raw = older_store(&folder, 9);
    let row = order("o-1", "acme", at(1));
    let sql = "INSERT INTO orders VALUES ('o-1', 'acme', ?1, 'engine', NULL, NULL, ?2);";
    raw.execute(sql, (at(1).seconds(), super::insert::json(&row))).expect("recorded");
    let sql = "INSERT INTO order_states (order_id, placed_at, status) VALUES ('o-1', ?1, 'pending')";
    raw.execute(sql, [at(1).seconds()]).expect("recorded");
    drop(raw);

    let mut store = folder.store();
    assert_eq!(store.pending_orders(at(1)).expect("orders"), [row]);
    let known = store.order("o-1").expect("order").expect("known");
    assert_eq!((known.placed_by, known.approval), (None, None));
    let life = crate::LifeBatch { orders: vec![waiting("o-1")], ..Default::default() };
    store.record_settlement(&of_life(life)).expect("recorded");
    assert_eq!(store.pending_orders(at(1)).expect("orders"), []);
}

#[test]
fn only_what_came_in_a_file_has_a_place_in_one() {
    let folder = Folder::new();
    drop(folder.filled());
    for (origin, seq, line) in [("file", "NULL", "NULL"), ("file", "1", "NULL"), ("engine", "1", "2"), ("somebody", "1", "2")] {
        let statement = format!("INSERT INTO orders VALUES ('o', 'acme', 0, '{origin}', {seq}, {line}, '{{}}', NULL)");
        let error = folder.raw().execute_batch(&statement).expect_err("it has no place").to_string();
        assert!(error.starts_with("CHECK constraint failed"), "{origin} {seq} {line}: {error}");
    }
}

/// The commit took place, and its answer was lost: on a disk that fails the last sync, for instance.
fn committed_but_unanswered(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("COMMIT")?;
    Err(Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR), None))
}

fn not_committed(_: &Connection) -> rusqlite::Result<()> {
    Err(Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None))
}

#[test]
fn an_error_on_commit_is_looked_into_before_it_is_reported() {
    let folder = Folder::new();
    let mut store = folder.filled();
    let before = picture(&store);
    // Somebody else has it open: closing brings nothing from the journal into the database's own file.
    let beside = folder.raw();
    let _: i64 = beside.query_row("SELECT COUNT(*) FROM commits", [], |row| row.get(0)).expect("counted");

    store.commit = not_committed;
    let error = store.record_settlement(&full_batch(1)).expect_err("not there");
    assert!(matches!(error, StoreError::Sqlite(_)), "{error}");
    assert_eq!(picture(&store), before);

    store.commit = committed_but_unanswered;
    store.record_settlement(&full_batch(1)).expect("it is there");
    // Safe also where the journal, whose sync failed, is lost with the power: the database's own file has it.
    let alone = folder.0.path().join("alone.db");
    std::fs::copy(folder.path(), &alone).expect("copied");
    assert_eq!(picture(&SqliteStore::open(&alone).expect("opened")), picture(&store));
    assert_eq!(store.record_ingest(&full_ingest("usage-2")).expect("it is there"), 4);
    store.set_mark("verified_seq", "2").expect("it is there");
    store.commit = not_committed;
    assert!(matches!(store.set_mark("verified_seq", "3"), Err(StoreError::Sqlite(_))));
    assert_eq!(store.mark("verified_seq").expect("mark").as_deref(), Some("2"));
    assert_eq!(picture(&store), picture(&folder.store()));
    assert_eq!(store.settlements(ALWAYS).expect("settlements").len(), 2);
}

/// More than a statement takes at once, with values that change and stay, and texts that are equal but not the same.
#[test]
fn many_settlements_come_back_as_they_were_given() {
    let folder = Folder::new();
    let mut store = folder.filled();
    let shared: [std::sync::Arc<str>; 2] = ["2026-01".into(), "2026-02".into()];
    let settlement = |number: usize| {
        let settlement = settlement(&format!("se-{number:04}"), &format!("acct-{number:04}"), at(90 + number as i64 / 100), 0);
        let billing_period =
            if number.is_multiple_of(7) { "2026-01".into() } else { std::sync::Arc::clone(&shared[number / 50 % 2]) };
        let (due, charges) = (Money::from_e8(number as i64 % 3), number as u64 / 10);
        SettlementRecord { billing_period, charges, due, balance: due, outstanding: Money::ZERO, ..settlement }
    };
    let settlements: Vec<SettlementRecord> = (0..333).map(settlement).collect();
    let batch = SettlementBatch { settlements: settlements.iter().rev().cloned().collect(), ..SettlementBatch::default() };
    store.record_settlement(&batch).expect("recorded");
    assert_eq!(store.settlements(Window::new(at(90), at(100))).expect("settlements"), settlements);
}

#[test]
fn what_is_brought_in_beside_is_there_once() {
    let folder = Folder::new();
    let mut store = folder.filled();
    store.bring_in();
    store.record_settlement(&full_batch(1)).expect("recorded beside");
    store.bringing_in = None; // waits for it: one at a time
    store.bring_in();
    let before = picture(&store);
    store.bringing_in = None; // waits for it
    let alone = folder.0.path().join("alone.db");
    std::fs::copy(folder.path(), &alone).expect("copied");
    assert_eq!(picture(&SqliteStore::open(&alone).expect("opened")), before, "the database's own file has all of it");
    store.bring_in();
    drop(store);
    assert!(!folder.path().with_extension("db-wal").exists(), "the store's own connection was the last");
    assert_eq!(picture(&folder.store()), before);
}

/// The commit fails, and the store cannot be opened again to look.
#[expect(clippy::disallowed_methods, reason = "the database is moved out of the way on purpose, not published")]
fn lost(connection: &Connection) -> rusqlite::Result<()> {
    let path = PathBuf::from(connection.path().expect("a file"));
    std::fs::rename(&path, path.with_extension("away")).expect("moved");
    std::fs::create_dir(&path).expect("in its place");
    not_committed(connection)
}

#[test]
fn an_outcome_that_cannot_be_found_out_is_called_unknown() {
    let folder = Folder::new();
    let mut store = folder.filled();
    store.commit = lost;
    let error = store.record_settlement(&full_batch(1)).expect_err("lost");
    assert!(matches!(error, StoreError::UnknownOutcome(_)) && error.retryable(), "{error}");
    assert!(matches!(store.latest_seq(), Err(StoreError::Closed)));
}

#[test]
fn many_may_open_a_new_store_at_once() {
    for _ in 0..10 {
        let folder = Folder::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| folder.store().set_mark("who", "me").expect("set"));
            }
        });
    }
}

#[test]
fn marks_set_for_years_do_not_fill_the_store() {
    let folder = Folder::new();
    let mut store = folder.filled();
    let commits = || folder.raw().query_row("SELECT COUNT(*) FROM commits", [], |row| row.get::<_, i64>(0)).expect("counted");
    let before = commits();
    for minute in 0..50 {
        store.set_mark("serve", &minute.to_string()).expect("set");
    }
    assert_eq!(commits(), before);
}

#[test]
fn questions_use_their_indexes() {
    let folder = Folder::new();
    let store = folder.filled();
    let connection = store.connection().expect("open");
    for question in money::QUESTIONS
        .iter()
        .chain(owed::QUESTIONS)
        .chain(lake::QUESTIONS)
        .chain(life::QUESTIONS)
        .chain(standings::QUESTIONS)
        .chain(manifests::QUESTIONS)
    {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {question}")).expect("prepared");
        let values = vec![rusqlite::types::Null; statement.parameter_count()];
        let plan = statement.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).expect("asked");
        let plan: Vec<String> = plan.collect::<Result<_, _>>().expect("plan");
        // What the question itself lists may be gone through: instants, wanted accounts, what was found of them.
        let is_listed = |step: &str| {
            let listed = ["instants", "wanted", "open", "(subquery-"];
            step.contains("VIRTUAL TABLE")
                || step.contains("CONSTANT ROW")
                || listed.iter().any(|list| step[5..].starts_with(list))
        };
        let scans: Vec<_> = plan.iter().filter(|step| step.starts_with("SCAN") && !is_listed(step)).collect();
        assert!(scans.is_empty(), "{question}: {plan:?}");
    }
}
