#!/usr/bin/env python3
"""What the sample month must cost, worked out a second time and in the plainest way there is.

This is the engine's oracle. It shares no code, no format and no idea of speed with the engine: it reads the CSV files,
walks through every second of every accepted record, asks which price holds in that second (and whether the account was
frozen then, for want of money), and adds. Numbers are
integers and fractions, so nothing is rounded but where the rules cut (8 digits, towards zero).

    scripts/expected.py                prints sample_data/expected/{charges,refused,counts}.csv anew
    scripts/expected.py --check        says whether these files are what it would print; exit 1 if not
    scripts/expected.py --totals       one line an account and month
    scripts/expected.py --self-test    published examples of vendors and of other billing systems, by hand
    scripts/expected.py --ranges       the same fold over explicit ranges of seconds: for input too long to walk
    --data DIR, --out DIR, --until T, --zone +08:00, --currency CNY for other input than the sample month

Rules: docs/domain.md. Profile `huawei-intl`: amounts keep 8 digits, the month's bill (not here) is rounded once.
What a rule does not say is refused here with "no rule", so that a guess never becomes an expected value.
"""

import argparse
import collections
import csv
import datetime
import filecmp
import fractions
import functools
import json
import pathlib
import re
import sys
import tempfile

Fraction = fractions.Fraction
SINCE_EVER, FOR_EVER = -(2**62), 2**62
KINDS = ["accounts", "products", "prices", "discounts", "vouchers", "funds", "usage"]  # the order in which files are taken
DAY = 86400
GRACE_DAYS, MINOR_UNIT = 15, 10**6  # of huawei-intl; 0.01 at 1e-8
DISCOUNT_RANK = {"commercial": 0, "partner": 1, "promotional": 2}


class Refused(Exception):
    """A row that goes to quarantine; the message is the reason in words."""


