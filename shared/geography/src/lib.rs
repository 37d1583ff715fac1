//! Postcodes, authorities, areas and distances, with Great Britain's postcodes inside.
//!
//! Pure: no I/O and no clock. It answers where a postcode is ([`Gazetteer`]), in which upper-tier
//! authority ([`Authorities`]), how far apart two points are ([`miles_between`]), and reads a
//! newer edition of the postcodes from its publisher's file ([`import`]). It does not say which
//! authorities adjoin, or where an authority's centre is: those are policy, and matching's.
//!
//! Invariants
//! - An authority comes from the postcode table, never from a postcode's letters.
//! - Distances are whole tenths of the statutory mile, exact: no float decides one.
//! - An unknown postcode is placed by its sector and says so, or it is not placed at all.
//! - A file that might be cut short, misread or of another country is refused whole.
//! - No type of the `geo` crate shows.

mod area;
pub mod authorities;
mod gazetteer;
pub mod import;
mod key;
pub mod map;
pub mod pack;
mod point;
mod wgs84;

pub use authorities::{Authorities, AuthoritySet};
pub use gazetteer::{Gazetteer, Location, Precision};
pub use pack::Edition;
pub use point::{GridPoint, miles_between};
pub use wgs84::Wgs84;

/// What the sources' licences ask to be shown wherever the postcodes are used.
pub const ATTRIBUTION: &str = "Contains OS data © Crown copyright and database right 2025. \
    Contains Royal Mail data © Royal Mail copyright and database right 2025. \
    Source: Office for National Statistics licensed under the Open Government Licence v.3.0.";
