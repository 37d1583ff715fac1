//! The JSON API: its routes in one table, each with its act.

pub(crate) mod acts;
pub(crate) mod dead_letters;
pub(crate) mod decision;
pub(crate) mod description;
pub(crate) mod find;
mod offers;
pub(crate) mod provider;
pub(crate) mod referrals;
pub(crate) mod settings;

use crate::{
    access::Asked,
    app::App,
    caller::{authenticate, authorise},
    idempotency::once,
    problem::Fault,
};
use axum::{
    Router,
    handler::Handler,
    http::{Method, StatusCode},
    middleware::from_fn_with_state,
    routing::{self, MethodRouter},
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
    let mut routes = about_referrals();
    routes.extend(about_offers());
    routes.extend(about_the_rest());
    routes
}

fn about_referrals() -> Vec<Route> {
    use Act::{ListReferrals, ReadOffers, ReadReferral, WriteReferral};
    vec![
        post("/referrals", WriteReferral, referrals::submit),
        get("/referrals", ListReferrals, referrals::list),
        put("/referrals/{id}", WriteReferral, referrals::amend),
        get("/referrals/{id}", ReadReferral, referrals::read),
        post(
            "/referrals/{id}/withdraw",
            WriteReferral,
            referrals::withdraw,
        ),
        get("/referrals/{id}/offers", ReadOffers, offers::of_referral),
        get("/match-runs/{run_id}", ReadOffers, offers::run),
    ]
}

fn about_offers() -> Vec<Route> {
    use Act::{AnswerOwn, Approach, Hold, Place, RecordAnswer, RecordApproval, Select};
    vec![
        post("/offers/{id}/approach", Approach, acts::approach),
        post("/offers/{id}/answer", RecordAnswer, acts::answer),
        get("/provider/offers", AnswerOwn, provider::list),
        post("/provider/offers/{id}/answer", AnswerOwn, provider::answer),
        post("/offers/{id}/hold", Hold, acts::hold),
        delete("/holds/{id}", Hold, acts::release),
        post("/offers/{id}/select", Select, decision::select),
        post("/approvals/{id}/record", RecordApproval, decision::record),
        post("/placements/{id}/start", Place, decision::start),
        post("/placements/{id}/end", Place, decision::end),
    ]
}

fn about_the_rest() -> Vec<Route> {
    use Act::{MendEvents, ReadSettings, WriteSettings};
    vec![
        get("/settings", ReadSettings, settings::list),
        get("/settings/{id}", ReadSettings, settings::read),
        put("/settings/{id}", WriteSettings, settings::write),
        get("/dead-letters", MendEvents, dead_letters::list),
        post("/dead-letters/{id}/retry", MendEvents, dead_letters::retry),
        // Anybody who is known may read the description.
        get("/openapi.json", None, description::read),
    ]
}

/// Defines a way to write a route for each method.
macro_rules! methods {
    ($($name:ident: $method:ident),+) => {$(
        fn $name<H: Handler<T, App>, T: 'static>(
            path: &'static str,
            act: impl Into<Asked>,
            handler: H,
        ) -> Route {
            let handler = routing::$name(handler);
            Route { method: Method::$method, path, act: act.into(), handler }
        }
    )+};
}

methods! { get: GET, post: POST, put: PUT, delete: DELETE }

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