class Zone:
    """The billing zone, a fixed offset: where hours, days and months are cut. Hours are UTC hours."""

    def __init__(self, text):
        sign, hours, minutes = re.fullmatch(r"([+-])(\d\d):(\d\d)", text).groups()
        self.offset = (int(hours) * 3600 + int(minutes) * 60) * (1 if sign == "+" else -1)
        self.month = functools.lru_cache(None)(self._month)

    def text(self, second):
        zone = datetime.timezone(datetime.timedelta(seconds=self.offset))
        written = datetime.datetime.fromtimestamp(second, zone).isoformat()
        return written.replace("+00:00", "Z")

    def window(self, settle, second):
        """The hour, day or month that holds this second: (first second, first second after it)."""
        midnight = (second + self.offset) // 86400 * 86400 - self.offset
        if settle == "hour":
            hour = second // 3600 * 3600
            return max(hour, midnight), min(hour + 3600, midnight + 86400)
        if settle == "day":
            return midnight, midnight + 86400
        return self.month(midnight)

    def _month(self, midnight):
        date = datetime.date(1970, 1, 1) + datetime.timedelta(days=(midnight + self.offset) // 86400)
        first = date.replace(day=1)
        after = (first + datetime.timedelta(days=31)).replace(day=1)
        return tuple((day - datetime.date(1970, 1, 1)).days * 86400 - self.offset for day in (first, after))


# ---- reading text ---------------------------------------------------------------------------------------------------


def instant(text, column):
    """RFC 3339 with an offset, as whole seconds since 1970; a fraction is cut off."""
    shape = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?"
    found = re.fullmatch(shape, text)
    if not found:
        raise Refused(f"{column} is not a timestamp")
    if not found[3]:
        raise Refused(f"{column} has no offset from UTC")
    return int(datetime.datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00")).timestamp())


def decimal(text, column, decimals=12):
    """Plain digits with at most `decimals` after the point, exactly."""
    if not re.fullmatch(r"-?\d+(\.\d+)?", text):
        raise Refused(f"{column} is not a plain decimal number")
    if text.startswith("-"):
        raise Refused(f"{column} is negative")
    if len(text.partition(".")[2].rstrip("0")) > decimals:
        raise Refused(f"{column} has more than {decimals} digits after the point")
    return Fraction(text)


def names(text):
    return frozenset(filter(None, text.split(";")))


# ---- the world that the files tell of -------------------------------------------------------------------------------


class Price:
    """One row of `prices`. `ends` is worked out once all rows are known: a later row ends an open one."""

    def __init__(self, row, home_currency):
        self.sku, self.product, self.mode, self.unit = row["sku"], row["product"], row["billing_mode"], row["unit"]
        self.currency = row.get("currency") or home_currency
        self.unit_price = decimal(row["unit_price"], "unit_price")
        self.begins = instant(row["valid_from"], "valid_from") if row.get("valid_from") else SINCE_EVER
        self.stated_end = instant(row["valid_to"], "valid_to") if row.get("valid_to") else None
        self.ends = FOR_EVER
        self.revision = int(row.get("revision") or 0)
        self.model = row.get("model") or "flat"
        self.tiers = json.loads(row["tiers"]) if row.get("tiers") else None
        self.settle = row.get("settle") or "hour"
        self.min_seconds = int(row.get("min_seconds") or 0)
        self.step_seconds = int(row.get("step_seconds") or 1)
        self.min_charge = decimal(row.get("min_charge") or "0", "min_charge", 8)
        self.content = tuple(sorted((column, value) for column, value in row.items() if value))

    @property
    def seconds_per_unit(self):
        return 3600 if self.unit == "hour" else 1


class Discount:
    """One row of `discounts`."""

    def __init__(self, row):
        self.id, self.account, self.kind = row["discount_id"], row["account_id"], row["kind"]
        self.percent_off = decimal(row["percent_off"], "percent_off") if row.get("percent_off") else None
        self.unit_price = decimal(row["unit_price"], "unit_price") if row.get("unit_price") else None
        self.products, self.skus, self.modes = (names(row.get(c, "")) for c in ("products", "skus", "modes"))
        self.begins = instant(row["valid_from"], "valid_from") if row.get("valid_from") else SINCE_EVER
        self.ends = instant(row["valid_to"], "valid_to") if row.get("valid_to") else FOR_EVER
        self.revision = int(row.get("revision") or 0)

    def fits(self, account, price, window_start):
        """Whether it is in force for this account and price at the window's start."""
        return (
            self.account in ("*", account)
            and (not self.products or price.product in self.products)
            and (not self.skus or price.sku in self.skus)
            and (not self.modes or price.mode in self.modes)
            and self.begins <= window_start < self.ends
        )

    def of(self, price, exact):
        """What is left to pay of an exact list amount."""
        if self.percent_off is not None:
            return exact * (100 - self.percent_off) / 100
        if price.model != "flat" or not price.unit_price:
            raise SystemExit(f"no rule: discount {self.id} sets a unit price for {price.sku}, which has none to replace")
        return exact * self.unit_price / price.unit_price


class Voucher:
    """One row of `vouchers`, for accounts that may come to be frozen."""

    def __init__(self, row):
        self.amount = cut(decimal(row["amount"], "amount", 8))
        self.begins, self.ends = instant(row["valid_from"], "valid_from"), instant(row["valid_to"], "valid_to")
        self.products, self.skus, self.modes = (names(row.get(c, "")) for c in ("products", "skus", "modes"))
        self.is_simple = not (row.get("regions") or row.get("min_amount"))

    def fits(self, price, window_start):
        return (
            self.begins <= window_start < self.ends
            and (not self.products or price.product in self.products)
            and (not self.skus or price.sku in self.skus)
            and (not self.modes or price.mode in self.modes)
        )


class Use:
    """One row of `usage` that can be read."""

    def __init__(self, row):
        self.record, self.account, self.resource, self.sku = (
            row["record_id"], row["account_id"], row["resource_id"], row["sku"])
        self.start, self.end = instant(row["started_at"], "started_at"), instant(row["ended_at"], "ended_at")
        self.quantity = decimal(row.get("quantity") or "1", "quantity")
        self.revision = int(row.get("revision") or 0)
        self.corrects = row.get("corrects") or None
        self.is_waived = row.get("waived") == "true"
        self.content = (
            self.record, self.account, self.resource, self.sku, self.start, self.end, self.quantity, self.revision,
            self.corrects, self.is_waived, row.get("region", ""), row.get("resource_name", ""),
            tuple(sorted(filter(None, row.get("tags", "").split(";")))))


class World:
    """Everything accepted, in the order delivered, and what was not."""

    def __init__(self, zone, currency, now):
        self.zone, self.currency, self.now = zone, currency, now
        self.accounts, self.prices, self.discounts = {}, collections.defaultdict(list), {}
        self.account_rows, self.funds, self.vouchers = collections.defaultdict(list), {}, collections.defaultdict(list)
        self.live, self.known, self.revisions = {}, collections.defaultdict(set), {}
        self.refused, self.counts = [], []

    def deliver(self, path):
        """Takes one file: every row is accepted, a duplicate, or refused with a reason."""
        kind = path.name.partition("-")[0]
        count = collections.Counter()
        with open(path, newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines, strict=True)
            for row in reader:
                try:
                    count["accepted" if self.take(kind, row) else "duplicates"] += 1
                except Refused as reason:
                    count["refused"] += 1
                    self.refused.append((path.name, reader.line_num, str(reason)))
        self.counts.append((path.name, count.total(), count["accepted"], count["duplicates"], count["refused"]))

    def take(self, kind, row):
        """Whether the row is new; raises where it is refused."""
        if kind == "accounts":
            self.accounts.setdefault(row["account_id"], row.get("currency") or self.currency)
            since = instant(row["valid_from"], "valid_from") if row.get("valid_from") else SINCE_EVER
            self.account_rows[row["account_id"]].append((since, row.get("payment_method"), row.get("credit_limit") or "0"))
        elif kind == "funds":
            amount = cut(Fraction(row["amount"])) * (-1 if row["kind"] == "withdrawal" else 1)
            self.funds[row["entry_id"]] = (row["account_id"], instant(row["at"], "at"), amount)
        elif kind == "vouchers":
            self.vouchers[row["account_id"]].append(Voucher(row))
        elif kind == "prices":
            return self.take_price(Price(row, self.currency))
        elif kind == "discounts":
            discount = Discount(row)
            if discount.id not in self.discounts or discount.revision > self.discounts[discount.id].revision:
                self.discounts[discount.id] = discount
        elif kind == "usage":
            return self.take_use(Use(row))
        return True

    def take_price(self, price):
        rows = self.prices[price.sku]
        for other in (other for other in rows if other.currency == price.currency):
            if (other.begins, other.revision) == (price.begins, price.revision):
                if other.content == price.content:
                    return False
                raise Refused("a published price row is never edited: publish a higher revision")
            if other.stated_end is not None and other.begins < price.begins < other.stated_end:
                raise Refused("begins inside a row that has an end of its own")
        rows.append(price)
        return True

    def take_use(self, use):
        if use.account not in self.accounts:
            raise Refused("unknown account")
        if use.sku not in self.prices:
            raise Refused("unknown sku")
        if use.end < use.start:
            raise Refused("ends before it starts")
        if use.end > self.now + 300:
            raise Refused("lies in the future")
        if not self.prices_of(use.sku, self.accounts[use.account]):
            raise Refused("no price in the account's currency")

        key = (use.account, use.record)
        if use.content in self.known[key]:
            return False
        if key in self.revisions and use.revision <= self.revisions[key]:
            raise Refused("the record is known with other content: the first stays")
        if use.corrects and (use.account, use.corrects) not in self.revisions:
            raise Refused("corrects a record that is not known")

        if use.corrects:
            self.live.pop((use.account, use.corrects), None)
        self.known[key].add(use.content)
        self.revisions[key] = use.revision
        self.live[key] = use  # a higher revision takes the place of the lower
        return True

    def prices_of(self, sku, currency):
        """The rows that hold, ascending: of equal beginnings the highest revision, each until it or the next row ends it."""
        newest = {}
        for price in self.prices[sku]:
            if price.currency == currency and price.revision >= newest.get(price.begins, price).revision:
                newest[price.begins] = price
        rows = [newest[begins] for begins in sorted(newest)]
        for price, following in zip(rows, rows[1:] + [None]):
            price.ends = FOR_EVER if price.stated_end is None else price.stated_end
            if following is not None:
                price.ends = min(price.ends, following.begins)
        return rows


# ---- one second after the other -------------------------------------------------------------------------------------


def fold(world, frozen, by_ranges=False):
    """Walks through all live use: {(account, resource, price, window): [quantity, of that waived or used in frozen time]}.

    For `hour` units a quantity is unit-seconds: each second of a record adds the quantity held.
    """
    used = collections.defaultdict(lambda: [Fraction(0), Fraction(0)])

    def is_frozen(use, second):
        return any(begins <= second < ends for begins, ends in frozen.get(use.account, []))

    def add(use, price, second, quantity, is_free):
        start, end = world.zone.window(price.settle, second)
        line = used[use.account, use.resource, price, (max(start, price.begins), min(end, price.ends))]
        line[0] += quantity
        line[1] += quantity * (use.is_waived or is_free)

    for use in world.live.values():
        prices = world.prices_of(use.sku, world.accounts[use.account])
        last_second = use.end - 1 if use.end > use.start else use.start
        last_price = price_at(prices, last_second)
        if last_price.unit != "hour":
            add(use, last_price, last_second, use.quantity, is_frozen(use, last_second))  # an amount is not cut: it belongs to its last instant
            continue
        if use.start == use.end:
            continue  # held for no time: accepted, no charge, not even a minimum

        held = collections.Counter()
        borders = [border for time in frozen.get(use.account, []) for border in time]
        for price, second, length in (ranges if by_ranges else seconds)(world.zone, prices, use, borders):
            held[price, world.zone.window(price.settle, second)[0], is_frozen(use, second)] += length
        for (price, window_start, is_free), length in held.items():
            add(use, price, max(window_start, price.begins), use.quantity * length, is_free)

        length = use.end - use.start
        steps = -(-length // last_price.step_seconds)
        charged = max(last_price.min_seconds, steps * last_price.step_seconds)
        if charged > length:
            add(use, last_price, last_second, use.quantity * (charged - length), is_frozen(use, last_second))
    return used


def seconds(zone, prices, use, borders):
    """The plain reading: which price holds in this second? And in the next?"""
    for second in range(use.start, use.end):
        yield price_at(prices, second), second, 1


def ranges(zone, prices, use, borders):
    """The same in fewer steps: runs of seconds in which neither the window nor the price changes, nor a freeze."""
    second = use.start
    while second < use.end:
        price = price_at(prices, second)
        until = min([use.end, price.ends, zone.window("hour", second)[1], *(border for border in borders if border > second)])
        yield price, second, until - second
        second = until


def price_at(prices, second):
    for price in prices:
        if price.begins <= second < price.ends:
            return price
    raise SystemExit(f"no rule: nothing says what is owed where no price holds (second {second})")


# ---- from use to amounts --------------------------------------------------------------------------------------------


def cut(exact):
    """8 digits after the point, towards zero, as an integer at 1e-8."""
    return int(exact * 10**8)


def charges(world, used, until):
    """{(account, resource, sku, window start): [window end, quantity, unit, list, fee, due, currency]}, amounts at 1e-8."""
    flat, tiered = [], collections.defaultdict(list)
    for (account, resource, price, window), (quantity, waived) in used.items():
        if window[1] > until:
            continue
        if price.model == "flat":
            flat.append((account, resource, price, window, quantity, waived))
        else:
            month = world.zone.window("month", window[0])
            tiered[account, price, month].append((window, resource, quantity, waived))

    net = {}
    for account, resource, price, window, quantity, waived in flat:
        exact = price.unit_price * quantity / price.seconds_per_unit
        owed = price.unit_price * (quantity - waived) / price.seconds_per_unit
        discount = best_discount(world, account, price, window[0], owed)
        fee = cut(discount.of(price, owed) if discount else owed)
        due = max(fee, cut(price.min_charge)) if fee > 0 else fee
        post(net, account, resource, price, window, quantity, cut(exact), fee, due)
    for (account, price, _), lines in tiered.items():
        lines.sort(key=lambda line: (line[0][1], line[1]))  # by the window's end, then resource_id
        rate = volume_lines if price.model == "volume" else running_lines
        for resource, window, quantity, listed, fee in rate(world, account, price, lines):
            post(net, account, resource, price, window, quantity, listed, fee, fee)
    return {key: line for key, line in net.items() if any(line[1:2] + line[3:6])}


def post(net, account, resource, price, window, quantity, listed, fee, due):
    line = net.setdefault((account, resource, price.sku, window[0]), [window[1], 0, price.unit, 0, 0, 0, price.currency])
    if (line[0], line[2], line[6]) != (window[1], price.unit, price.currency):
        raise SystemExit("no rule: two windows with one beginning")
    for place, amount in ((1, quantity), (3, listed), (4, fee), (5, due)):
        line[place] += amount


def settled(world, until, by_ranges):
    """Charges and frozen times, each by the other: what is frozen owes nothing, and who owes nothing is not frozen.

    Both grow in time from what was before, so that going round comes to an end.
    """
    frozen = {}
    while True:
        net = charges(world, fold(world, frozen, by_ranges), until)
        found = {account: times for account in world.accounts if (times := frozen_times(world, net, account))}
        if found == frozen:
            return net
        frozen = found


def frozen_times(world, net, account):
    """When the account was frozen: from 15 x 24 h after the settlement that was not covered until all of it is paid."""
    rows = sorted(world.account_rows[account])
    if any((method or "balance") != "balance" for _, method, _ in rows):
        return []  # external: paid by others; invoice: owed once a bill is overdue, which none is here
    moves = [(at, 0, amount) for owner, at, amount in world.funds.values() if owner == account]
    moves += [(line[0], 1, -line[5], key[2], key[3]) for key, line in net.items() if key[0] == account]
    vouchers = world.vouchers[account]
    left = vouchers[0].amount if len(vouchers) == 1 and vouchers[0].is_simple else 0

    times, balance, since = [], 0, None
    for at, _, amount, *use in sorted(moves):
        if use and left and vouchers[0].fits(world.prices[use[0]][0], use[1]):
            amount, left = amount + min(left, -amount), left - min(left, -amount)
        balance += amount
        limit = [cut(Fraction(limit)) for begins, _, limit in rows if begins <= at][-1]
        if since is None and balance + limit <= -MINOR_UNIT:
            since = at
        elif since is not None and balance + limit > -MINOR_UNIT:
            times.append((since + GRACE_DAYS * DAY, at))
            since = None
    if since is not None:
        times.append((since + GRACE_DAYS * DAY, FOR_EVER))
    times = [(begins, ends) for begins, ends in times if begins < ends]
    if times and (len(vouchers) > 1 or not all(voucher.is_simple for voucher in vouchers)):
        raise SystemExit(f"no rule: vouchers may have kept {account} from being frozen")
    return times


def best_discount(world, account, price, window_start, owed):
    """The single one that leaves least to pay, if it beats the list; of equal ones by kind, then id."""
    fitting = [discount for discount in world.discounts.values() if discount.fits(account, price, window_start)]
    if any(discount.kind not in DISCOUNT_RANK for discount in fitting):
        raise SystemExit("no rule: a fee waiver for use")
    ranked = sorted(fitting, key=lambda discount: (discount.of(price, owed), DISCOUNT_RANK[discount.kind], discount.id))
    return ranked[0] if ranked and ranked[0].of(price, owed) < owed else None


def tier_bounds(price):
    """[(exclusive lower bound, inclusive upper bound, tier)]; for `hour` units bounds count hours."""
    lower, bounds = Fraction(0), []
    for tier in price.tiers:
        upper = Fraction(tier["up_to"]) if tier.get("up_to") is not None else None
        bounds.append((lower, upper, tier))
        lower = upper
    return bounds


def band_of(price, units):
    return next(tier for _, upper, tier in tier_bounds(price) if upper is None or units <= upper)


def tariff(price, quantity):
    """T: what a month's quantity costs under a graduated or package price, exactly. Nothing used costs nothing."""
    units = quantity / price.seconds_per_unit
    if price.model == "package":
        beyond_free = max(Fraction(0), units - Fraction(price.tiers.get("free", "0")))
        return -(-beyond_free // Fraction(price.tiers["size"])) * Fraction(price.tiers["unit_price"])
    total = Fraction(0)
    for lower, upper, tier in tier_bounds(price):
        if units > lower:
            inside = (units if upper is None else min(units, upper)) - lower
            total += inside * Fraction(tier["unit_price"]) + Fraction(tier.get("flat", "0"))
    return total


def running_lines(world, account, price, lines):
    """Graduated and package: a line owes the cut running total with it, less the cut running total before it."""
    total, unwaived = Fraction(0), Fraction(0)
    for window, resource, quantity, waived in lines:
        before, owed_before = tariff(price, total), tariff(price, unwaived)
        total, unwaived = total + quantity, unwaived + quantity - waived
        after, owed_after = tariff(price, total), tariff(price, unwaived)
        discount = best_discount(world, account, price, window[0], owed_after)
        left = (lambda exact: discount.of(price, exact)) if discount else (lambda exact: exact)
        yield resource, window, quantity, cut(after) - cut(before), cut(left(owed_after)) - cut(left(owed_before))


def volume_lines(world, account, price, lines):
    """Volume: the window that changes the band re-prices what every resource has used so far this month.

    The band's flat amount (or its difference) goes to the first resource of the window.
    """
    so_far, total, band = {}, Fraction(0), None
    for window in sorted({line[0] for line in lines}, key=lambda window: window[1]):
        if any(discount.fits(account, price, window[0]) for discount in world.discounts.values()):
            raise SystemExit("no rule: a discount on a volume price")
        use = {resource: (quantity, waived) for held, resource, quantity, waived in lines if held == window}
        if any(waived for _, waived in use.values()):
            raise SystemExit("no rule: a waived row under a volume price")
        total += sum(quantity for quantity, _ in use.values())
        old_band, band = band, band_of(price, total / price.seconds_per_unit)
        old_price = Fraction(old_band["unit_price"]) if old_band else Fraction(0)
        new_price, old_flat = Fraction(band["unit_price"]), Fraction(old_band.get("flat", "0")) if old_band else Fraction(0)
        for resource in sorted(so_far.keys() | use.keys()):
            before, quantity = so_far.get(resource, Fraction(0)), use.get(resource, (Fraction(0),))[0]
            exact = ((before + quantity) * new_price - before * old_price) / price.seconds_per_unit
            if resource == min(use):
                exact += Fraction(band.get("flat", "0")) - old_flat
            so_far[resource] = before + quantity
            if resource in use or exact:
                if exact * 10**8 != cut(exact):
                    raise SystemExit("no rule: where the cut falls when a volume price is finer than 8 digits")
                yield resource, window, quantity, cut(exact), cut(exact)


# ---- printing -------------------------------------------------------------------------------------------------------


def plain(value, digits=12):
    """A fraction with at most `digits` digits, without trailing zeros."""
    scaled = value * 10**digits
    assert scaled == int(scaled), "a quantity has at most 12 digits"
    whole, part = divmod(abs(int(scaled)), 10**digits)
    return ("-" if value < 0 else "") + f"{whole}.{part:0{digits}d}".rstrip("0").rstrip(".")


def amount(value_e8):
    return ("-" if value_e8 < 0 else "") + f"{abs(value_e8) // 10**8}.{abs(value_e8) % 10**8:08d}"


def write(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


def print_files(world, net, folder):
    rows = []
    for (account, resource, sku, start), (end, quantity, unit, listed, fee, due, currency) in net.items():
        text = world.zone.text
        amounts = [amount(value) for value in (listed, listed - fee, fee - due, due)]
        rows.append((start, [account, resource, sku, text(start), text(end), plain(quantity), unit, *amounts, currency]))
    rows = [row for _, row in sorted(rows, key=lambda row: (row[0], row[1]))]
    write(folder / "charges.csv", "account_id,resource_id,sku,window_start,window_end,quantity,unit,list_amount,"
          "discount_amount,truncated_amount,due_amount,currency", rows)
    write(folder / "refused.csv", "file,line,reason", world.refused)
    write(folder / "counts.csv", "file,rows,accepted,duplicates,refused", world.counts)


def print_totals(world, net):
    totals = collections.defaultdict(lambda: [0, 0, 0, 0])
    for (account, _, _, start), (_, _, _, listed, fee, due, currency) in net.items():
        month = world.zone.text(start)[:7]
        for place, value in enumerate((1, listed, listed - fee, due)):
            totals[account, month, currency][place] += value
    for (account, month, currency), (lines, listed, discount, due) in sorted(totals.items()):
        print(f"{account:10} {month} {currency}  {lines:4} keys  list {amount(listed):>14}"
              f"  discount {amount(discount):>13}  due {amount(due):>14}")


def read_world(data, zone, currency, now):
    world = World(zone, currency, now)
    for kind in KINDS:
        for path in sorted(data.glob(f"{kind}-*.csv"), key=lambda path: path.name):
            world.deliver(path)
    return world


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sample = pathlib.Path(__file__).resolve().parent.parent / "sample_data"
    parser.add_argument("--data", type=pathlib.Path, default=sample)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--until", default="2026-02-02T00:00:00+08:00", help="windows that end later are not settled yet")
    parser.add_argument("--zone", default="+08:00")
    parser.add_argument("--currency", default="CNY")
    for switch in ("--check", "--totals", "--self-test", "--ranges"):
        parser.add_argument(switch, action="store_true")
    asked = parser.parse_args()
    if asked.self_test:
        import expected_self_test

        return expected_self_test.run()

    zone, until = Zone(asked.zone), instant(asked.until, "--until")
    world = read_world(asked.data, zone, asked.currency, until)
    net = settled(world, until, asked.ranges)
    folder = asked.out or asked.data / "expected"
    if asked.totals:
        print_totals(world, net)
    elif asked.check:
        with tempfile.TemporaryDirectory() as fresh:
            print_files(world, net, pathlib.Path(fresh))
            files = ["charges.csv", "refused.csv", "counts.csv"]
            _, differing, missing = filecmp.cmpfiles(fresh, folder, files, shallow=False)
        if differing or missing:
            print(f"{folder}: {', '.join(differing + missing)} is not what scripts/expected.py prints", file=sys.stderr)
            return 1
        print(f"{len(net)} charges, {len(world.refused)} refused rows, {len(world.counts)} files: as expected")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        print_files(world, net, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
