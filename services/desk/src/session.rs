//! Sessions of people: who views a page, and proof that a change was asked for by one of our pages.
//!
//! The browser holds a random token in a `__Host-` cookie, the database its hash. What a person may
//! do is read anew for every request, so what an administrator takes away is gone at once.
//!
//! To protect a page: put its handler under [`allowed`], or a router that is everybody's under
//! [`protected`]; take a [`Viewer`] in the handler, and put the viewer's `csrf` into each form, in a
//! field of the name [`csrf::FIELD`].

pub(crate) mod cookie;
pub(crate) mod csrf;

use crate::{
    access::{self, Asked},
    answer::Trace,
    app::App,
    caller::Caller,
    principal::Principal,
    problem::Fault,
};
use axum::{
    Router,
    extract::{FromRequestParts, OptionalFromRequestParts, Request, State},
    http::{HeaderMap, Method, Uri, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
    routing::MethodRouter,
};
use csrf::Forms;
use oss_domain::{AuthorityCode, ProviderId, Role, SessionId, UserId};
use oss_storage::people::{Person, Session};
use oss_workflow::{
    Actor,
    authorise::{self, Act},
};
use serde::Serialize;
use std::{collections::BTreeSet, convert::Infallible, sync::Arc};

/// Says on the page of signing in that the session was over.
pub(crate) const TIMED_OUT: &str = "timed-out";
/// Says besides that what was sent was not done.
pub(crate) const NOT_SENT: &str = "not-sent";

/// Whoever looks at a page, signed in.
#[derive(Clone, Debug)]
pub(crate) struct Viewer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    person: Person,
    session: oss_storage::people::StoredSession,
    principal: Arc<Principal>,
    csrf: csrf::Token,
    traceparent: Option<Arc<str>>,
}

impl Viewer {
    fn new(found: Session, csrf: csrf::Token, traceparent: Option<Arc<str>>) -> Self {
        let Session { session, person } = found;
        let principal = Principal {
            id: person.user_id.to_string().into(),
            roles: person.roles.clone(),
            authorities: [person.authority].into(),
            provider: person.provider.clone(),
        };
        Self(Arc::new(Inner {
            principal: principal.into(),
            person,
            session,
            csrf,
            traceparent,
        }))
    }

    /// The id that the audit knows them by.
    pub(crate) fn user_id(&self) -> UserId {
        self.0.person.user_id
    }

    /// What they are called.
    pub(crate) fn name(&self) -> &str {
        &self.0.person.name
    }

    /// What they are.
    pub(crate) fn roles(&self) -> &BTreeSet<Role> {
        &self.0.person.roles
    }

    /// The council that they work for, or supply.
    pub(crate) fn authority(&self) -> AuthorityCode {
        self.0.person.authority
    }

    /// The provider that they work for, if any.
    pub(crate) fn provider(&self) -> Option<&ProviderId> {
        self.0.person.provider.as_ref()
    }

    /// As they are stored.
    pub(crate) fn person(&self) -> &Person {
        &self.0.person
    }

    /// The session they look through.
    pub(crate) fn session_id(&self) -> SessionId {
        self.0.session.session_id
    }

    /// What every form of a page carries.
    pub(crate) fn csrf(&self) -> &str {
        self.0.csrf.as_str()
    }

    /// As the audit names them.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Person(Arc::clone(&self.0.principal.id))
    }

    /// As those handlers know them that carry out acts.
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            principal: Arc::clone(&self.0.principal),
            traceparent: self.0.traceparent.clone(),
        }
    }

    /// How long they stay signed in.
    pub(crate) fn left(&self, app: &App) -> Left {
        let (limits, now) = (app.sign_in.limits(), app.clock.now());
        let session = &self.0.session;
        let until_old = session.started_at + limits.absolute - now;
        let until_idle = session.seen_at + limits.idle - now;
        Left {
            until_idle: until_idle.min(until_old).num_seconds(),
            until_old: until_old.num_seconds(),
        }
    }

    /// Whether a role of theirs allows `act`: what a page shows buttons by.
    pub(crate) fn may(&self, act: Act) -> bool {
        self.roles().iter().any(|role| authorise::may(*role, act))
    }
}

/// How long somebody stays signed in, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Left {
    /// If nothing is done.
    pub(crate) until_idle: i64,
    /// Whatever is done.
    pub(crate) until_old: i64,
}

/// `GET /session`, `POST /session`: how long the viewer stays signed in; asking by POST counts as
/// doing something.
pub(crate) async fn left(State(app): State<App>, viewer: Viewer) -> axum::Json<Left> {
    axum::Json(viewer.left(&app))
}

/// Nobody is signed in: they are sent to do so, and come back to where they were.
#[derive(Debug)]
pub(crate) struct NotSignedIn {
    return_to: String,
    /// What the page of signing in explains.
    notice: Option<&'static str>,
}

