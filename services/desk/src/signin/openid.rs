//! OpenID Connect: the code flow with PKCE, against one issuer, such as a council's Entra ID tenant.
//!
//! What must hold of an ID token before anybody is let in (OpenID Connect Core 1.0, 3.1.3.7): signed
//! with RS256 by a key of the issuer's set; from exactly this issuer and, in Entra ID, this tenant;
//! for us and nobody else; within its time, give or take [`SKEW`]; with the nonce of this attempt;
//! and with a role of ours. People are known by (issuer, `oid` or `sub`), never by e-mail.

mod claims;

use self::claims::IdToken;
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, IdTokenVerifier,
    IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    SignatureVerificationError, TokenResponse,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreJsonWebKey, CoreJwsSigningAlgorithm,
        CoreProviderMetadata,
    },
};
use oss_domain::{AuthorityCode, Role};
use oss_storage::people::{Attempt, Identity};
use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;

/// How far clocks may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(2);

/// How old a token may be that was issued for this sign-in; Entra ID dates them five minutes back.
const FRESH: TimeDelta = TimeDelta::minutes(15);

/// How long what the provider says of itself is used.
const KNOWN_FOR: TimeDelta = TimeDelta::hours(12);

/// How soon it is asked again for keys that it may have new.
const ASKED_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);

/// How long it may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The council's identity provider, and who we are to it.
#[derive(Clone)]
pub struct OpenId {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: ClientSecret,
    redirect_url: RedirectUrl,
    tenant: Option<String>,
    authority: AuthorityCode,
    http: reqwest::Client,
    known: Arc<Mutex<Option<Known>>>,
}

impl fmt::Debug for OpenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenId")
            .field("issuer", &self.issuer.as_str())
            .field("client_id", &self.client_id.as_str())
            .finish_non_exhaustive()
    }
}

/// What the provider said of itself, and when.
#[derive(Clone)]
struct Known {
    metadata: Arc<CoreProviderMetadata>,
    at: DateTime<Utc>,
}

/// The configuration of the identity provider cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenIdError {
    /// An address is none, or not one over TLS.
    #[error("{0} must be an https address")]
    Address(&'static str),
    /// It is everybody's, not a tenant's.
    #[error(
        "the issuer must be one tenant's own, such as https://login.microsoftonline.com/<tenant id>/v2.0"
    )]
    AnyTenant,
    /// People would come back to where nobody waits for them.
    #[error("the redirect address must end in /sign-in/callback")]
    Redirect,
    /// The HTTP client could not be made.
    #[error("the identity provider cannot be talked to")]
    Http(#[from] reqwest::Error),
}

