//! What a provider sees: what it was asked, under a reference of its own and without anything that
//! tells who the child is; its answers; and its homes, whose vacancies it keeps current.

use super::{
    acts::{
        answer::{AnswerFields, body},
        form::{Fields, Form},
        frame::{Deed, Sheet, Subject},
        words,
    },
    facts::capital,
    languages,
    layout::{Layout, Menu, Page, Section},
    words::{self as said, Tag},
};
use crate::{
    act::act,
    api::{
        find,
        provider::{asked, own, record},
    },
    app::App,
    problem::Fault,
    reading::record_reading,
    session::Viewer,
};
use askama::Template;
use axum::{extract::State, response::IntoResponse};
use oss_domain::{ProviderId, Setting, SettingId, Sex, setting::VacancyChange, version};
use oss_storage::referrals::StoredReferral;
use oss_workflow::{
    Wanted,
    event::Profile,
    offer::{OfferHead, OfferState},
    supply,
};
use serde_json::Value;
use std::sync::Arc;

#[derive(Debug, Template)]
#[template(path = "provider_home.html")]
struct HomePage {
    layout: Layout,
    offers: Vec<OfferRow>,
    homes: Vec<HomeRow>,
}

#[derive(Debug)]
struct OfferRow {
    offer_id: String,
    reference: String,
    setting_id: String,
    state: Tag,
    respond_by: String,
}

#[derive(Debug)]
struct HomeRow {
    setting_id: String,
    kind: &'static str,
    places: u16,
    residents: usize,
    confirmed: String,
}

/// The provider that the viewer works for.
fn provider(viewer: &Viewer) -> Result<&ProviderId, Fault> {
    let nobody = || Fault::forbidden("Nobody has said yet which provider you work for.");
    viewer.provider().ok_or_else(nobody)
}

/// `GET /provider`
pub(crate) async fn home(
    State(app): State<App>,
    viewer: Viewer,
) -> Result<impl IntoResponse, Fault> {
    let provider = provider(&viewer)?;
    let authority = viewer.authority();
    let offers = asked(&app, authority, provider).await?;
    let offers = offers.iter().map(|head| OfferRow {
        offer_id: head.offer_id.to_string(),
        reference: head.reference.clone(),
        setting_id: head.setting_id.to_string(),
        state: words::offer(head.state),
        respond_by: head.respond_by.map(said::at).unwrap_or_default(),
    });
    let homes = app.store.settings_of_provider(authority, provider).await?;
    let homes = homes.iter().map(|setting| HomeRow {
        setting_id: setting.setting_id.to_string(),
        kind: said::kind(setting.kind),
        places: setting.approval.places,
        residents: setting.occupancy.residents.len(),
        confirmed: setting
            .capacity_confirmed_at
            .map_or("never".to_owned(), said::at),
    });
    Ok(Page(HomePage {
        layout: Layout::new(&app, &viewer, Section::At(Menu::Provider)),
        offers: offers.collect(),
        homes: homes.collect(),
    }))
}

#[derive(Debug, Template)]
#[template(path = "provider_offer.html")]
pub(crate) struct OfferPage {
    layout: Layout,
    form: Form,
    offer_id: String,
    reference: String,
    setting_id: String,
    state: Tag,
    respond_by: String,
    profile: Vec<(&'static str, String)>,
    fields: AnswerFields,
    may_answer: bool,
}

impl Subject for (OfferHead, StoredReferral) {
    type At = String;

    async fn load(app: &App, viewer: &Viewer, id: &String) -> Result<Self, Fault> {
        let head = own(app, &viewer.caller(), id).await?;
        let at = (head.authority, Some(head.referral));
        record_reading(app, &viewer.caller(), at, "offer.read", head.offer_id).await?;
        let stored = app.store.referral_by_key(head.referral).await?;
        Ok((head, stored.ok_or_else(Fault::internal)?))
    }

    fn section(&self) -> Section<'_> {
        Section::Within(Menu::Provider)
    }
}

/// Answering what the viewer's provider was asked.
#[derive(Debug)]
pub(crate) enum AnswerOffer {}

impl Deed for AnswerOffer {
    type To = (OfferHead, StoredReferral);
    type Page = OfferPage;

    fn path(id: &String) -> String {
        format!("/provider/offers/{id}")
    }

