//! What people see in a browser. A file for each page: its handler, what the page shows, its words.
//!
//! A page is a struct that holds what its template shows, ready to be read. Pages work without
//! scripts, load nothing from elsewhere and have no script or style of their own: the policy on
//! every answer forbids it. What a page tells of a child it tells after its line in the audit.
//!
//! To add a page: write the struct with its template (`templates/` extends `layout.html`), the
//! handler, and its route with its act in [`routes`]; add it to `tests/browser/pages.js`.

mod about;
mod acts;
mod admin;
mod allocation;
mod approvals;
mod ask;
mod assets;
mod compare;
mod export;
mod facts;
mod history;
mod intake;
mod languages;
mod layout;
mod map;
mod matched;
mod missing;
mod not_shown;
mod option;
mod options;
mod provider;
mod queue;
mod referral;
mod register;
mod reports;
mod words;

use layout::Menu;
pub(crate) use layout::{Layout, Page};
pub(crate) use reports::recent::Recent as RecentFigures;

use crate::{
    app::App,
    problem::Fault,
    query::Parameters,
    session::{self, Viewer, csrf::Forms},
};
use axum::{
    Router,
    extract::State,
    middleware::from_fn,
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get},
};
use oss_workflow::authorise::Act;

/// Every page, with the act it is for; none where it is everybody's who is known.
fn routes() -> Vec<(&'static str, Option<Act>, MethodRouter<App>)> {
    use Act::{Approach, ListReferrals, ReadOffers, ReadReferral};
    vec![
        ("/", None, get(start)),
        ("/session", None, get(session::left).post(session::left)),
        ("/updates", Some(ListReferrals), get(queue::updates)),
        ("/referrals/{id}", Some(ReadReferral), get(referral::show)),
        (
            "/referrals/{id}/allocation",
            Some(Approach),
            get(allocation::back).post(allocation::change),
        ),
        (
            "/referrals/{id}/hand-over",
            Some(Approach),
            acts::frame::route::<allocation::HandOver>(),
        ),
        (
            "/referrals/{id}/options",
            Some(ReadOffers),
            get(options::show),
        ),
        (
            "/referrals/{id}/options.csv",
            Some(ReadOffers),
            get(export::download),
        ),
        (
            "/referrals/{id}/options/{setting}",
            Some(ReadOffers),
            get(option::show),
        ),
        (
            "/referrals/{id}/compare",
            Some(ReadOffers),
            get(compare::show),
        ),
        (
            "/referrals/{id}/not-shown",
            Some(ReadOffers),
            get(not_shown::show),
        ),
        ("/about", None, get(about::about)),
    ]
}

/// The pages on which somebody acts on an option or a placement.
fn acting() -> Vec<(&'static str, Option<Act>, MethodRouter<App>)> {
    use Act::{Approach, Hold, Place, ReadApprovals, ReadOffers, RecordAnswer, Select};
    use acts::{
        answer, approach, conditions, decide, frame::route, hold, placement, progress, unfilled,
        withdraw,
    };
    vec![
        (
            "/referrals/{id}/progress",
            Some(ReadOffers),
            get(progress::show),
        ),
        (
            "/referrals/{id}/approach",
            Some(Approach),
            get(approach::show).post(approach::send),
        ),
        (
            "/referrals/{id}/unfilled",
            Some(Approach),
            route::<unfilled::Unfilled>(),
        ),
        (
            "/referrals/{id}/options/{setting}/answer",
            Some(RecordAnswer),
            route::<answer::Answer>(),
        ),
        (
            "/referrals/{id}/options/{setting}/hold",
            Some(Hold),
            route::<hold::Hold>(),
        ),
        (
            "/referrals/{id}/options/{setting}/release",
            Some(Hold),
            route::<hold::Release>(),
        ),
        (
            "/referrals/{id}/options/{setting}/withdraw",
            Some(Approach),
            route::<withdraw::Withdraw>(),
        ),
        (
            "/referrals/{id}/options/{setting}/decide",
            Some(Select),
            route::<decide::Decide>(),
        ),
        ("/placements/{id}", Some(ReadOffers), get(placement::show)),
        (
            "/placements/{id}/start",
            Some(Place),
            route::<placement::Start>(),
        ),
        (
            "/placements/{id}/end",
            Some(Place),
            route::<placement::End>(),
        ),
        // Read by whoever reads options; acted on by whoever may.
        (
            "/referrals/{id}/conditional/{setting}",
            Some(ReadOffers),
            route::<conditions::Pursue>(),
        ),
        (
            "/conditions/{id}",
            Some(ReadOffers),
            route::<conditions::Note>(),
        ),
        ("/approvals", Some(ReadApprovals), get(approvals::list)),
        // Whose it is to record, the record itself says.
        (
            "/approvals/{id}",
            Some(ReadApprovals),
            route::<approvals::Record>(),
        ),
    ]
}