impl NotSignedIn {
    fn at(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // What was to be changed is not repeated after signing in: its page is shown again.
        let notice = match cookie::token(headers, cookie::SESSION) {
            None => None,
            Some(_) if method.is_safe() => Some(TIMED_OUT),
            Some(_) => Some(NOT_SENT),
        };
        Self {
            return_to: path.to_owned(),
            notice,
        }
    }
}

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> Response {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if self.return_to != "/" {
            query.append_pair("return_to", &self.return_to);
        }
        if let Some(notice) = self.notice {
            query.append_pair("notice", notice);
        }
        match &*query.finish() {
            "" => Redirect::to("/sign-in"),
            query => Redirect::to(&format!("/sign-in?{query}")),
        }
        .into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotSignedIn> {
        let viewer = parts.extensions.get::<Self>().cloned();
        viewer.ok_or_else(|| NotSignedIn::at(&parts.method, &parts.uri, &parts.headers))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// Pages behind the session for which nobody need be signed in: each request's viewer is found,
/// and no change is made that another site asked for.
pub(crate) fn protected(pages: Router<App>, app: &App) -> Router<App> {
    let forms = (app.clone(), Forms::Typed);
    pages
        .layer(from_fn_with_state(forms, with_token))
        .layer(from_fn_with_state(app.clone(), known))
}

/// A page behind the session for whoever may do `act`. Who may not is refused before anything of
/// what they send is read.
pub(crate) fn allowed(
    page: MethodRouter<App>,
    app: &App,
    act: Asked,
    forms: Forms,
) -> MethodRouter<App> {
    page.route_layer(from_fn_with_state((app.clone(), forms), with_token))
        .route_layer(from_fn_with_state((app.clone(), act), require))
        .route_layer(from_fn_with_state(app.clone(), known))
}

/// Finds the viewer, and refuses changes that another site asked for.
async fn known(State(app): State<App>, request: Request, next: Next) -> Result<Response, Fault> {
    let (parts, body) = request.into_parts();
    let found = viewer(&app, &parts).await?;
    let mut request = Request::from_parts(parts, body);
    if !request.method().is_safe() {
        csrf::same_origin(request.headers())?;
    }
    if let Some(viewer) = found {
        request.extensions_mut().insert(viewer);
    }
    Ok(next.run(request).await)
}

/// Lets a change through whose form, or header, has the token of the viewer's session.
async fn with_token(
    State((app, forms)): State<(App, Forms)>,
    request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let viewer = request.extensions().get::<Viewer>().cloned();
    let Some(viewer) = viewer.filter(|_| !request.method().is_safe()) else {
        return Ok(next.run(request).await);
    };
    // What a file takes up, it takes until it is answered.
    let _room = match forms {
        Forms::Typed => None,
        Forms::WithFile => Some(
            app.uploads
                .try_acquire()
                .map_err(|_| csrf::too_many_files())?,
        ),
    };
    let request = csrf::with_token(&app, request, &viewer.0.csrf, forms).await?;
    Ok(next.run(request).await)
}

/// Lets a request through to a page that does `act`, if its viewer may do that.
async fn require(State((app, act)): State<(App, Asked)>, request: Request, next: Next) -> Response {
    let Some(viewer) = request.extensions().get::<Viewer>() else {
        return NotSignedIn::at(request.method(), request.uri(), request.headers()).into_response();
    };
    if !access::is_allowed(&viewer.0.principal, act) {
        let (user, act) = (&*viewer.0.principal.id, access::name(act));
        app.metrics.denied(act);
        tracing::warn!(user.id = user, act, "denied {act} to {user}");
        return Fault::forbidden(format!("None of your roles allows {act}.")).into_response();
    }
    next.run(request).await
}

/// Who a request of the API comes from, by the session's cookie. A change needs the token of the
/// session in the header [`csrf::HEADER`] besides.
///
/// # Errors
///
/// 403 where the change was not asked for by a page of ours; 503 where the database is away.
pub(crate) async fn principal(app: &App, request: &Parts) -> Result<Option<Arc<Principal>>, Fault> {
    let Some(viewer) = viewer(app, request).await? else {
        return Ok(None);
    };
    if !request.method.is_safe() {
        csrf::same_origin(&request.headers)?;
        csrf::in_header(&request.headers, &viewer.0.csrf)?;
    }
    Ok(Some(Arc::clone(&viewer.0.principal)))
}

/// The session that a request's cookie names, if it is not over.
async fn viewer(app: &App, request: &Parts) -> Result<Option<Viewer>, Fault> {
    let Some(token) = cookie::token(&request.headers, cookie::SESSION) else {
        return Ok(None);
    };
    let used = is_used(&request.method, &request.headers);
    let (limits, now) = (app.sign_in.limits(), app.clock.now());
    let found = app
        .store
        .session(&token.sha256(), limits, used, now)
        .await?;
    let Some(found) = found else {
        app.metrics.authenticated("session_over");
        return Ok(None);
    };
    let trace = request.extensions.get::<Trace>();
    let traceparent = trace.map(|trace| Arc::clone(&trace.parent));
    Ok(Some(Viewer::new(
        found,
        csrf::Token::of(&token),
        traceparent,
    )))
}

/// Whether a person does something: what a page's script looks for by itself does not keep a
/// session alive that nobody uses.
fn is_used(method: &Method, headers: &HeaderMap) -> bool {
    let by_script = headers
        .get("sec-fetch-dest")
        .is_some_and(|dest| dest == "empty");
    !(method.is_safe() && by_script)
}
