//! What has happened to a referral, in words.

use super::words;
use crate::session::Viewer;
use oss_domain::{Approval, ApprovalId, ConditionId, PlacementId, RunId};
use oss_matching::rules::rule;
use oss_storage::{
    desk::HistoryLine,
    history::{Named, RunInShort},
};
use oss_workflow::authorise::Act;
use std::collections::HashMap;

/// A line of a referral's history.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) title: String,
    pub(crate) who: String,
    pub(crate) at: String,
    pub(crate) datetime: String,
    /// What it was done to, and where that is, if it is still there for who looks.
    pub(crate) thing: String,
    pub(crate) link: Option<String>,
    pub(crate) reason: Option<String>,
}

/// What a history is told with.
#[derive(Debug)]
pub(crate) struct Teller<'a> {
    pub(crate) viewer: &'a Viewer,
    /// The address of the referral.
    pub(crate) base: &'a str,
    /// The run whose options are shown.
    pub(crate) current: Option<RunId>,
    /// What people are called, by id.
    pub(crate) people: &'a HashMap<String, String>,
    pub(crate) named: &'a Named,
}

impl Teller<'_> {
    pub(crate) fn tell(&self, line: &HistoryLine) -> Event {
        let (thing, link) = self.thing(line);
        let who = match &*line.actor_kind {
            "person" => self.people.get(&line.actor).unwrap_or(&line.actor).clone(),
            "producer" => format!("the case system ({})", line.actor),
            _ => format!("the service ({})", line.actor),
        };
        Event {
            title: words::act(&line.act),
            who,
            at: words::at(line.at),
            datetime: line.at.to_rfc3339(),
            thing,
            link,
            reason: line.reason.as_deref().map(in_words),
        }
    }

    /// What a line is about, and where that is.
    fn thing(&self, line: &HistoryLine) -> (String, Option<String>) {
        let if_may = |act, link| self.viewer.may(act).then_some(link);
        if let Some((run_id, run)) = self.named.run(line) {
            let link = if_may(Act::ReadOffers, format!("{}/options", self.base));
            return (found(run), link.filter(|_| self.current == Some(run_id)));
        }
        if let Some(setting_id) = self.named.home(line) {
            let link = match line.thing.parse::<PlacementId>() {
                Ok(placement_id) => format!("/placements/{placement_id}"),
                Err(_) => format!("{}/options/{setting_id}", self.base),
            };
            return (setting_id.to_string(), if_may(Act::ReadOffers, link));
        }
        // An approval or a condition: its id, then mostly its code.
        let (id, code) = line.thing.split_once(' ').unwrap_or((&line.thing, ""));
        if let Ok(approval_id) = id.parse::<ApprovalId>() {
            let code = code.parse::<Approval>();
            let text = code.map_or("An approval", |code| rule(code).text);
            let link = if_may(Act::ReadApprovals, format!("/approvals/{approval_id}"));
            return (text.to_owned(), link);
        }
        if let Ok(condition_id) = id.parse::<ConditionId>() {
            let code = code.parse::<oss_domain::Act>();
            let text = code.map_or("What would bring a home in", |code| rule(code).text);
            let link = if_may(Act::ReadOffers, format!("/conditions/{condition_id}"));
            return (text.to_owned(), link);
        }
        (line.thing.clone(), None)
    }
}

fn found(RunInShort { revision, n_offers }: RunInShort) -> String {
    let options = match n_offers {
        0 => "no option".to_owned(),
        n => words::many(i64::try_from(n).unwrap_or(i64::MAX), "option"),
    };
    format!("Version {revision}: {options}")
}

/// A reason is what somebody typed, or a code of the service's own, such as `not_selected`.
fn in_words(reason: &str) -> String {
    let is_code = |it: char| it.is_ascii_lowercase() || it == '_';
    if reason.chars().all(is_code) {
        words::code(reason)
    } else {
        reason.to_owned()
    }
}
