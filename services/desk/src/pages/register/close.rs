//! Taking a setting out of the register.

use super::{as_seen, at, seen};
use crate::{
    act::act,
    app::App,
    pages::{
        acts::{
            form::{Fields, Form},
            frame::{Deed, Sheet},
        },
        layout::Layout,
        words,
    },
    problem::Fault,
    session::Viewer,
};
use askama::Template;
use oss_domain::{Setting, version};
use oss_workflow::{Wanted, supply};
use std::sync::Arc;

#[derive(Debug, Template)]
#[template(path = "setting_close.html")]
pub(crate) struct ClosePage {
    layout: Layout,
    form: Form,
    setting_id: String,
    kind: &'static str,
    provider: String,
    version: String,
}

/// Closing: of a setting.
#[derive(Debug)]
pub(crate) enum Close {}

impl Deed for Close {
    type To = Arc<Setting>;
    type Page = ClosePage;

    fn path(id: &String) -> String {
        format!("/admin/settings/{id}/close")
    }

    fn page(sheet: Sheet<'_>, setting: Arc<Setting>) -> ClosePage {
        ClosePage {
            layout: sheet.layout,
            form: sheet.form,
            setting_id: setting.setting_id.to_string(),
            kind: words::kind(setting.kind),
            provider: setting.provider.name.clone(),
            version: seen(&setting),
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        let at = at(viewer, id)?;
        let wanted = Wanted {
            closing: [at.clone()].into(),
            ..Wanted::default()
        };
        act(app, &viewer.caller(), &wanted, |unit, context| {
            let stored = as_seen(unit, &at, fields)?;
            let next = version::next(stored.version);
            supply::close_setting(unit, context, at.0, &at.1, next)?;
            Ok(())
        })
        .await?;
        Ok(format!("/admin/settings/{id}"))
    }
}
