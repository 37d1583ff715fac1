//! One option: every need with the fact, who lives there, why it ranks where it does.

use super::{
    acts::{self, conditions::ConditionRow},
    facts::{self, Facts, Need},
    layout::{Layout, Page},
    matched::Matched,
    words,
};
use crate::{api::find, app::App, problem::Fault, query::Parameters, session::Viewer};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use oss_domain::{Setting, SettingId};
use oss_matching::{evaluation::Offer, explain, policy::Criterion};
use oss_workflow::authorise::Act;

/// Weights that are told of in one comparison.
const SWAPS: usize = 3;

#[derive(Debug, Template)]
#[template(path = "option.html")]
struct OptionPage {
    layout: Layout,
    reference: String,
    link: String,
    rank: usize,
    ranked: usize,
    facts: Facts,
    needs: Vec<Need>,
    about: Vec<(&'static str, String)>,
    above: Option<Comparison>,
    below: Option<Comparison>,
    values: Vec<Counted>,
    from_home: bool,
    conditions: Vec<ConditionRow>,
    may_act: bool,
    previous: Option<String>,
    next: Option<String>,
}

/// Why one option ranks above another, and what would change that.
#[derive(Debug)]
struct Comparison {
    why: String,
    swaps: Vec<String>,
}

#[derive(Debug)]
struct Counted {
    name: String,
    value: String,
    weight: u32,
}

/// `GET /referrals/{id}/options/{setting}`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path((id, setting)): Path<(String, String)>,
    parameters: Parameters,
) -> Result<Response, Fault> {
    let setting_id: SettingId = find::id(&setting, "The option")?;
    let matched = Matched::load(&app, &viewer, &id, &parameters, "options.read").await?;
    let ranked = &matched.run.evaluation.ranked;
    let found = matched
        .ranked()
        .find(|(_, offer)| offer.setting_id == setting_id);
    let Some((rank, offer)) = found else {
        return Err(acts::option_gone(&matched.link(), &setting_id));
    };
    let mut settings = matched
        .settings(&app, std::slice::from_ref(&setting_id))
        .await?;
    let setting = settings.remove(&setting_id).ok_or_else(Fault::internal)?;
    let before = rank.checked_sub(2).and_then(|idx| ranked.get(idx));
    let after = ranked.get(rank);
    let compared = |above: &Offer, below: &Offer| Comparison {
        why: explain::comparison(above, below),
        swaps: explain::swaps(above, below, &matched.policy)
            .iter()
            .take(SWAPS)
            .map(|swap| explain::swap(swap, above, below))
            .collect(),
    };
    let base = matched.link();
    let offer_id = acts::offer_id(&app, &matched, &setting_id);
    let conditions = app.store.conditions_of(matched.run.key).await?;
    let link = |offer: &Offer| format!("{base}/options/{}", offer.setting_id);
    let values = Criterion::ALL.iter().map(|criterion| Counted {
        name: facts::capital(criterion.in_words()),
        value: words::percent(offer.values.get(*criterion)),
        weight: matched.policy.weights().get(*criterion),
    });
    let page = OptionPage {
        layout: Layout::new(&app, &viewer, matched.section()),
        reference: matched.stored.referral_id.to_string(),
        rank,
        ranked: ranked.len(),
        facts: Facts::new(offer, &setting.provider.name, &matched.policy),
        needs: facts::needs(&matched.referral, &setting),
        about: about(&setting),
        above: before.map(|before| compared(before, offer)),
        below: after.map(|after| compared(offer, after)),
        values: values.collect(),
        conditions: conditions
            .iter()
            .filter(|it| it.offer_id == offer_id)
            .map(|it| ConditionRow::new(it, app.clock.now()))
            .collect(),
        from_home: matched.referral.locations.home.is_some(),
        may_act: viewer.may(Act::Approach) && matched.stored.state.is_open(),
        previous: before.map(link),
        next: after.map(link),
        link: base,
    };
    Ok(Page(page).into_response())
}

fn about(setting: &Setting) -> Vec<(&'static str, String)> {
    let (approval, occupancy) = (&setting.approval, &setting.occupancy);
    let mut rows = vec![
        ("Who else lives there", facts::residents(setting)),
        (
            "Places",
            format!(
                "{}, {} lived in, {} that cannot be used",
                approval.places,
                occupancy.residents.len(),
                occupancy.blocked_places
            ),
        ),
        (
            "Ages taken",
            format!("{} to {}", approval.min_age, approval.max_age),
        ),
        (
            "Quality",
            words::quality(setting.registration.quality).to_owned(),
        ),
    ];
    if setting.kind.is_family() {
        let bedrooms = occupancy.bedrooms_free;
        let bedrooms = bedrooms.map_or("Not known".to_owned(), |it| it.to_string());
        rows.push(("Free bedrooms", bedrooms));
    }
    if let Some(framework) = &setting.framework {
        rows.push((
            "Framework",
            format!("{}, {}", framework.reference, framework.category),
        ));
    }
    let confirmed = setting.capacity_confirmed_at;
    let confirmed = confirmed.map_or("Not known when".to_owned(), words::at);
    rows.push(("Vacancy last confirmed", confirmed));
    if let Some(review) = approval.review_due {
        rows.push(("Review of the approval due", words::date(review)));
    }
    rows
}