/// The pages on which a referral is written, or changed.
fn writing() -> Vec<(&'static str, Option<Act>, MethodRouter<App>)> {
    use acts::frame::route;
    use intake::{Discard, Start, check::Check, tasks};
    let pages = [
        ("/drafts", get(intake::list)),
        ("/start-referral", route::<Start>()),
        ("/drafts/{id}", get(tasks::list)),
        (
            "/drafts/{id}/task/{task}",
            get(tasks::show).post(tasks::send),
        ),
        ("/drafts/{id}/check", route::<Check>()),
        ("/drafts/{id}/discard", route::<Discard>()),
    ];
    pages
        .into_iter()
        .map(|(path, handler)| (path, Some(Act::WriteReferral), handler))
        .collect()
}

/// The pages of managers, of providers, and of those who run the service.
fn running() -> Vec<(&'static str, Option<Act>, MethodRouter<App>)> {
    use Act::{
        AnswerOwn, MendEvents, ReadApprovals, ReadFigures, ReadOffers, ReadSettings, WriteSettings,
    };
    use acts::frame::route;
    vec![
        ("/reports", Some(ReadApprovals), get(reports::show)),
        ("/reports.csv", Some(ReadApprovals), get(reports::download)),
        (
            "/placements/{id}/decision",
            Some(ReadOffers),
            get(reports::decision::record),
        ),
        (
            "/placements/{id}/why",
            Some(ReadOffers),
            route::<reports::decision::Note>(),
        ),
        ("/provider", Some(AnswerOwn), get(provider::home)),
        (
            "/provider/offers/{id}",
            Some(AnswerOwn),
            route::<provider::AnswerOffer>(),
        ),
        (
            "/provider/homes/{id}",
            Some(AnswerOwn),
            route::<provider::ConfirmVacancy>(),
        ),
        ("/admin/people", Some(MendEvents), get(admin::people)),
        (
            "/admin/people/{id}",
            Some(MendEvents),
            get(async || Redirect::to("/admin/people")).post(admin::change_person),
        ),
        ("/admin/policy", Some(ReadFigures), get(admin::policy)),
        ("/admin/settings", Some(ReadSettings), get(register::list)),
        (
            "/admin/settings/{id}",
            Some(ReadSettings),
            get(register::show),
        ),
        (
            "/admin/new-setting",
            Some(WriteSettings),
            route::<register::edit::Add>(),
        ),
        (
            "/admin/settings/{id}/edit",
            Some(WriteSettings),
            route::<register::edit::Edit>(),
        ),
        (
            "/admin/settings/{id}/close",
            Some(WriteSettings),
            route::<register::close::Close>(),
        ),
        (
            "/admin/import/{id}",
            Some(WriteSettings),
            get(register::import::progress::show),
        ),
        ("/admin/dead-letters", Some(MendEvents), get(admin::letters)),
        (
            "/admin/dead-letters/{id}/retry",
            Some(MendEvents),
            get(async || Redirect::to("/admin/dead-letters")).post(admin::retry),
        ),
    ]
}

/// The pages whose forms may carry a file.
fn with_file() -> Vec<(&'static str, Option<Act>, MethodRouter<App>)> {
    use acts::frame::route;
    vec![(
        "/admin/import",
        Some(Act::WriteSettings),
        route::<register::import::Import>(),
    )]
}

/// The queue; whoever sees none is led to the first page that is theirs.
async fn start(app: State<App>, viewer: Viewer, parameters: Parameters) -> Result<Response, Fault> {
    if viewer.may(Act::ListReferrals) {
        return queue::show(app, viewer, parameters).await;
    }
    Ok(Redirect::to(Menu::first(&viewer)).into_response())
}

/// The address of every page, as its route writes it.
#[cfg(test)]
pub(crate) fn paths() -> Vec<&'static str> {
    let pages = [routes(), acting(), writing(), running(), with_file()].concat();
    pages.into_iter().map(|(path, ..)| path).collect()
}

/// The pages.
pub(crate) fn router(app: &App) -> Router<App> {
    let typed = [routes(), acting(), writing(), running()].concat();
    let typed = typed.into_iter().map(|page| (page, Forms::Typed));
    let with_file = with_file().into_iter().map(|page| (page, Forms::WithFile));
    typed
        .chain(with_file)
        .fold(Router::new(), |router, ((path, act, page), forms)| {
            router.route(path, session::allowed(page, app, act, forms))
        })
        // Whoever cannot sign in must be able to read these.
        .route("/accessibility", get(about::accessibility))
        .route("/assets/{name}", get(assets::serve))
        .layer(from_fn(layout::faults_as_pages))
}
