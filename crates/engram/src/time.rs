//! Points in time: whole milliseconds since 1970, read from and written as ISO 8601.

use std::fmt;
use std::str::FromStr;

/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// A text that is not a point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no time; write 2026-11-22, 2026-11-22T09:30:00Z or 2026-11-22T09:30:00+01:00")]
pub struct InvalidTime {
    text: String,
}

impl Time {
    /// The time now, by the system's clock.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_millisecond())
    }

    /// A time from milliseconds since 1970.
    #[must_use]
    pub const fn from_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn milliseconds(self) -> i64 {
        self.0
    }

    /// Seconds from `earlier` to this time; negative if `earlier` is later.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        // Both are whole milliseconds, so the difference is exact for any two times within 285,000 years.
        (i128::from(self.0) - i128::from(earlier.0)) as f64 / 1000.0
    }
}

impl FromStr for Time {
    type Err = InvalidTime;

    /// Reads a date (midnight UTC), a date and time (UTC), or a date and time with an offset.
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let trimmed = text.trim();
        let utc = |civil: jiff::civil::DateTime| {
            jiff::tz::Offset::UTC.to_timestamp(civil).ok().map(|t| t.as_millisecond())
        };
        trimmed
            .parse::<jiff::Timestamp>()
            .ok()
            .map(|t| t.as_millisecond())
            // The parser of dates passes over a time zone in brackets, and would take its times for UTC.
            .or_else(|| {
                let date = Some(trimmed).filter(|date| !date.contains('['));
                date.and_then(|date| date.parse::<jiff::civil::DateTime>().ok()).and_then(utc)
            })
            .map(Self)
            .ok_or_else(|| InvalidTime { text: text.to_owned() })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{t}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_read() {
        let day: Time = "2026-11-22".parse().unwrap();
        assert_eq!(day.to_string(), "2026-11-22T00:00:00Z");
        let offset: Time = "2026-11-22T01:00:00+01:00".parse().unwrap();
        assert_eq!(day, offset);
        for none in ["yesterday", "2026-11-22T01:00:00[Europe/Paris]", "2026-11-22[Europe/Paris]"] {
            assert!(none.parse::<Time>().is_err(), "{none}");
        }
        assert_eq!("2026-11-22T01:00:00+01:00[Europe/Paris]".parse(), Ok(day));
        assert_eq!(day.seconds_since("2026-11-21".parse().unwrap()), 86_400.0);
    }
}
