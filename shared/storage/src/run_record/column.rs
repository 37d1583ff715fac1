//! Columns of numbers in planes of bytes, each plane compressed by itself.

use crate::error::{Result, broken};
use foldhash::fast::FixedState;
use oss_workflow::StoreError;
use std::{cell::RefCell, collections::HashMap, io::Read};
use zstd::{
    stream::Decoder,
    zstd_safe::{
        self, CCtx, CParameter, InBuffer, OutBuffer, ResetDirective,
        zstd_sys::ZSTD_EndDirective::{self, ZSTD_e_end, ZSTD_e_flush},
    },
};

/// More is slower and gains next to nothing on bytes that look like chance.
const LEVEL: i32 = 3;

/// A window that holds a few columns, and tables that find most of what repeats in it: more would be
/// cleared for every record, for nothing.
const WINDOW_LOG: u32 = 17;
const TABLE_LOG: u32 = 14;

/// A plane of fewer bytes than this costs more for codes of its own than they save.
const SHORT: usize = 256;

thread_local! {
    /// Making a compressor with its tables takes longer than compressing a record.
    static COMPRESSOR: RefCell<Option<CCtx<'static>>> = const { RefCell::new(None) };
}

/// Numbers by numbers of our own, which nobody chooses so that they clash.
type Lookup<V = u64> = HashMap<u64, V, FixedState>;

/// The different numbers among these, in order.
fn distinct(numbers: &[u64]) -> Vec<u64> {
    let mut seen = Lookup::<u64>::default();
    let mut distinct: Vec<u64> = numbers
        .iter()
        .copied()
        .filter(|number| seen.insert(*number, 0).is_none())
        .collect();
    distinct.sort_unstable();
    distinct
}

/// Writes columns, one after the other.
#[derive(Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// Where a block ends, so that the next plane gets codes of its own.
    ends: Vec<usize>,
}

impl Writer {
    /// A single number.
    pub(super) fn number(&mut self, number: u64) {
        self.bytes.extend(number.to_le_bytes());
    }

    /// A column of numbers of any size.
    pub(super) fn numbers(&mut self, numbers: impl IntoIterator<Item = u64>) {
        let numbers: Vec<_> = numbers.into_iter().map(u64::to_le_bytes).collect();
        let most = numbers
            .iter()
            .fold(0, |most, it| most | u64::from_le_bytes(*it));
        let n_planes = (u64::BITS - most.leading_zeros()).div_ceil(8);
        self.bytes.push(u8::try_from(n_planes).unwrap_or(8));
        for plane in 0..n_planes as usize {
            self.bytes
                .extend(numbers.iter().filter_map(|it| it.get(plane)));
            if numbers.len() >= SHORT {
                self.ends.push(self.bytes.len());
            }
        }
    }

    /// A column of few different numbers.
    pub(super) fn dictionary(&mut self, numbers: impl Iterator<Item = u64>) {
        let mut words = Vec::new();
        let mut seen = Lookup::<usize>::default();
        let found: Vec<usize> = numbers
            .map(|number| {
                *seen.entry(number).or_insert_with(|| {
                    let nth = words.len();
                    words.push((number, nth));
                    nth
                })
            })
            .collect();
        // By size they take less than in the order in which they were found.
        words.sort_unstable();
        let mut places = vec![0; words.len()];
        for ((_, nth), place) in words.iter().zip(0..) {
            if let Some(it) = places.get_mut(*nth) {
                *it = place;
            }
        }
        self.number(words.len() as u64);
        self.numbers(words.into_iter().map(|(word, _)| word));
        self.numbers(found.iter().filter_map(|nth| places.get(*nth).copied()));
    }

