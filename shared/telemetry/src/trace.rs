//! W3C Trace Context: what ties together the log lines of several processes.

use rand_core::RngCore;
use std::{fmt, str::FromStr};

/// The header and the CloudEvents extension that carry it.
pub const HEADER: &str = "traceparent";

/// A trace context: which trace, which span, whether it is sampled (W3C Trace Context, version 00).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

/// A text is not a trace context. It is ignored then, and a new trace begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a W3C traceparent such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
)]
pub struct ParseTraceError;

impl TraceParent {
    /// The flag that says that the trace is recorded.
    const SAMPLED: u8 = 1;

    /// Begins a trace.
    pub fn generate(rng: &mut (impl RngCore + ?Sized)) -> Self {
        let high = u128::from(non_zero(rng));
        let low = u128::from(rng.next_u64());
        Self {
            trace_id: high << 64 | low,
            span_id: non_zero(rng),
            flags: Self::SAMPLED,
        }
    }

    /// A span caused by this one, of the same trace.
    #[must_use]
    pub fn child(self, rng: &mut (impl RngCore + ?Sized)) -> Self {
        Self {
            span_id: non_zero(rng),
            ..self
        }
    }

    /// What a message carries, or else a new trace: the child that its handling is.
    pub fn continued(header: Option<&str>, rng: &mut (impl RngCore + ?Sized)) -> Self {
        match header.and_then(|text| text.parse::<Self>().ok()) {
            Some(parent) => parent.child(rng),
            None => Self::generate(rng),
        }
    }

    /// The trace's id: 32 hexadecimal digits, for logs.
    #[must_use]
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The span's id: 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(self) -> String {
        format!("{:016x}", self.span_id)
    }

    /// Whether it is recorded.
    #[must_use]
    pub fn is_sampled(self) -> bool {
        self.flags & Self::SAMPLED != 0
    }
}

fn non_zero(rng: &mut (impl RngCore + ?Sized)) -> u64 {
    rng.next_u64().max(1)
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            span_id,
            flags,
        } = self;
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{flags:02x}")
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TraceParent {
    type Err = ParseTraceError;

    fn from_str(text: &str) -> Result<Self, ParseTraceError> {
        let mut parts = text.split('-');
        let mut hex = |length: usize| {
            parts.next().filter(|part| {
                let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                part.len() == length && part.bytes().all(digit)
            })
        };
        let version = hex(2).ok_or(ParseTraceError)?;
        let (trace_id, span_id, flags) = (hex(32), hex(16), hex(2));
        // Later versions may add parts; version ff is none.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return Err(ParseTraceError);
        }
        let parsed = Self {
            trace_id: number(trace_id, |hex| u128::from_str_radix(hex, 16))?,
            span_id: number(span_id, |hex| u64::from_str_radix(hex, 16))?,
            flags: number(flags, |hex| u8::from_str_radix(hex, 16))? & Self::SAMPLED,
        };
        if parsed.trace_id == 0 || parsed.span_id == 0 {
            return Err(ParseTraceError);
        }
        Ok(parsed)
    }
}

fn number<T>(
    hex: Option<&str>,
    read: impl FnOnce(&str) -> Result<T, std::num::ParseIntError>,
) -> Result<T, ParseTraceError> {
    hex.and_then(|hex| read(hex).ok()).ok_or(ParseTraceError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_standards_example_is_read_and_written() {
        let trace: TraceParent = EXAMPLE.parse().unwrap();
        assert_eq!(trace.to_string(), EXAMPLE);
        assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(trace.is_sampled());
    }

    #[test]
    fn what_the_standard_forbids_is_refused() {
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(bad.parse::<TraceParent>().is_err(), "{bad}");
        }
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
        assert!(later.parse::<TraceParent>().is_ok());
    }

    #[test]
    fn handling_a_message_is_a_child_of_what_sent_it() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let parent: TraceParent = EXAMPLE.parse().unwrap();
        let child = TraceParent::continued(Some(EXAMPLE), &mut rng);
        assert_eq!(child.trace_id(), parent.trace_id());
        assert_ne!(child.span_id(), parent.span_id());
        let new = TraceParent::continued(Some("nonsense"), &mut rng);
        assert_ne!(new.trace_id(), parent.trace_id());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seed: u64) {
            let trace = TraceParent::generate(&mut ChaCha8Rng::seed_from_u64(seed));
            prop_assert_eq!(trace.to_string().parse::<TraceParent>(), Ok(trace));
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,70}") {
            let _ = text.parse::<TraceParent>();
        }
    }
}
