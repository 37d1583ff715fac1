//! The nouns of placing a child: typed ids, money, distance, dates, codes, referrals and settings.
//!
//! Pure: no I/O, no serde, no clock but the one passed in. Every other crate may depend on this
//! one; it depends on none of them.
//!
//! Invariants
//! - Anything with a rule has a private field and a constructor that can say no.
//! - Closed sets of codes are enums made by [`codes!`], whose text is the wire's and the
//!   database's: there is one spelling of each code.
//! - Names never enter: a child is a [`ChildId`], a pseudonym that the case system gives.
//!
//! To add a code: add the variant with its text in the `codes!` block and follow the compiler.

#[macro_use]
mod codes;

pub mod authority;
pub mod child;
pub mod clock;
pub mod distance;
pub mod id;
pub mod identity;
pub mod invalid;
pub mod lifecycle;
pub mod money;
pub mod need;
pub mod postcode;
pub mod reason;
pub mod referral;
pub mod role;
pub mod setting;
pub mod ssda903;
pub mod text;
pub mod version;

pub use authority::AuthorityCode;
pub use child::{Child, Sex, SexSet};
pub use clock::{Clock, ManualClock};
pub use codes::UnknownCode;
pub use distance::TenthsOfMile;
pub use id::{
    ApprovalId, ChildId, ConditionId, DeadLetterId, DeadlineId, EventId, HoldId, Ids, OfferId,
    PlacementId, ProviderId, ReferralId, RunId, SessionId, SettingId, UserId,
};
pub use invalid::FieldError;
pub use money::Pence;
pub use need::{Level, Need, Needs};
pub use postcode::Postcode;
pub use reason::{Act, Approval, Exclusion, Reason, Warning};
pub use referral::Referral;
pub use role::Role;
pub use setting::Setting;