    /// A column of numbers that follow from `causes`, as a rule: the rule, and the exceptions.
    pub(super) fn following(&mut self, causes: &[u64], numbers: impl Iterator<Item = u64>) {
        let mut rule = Lookup::default();
        let mut exceptions = Vec::new();
        for ((cause, number), place) in causes.iter().zip(numbers).zip(0_u64..) {
            if *rule.entry(*cause).or_insert(number) != number {
                exceptions.push((place, number));
            }
        }
        // What is linear over wide stretches has differences that hardly change.
        let mut line = Line::default();
        let mut rule: Vec<_> = rule.into_iter().collect();
        rule.sort_unstable();
        self.numbers(
            rule.into_iter()
                .map(|(cause, number)| line.surprise(cause, number)),
        );
        self.number(exceptions.len() as u64);
        self.numbers(exceptions.iter().map(|(place, _)| *place));
        self.numbers(exceptions.iter().map(|(_, number)| *number));
    }

    /// The record: `format`, and behind it all that was written, compressed.
    pub(super) fn finish(self, format: u8) -> Result<Vec<u8>> {
        COMPRESSOR.with_borrow_mut(|compressor| {
            let compressor = match compressor {
                Some(compressor) => compressor,
                None => compressor.insert(new_compressor()?),
            };
            // What another record left unfinished is not this one's.
            (compressor.reset(ResetDirective::SessionOnly)).map_err(uncompressed)?;
            let mut record = vec![format];
            let mut start = 0;
            for end in self.ends {
                let plane = self.bytes.get(start..end).unwrap_or_default();
                compress(compressor, plane, ZSTD_e_flush, &mut record)?;
                start = end;
            }
            let rest = self.bytes.get(start..).unwrap_or_default();
            compress(compressor, rest, ZSTD_e_end, &mut record)?;
            Ok(record)
        })
    }
}

fn new_compressor() -> Result<CCtx<'static>> {
    let mut compressor =
        CCtx::try_create().ok_or_else(|| StoreError::Unavailable("zstd has no memory".into()))?;
    for parameter in [
        CParameter::CompressionLevel(LEVEL),
        CParameter::WindowLog(WINDOW_LOG),
        CParameter::HashLog(TABLE_LOG),
        CParameter::ChainLog(TABLE_LOG),
    ] {
        compressor.set_parameter(parameter).map_err(uncompressed)?;
    }
    Ok(compressor)
}

/// Appends `bytes` to `record`, compressed, and ends as `end` says.
fn compress(
    compressor: &mut CCtx<'_>,
    bytes: &[u8],
    end: ZSTD_EndDirective,
    record: &mut Vec<u8>,
) -> Result<()> {
    let mut input = InBuffer::around(bytes);
    loop {
        record.reserve(zstd_safe::compress_bound(bytes.len() - input.pos));
        let from = record.len();
        let mut output = OutBuffer::around_pos(record, from);
        let left = compressor.compress_stream2(&mut output, &mut input, end);
        if left.map_err(uncompressed)? == 0 && input.pos == bytes.len() {
            return Ok(());
        }
    }
}

fn uncompressed(code: usize) -> StoreError {
    broken(zstd_safe::get_error_name(code))
}

fn unreadable(error: std::io::Error) -> StoreError {
    StoreError::Broken(error.into())
}

/// Reads columns in the order in which they were written.
pub(super) struct Reader<'a>(Decoder<'static, std::io::BufReader<&'a [u8]>>);

impl<'a> Reader<'a> {
    pub(super) fn new(record: &'a [u8], format: u8) -> Result<Self> {
        match record.split_first() {
            Some((found, rest)) if *found == format => {
                Ok(Self(Decoder::new(rest).map_err(unreadable)?))
            }
            Some((found, _)) => Err(broken(format!(
                "a run's record has the unknown form {found}"
            ))),
            None => Err(broken("a run's record is empty")),
        }
    }

    pub(super) fn number(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.0.read_exact(&mut bytes).map_err(unreadable)?;
        Ok(u64::from_le_bytes(bytes))
    }

