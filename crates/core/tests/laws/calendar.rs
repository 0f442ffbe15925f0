//! Windows tile time: every instant lies in exactly one hour, day and month, also in nights in which the clock changes.

use super::world::at;
use reckoner_core::table::SettleWindow;
use reckoner_core::time::{Instant, Window, Zone};

/// zone | first day | last day: each holds a night with a clock change, but for the zones that have none.
const STRETCHES: [(&str, &str, &str); 9] = [
    ("+08:00", "2026-01-30", "2026-03-02"),
    ("Asia/Kolkata", "2026-01-30", "2026-03-02"), // midnight inside a UTC hour
    ("America/New_York", "2026-03-07", "2026-03-10"),
    ("America/New_York", "2026-10-30", "2026-11-03"), // an hour twice, and a month's end
    ("Australia/Lord_Howe", "2026-04-03", "2026-04-07"), // half an hour
    ("Australia/Lord_Howe", "2025-10-03", "2025-10-07"),
    ("America/Santiago", "2025-09-05", "2025-09-09"), // midnight does not exist
    ("Africa/Cairo", "2023-04-26", "2023-05-02"),
    ("Pacific/Apia", "2011-12-28", "2012-01-02"), // a day that does not exist
];

fn tiles(kind: SettleWindow, zone: Zone, span: Window) -> Vec<Window> {
    let mut windows = Vec::new();
    let mut reached = span.start;
    while reached < span.end {
        let window = kind.containing(reached, zone);
        windows.push(window);
        reached = window.end;
    }
    windows
}

#[test]
fn windows_tile_time() {
    for (name, first, last) in STRETCHES {
        let zone = Zone::parse(name).expect("a zone");
        let span = Window::new(zone.parse_instant(first).expect("a date"), zone.parse_instant(last).expect("a date"));
        for kind in SettleWindow::ALL {
            let windows = tiles(kind, zone, span);
            for pair in windows.windows(2) {
                assert_eq!(pair[0].end, pair[1].start, "{name}: no gap and no overlap");
            }
            for window in windows {
                assert!(window.start < window.end, "{name}");
                let inside = [window.start, window.end.plus_seconds(-1), window.start.plus_seconds(window.seconds() / 2)];
                for instant in inside {
                    assert_eq!(kind.containing(instant, zone), window, "{name}: {}", zone.to_text(instant));
                }
                assert_ne!(kind.containing(window.end, zone), window, "{name}");
            }
        }
        // Hours lie inside one day, days inside one month: every charge belongs to one of each.
        for hour in tiles(SettleWindow::Hour, zone, span) {
            assert!(hour.seconds() <= 3_600, "{name}");
            let day = zone.day_containing(hour.start);
            assert!(day.start <= hour.start && hour.end <= day.end, "{name}: {}", zone.to_text(hour.start));
        }
        for day in tiles(SettleWindow::Day, zone, span) {
            let month = zone.month_containing(day.start);
            assert!(month.start <= day.start && day.end <= month.end, "{name}");
            assert_eq!(zone.billing_period(day.start), zone.billing_period(day.end.plus_seconds(-1)), "{name}");
        }
    }
}

#[test]
fn a_day_begins_at_its_first_instant() {
    // zone | date | its first instant, UTC | its length in minutes
    let cases = [
        ("+08:00", "2026-01-05", "2026-01-04T16:00:00Z", 1_440),
        ("Asia/Kolkata", "2026-01-05", "2026-01-04T18:30:00Z", 1_440),
        ("America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", 1_380),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00:00Z", 1_500),
        ("America/New_York", "2026-11-02", "2026-11-02T05:00:00Z", 1_440),
        ("Africa/Cairo", "2023-04-28", "2023-04-27T22:00:00Z", 1_380), // 00:00 to 01:00 does not exist
        ("Africa/Cairo", "2023-10-26", "2023-10-25T21:00:00Z", 1_500), // 23:00 to 24:00 comes twice
        ("Africa/Cairo", "2023-10-27", "2023-10-26T22:00:00Z", 1_440),
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", 1_440),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", 1_440),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", 1_470), // half an hour twice
        ("Australia/Lord_Howe", "2026-04-06", "2026-04-05T13:30:00Z", 1_440),
        ("Australia/Lord_Howe", "2025-10-05", "2025-10-04T13:30:00Z", 1_410),
        ("America/Santiago", "2025-09-07", "2025-09-07T04:00:00Z", 1_380),
        ("America/Santiago", "2026-04-04", "2026-04-04T03:00:00Z", 1_500),
        ("America/Santiago", "2026-04-05", "2026-04-05T04:00:00Z", 1_440),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z", 1_500), // 00:00 comes twice: the first
    ];
    for (name, date, begins, minutes) in cases {
        let zone = Zone::parse(name).expect("a zone");
        let start = zone.parse_instant(date).expect("a date");
        let day = zone.day_containing(start);
        assert_eq!((start.to_utc_text().as_str(), day.start), (begins, start), "{name} {date}");
        assert_eq!(day.seconds(), minutes * 60, "{name} {date}");
        let before: Instant = start.plus_seconds(-1);
        assert_ne!(zone.date_of(before), zone.date_of(start), "{name} {date}");
    }
    // A date that was skipped begins where the next one does.
    let apia = Zone::parse("Pacific/Apia").expect("a zone");
    assert_eq!(apia.parse_instant("2011-12-30").expect("a date"), at("2011-12-30T10:00:00Z"));
}

#[test]
fn a_midnight_inside_an_hour_cuts_it() {
    let zone = Zone::parse("Asia/Kolkata").expect("a zone");
    // instant | its hour, UTC
    for (instant, start, end) in [
        ("2026-01-04T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-04T18:30:00Z"),
        ("2026-01-04T18:29:59Z", "2026-01-04T18:00:00Z", "2026-01-04T18:30:00Z"),
        ("2026-01-04T18:30:00Z", "2026-01-04T18:30:00Z", "2026-01-04T19:00:00Z"),
        ("2026-01-04T19:00:00Z", "2026-01-04T19:00:00Z", "2026-01-04T20:00:00Z"),
    ] {
        assert_eq!(zone.segment_containing(at(instant)), Window::new(at(start), at(end)), "{instant}");
    }
}

/// A date is an instant only where its text could be read back: 1349 was one, and its instant none.
#[test]
fn a_date_lies_in_the_years_that_instants_have() {
    let zone = Zone::parse("+08:00").expect("a zone");
    for (text, expected) in [
        ("1970-01-02", Some("1970-01-01T16:00:00Z")),
        ("1970-01-01", None), // still 1969 in UTC
        ("1349-01-10", None),
        ("-001-01-01", None),
        ("9999-12-31", Some("9999-12-30T16:00:00Z")),
    ] {
        let seen = zone.parse_instant(text);
        assert_eq!(seen.as_ref().ok().map(|instant| instant.to_utc_text()).as_deref(), expected, "{text}: {seen:?}");
    }
}
