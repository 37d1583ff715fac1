//! `oss explain`: why settings rank where they do, and why the others are out.

use crate::{
    cli,
    commands::{offers, referral},
    connection::Target,
    output, roles,
};
use anyhow::{Context, bail};
use oss_domain::{RunId, SettingId};
use oss_geography::Gazetteer;
use oss_matching::{
    ENGINE_VERSION, Evaluation, Policy, Query, Supply, Verdict, evaluate, explain, rank,
};
use oss_storage::{
    PgStore,
    doctor::{Booking, Violation},
    runs::StoredRun,
};
use oss_workflow::{StoreError, occupancy::Occupancy};
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(
    args: &cli::Explain,
    target: &Target,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let store = roles::store(target, "oss explain")?;
    let code = match (args.run, &args.referral) {
        (Some(run_id), _) => prove(&store, run_id, as_json).await?,
        (None, Some(referral)) => {
            let stored = referral::find(&store, target, referral, args.authority).await?;
            let run = referral::current_run(&store, &stored).await?;
            if as_json {
                output::json(&offers::wire(&store, target, &run).await?)?;
            } else {
                let made_of = MadeOf::load(&store, &run).await?;
                tell(&run.evaluation, &made_of, args.setting.as_ref())?;
            }
            ExitCode::SUCCESS
        }
        (None, None) => bail!("name a referral, or a run with --run"),
    };
    store.close().await;
    Ok(code)
}

/// Tells of every setting, or of one.
fn tell(evaluation: &Evaluation, made_of: &MadeOf, only: Option<&SettingId>) -> anyhow::Result<()> {
    let MadeOf { policy, query, .. } = made_of;
    let wanted = |setting_id: &SettingId| only.is_none_or(|only| only == setting_id);
    let mut n_told = 0;
    for (idx, offer) in evaluation.ranked.iter().enumerate() {
        if !wanted(&offer.setting_id) {
            continue;
        }
        n_told += 1;
        output::line(format_args!("{:>3}. {}", idx + 1, offer.setting_id))?;
        for line in explain::offer(offer, query, policy) {
            output::line(format_args!("     {line}"))?;
        }
        if let Some(next) = evaluation.ranked.get(idx + 1) {
            output::line(format_args!("     {}", explain::comparison(offer, next)))?;
            for swap in explain::swaps(offer, next, policy) {
                output::line(format_args!("     {}", explain::swap(&swap, offer, next)))?;
            }
        }
    }
    for excluded in evaluation
        .excluded
        .iter()
        .filter(|it| wanted(&it.setting_id))
    {
        n_told += 1;
        output::line(format_args!("out  {}", excluded.setting_id))?;
        for reason in excluded.reasons.iter() {
            output::line(format_args!(
                "     {}: {}",
                reason.code,
                explain::reason(reason)
            ))?;
        }
        for act in excluded.requires.iter() {
            output::line(format_args!("     possible with {act}"))?;
        }
    }
    if let (0, Some(only)) = (n_told, only) {
        bail!("setting {only} was not evaluated for this referral");
    }
    Ok(())
}

