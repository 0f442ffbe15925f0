"""Published examples, worked out by hand or by their publisher, that `expected.py` must reproduce.

Each case names its public source. A case is a tiny world of its own: price rows, usage rows, and what must come out,
`resource hour-or-day quantity list due` in the order of the windows.
"""

import expected

ZONE = expected.Zone("+08:00")
NOW = expected.instant("2030-01-01T00:00:00Z", "now")

HW_CCI = "https://support.huaweicloud.com/intl/en-us/price-cci/cce_06_0020.html"
HW_BMS = "https://huaweicloud.com/guide/productsdesc-bms_611148b05e406868819925abc937bf9esupport1"
HW_DRS = "https://support.huaweicloud.com/intl/tr-tr/price-drs/drs_00_0017.html"
HW_FAQ = "https://support.huaweicloud.com/billing_faq/billing_faq_5100021.md"
HW_NLP = "https://support.huaweicloud.com/price-nlp/nlp_05_0015.html"
HW_MONTH = "https://support.huaweicloud.com/intl/en-us/faq-billing/DeductMont_faq_200010.html"
KS_EIP = "https://endocs.ksyun.com/documents/5955?type=3"
ECLOUD = "http://cn-henji.com/docs/help/cec/content/charging/charging-mode"
TENCENT = "https://github.com/tencentyun/qcloud-documents (云服务退货说明.md)"
KILLBILL = "https://github.com/killbill/killbill TestContiguousIntervalConsumableInArrear.java"
LAGO_VOLUME = "https://github.com/getlago/lago-api spec/services/charge_models/volume_service_spec.rb"
LAGO_PACKAGE = "https://github.com/getlago/lago-api spec/services/charge_models/package_service_spec.rb"

HOURLY = {"unit": "hour", "unit_price": "3600"}  # one a second: the list amount reads as the seconds
LADDER = '[{"up_to":"10","unit_price":"1.5"},{"up_to":"110","unit_price":"1.0"},{"unit_price":"0.5"}]'
BANDS = '[{"up_to":"100","unit_price":"2","flat":"10"},{"up_to":"200","unit_price":"1"},{"unit_price":"0.5","flat":"50"}]'
DAY = {"settle": "day"}


def amounts(model, tiers, **more):
    return {"unit": "unit", "unit_price": "0", "model": model, "tiers": tiers, **more}


def package(free):
    return amounts("package", f'{{"size":"10","unit_price":"100","free":"{free}"}}')


