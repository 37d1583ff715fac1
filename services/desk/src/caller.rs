//! Who calls: authentication of every request, authorisation of every route.

use crate::{
    access::{self, Asked},
    answer::Trace,
    app::App,
    principal::{self, Principal},
    problem::Fault,
    session,
};
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use oss_domain::AuthorityCode;
use oss_workflow::authorise::{self, Act, Denied, Thing};
use std::sync::Arc;

/// Whoever calls, as a handler knows them: authenticated, and allowed to use its route.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Arc<Principal>,
    /// The W3C trace context of the request.
    pub(crate) traceparent: Option<Arc<str>>,
}

impl Caller {
    /// Sees to it that the caller works for `authority`.
    pub(crate) fn works_for(&self, authority: AuthorityCode) -> Result<(), Fault> {
        if self.principal.authorities.contains(&authority) {
            Ok(())
        } else {
            Err(Fault::forbidden("You do not work for this council."))
        }
    }
}

impl Caller {
    /// Whether the caller may do `act` to `thing`.
    ///
    /// # Errors
    ///
    /// 403, or 404 where it is not theirs to know that there is one.
    pub(crate) fn authorise(&self, act: Act, thing: Thing<'_>) -> Result<(), Fault> {
        let not_theirs = || Fault::not_found("This");
        if !self.principal.authorities.contains(&thing.authority) {
            return Err(not_theirs());
        }
        let asks = authorise::Caller {
            roles: self.principal.roles.iter().copied().collect(),
            authority: thing.authority,
            provider: self.principal.provider.clone(),
        };
        authorise::authorise(&asks, act, thing).map_err(|denied| match denied {
            Denied::Role => Fault::forbidden(format!("None of your roles allows {act}.")),
            Denied::NotYours => not_theirs(),
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        // Nobody gets here without `authorise`; if somebody does, it is shut.
        let allowed = parts
            .extensions
            .get::<Allowed>()
            .ok_or_else(Fault::unauthorised)?;
        Ok(allowed.0.clone())
    }
}

/// A caller who may use the route that was asked for.
#[derive(Clone, Debug)]
struct Allowed(Caller);

/// Finds out who calls, and counts the request against their share.
pub(crate) async fn authenticate(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let (parts, body) = request.into_parts();
    // Whoever sends a token means it: it counts alone, and no cookie besides.
    let principal = match token(&parts.headers) {
        None => session::principal(&app, &parts).await?.ok_or("missing"),
        Some(token) => principal::bearer(&app.tokens, token)
            .cloned()
            .ok_or("unknown"),
    };
    let principal = match principal {
        Ok(principal) => principal,
        Err(outcome) => {
            app.metrics.authenticated(outcome);
            app.buckets.take(&app.nobody).map_err(Fault::too_many)?;
            return Err(Fault::unauthorised());
        }
    };
    let mut request = Request::from_parts(parts, body);
    app.metrics.authenticated("ok");
    app.buckets.take(&principal.id).map_err(Fault::too_many)?;
    let trace = request.extensions().get::<Trace>();
    let traceparent = trace.map(|trace| Arc::clone(&trace.parent));
    request.extensions_mut().insert(Caller {
        principal,
        traceparent,
    });
    Ok(next.run(request).await)
}

/// Lets the request through to a route that does `act`, if its caller may do that.
pub(crate) async fn authorise(
    State((app, act)): State<(App, Asked)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let caller = request
        .extensions()
        .get::<Caller>()
        .ok_or_else(Fault::unauthorised)?
        .clone();
    if !access::is_allowed(&caller.principal, act) {
        let (user, act) = (&*caller.principal.id, access::name(act));
        app.metrics.denied(act);
        tracing::warn!(user.id = user, act, "denied {act} to {user}");
        return Err(Fault::forbidden(format!(
            "None of your roles allows {act}."
        )));
    }
    request.extensions_mut().insert(Allowed(caller));
    Ok(next.run(request).await)
}

/// The bearer token (RFC 6750): the scheme's name in any case.
fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}
