-- Words of closed lists are compared one by one.
--
-- For `IN` with three words or more SQLite makes a table of its own that holds the words: in a CHECK anew for every row, which
-- took longer than to record where an account stands. What is checked stays the same, and no row is touched: the text of the
-- checks is changed as https://www.sqlite.org/lang_altertable.html (section 7) describes for constraints. Another connection
-- that knows the schema already goes on with the old text, which says the same, until it reads the schema again.

PRAGMA writable_schema = ON;

UPDATE sqlite_schema SET sql = replace(sql,
    'status IN (''normal'', ''arrears'', ''retention'', ''released'')',
    'status = ''normal'' OR status = ''arrears'' OR status = ''retention'' OR status = ''released''');
UPDATE sqlite_schema SET sql = replace(sql,
    'status IN (''pending'', ''done'', ''refused'')',
    'status = ''pending'' OR status = ''done'' OR status = ''refused''');
UPDATE sqlite_schema SET sql = replace(sql,
    'status IN (''active'', ''expired'', ''retention'', ''released'', ''unsubscribed'', ''deleted'')',
    'status = ''active'' OR status = ''expired'' OR status = ''retention'' OR status = ''released''
        OR status = ''unsubscribed'' OR status = ''deleted''');
UPDATE sqlite_schema SET sql = replace(sql,
    'renewal IN (''auto'', ''manual'', ''none'', ''to_pay_per_use'')',
    'renewal = ''auto'' OR renewal = ''manual'' OR renewal = ''none'' OR renewal = ''to_pay_per_use''');
UPDATE sqlite_schema SET sql = replace(sql,
    'kind IN (''payment'', ''refund'', ''repayment'', ''forfeit'')',
    'kind = ''payment'' OR kind = ''refund'' OR kind = ''repayment'' OR kind = ''forfeit''');
UPDATE sqlite_schema SET sql = replace(sql,
    'source IN
        (''voucher'', ''flexi_coupon'', ''stored_value'', ''balance'', ''grant'', ''credit'', ''external'')',
    'source = ''voucher'' OR source = ''flexi_coupon'' OR source = ''stored_value'' OR source = ''balance''
        OR source = ''grant'' OR source = ''credit'' OR source = ''external''');
UPDATE sqlite_schema SET sql = replace(sql,
    'status IN (''open'', ''retried'', ''discarded'', ''superseded'')',
    'status = ''open'' OR status = ''retried'' OR status = ''discarded'' OR status = ''superseded''');
UPDATE sqlite_schema SET sql = replace(sql,
    'status IN (''retried'', ''discarded'', ''superseded'')',
    'status = ''retried'' OR status = ''discarded'' OR status = ''superseded''');
UPDATE sqlite_schema SET sql = replace(sql,
    'kind IN (''hour'', ''day'', ''month'')',
    'kind = ''hour'' OR kind = ''day'' OR kind = ''month''');
UPDATE sqlite_schema SET sql = replace(sql,
    'action IN (''hold'', ''release'', ''force'')',
    'action = ''hold'' OR action = ''release'' OR action = ''force''');
UPDATE sqlite_schema SET sql = replace(sql,
    'kind IN (''rows'', ''charges'', ''partials'', ''identities'')',
    'kind = ''rows'' OR kind = ''charges'' OR kind = ''partials'' OR kind = ''identities''');

PRAGMA writable_schema = RESET;
