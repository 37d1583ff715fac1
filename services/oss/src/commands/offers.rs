//! `oss offers`: the ranked offers of a referral, as a table.

use crate::{cli, commands::referral, connection::Target, output, roles};
use oss_contract::MatchRun;
use oss_domain::TenthsOfMile;
use oss_matching::{Evaluation, Offer};
use oss_storage::{PgStore, runs::StoredRun};
use oss_workflow::SettingKey;
use std::process::ExitCode;

pub(crate) async fn run(
    args: &cli::ReferralArgs,
    target: &Target,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let store = roles::store(target, "oss offers")?;
    let stored = referral::find(&store, target, &args.referral, args.authority).await?;
    let run = referral::current_run(&store, &stored).await?;
    if as_json {
        output::json(&wire(&store, target, &run).await?)?;
    } else {
        print(&run.evaluation, roles::policy(target)?.n_offers())?;
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// The full record, as the API gives it.
pub(crate) async fn wire<'a>(
    store: &PgStore,
    target: &Target,
    run: &'a StoredRun,
) -> anyhow::Result<MatchRun<'a>> {
    let seal = store.offer_seal().await?;
    let n_offers = roles::policy(target)?.n_offers();
    Ok(MatchRun::new(
        &run.facts,
        &run.evaluation,
        n_offers,
        |setting_id| {
            // Every setting of the record has its key; none would name no setting at all.
            let key = run
                .setting_keys
                .get(setting_id)
                .copied()
                .unwrap_or(SettingKey(0));
            seal.seal(run.key, key)
        },
    ))
}

/// Prints the best offers, or why there are none.
pub(crate) fn print(evaluation: &Evaluation, at_most: usize) -> anyhow::Result<()> {
    if evaluation.ranked.is_empty() {
        output::line(format_args!(
            "no setting of {} may take the child",
            evaluation.evaluated
        ))?;
        for miss in &evaluation.near_misses {
            output::line(format_args!(
                "  nearest: {} but for {}",
                miss.setting_id, miss.reason.code
            ))?;
        }
        return Ok(());
    }
    let rows: Vec<Vec<String>> = evaluation
        .ranked
        .iter()
        .take(at_most)
        .zip(1..)
        .map(|(offer, rank)| row(rank, offer))
        .collect();
    output::table(
        &[
            "rank",
            "setting",
            "kind",
            "sourcing",
            "band",
            "score",
            "home",
            "school",
            "cost a week",
            "approvals",
            "warnings",
        ],
        &rows,
    )?;
    let hidden = evaluation.ranked.len().saturating_sub(at_most);
    if hidden > 0 {
        output::line(format_args!("and {hidden} more"))?;
    }
    Ok(())
}

fn row(rank: u32, offer: &Offer) -> Vec<String> {
    let codes = |codes: Vec<&str>| {
        if codes.is_empty() {
            "–".to_owned()
        } else {
            codes.join(" ")
        }
    };
    let miles = |distance: TenthsOfMile| distance.to_string();
    vec![
        rank.to_string(),
        offer.setting_id.to_string(),
        offer.kind.as_str().replace('_', " "),
        offer.sourcing.as_str().replace('_', " "),
        offer.band.as_str().to_owned(),
        format!("{}.{:02}", offer.score / 100, offer.score % 100),
        miles(offer.distances.home),
        offer.distances.school.map_or_else(|| "–".to_owned(), miles),
        offer.weekly_cost.to_string(),
        codes(
            offer
                .approvals
                .iter()
                .map(oss_domain::Approval::as_str)
                .collect(),
        ),
        codes(
            offer
                .warnings
                .iter()
                .map(oss_domain::Warning::as_str)
                .collect(),
        ),
    ]
}
