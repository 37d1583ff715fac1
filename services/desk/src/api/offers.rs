//! What was proposed for a referral, and the full record of a run.

use crate::{
    api::find, app::App, caller::Caller, problem::Fault, query::Parameters, reading::record_reading,
};
use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use oss_contract::{
    MatchRun,
    run::{OffersProposed, ReferralUnfilled},
};
use oss_domain::{OfferId, RunId, SettingId};
use oss_storage::runs::StoredRun;
use oss_workflow::{
    SettingKey,
    ranking::{Proposal, RankedOffer},
};
use serde_json::Value;

/// `GET /referrals/{id}/offers`
pub(crate) async fn of_referral(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let referral = find::stored_referral(&app, &caller, &id, &parameters).await?;
    let run_id = referral
        .run_id
        .ok_or_else(|| Fault::not_found("A run of the referral"))?;
    let run = app.store.run(run_id).await?.ok_or_else(Fault::internal)?;
    record_read(&app, &caller, &run).await?;
    let proposal = proposal(&app, &run, shown_by(&app, &run).await?);
    // In the form in which it was, or would have been, told.
    let body = if proposal.offers.is_empty() {
        serde_json::to_vec(&ReferralUnfilled::from(&proposal))
    } else {
        serde_json::to_vec(&OffersProposed::from(&proposal))
    };
    json(body)
}

/// `GET /match-runs/{run_id}`
pub(crate) async fn run(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Fault> {
    let run_id: RunId = find::id(&id, "The run")?;
    let run = app.store.run(run_id).await?;
    let run = run
        .filter(|run| caller.works_for(run.facts.authority).is_ok())
        .ok_or_else(|| Fault::not_found("The run"))?;
    record_read(&app, &caller, &run).await?;
    let n_shown = shown_by(&app, &run).await?;
    let offer_id = |setting: &SettingId| offer_id(&app, &run, setting);
    json(serde_json::to_vec(&MatchRun::new(
        &run.facts,
        &run.evaluation,
        n_shown,
        offer_id,
    )))
}

/// The fault that an offer's place has gone, with the referral's other offers.
///
/// The matcher may not have ranked again yet, so the offer itself is left out here.
pub(crate) async fn with_those_left(
    app: &App,
    caller: &Caller,
    fault: Fault,
    gone: OfferId,
) -> Fault {
    // Kept for its Idempotency-Key it would be no fresh list, and be read again without a line.
    let fault = fault.momentary();
    match those_left(app, caller, gone).await {
        Ok(Some((run_id, offers))) => fault
            .member("run_id", run_id.to_string().into())
            .member("offers", offers),
        Ok(None) => fault.member("offers", Value::Array(Vec::new())),
        Err(other) => other,
    }
}

async fn those_left(
    app: &App,
    caller: &Caller,
    gone: OfferId,
) -> Result<Option<(RunId, Value)>, Fault> {
    let (referral, _) = app.seal.open(gone);
    let Some(run) = app.store.current_run(referral).await? else {
        return Ok(None);
    };
    record_read(app, caller, &run).await?;
    let mut proposal = proposal(app, &run, shown_by(app, &run).await?);
    proposal.offers.retain(|offer| offer.offer_id != gone);
    let told = serde_json::to_value(OffersProposed::from(&proposal));
    let mut told = told.map_err(|_| Fault::internal())?;
    let offers = told.get_mut("offers").map(Value::take).unwrap_or_default();
    Ok(Some((run.facts.run_id, offers)))
}

/// What a run found tells of the child: how far from home and school it would live, and its needs.
async fn record_read(app: &App, caller: &Caller, run: &StoredRun) -> Result<(), Fault> {
    let at = (run.facts.authority, Some(run.key));
    let thing = format!("run {}", run.facts.run_id);
    record_reading(app, caller, at, "options.read", thing).await
}

/// How many offers the run's policy shows; it need not be the policy of today.
async fn shown_by(app: &App, run: &StoredRun) -> Result<usize, Fault> {
    let sha256 = run.facts.policy_sha256;
    if sha256 == app.policy.sha256() {
        return Ok(app.policy.n_offers());
    }
    let policy = app
        .store
        .policy(&sha256)
        .await?
        .ok_or_else(Fault::internal)?;
    Ok(policy.n_offers())
}

fn proposal(app: &App, run: &StoredRun, n_shown: usize) -> Proposal {
    let evaluation = &run.evaluation;
    let offers = evaluation.ranked.iter().take(n_shown).zip(1..);
    Proposal {
        facts: run.facts.clone(),
        evaluated: evaluation.evaluated,
        offers: offers
            .map(|(offer, rank)| RankedOffer {
                offer_id: offer_id(app, run, &offer.setting_id),
                rank,
                offer: offer.clone(),
            })
            .collect(),
        more: evaluation.ranked.len() > n_shown,
        conditional: evaluation.conditional().cloned().collect(),
        exclusion_counts: evaluation.exclusion_counts.clone(),
        near_misses: evaluation.near_misses.clone(),
    }
}

fn offer_id(app: &App, run: &StoredRun, setting: &SettingId) -> OfferId {
    // Every setting that was evaluated has a key; none has this one.
    let key = run
        .setting_keys
        .get(setting)
        .copied()
        .unwrap_or(SettingKey(0));
    app.seal.seal(run.key, key)
}

fn json(body: serde_json::Result<Vec<u8>>) -> Result<impl IntoResponse, Fault> {
    use axum::http::header::CONTENT_TYPE;
    let body = body.map_err(|_| Fault::internal())?;
    Ok(([(CONTENT_TYPE, "application/json")], body))
}
