//! A referral with its current run: what the pages of options are about.

use super::{acts::frame::Subject, layout::Section};
use crate::{
    api::find, app::App, problem::Fault, query::Parameters, reading::record_reading,
    session::Viewer,
};
use oss_domain::{Referral, Setting, SettingId};
use oss_matching::{Policy, evaluation::Offer};
use oss_storage::{
    desk::{SettingName, Taken},
    referrals::StoredReferral,
    runs::StoredRun,
};
use std::{collections::HashMap, sync::Arc};

/// A referral and its current run.
#[derive(Debug)]
pub(crate) struct Matched {
    pub(crate) stored: StoredReferral,
    /// The revision that was ranked; another may be on its way.
    pub(crate) referral: Arc<Referral>,
    pub(crate) run: StoredRun,
    /// The policy of the run, which need not be that of today.
    pub(crate) policy: Arc<Policy>,
    /// Who works on the referral.
    pub(crate) taken: Option<Taken>,
}

impl Matched {
    /// Loads what the viewer asks for, after a line in the audit that says so.
    pub(crate) async fn load(
        app: &App,
        viewer: &Viewer,
        id: &str,
        parameters: &Parameters,
        read: &'static str,
    ) -> Result<Self, Fault> {
        let caller = viewer.caller();
        let stored = find::stored_referral(app, &caller, id, parameters).await?;
        let Some(run_id) = stored.run_id else {
            return Err(Fault::not_found(
                "A ranking of this referral: it is new, so it",
            ));
        };
        let run = app.store.run(run_id).await?.ok_or_else(Fault::internal)?;
        let at = (stored.authority, Some(stored.key));
        record_reading(app, &caller, at, read, format!("run {run_id}")).await?;
        let referral = app
            .store
            .referral_revision(run.key, run.facts.revision)
            .await?;
        let policy = if run.facts.policy_sha256 == app.policy.sha256() {
            Arc::clone(&app.policy)
        } else {
            let policy = app.store.policy(&run.facts.policy_sha256).await?;
            policy.ok_or_else(Fault::internal)?.into()
        };
        Ok(Self {
            referral: referral.ok_or_else(Fault::internal)?,
            taken: app.store.taken(stored.key).await?,
            stored,
            run,
            policy,
        })
    }

    /// What pages about it belong to.
    pub(crate) const fn section(&self) -> Section<'_> {
        Section::Case(self.taken.as_ref())
    }

    /// The address of the referral's page.
    pub(crate) fn link(&self) -> String {
        format!("/referrals/{}", self.stored.referral_id)
    }

    /// The ranked settings, as the run saw them.
    pub(crate) async fn settings(
        &self,
        app: &App,
        ids: &[SettingId],
    ) -> Result<HashMap<SettingId, Arc<Setting>>, Fault> {
        let facts = &self.run.facts;
        Ok(app
            .store
            .settings_at(facts.authority, facts.supply, ids)
            .await?)
    }

    /// What people call the settings.
    pub(crate) async fn names(&self, app: &App) -> Result<HashMap<SettingId, SettingName>, Fault> {
        let facts = &self.run.facts;
        Ok(app
            .store
            .setting_names_at(facts.authority, facts.supply)
            .await?)
    }

    /// The offers with their ranks.
    pub(crate) fn ranked(&self) -> impl Iterator<Item = (usize, &Offer)> {
        (1..).zip(&self.run.evaluation.ranked)
    }
}

impl Subject for Matched {
    type At = String;

    async fn load(app: &App, viewer: &Viewer, id: &String) -> Result<Self, Fault> {
        Self::load(app, viewer, id, &Parameters::default(), "options.read").await
    }

    fn section(&self) -> Section<'_> {
        self.section()
    }
}
