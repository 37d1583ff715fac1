//! OpenID Connect: the code flow with PKCE, against one issuer, such as a council's Entra ID tenant.
//!
//! What must hold of an ID token before anybody is let in (OpenID Connect Core 1.0, 3.1.3.7): signed
//! with RS256 by a key of the issuer's set; from exactly this issuer and, in Entra ID, this tenant;
//! for us and nobody else; within its time, give or take [`SKEW`]; with the nonce of this attempt;
//! and with a role of ours. People are known by (issuer, `oid` or `sub`), never by e-mail.

use crate::signin::openid::claims::{Extra, IdToken};
use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::{AuthorityCode, Role};
use oss_storage::people::{Attempt, Identity};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, IdTokenVerifier,
    IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    SignatureVerificationError, TokenResponse,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreJsonWebKey, CoreJwsSigningAlgorithm,
        CoreProviderMetadata,
    },
};
use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;

mod claims;