impl OpenId {
    /// The provider `issuer`, to which we are `client_id`. With `tenant`, tokens must name that
    /// Entra ID tenant, and people are known by their `oid`. All who sign in belong to `authority`.
    ///
    /// # Errors
    ///
    /// Fails where an address cannot be used.
    pub fn new(
        issuer: &str,
        client_id: &str,
        client_secret: &str,
        redirect_url: &str,
        tenant: Option<&str>,
        authority: AuthorityCode,
    ) -> Result<Self, OpenIdError> {
        let issuer = IssuerUrl::new(issuer.to_owned())
            .ok()
            .filter(|issuer| is_safe(issuer.url()))
            .ok_or(OpenIdError::Address("the issuer"))?;
        let is_any = ["/common", "/organizations", "/consumers", "{", "%7B"];
        if is_any.iter().any(|any| issuer.as_str().contains(any)) {
            return Err(OpenIdError::AnyTenant);
        }
        let redirect_url = RedirectUrl::new(redirect_url.to_owned())
            .ok()
            .filter(|url| is_safe(url.url()))
            .ok_or(OpenIdError::Address("the redirect address"))?;
        if redirect_url.url().path() != "/sign-in/callback" {
            return Err(OpenIdError::Redirect);
        }
        let http = reqwest::Client::builder()
            // A redirect could lead a request with our secret anywhere.
            .redirect(reqwest::redirect::Policy::none())
            .https_only(issuer.url().scheme() == "https")
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self {
            issuer,
            client_id: ClientId::new(client_id.to_owned()),
            client_secret: ClientSecret::new(client_secret.to_owned()),
            redirect_url,
            tenant: tenant.map(str::to_owned),
            authority,
            http,
            known: Arc::default(),
        })
    }

    /// Where to send the browser.
    pub(super) async fn authorisation_url(
        &self,
        attempt: &Attempt,
        now: DateTime<Utc>,
    ) -> Result<String, Refused> {
        let metadata = self.metadata(now, KNOWN_FOR).await?;
        if !is_safe(metadata.authorization_endpoint().url()) {
            return Err(Refused::Unsafe);
        }
        let client = CoreClient::from_provider_metadata(
            (*metadata).clone(),
            self.client_id.clone(),
            Some(self.client_secret.clone()),
        )
        .set_redirect_uri(self.redirect_url.clone());
        let verifier = PkceCodeVerifier::new(attempt.verifier.clone());
        let (state, nonce) = (attempt.state.clone(), attempt.nonce.clone());
        let (url, _, _) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new(state),
                || Nonce::new(nonce),
            )
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(url.into())
    }

    /// Who came back, by what the provider answered.
    pub(super) async fn identity(
        &self,
        attempt: &Attempt,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<Identity, Refused> {
        let state = answer.state.as_deref().unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(attempt.state.as_bytes())) {
            return Err(Refused::State);
        }
        // Where it says who it is, it must be who was asked (RFC 9207): no mix-up of providers.
        if answer
            .issuer
            .as_deref()
            .is_some_and(|issuer| issuer != self.issuer.as_str())
        {
            return Err(Refused::OtherProvider);
        }
        if answer.error.is_some() {
            return Err(Refused::ByProvider);
        }
        let code = answer.code.clone().ok_or(Refused::NoCode)?;
        let metadata = self.metadata(now, KNOWN_FOR).await?;
        let token = self.exchange(&metadata, code, attempt).await?;
        // Read again, with the claims that the library does not know.
        let token: IdToken = token.to_string().parse().map_err(|_| Refused::NoToken)?;
        match self.verify(&token, &metadata, attempt, now) {
            Err(Refused::Token(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            ))) => {
                // The provider may have changed its keys since.
                let metadata = self.metadata(now, ASKED_AGAIN_AFTER).await?;
                self.verify(&token, &metadata, attempt, now)
            }
            verified => verified,
        }
    }

    /// What the provider says of itself, asked for again where that is older than `at_most`.
    async fn metadata(
        &self,
        now: DateTime<Utc>,
        at_most: TimeDelta,
    ) -> Result<Arc<CoreProviderMetadata>, Refused> {
        // Held while asking, so that it is asked once, however many wait.
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| now - known.at < at_most) {
            return Ok(Arc::clone(&known.metadata));
        }
        let asked = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await;
        let metadata = Arc::new(asked.map_err(|error| Refused::Away(Box::new(error)))?);
        *known = Some(Known {
            metadata: Arc::clone(&metadata),
            at: now,
        });
        Ok(metadata)
    }

    async fn exchange(
        &self,
        metadata: &CoreProviderMetadata,
        code: String,
        attempt: &Attempt,
    ) -> Result<CoreIdToken, Refused> {
        use openidconnect::RequestTokenError;
        let client = CoreClient::from_provider_metadata(
            metadata.clone(),
            self.client_id.clone(),
            Some(self.client_secret.clone()),
        )
        .set_redirect_uri(self.redirect_url.clone());
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|_| Refused::Unsafe)?
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()))
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                RequestTokenError::Request(error) => Refused::Away(Box::new(error)),
                RequestTokenError::ServerResponse(_) => Refused::Code,
                _ => Refused::NoToken,
            })?;
        answer.id_token().cloned().ok_or(Refused::NoToken)
    }

    fn verify(
        &self,
        token: &IdToken,
        metadata: &CoreProviderMetadata,
        attempt: &Attempt,
        now: DateTime<Utc>,
    ) -> Result<Identity, Refused> {
        // As a public client's: it never takes our secret for the key of a signature. The algorithm
        // is ours to choose, whatever the provider or the token says.
        let verifier: IdTokenVerifier<'_, CoreJsonWebKey> = IdTokenVerifier::new_public_client(
            self.client_id.clone(),
            self.issuer.clone(),
            metadata.jwks().clone(),
        )
        .set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256])
        .set_time_fn(move || now - SKEW)
        .set_issue_time_verifier_fn(move |at| {
            if at <= now + SKEW && at > now - FRESH {
                Ok(())
            } else {
                Err("it was not issued for this sign-in".to_owned())
            }
        });
        let claims = token
            .claims(&verifier, &Nonce::new(attempt.nonce.clone()))
            .map_err(Refused::Token)?;
        let extra = claims.additional_claims();
        if extra
            .nbf
            .is_some_and(|from| from > (now + SKEW).timestamp())
        {
            return Err(Refused::Early);
        }
        let party = claims.authorized_party();
        if party.is_some_and(|party| **party != *self.client_id) {
            return Err(Refused::OtherClient);
        }
        let subject = match &self.tenant {
            Some(tenant) if extra.tid.as_ref() != Some(tenant) => return Err(Refused::Tenant),
            Some(_) => extra.oid.clone().ok_or(Refused::Nameless)?,
            None => claims.subject().to_string(),
        };
        if !(1..=255).contains(&subject.len()) || subject.chars().any(char::is_control) {
            return Err(Refused::Nameless);
        }
        let roles: BTreeSet<Role> = extra
            .roles
            .iter()
            .filter_map(|it| it.parse().ok())
            .collect();
        if roles.is_empty() {
            return Err(Refused::NoRole);
        }
        let name = claims
            .name()
            .and_then(|name| name.get(None))
            .map(|name| name.as_str());
        let user_name = claims.preferred_username().map(|name| name.as_str());
        let name = name
            .or(user_name)
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let name = name.unwrap_or("Without a name").chars();
        Ok(Identity {
            issuer: self.issuer.to_string(),
            subject,
            name: name.filter(|c| !c.is_control()).take(200).collect(),
            authority: self.authority,
            provider: None,
            roles,
        })
    }
}