# name, source, price rows, usage (started_at, ended_at, quantity), expected (window start, quantity, list, due)
CASES = [
    ("T01 cut at the clock hour", HW_BMS, [HOURLY],
     [("2023-03-10T08:45:30", "2023-03-10T09:30:00", "1")],
     [("03-10T08:00", "870", "870", "870"), ("03-10T09:00", "1800", "1800", "1800")]),
    ("T03 three records of one use", HW_CCI, [HOURLY],
     [("2023-04-08T10:09:06", "2023-04-08T12:09:06", "1")],
     [("04-08T10:00", "3054", "3054", "3054"), ("04-08T11:00", "3600", "3600", "3600"), ("04-08T12:00", "546", "546", "546")]),
    ("T12 10 250 seconds over three hours", HW_DRS, [HOURLY],
     [("2023-07-20T16:03:02", "2023-07-20T18:53:52", "1")],
     [("07-20T16:00", "3418", "3418", "3418"), ("07-20T17:00", "3600", "3600", "3600"), ("07-20T18:00", "3232", "3232", "3232")]),
    ("P03 10 GB for 25 874 s, cut at 8 digits", HW_FAQ, [{"unit": "hour", "unit_price": "0.00064", **DAY}],
     [("2023-05-01T10:00:00", "2023-05-01T17:11:14", "10")],
     [("05-01T00:00", "258740", "0.04599822", "0.04599822")]),
    ("P05 three calls of a day are one charge", HW_NLP, [{"unit": "call", "unit_price": "0.012", **DAY}],
     [("2023-07-25T10:13:30", "2023-07-25T10:13:30", "1"), ("2023-07-25T10:16:45", "2023-07-25T10:16:45", "1"),
      ("2023-07-25T11:20:11", "2023-07-25T11:20:11", "1")],
     [("07-25T00:00", "3", "0.036", "0.036")]),
    ("P06 cut, not rounded: 0.838224666…", HW_MONTH, [{"unit": "hour", "unit_price": "0.00017", "settle": "month"}],
     [("2023-05-01T00:00:00", "2023-05-21T13:04:24", "10")],
     [("05-01T00:00", "17750640", "0.83822466", "0.83822466")]),
    ("P08 a charge below 0.01 is 0.01", KS_EIP, [{"unit": "hour", "unit_price": "0.02", "min_charge": "0.01"}],
     [("2023-05-01T10:00:00", "2023-05-01T10:20:00", "1"), ("2023-05-01T11:00:00", "2023-05-01T11:30:00", "1")],
     [("05-01T10:00", "1200", "0.00666666", "0.01"), ("05-01T11:00", "1800", "0.01", "0.01")]),
    ("P10 a price that changes inside an hour cuts it", ECLOUD,
     [{"unit": "hour", "unit_price": "3"}, {"unit": "hour", "unit_price": "12", "valid_from": "2023-05-01T13:40:00+08:00"}],
     [("2023-05-01T12:00:00", "2023-05-01T14:00:00", "1")],
     [("05-01T12:00", "3600", "3", "3"), ("05-01T13:00", "2400", "2", "2"), ("05-01T13:40", "1200", "4", "4")]),
    ("P13 96 hours at 0.42, then 0.21: 45.36 in all", TENCENT,
     [{"unit": "hour", "unit_price": "0.42", "model": "graduated", **DAY,
       "tiers": '[{"up_to":"96","unit_price":"0.42"},{"unit_price":"0.21"}]'}],
     [("2023-05-01T00:00:00", "2023-05-06T00:00:00", "1")],
     [(f"05-0{day}T00:00", "86400", "10.08", "10.08") for day in (1, 2, 3, 4)] + [("05-05T00:00", "86400", "5.04", "5.04")]),
    ("111 units up a ladder: 15 + 100 + 0.5", KILLBILL, [amounts("graduated", LADDER)],
     [("2023-05-01T10:00:00", "2023-05-01T10:00:00", "111")], [("05-01T10:00", "111", "115.5", "115.5")]),
    ("111 units, all at the step reached", KILLBILL, [amounts("volume", LADDER)],
     [("2023-05-01T10:00:00", "2023-05-01T10:00:00", "111")], [("05-01T10:00", "111", "55.5", "55.5")]),
    *[(f"{units} units in bands with flat amounts", LAGO_VOLUME, [amounts("volume", BANDS)],
       [("2023-05-01T10:00:00", "2023-05-01T10:00:00", units)], [("05-01T10:00", units, due, due)])
      for units, due in [("0", "10"), ("1", "12"), ("100", "210"), ("100.5", "100.5"), ("101", "101"), ("200", "200"), ("300", "200")]],
    ("a band reached later re-prices what came before: 210, then 101 in all", LAGO_VOLUME, [amounts("volume", BANDS)],
     [("2023-05-01T10:00:00", "2023-05-01T10:00:00", "100"), ("2023-05-02T10:00:00", "2023-05-02T10:00:00", "1")],
     [("05-01T10:00", "100", "210", "210"), ("05-02T10:00", "1", "-109", "-109")]),
    *[(f"121 units in packages of 10, {free} free", LAGO_PACKAGE, [package(free)],
       [("2023-05-01T10:00:00", "2023-05-01T10:00:00", "121")], [("05-01T10:00", "121", due, due)])
      for free, due in [("0", "1300"), ("10", "1200"), ("200", "0")]],
    ("a minimum belongs to the last piece", "docs/domain.md, minimum seconds", [{**HOURLY, "min_seconds": "600", "step_seconds": "60"}],
     [("2023-05-01T09:59:50", "2023-05-01T10:00:05", "2"), ("2023-05-01T11:00:00", "2023-05-01T11:20:01", "1"),
      ("2023-05-01T12:00:00", "2023-05-01T12:00:00", "1")],  # held for no time: not even a minimum
     [("05-01T09:00", "20", "20", "20"), ("05-01T10:00", "1180", "1180", "1180"), ("05-01T11:00", "1260", "1260", "1260")]),
]


def outcome(prices, usage, by_ranges):
    world = expected.World(ZONE, "CNY", NOW)
    world.take("accounts", {"account_id": "a"})
    for price in prices:
        world.take("prices", {"sku": "s", "product": "p", "billing_mode": "pay_per_use", **price})
    for number, (start, end, quantity) in enumerate(usage):
        world.take("usage", {"record_id": f"r{number}", "account_id": "a", "resource_id": "x", "sku": "s",
                             "started_at": start + "+08:00", "ended_at": end + "+08:00", "quantity": quantity})
    net = expected.charges(world, expected.fold(world, {}, by_ranges), NOW)
    return [(ZONE.text(key[3])[5:16], expected.plain(line[1]), expected.amount(line[3]), expected.amount(line[5]))
            for key, line in sorted(net.items(), key=lambda item: item[0][3])]


def run():
    failures = 0
    for name, source, prices, usage, wanted in CASES:
        wanted = [(start, quantity, *(expected.amount(expected.cut(expected.Fraction(money))) for money in both))
                  for start, quantity, *both in wanted]
        for by_ranges in (False, True):
            got = outcome(prices, usage, by_ranges)
            if got != wanted:
                failures += 1
                print(f"FAILED {name}\n  source   {source}\n  expected {wanted}\n  got      {got}")
    print(f"expected.py --self-test: {len(CASES)} cases, {failures} failed")
    return 1 if failures else 0
