//! Days as councils count them: working days of England and Wales, and where a day ends.

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike,
    Utc, Weekday,
};
use chrono_tz::Europe::London;
use oss_domain::referral::Urgency;

/// Bank holidays of England and Wales: (year, month, day).
///
/// Source: GOV.UK, *UK bank holidays* (Open Government Licence), as published in February 2026.
/// Past the last year counting knows weekends only, so that a deadline falls early, never late.
const BANK_HOLIDAYS: &[(i32, u32, u32)] = &[
    (2025, 1, 1),
    (2025, 4, 18),
    (2025, 4, 21),
    (2025, 5, 5),
    (2025, 5, 26),
    (2025, 8, 25),
    (2025, 12, 25),
    (2025, 12, 26),
    (2026, 1, 1),
    (2026, 4, 3),
    (2026, 4, 6),
    (2026, 5, 4),
    (2026, 5, 25),
    (2026, 8, 31),
    (2026, 12, 25),
    (2026, 12, 28),
    (2027, 1, 1),
    (2027, 3, 26),
    (2027, 3, 29),
    (2027, 5, 3),
    (2027, 5, 31),
    (2027, 8, 30),
    (2027, 12, 27),
    (2027, 12, 28),
    (2028, 1, 3),
    (2028, 4, 14),
    (2028, 4, 17),
    (2028, 5, 1),
    (2028, 5, 29),
    (2028, 8, 28),
    (2028, 12, 25),
    (2028, 12, 26),
];

/// The last year whose bank holidays are known: `oss doctor` warns when it is near.
pub const KNOWN_UNTIL: i32 = 2028;

/// Whether councils work on `day`.
#[must_use]
pub fn is_working_day(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
        && !BANK_HOLIDAYS.contains(&(day.year(), day.month(), day.day()))
}

/// The `n`th working day after `day`, which itself does not count.
#[must_use]
pub fn working_days_after(day: NaiveDate, n: u32) -> NaiveDate {
    let later = day.iter_days().skip(1).filter(|day| is_working_day(*day));
    later.take(n as usize).last().unwrap_or(day)
}

/// The day `weeks` weeks after `day`.
#[must_use]
pub fn weeks_after(day: NaiveDate, weeks: u32) -> NaiveDate {
    day.checked_add_days(Days::new(7 * u64::from(weeks)))
        .unwrap_or(NaiveDate::MAX)
}

/// The day it is in England.
#[must_use]
pub fn today(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&London).date_naive()
}

/// The instant at which `day` ends in England.
#[must_use]
pub fn end_of(day: NaiveDate) -> DateTime<Utc> {
    day.succ_opt()
        .map_or(DateTime::<Utc>::MAX_UTC, |next| at_hour(next, 0))
}

/// The hour of the day in England.
#[must_use]
pub fn hour(now: DateTime<Utc>) -> u32 {
    now.with_timezone(&London).hour()
}

/// The instant of a full hour on `day` in England; the earlier where the clock shows it twice, the
/// next that there is where it shows it never.
#[must_use]
pub fn at_hour(day: NaiveDate, hour: u32) -> DateTime<Utc> {
    let time = NaiveTime::from_hms_opt(hour.min(23), 0, 0).unwrap_or_default();
    match London.from_local_datetime(&day.and_time(time)) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => instant.to_utc(),
        // Clocks go forward an hour: the same time by Greenwich is one hour later by the clock.
        LocalResult::None => day.and_time(time).and_utc(),
    }
}

/// When a referral that arrived at `received_at` needs a home: an emergency by the end of that day in
/// England, what is urgent after 72 hours, what is planned as `start_date` begins.
///
/// The queue is sorted by the same in SQL, in `oss-storage`: one changes with the other.
#[must_use]
pub fn needed_by(
    urgency: Urgency,
    received_at: DateTime<Utc>,
    start_date: NaiveDate,
) -> DateTime<Utc> {
    match urgency {
        Urgency::Emergency => end_of(today(received_at)),
        Urgency::Urgent => received_at + TimeDelta::hours(72),
        Urgency::Planned => at_hour(start_date, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn statutory_periods_end_when_the_regulations_say() {
        // Reg 23: six working days; reg 13: five; reg 24: sixteen weeks and eight more.
        assert_eq!(
            working_days_after(date("2026-11-29"), 6),
            date("2026-12-07")
        );
        assert_eq!(
            working_days_after(date("2026-11-29"), 5),
            date("2026-12-04")
        );
        assert_eq!(weeks_after(date("2026-11-23"), 16), date("2027-03-15"));
        assert_eq!(weeks_after(date("2027-03-15"), 8), date("2027-05-10"));
    }

    #[test]
    fn bank_holidays_and_weekends_do_not_count() {
        assert_eq!(
            working_days_after(date("2026-12-24"), 1),
            date("2026-12-29")
        );
        assert_eq!(
            working_days_after(date("2027-03-25"), 2),
            date("2027-03-31")
        );
        assert_eq!(
            working_days_after(date("2028-02-28"), 1),
            date("2028-02-29"),
            "leap day"
        );
        assert_eq!(
            working_days_after(date("2026-12-01"), 0),
            date("2026-12-01")
        );
    }

    #[test]
    fn a_day_ends_by_the_clock_of_england() {
        assert_eq!(end_of(date("2026-12-01")), instant("2026-12-02T00:00:00Z"));
        assert_eq!(end_of(date("2026-07-01")), instant("2026-07-01T23:00:00Z"));
        assert_eq!(
            end_of(date("2027-03-27")),
            instant("2027-03-28T00:00:00Z"),
            "the spring change"
        );
        assert_eq!(end_of(date("2027-03-28")), instant("2027-03-28T23:00:00Z"));
        assert_eq!(today(instant("2026-07-01T23:30:00Z")), date("2026-07-02"));
        assert_eq!(
            at_hour(date("2027-03-28"), 1),
            instant("2027-03-28T01:00:00Z"),
            "no such hour"
        );
        assert_eq!(
            at_hour(date("2026-10-25"), 1),
            instant("2026-10-25T00:00:00Z"),
            "shown twice"
        );
    }

    #[test]
    fn every_known_year_has_its_holidays() {
        for year in 2025..=KNOWN_UNTIL {
            let n = BANK_HOLIDAYS.iter().filter(|(of, ..)| *of == year).count();
            assert!(n >= 8, "{year} has {n}");
        }
    }
}
