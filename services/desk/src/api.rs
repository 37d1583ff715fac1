//! The JSON API: its routes in one table, each with its act.

mod dead_letters;
pub(crate) mod description;
mod find;
mod offers;
mod referrals;
mod settings;

use crate::{
    access::Asked,
    app::App,
    caller::{authenticate, authorise},
    idempotency::once,
    problem::Fault,
};
use axum::{
    Router,
    http::{Method, StatusCode},
    middleware::from_fn_with_state,
    routing::{MethodRouter, get, post, put},
};
use oss_workflow::authorise::Act;

/// Where the API lies.
pub(crate) const BASE: &str = "/api/v1";

/// A call of the API.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// The path's template, under [`BASE`].
    pub(crate) path: &'static str,
    /// What it does: whose roles allow that may call it.
    pub(crate) act: Asked,
    handler: MethodRouter<App>,
}

impl Route {
    /// A name for the call, such as `post_referrals_id_withdraw`.
    #[cfg(test)]
    pub(crate) fn operation_id(&self) -> String {
        let words = self
            .path
            .split(['/', '-', '.'])
            .filter(|word| !word.is_empty());
        words.fold(self.method.as_str().to_ascii_lowercase(), |name, word| {
            name + "_" + word.trim_matches(['{', '}'])
        })
    }
}

/// Every call, in the contract's order.
pub(crate) fn routes() -> Vec<Route> {
    use Act::{
        ListReferrals, MendEvents, ReadOffers, ReadReferral, ReadSettings, WriteReferral,
        WriteSettings,
    };
    let route = |method, path, act: Act, handler| Route {
        method,
        path,
        act: Some(act),
        handler,
    };
    vec![
        route(
            Method::POST,
            "/referrals",
            WriteReferral,
            post(referrals::submit),
        ),
        route(
            Method::GET,
            "/referrals",
            ListReferrals,
            get(referrals::list),
        ),
        route(
            Method::PUT,
            "/referrals/{id}",
            WriteReferral,
            put(referrals::amend),
        ),
        route(
            Method::GET,
            "/referrals/{id}",
            ReadReferral,
            get(referrals::read),
        ),
        route(
            Method::POST,
            "/referrals/{id}/withdraw",
            WriteReferral,
            post(referrals::withdraw),
        ),
        route(
            Method::GET,
            "/referrals/{id}/offers",
            ReadOffers,
            get(offers::of_referral),
        ),
        route(
            Method::GET,
            "/match-runs/{run_id}",
            ReadOffers,
            get(offers::run),
        ),
        route(Method::GET, "/settings", ReadSettings, get(settings::list)),
        route(
            Method::GET,
            "/settings/{id}",
            ReadSettings,
            get(settings::read),
        ),
        route(
            Method::PUT,
            "/settings/{id}",
            WriteSettings,
            put(settings::write),
        ),
        route(
            Method::GET,
            "/dead-letters",
            MendEvents,
            get(dead_letters::list),
        ),
        route(
            Method::POST,
            "/dead-letters/{id}/retry",
            MendEvents,
            post(dead_letters::retry),
        ),
        // Anybody who is known may read the description.
        Route {
            method: Method::GET,
            path: "/openapi.json",
            act: None,
            handler: get(description::read),
        },
    ]
}

/// The API, to be nested under [`BASE`].
pub(crate) fn router(app: &App) -> Router<App> {
    let mut router = Router::new();
    for Route {
        method,
        path,
        act,
        handler,
    } in routes()
    {
        let handler = if method == Method::POST {
            handler.route_layer(from_fn_with_state(app.clone(), once))
        } else {
            handler
        };
        // Put on last, so it comes first.
        let handler = handler.route_layer(from_fn_with_state((app.clone(), act), authorise));
        router = router.route(path, handler);
    }
    router
        .fallback(async || Fault::of_status(StatusCode::NOT_FOUND))
        .layer(from_fn_with_state(app.clone(), authenticate))
}