/// Over TLS, or to this machine itself.
fn is_safe(url: &openidconnect::url::Url) -> bool {
    use openidconnect::url::Host;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

/// What the browser brought back.
pub(super) struct Answer {
    pub(super) code: Option<String>,
    pub(super) state: Option<String>,
    pub(super) error: Option<String>,
    pub(super) issuer: Option<String>,
}

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("the identity provider does not answer")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the identity provider asks for what is not over TLS")]
    Unsafe,
    #[error("what came back is not of this attempt")]
    State,
    #[error("another provider answered than was asked")]
    OtherProvider,
    #[error("the identity provider refused")]
    ByProvider,
    #[error("the identity provider sent no code")]
    NoCode,
    #[error("the identity provider does not take the code")]
    Code,
    #[error("the identity provider sent no token that can be read")]
    NoToken,
    #[error("the token is not to be trusted")]
    Token(#[source] ClaimsVerificationError),
    #[error("the token is not valid yet")]
    Early,
    #[error("the token was made for another client")]
    OtherClient,
    #[error("the token is of another tenant")]
    Tenant,
    #[error("the token does not name a person")]
    Nameless,
    #[error("the person has no role here")]
    NoRole,
}

impl Refused {
    /// In a word, for the metrics.
    pub(super) const fn outcome(&self) -> &'static str {
        match self {
            Self::Away(_) | Self::Unsafe => "provider_away",
            Self::ByProvider | Self::NoCode | Self::Code => "refused_by_provider",
            Self::State | Self::OtherProvider => "wrong_state",
            Self::NoRole => "no_role",
            Self::NoToken
            | Self::Token(_)
            | Self::Early
            | Self::OtherClient
            | Self::Tenant
            | Self::Nameless => "bad_token",
        }
    }

    /// What the person is told: what to do, and nothing about how to get past it.
    pub(super) const fn told(&self) -> &'static str {
        match self {
            Self::Away(_) | Self::Unsafe => {
                "Your council’s sign-in does not answer at the moment. Try again in a minute."
            }
            Self::NoRole => {
                "You have no role in this service yet. Ask your administrator to give you one."
            }
            _ => {
                "You could not be signed in. Start again; if it happens again, tell your administrator."
            }
        }
    }
}