async fn prove(store: &PgStore, run_id: RunId, as_json: bool) -> anyhow::Result<ExitCode> {
    let run = store
        .run(run_id)
        .await?
        .with_context(|| format!("there is no run {run_id}"))?;
    let difference = replay(store, &run).await?;
    let equal = difference.is_none();
    if as_json {
        output::json(
            &json!({"run_id": run_id.to_string(), "equal": equal, "difference": difference}),
        )?;
    } else {
        match &difference {
            None => output::line(format_args!(
                "made again from revision {} of {}, supply {}, policy {} and engine {}: equal in all {} settings",
                run.facts.revision,
                run.facts.referral_id,
                run.facts.supply.0,
                run.facts.policy_id,
                run.facts.engine,
                run.evaluation.evaluated,
            ))?,
            Some(difference) => output::line(difference)?,
        }
    }
    Ok(if equal {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Makes the newest runs again; what does not come out the same is a violation.
pub(super) async fn replay_newest(
    store: &PgStore,
    at_most: usize,
) -> anyhow::Result<Vec<Violation>> {
    let limit = u32::try_from(at_most).unwrap_or(u32::MAX);
    let mut violations = Vec::new();
    for run_id in store.run_ids(None, limit).await? {
        let Some(difference) = found(replay_of(store, run_id).await)? else {
            continue;
        };
        violations.push(Violation {
            invariant: "I9",
            what: format!("run {run_id}: {difference}"),
        });
    }
    Ok(violations)
}

/// What the doctor found: also what keeps it from looking is a finding, unless the database is away.
fn found(looked: anyhow::Result<Option<String>>) -> anyhow::Result<Option<String>> {
    match looked {
        Err(error) => match error.downcast_ref::<StoreError>() {
            Some(StoreError::Unavailable(_) | StoreError::Clash(_)) => Err(error),
            Some(StoreError::Broken(_)) | None => Ok(Some(format!("{error:#}"))),
        },
        looked => looked,
    }
}

async fn replay_of(store: &PgStore, run_id: RunId) -> anyhow::Result<Option<String>> {
    match store.run(run_id).await? {
        Some(run) => replay(store, &run).await,
        None => Ok(Some("what it was made of is not stored".to_owned())),
    }
}

/// Judges the newest bookings again, each by what was true when it was taken; one that the rules
/// forbade is a violation.
pub(super) async fn judge_newest(store: &PgStore, at_most: u32) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for booking in store.bookings(at_most).await? {
        let booking = match booking {
            Ok(booking) => booking,
            Err(violation) => {
                violations.push(violation);
                continue;
            }
        };
        let reasons = found(reasons_against(store, &booking).await)?;
        violations.extend(reasons.map(|reasons| Violation {
            invariant: "I5",
            what: format!("hold {}: {reasons}", booking.hold_id),
        }));
    }
    Ok(violations)
}

/// What forbade a booking; `None` where nothing did.
async fn reasons_against(store: &PgStore, booking: &Booking) -> anyhow::Result<Option<String>> {
    let policy = policy_of(store, &booking.policy_sha256).await?;
    let gazetteer = gazetteer_of(store, &booking.gazetteer).await?;
    let query = Query::compile(&booking.referral, &gazetteer, &policy)
        .map_err(|faults| anyhow::anyhow!("the referral cannot be compiled: {faults:?}"))?;
    let setting = &booking.setting;
    let location = gazetteer
        .locate(&setting.postcode)
        .context("the setting's postcode is not known")?;
    let mut supply = Supply::new(setting.authority);
    supply.upsert(setting.clone(), location)?;
    let held = booking.others.iter().flat_map(Occupancy::held).collect();
    supply.set_holds(&setting.setting_id, held);
    let setting_id = &setting.setting_id;
    Ok(
        match evaluate(&query, &supply, setting_id, &policy, booking.since) {
            Some(Verdict::Ranked(_)) => None,
            Some(Verdict::Excluded { reasons, .. }) => {
                let codes: Vec<_> = reasons.codes().map(|code| code.to_string()).collect();
                Some(codes.join(", "))
            }
            None => Some("not for these children".to_owned()),
        },
    )
}

/// Makes a run again from what it was made of; `None` where it comes out the same.
async fn replay(store: &PgStore, run: &StoredRun) -> anyhow::Result<Option<String>> {
    let facts = &run.facts;
    if &*facts.engine != ENGINE_VERSION {
        return Ok(Some(format!(
            "was made by engine {}; this is {ENGINE_VERSION}, which cannot prove it",
            facts.engine
        )));
    }
    let MadeOf {
        policy,
        gazetteer,
        query,
    } = MadeOf::load(store, run).await?;
    let past = store.supply_at(facts.authority, facts.supply).await?;
    let mut supply = Supply::new(facts.authority);
    for (_, setting) in past.settings {
        let location = gazetteer.locate(&setting.postcode).with_context(|| {
            format!(
                "the postcode of setting {} is not known",
                setting.setting_id
            )
        })?;
        supply.upsert(setting, location)?;
    }
    let mut held = std::collections::BTreeMap::<SettingId, Vec<_>>::new();
    for occupancy in &past.occupancies {
        held.entry(occupancy.setting_id.clone())
            .or_default()
            .extend(occupancy.held());
    }
    for (setting_id, held) in held {
        supply.set_holds(&setting_id, held);
    }
    let again = rank(&query, &supply, &policy, facts.evaluated_at);
    let same =
        u128::from_be_bytes(again.digest()) == run.digest && again.expand() == run.evaluation;
    Ok((!same).then(|| "comes out differently".to_owned()))
}

/// What a run was made of, but for the supply.
struct MadeOf {
    policy: Policy,
    gazetteer: Gazetteer,
    query: Query,
}

impl MadeOf {
    async fn load(store: &PgStore, run: &StoredRun) -> anyhow::Result<Self> {
        let facts = &run.facts;
        let policy = policy_of(store, &facts.policy_sha256).await?;
        let gazetteer = gazetteer_of(store, &facts.gazetteer).await?;
        let referral = store
            .referral_revision(run.key, facts.revision)
            .await?
            .with_context(|| format!("revision {} is not stored", facts.revision))?;
        let query = Query::compile(&referral, &gazetteer, &policy)
            .map_err(|faults| anyhow::anyhow!("the referral cannot be compiled: {faults:?}"))?;
        Ok(Self {
            policy,
            gazetteer,
            query,
        })
    }
}

async fn policy_of(store: &PgStore, sha256: &[u8; 32]) -> anyhow::Result<Policy> {
    let policy = store.policy(sha256).await?;
    policy.with_context(|| format!("the policy {} is not stored", hex::encode(sha256)))
}

async fn gazetteer_of(store: &PgStore, edition: &str) -> anyhow::Result<Gazetteer> {
    let embedded = Gazetteer::embedded();
    if embedded.edition().source.name == edition {
        return Ok(embedded);
    }
    let pack = store
        .postcodes(edition)
        .await?
        .with_context(|| format!("the postcodes {edition} of the run are not stored"))?;
    Ok(Gazetteer::from_pack(pack)?)
}