    fn page(sheet: Sheet<'_>, (head, stored): Self::To) -> OfferPage {
        use OfferState::{Accepted, Approached, Declined, Expired};
        let profile = stored.referral.as_deref().map(Profile::of);
        let waits = matches!(head.state, Approached | Accepted | Declined | Expired);
        OfferPage {
            fields: AnswerFields::new(sheet.fields),
            layout: sheet.layout,
            form: sheet.form,
            offer_id: head.offer_id.to_string(),
            reference: head.reference,
            setting_id: head.setting_id.to_string(),
            state: words::offer(head.state),
            respond_by: head.respond_by.map(said::at).unwrap_or_default(),
            profile: profile.map(|profile| rows(&profile)).unwrap_or_default(),
            may_answer: waits && stored.state.is_open(),
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        let caller = viewer.caller();
        let head = own(app, &caller, id).await?;
        record(app, &caller, &head, Value::Object(body(fields)?)).await?;
        Ok("/provider".to_owned())
    }
}

/// What a provider is told of a child.
fn rows(profile: &Profile) -> Vec<(&'static str, String)> {
    let child = |(age, sex): &(u8, Sex)| {
        let sex = match sex {
            Sex::Male => "boy",
            Sex::Female => "girl",
            Sex::Unknown => "child",
        };
        format!("{sex} of {age}")
    };
    let children: Vec<_> = profile.children.iter().map(child).collect();
    let needs = profile.needs.levels.present().map(|(need, level)| {
        let essential = profile.needs.essential.contains(need);
        let essential = if essential { ", essential" } else { "" };
        format!("{}: {}{essential}", need.in_words(), said::level(level))
    });
    let mut rows = vec![
        ("Who", capital(&children.join(", "))),
        ("How soon", said::urgency(profile.urgency).text.to_owned()),
        ("From", said::date(profile.start_date)),
        ("Needs", capital(&needs.collect::<Vec<_>>().join("; "))),
    ];
    let asked = [
        (profile.solo, "no other children in the home"),
        (profile.parent_and_child, "a parent and child together"),
        (profile.wheelchair_accessible, "accessible by wheelchair"),
    ];
    let asked: Vec<_> = asked
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, text)| *text)
        .collect();
    if !asked.is_empty() {
        rows.push(("Asked for", capital(&asked.join(", "))));
    }
    if let Some(religion) = &profile.religion {
        rows.push(("Religion", religion.to_string()));
    }
    let languages = profile.languages.iter();
    let languages = languages.map(|it| languages::name(it.as_str()));
    let languages: Vec<_> = languages.collect();
    if !languages.is_empty() {
        rows.push(("Languages", languages.join(", ")));
    }
    rows
}

#[derive(Debug, Template)]
#[template(path = "provider_vacancy.html")]
pub(crate) struct VacancyPage {
    layout: Layout,
    form: Form,
    setting_id: String,
    facts: Vec<(&'static str, String)>,
    blocked_places: String,
    bedrooms_free: String,
    version: u64,
}

/// A home of the viewer's provider.
#[derive(Debug)]
pub(crate) struct Home(Arc<Setting>);

impl Subject for Home {
    type At = String;

    async fn load(app: &App, viewer: &Viewer, id: &String) -> Result<Self, Fault> {
        let (authority, provider) = (viewer.authority(), provider(viewer)?);
        let homes = app.store.settings_of_provider(authority, provider).await?;
        let mut homes = homes.into_iter();
        let setting = homes.find(|setting| setting.setting_id.as_str() == id);
        setting
            .map(Self)
            .ok_or_else(|| Fault::not_found("The home"))
    }

    fn section(&self) -> Section<'_> {
        Section::Within(Menu::Provider)
    }
}

/// Saying how many places of a home of the viewer's provider are free.
#[derive(Debug)]
pub(crate) enum ConfirmVacancy {}

impl Deed for ConfirmVacancy {
    type To = Home;
    type Page = VacancyPage;

    fn path(id: &String) -> String {
        format!("/provider/homes/{id}")
    }

    fn page(sheet: Sheet<'_>, Home(setting): Home) -> VacancyPage {
        let occupancy = &setting.occupancy;
        let typed = |name: &str, stored: String| match sheet.fields.get(name) {
            "" => stored,
            typed => typed.to_owned(),
        };
        let free = occupancy.bedrooms_free.map(|it| it.to_string());
        let confirmed = setting.capacity_confirmed_at;
        VacancyPage {
            blocked_places: typed("blocked_places", occupancy.blocked_places.to_string()),
            bedrooms_free: typed("bedrooms_free", free.unwrap_or_default()),
            layout: sheet.layout,
            form: sheet.form,
            setting_id: setting.setting_id.to_string(),
            facts: vec![
                ("Places approved", setting.approval.places.to_string()),
                (
                    "Children who live there",
                    occupancy.residents.len().to_string(),
                ),
                (
                    "Last confirmed",
                    confirmed.map_or("never".to_owned(), said::at),
                ),
            ],
            version: occupancy.version,
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        confirm(app, viewer, id, fields).await?;
        Ok("/provider".to_owned())
    }
}

async fn confirm(app: &App, viewer: &Viewer, id: &str, fields: &Fields) -> Result<(), Fault> {
    let setting_id: SettingId = find::id(id, "The home")?;
    let provider = provider(viewer)?;
    let number = |name: &str| match fields.get(name) {
        "" => Ok(None),
        typed => typed.parse::<u16>().map(Some).map_err(|_| {
            let what = "give a whole number";
            Fault::invalid_field(&format!("/{name}"), "required_tick", what)
        }),
    };
    let (blocked_places, bedrooms_free) = (number("blocked_places")?, number("bedrooms_free")?);
    let at = (viewer.authority(), setting_id.clone());
    let wanted = Wanted::settings([at.clone()]);
    act(app, &viewer.caller(), &wanted, |unit, context| {
        let stored = unit
            .settings
            .get(&at)
            .and_then(|head| head.setting.as_deref());
        let stored = stored.filter(|setting| setting.provider.provider_id == *provider);
        let stored = stored.ok_or_else(|| Fault::not_found("The home"))?;
        let seen = stored.occupancy.version;
        if fields.get("version") != seen.to_string() {
            let detail = "Somebody else changed what is free meanwhile.";
            return Err(Fault::conflict(
                "changed_meanwhile",
                "It has changed",
                detail,
            ));
        }
        let change = VacancyChange {
            setting_id: setting_id.clone(),
            authority: at.0,
            occupancy_version: version::next(seen),
            residents: None,
            blocked_places,
            bedrooms_free,
            restrictions: None,
            capacity_confirmed_at: Some(context.now),
        };
        Ok(supply::change_vacancy(unit, context, change)?)
    })
    .await?;
    Ok(())
}