    pub(super) fn numbers(&mut self, n: usize) -> Result<Vec<u64>> {
        let mut n_planes = [0];
        self.0.read_exact(&mut n_planes).map_err(unreadable)?;
        let [n_planes] = n_planes;
        if n_planes > 8 || n > MOST {
            return Err(broken("a run's record is damaged"));
        }
        let mut numbers = vec![0; n];
        let mut plane = vec![0; n];
        for idx in 0..n_planes {
            self.0.read_exact(&mut plane).map_err(unreadable)?;
            for (number, byte) in numbers.iter_mut().zip(&plane) {
                *number |= u64::from(*byte) << (8 * idx);
            }
        }
        Ok(numbers)
    }

    pub(super) fn dictionary(&mut self, n: usize) -> Result<Vec<u64>> {
        let n_words = length(self.number()?)?;
        let words = self.numbers(n_words)?;
        self.numbers(n)?
            .into_iter()
            .map(|place| words.get(length(place).ok()?).copied())
            .collect::<Option<_>>()
            .ok_or_else(|| broken("a run's record is damaged"))
    }

    pub(super) fn following(&mut self, causes: &[u64]) -> Result<Vec<u64>> {
        let distinct = distinct(causes);
        let mut line = Line::default();
        let surprises = self.numbers(distinct.len())?;
        let rule: Lookup = distinct
            .into_iter()
            .zip(surprises)
            .map(|(cause, surprise)| (cause, line.number(cause, surprise)))
            .collect();
        let mut numbers: Vec<u64> = causes
            .iter()
            .map(|cause| rule.get(cause).copied().unwrap_or_default())
            .collect();
        let n_exceptions = length(self.number()?)?;
        let places = self.numbers(n_exceptions)?;
        for (place, number) in places.into_iter().zip(self.numbers(n_exceptions)?) {
            if let Some(exception) = numbers.get_mut(length(place)?) {
                *exception = number;
            }
        }
        Ok(numbers)
    }
}

/// More settings than a record may have: a damaged length must not take all memory.
const MOST: usize = 10_000_000;

/// A number as a length.
pub(super) fn length(number: u64) -> Result<usize> {
    usize::try_from(number)
        .ok()
        .filter(|length| *length <= MOST)
        .ok_or_else(|| broken("a run's record is damaged"))
}

/// Continues a line through the last two points, and tells how far off it was.
#[derive(Default)]
struct Line {
    last: Option<(u64, u64)>,
    before: Option<(u64, u64)>,
}

impl Line {
    fn guess(&self, cause: u64) -> u64 {
        match (self.before, self.last) {
            (Some((x0, y0)), Some((x1, y1))) if x1 > x0 => {
                let rise = i128::from(y1) - i128::from(y0);
                let steps = i128::from(cause) - i128::from(x1);
                let guess =
                    i128::from(y1) + rise.saturating_mul(steps) / (i128::from(x1) - i128::from(x0));
                u64::try_from(guess).unwrap_or_default()
            }
            (_, Some((_, y1))) => y1,
            _ => 0,
        }
    }

    fn add(&mut self, cause: u64, number: u64) {
        self.before = self.last.replace((cause, number));
    }

    fn surprise(&mut self, cause: u64, number: u64) -> u64 {
        let surprise = difference(self.guess(cause), number);
        self.add(cause, number);
        surprise
    }

    fn number(&mut self, cause: u64, surprise: u64) -> u64 {
        let number = add(self.guess(cause), surprise);
        self.add(cause, number);
        number
    }
}

/// How far `to` is from `from`, small either way: 0, −1, 1, −2 … are 0, 1, 2, 3 …
pub(super) const fn difference(from: u64, to: u64) -> u64 {
    let by = to.wrapping_sub(from).cast_signed();
    (by << 1 ^ by >> 63).cast_unsigned()
}

/// The number that is `difference` away from `from`.
pub(super) const fn add(from: u64, difference: u64) -> u64 {
    from.wrapping_add((difference >> 1) ^ (difference & 1).wrapping_neg())
}
