//! What we read of an ID token besides what OpenID Connect names.

use openidconnect::{
    AdditionalClaims,
    core::{CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm},
};
use serde::{Deserialize, Serialize};

/// An ID token with these.
pub(super) type IdToken = openidconnect::IdToken<
    Extra,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

/// Claims of Entra ID, and the one of RFC 7519 that the library leaves out.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Extra {
    /// The app roles that were assigned. Not `groups`: those vanish from the token when somebody
    /// is in many.
    #[serde(default)]
    pub(super) roles: Vec<String>,
    /// The person's lasting id in the tenant.
    pub(super) oid: Option<String>,
    /// The tenant.
    pub(super) tid: Option<String>,
    /// From when it is valid, in seconds.
    pub(super) nbf: Option<i64>,
}

impl AdditionalClaims for Extra {}
