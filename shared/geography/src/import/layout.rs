//! Which column is which, and what a row says.

use csv::StringRecord;
use oss_domain::{AuthorityCode, Postcode};
use regex::RegexSet;

use super::Refusal;
use crate::{pack::Unit, point::GridPoint};

oss_domain::codes! {
    /// The kinds of file that can be read.
    pub enum Kind {
        /// The ONS Postcode Directory: a header, whose names change a little from year to year.
        Onspd = "onspd",
        /// Ordnance Survey's Code-Point Open: no header, and postcodes in use only.
        CodePointOpen = "code_point_open",
    }

    /// What must be known of each postcode.
    pub enum Column {
        /// The postcode.
        Postcode = "postcode",
        /// The ONS code of its district or unitary authority.
        Authority = "authority",
        /// Metres east.
        Easting = "easting",
        /// Metres north.
        Northing = "northing",
        /// How good the grid reference is.
        Quality = "quality",
        /// The month in which the postcode ended, if it has.
        Ended = "end date",
    }
}

impl Column {
    /// The names it has had in the ONSPD: the first that a header has is taken, and the header
    /// may have only one that fits it.
    const fn patterns(self) -> &'static [&'static str] {
        match self {
            // The same postcode in several widths: a header has two or three of them.
            Self::Postcode => &["^pcds$", "^pcd$", "^pcd7$"],
            Self::Authority => &["^(lad[0-9][0-9]cd|oslaua|laua)$"],
            Self::Easting => &["^(os)?east1m$"],
            Self::Northing => &["^(os)?n(o)?rth1m$"],
            Self::Quality => &["^(osgrdind|gridind)$"],
            Self::Ended => &["^doterm$"],
        }
    }

    /// Its names, for a person.
    pub(super) const fn names(self) -> &'static str {
        match self {
            Self::Postcode => "pcds, pcd or pcd7",
            Self::Authority => "lad25cd (any year), oslaua or laua",
            Self::Easting => "east1m or oseast1m",
            Self::Northing => "north1m or osnrth1m",
            Self::Quality => "gridind or osgrdind",
            Self::Ended => "doterm",
        }
    }

    /// Whether `header` has it, even twice.
    fn is_in(self, header: &StringRecord) -> bool {
        !matches!(self.position(header), Err(Refusal::MissingColumn(_)))
    }

    /// Where it is in `header`.
    fn position(self, header: &StringRecord) -> Result<usize, Refusal> {
        // The patterns are fixed and valid (a test reads with each); one that is not finds nothing.
        let patterns = RegexSet::new(self.patterns()).unwrap_or_default();
        let mut best: Option<(usize, usize)> = None;
        let mut doubled = false;
        for (position, name) in header.iter().enumerate() {
            let name = name.trim().to_ascii_lowercase();
            let Some(preference) = patterns.matches(&name).iter().next() else {
                continue;
            };
            match best {
                Some((before, _)) if before < preference => {}
                Some((before, _)) if before == preference => doubled = true,
                _ => (best, doubled) = (Some((preference, position)), false),
            }
        }
        match best {
            Some(_) if doubled => Err(Refusal::DoubledColumn(self)),
            Some((_, position)) => Ok(position),
            None => Err(Refusal::MissingColumn(self)),
        }
    }
}

/// Where each column is, in one kind of file.
pub(super) struct Layout {
    kind: Kind,
    postcode: usize,
    authority: usize,
    easting: usize,
    northing: usize,
    quality: usize,
    /// Nothing in this column means that the postcode is in use, as does no such column.
    ended: Option<usize>,
    /// The quality of a grid reference that is none.
    no_point: &'static str,
}

/// What a row says.
pub(super) enum Reading {
    /// A postcode with its point.
    Unit(Unit),
    /// A postcode outside Great Britain.
    Elsewhere,
    /// A postcode of which it is not known where it is.
    WithoutPoint,
    /// Not a postcode.
    WithoutForm,
}

/// `PC,PQ,EA,NO,CY,RH,LH,CC,DC,WC`: the layout of Code-Point Open.
const CODE_POINT: Layout = Layout {
    kind: Kind::CodePointOpen,
    postcode: 0,
    quality: 1,
    easting: 2,
    northing: 3,
    authority: 8,
    ended: None,
    no_point: "90",
};

/// How many columns that is.
const CODE_POINT_WIDTH: usize = 10;

/// Just past the National Grid's north-east corner.
const GRID: GridPoint = GridPoint {
    easting: 700_000,
    northing: 1_300_000,
};

impl Layout {
    /// The layout of the file that begins with `first`.
    pub(super) fn of(first: &StringRecord, kind: Option<Kind>) -> Result<Self, Refusal> {
        let is_code_point = || {
            first.len() == CODE_POINT_WIDTH
                && first.get(CODE_POINT.postcode).is_some_and(is_postcode)
        };
        let kind = match kind {
            Some(kind) => kind,
            None if is_code_point() => Kind::CodePointOpen,
            None if Column::ALL.iter().any(|column| column.is_in(first)) => Kind::Onspd,
            None => return Err(Refusal::NotRecognised),
        };
        match kind {
            Kind::CodePointOpen if is_code_point() => Ok(CODE_POINT),
            Kind::CodePointOpen => Err(Refusal::NotRecognised),
            Kind::Onspd => Ok(Self {
                kind,
                postcode: Column::Postcode.position(first)?,
                authority: Column::Authority.position(first)?,
                easting: Column::Easting.position(first)?,
                northing: Column::Northing.position(first)?,
                quality: Column::Quality.position(first)?,
                ended: Some(Column::Ended.position(first)?),
                no_point: "9",
            }),
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn has_header(&self) -> bool {
        self.kind == Kind::Onspd
    }

    /// Reads a row.
    pub(super) fn read(&self, row: &StringRecord) -> Result<Reading, Refusal> {
        let field = |position| row.get(position).unwrap_or_default().trim();
        let Ok(postcode) = field(self.postcode).parse::<Postcode>() else {
            return Ok(Reading::WithoutForm);
        };
        let authority = field(self.authority);
        // Northern Ireland's are BT; pseudo-codes of the islands begin with L, M and N.
        if postcode.as_str().starts_with("BT") || authority.starts_with(['L', 'M', 'N']) {
            return Ok(Reading::Elsewhere);
        }
        let quality = field(self.quality);
        if quality == self.no_point || authority.is_empty() {
            return Ok(Reading::WithoutPoint);
        }
        let bad = |column, value: &str| Refusal::BadValue {
            line: row.position().map_or(0, csv::Position::line),
            column,
            value: value.to_owned(),
        };
        if quality.parse::<u8>().is_err() {
            return Err(bad(Column::Quality, quality));
        }
        let metres = |column, position, end| {
            let text = field(position);
            let metres = text.parse::<u32>().ok();
            metres
                .filter(|metres| (1..end).contains(metres))
                .ok_or_else(|| bad(column, text))
        };
        let district: AuthorityCode = authority
            .parse()
            .map_err(|_| bad(Column::Authority, authority))?;
        Ok(Reading::Unit(Unit {
            postcode,
            point: GridPoint {
                easting: metres(Column::Easting, self.easting, GRID.easting)?,
                northing: metres(Column::Northing, self.northing, GRID.northing)?,
            },
            district,
            in_use: self.ended.is_none_or(|ended| field(ended).is_empty()),
        }))
    }
}

fn is_postcode(text: &str) -> bool {
    text.parse::<Postcode>().is_ok()
}
