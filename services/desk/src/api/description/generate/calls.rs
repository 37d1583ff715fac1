//! What is said of each call: what it takes and answers.

use crate::query::MAX_LIMIT;
use axum::http::Method;
use oss_domain::{lifecycle::ReferralState, referral::Urgency};
use serde_json::{Value, json};

/// What a call takes and answers.
pub(super) struct Call {
    pub(super) summary: &'static str,
    /// The schema of the body it takes.
    pub(super) takes: Option<&'static str>,
    /// Query parameters of its own.
    pub(super) query: Vec<Value>,
    /// The status of success, and the schema of its body.
    pub(super) answers: (u16, &'static str),
    /// Statuses of failure besides those that every call has.
    pub(super) fails: &'static [u16],
}

/// What fails where a body is written that was read before.
const UPDATE: &[u16] = &[404, 409, 412, 413, 415, 422];

/// What fails where something is done.
const ACT: &[u16] = &[404, 409, 413, 415, 422];

impl Call {
    const fn reads(summary: &'static str, schema: &'static str) -> Self {
        Self {
            summary,
            takes: None,
            query: Vec::new(),
            answers: (200, schema),
            fails: &[],
        }
    }

    fn does(
        summary: &'static str,
        takes: &'static str,
        answers: (u16, &'static str),
        fails: &'static [u16],
    ) -> Self {
        Self {
            takes: Some(takes),
            answers,
            fails,
            ..Self::reads(summary, "")
        }
    }

    /// The same of a thing that may not exist, or be of several councils.
    fn of_one(self) -> Self {
        let fails = if self.fails.is_empty() {
            &[404, 409]
        } else {
            self.fails
        };
        Self {
            fails,
            query: vec![authority()],
            ..self
        }
    }

    fn with(self, query: Vec<Value>) -> Self {
        Self { query, ..self }
    }
}

/// What is said of a call, if it is known.
pub(super) fn call(method: &Method, path: &str) -> Option<Call> {
    let (method, path) = (method.as_str(), path);
    referral(method, path)
        .or_else(|| matching(method, path))
        .or_else(|| offer(method, path))
        .or_else(|| setting(method, path))
        .or_else(|| service(method, path))
}

fn referral(method: &str, path: &str) -> Option<Call> {
    let summary = (202, "ReferralSummary");
    Some(match (method, path) {
        ("POST", "/referrals") => Call::does("Submit a referral", "Referral", summary, UPDATE),
        ("GET", "/referrals") => {
            let of = |codes: &[&str]| json!({ "type": "string", "enum": codes });
            let state = parameter(
                "state",
                &of(ReferralState::CODES),
                "Only those in this state.",
            );
            let urgency = parameter(
                "urgency",
                &of(Urgency::CODES),
                "Only those as urgent as this.",
            );
            let about = "List referrals, those received last first, without what tells of a child";
            let query = [vec![state, urgency, authority()], paging()].concat();
            Call::reads(about, "ReferralSummaries").with(query)
        }
        ("PUT", "/referrals/{id}") => {
            let about = "Amend a referral: the whole of it, with a higher revision";
            Call::does(about, "Referral", summary, UPDATE)
        }
        ("GET", "/referrals/{id}") => {
            Call::reads("Read a referral; the reading is recorded", "StoredReferral").of_one()
        }
        ("POST", "/referrals/{id}/withdraw") => {
            Call::does("Withdraw a referral, for good", "Withdraw", summary, UPDATE).of_one()
        }
        _ => return None,
    })
}

fn matching(method: &str, path: &str) -> Option<Call> {
    Some(match (method, path) {
        ("GET", "/referrals/{id}/offers") => {
            let about = "Read the current run of a referral: the best offers";
            Call::reads(about, "Proposal").of_one()
        }
        ("GET", "/match-runs/{run_id}") => Call {
            fails: &[404],
            ..Call::reads(
                "Read the full record of a run: identical for ever",
                "MatchRun",
            )
        },
        _ => return None,
    })
}

fn offer(method: &str, path: &str) -> Option<Call> {
    Some(match (method, path) {
        ("POST", "/offers/{id}/approach") => {
            let about = "Ask an offer's provider whether it can take the child";
            Call::does(about, "Approach", (202, "Approached"), ACT)
        }
        ("POST", "/offers/{id}/answer") => {
            let about = "Record a provider's answer that came by telephone";
            Call::does(about, "OfferAnswered", (200, "Answered"), ACT)
        }
        ("GET", "/provider/offers") => {
            let about =
                "List what your provider was asked, the last first, without what tells of a child";
            Call::reads(about, "OwnOffers").with(vec![authority()])
        }
        ("POST", "/provider/offers/{id}/answer") => {
            let about = "Answer what your provider was asked";
            Call::does(about, "OwnAnswer", (200, "Answered"), ACT)
        }
        ("POST", "/offers/{id}/hold") => {
            let about =
                "Keep a place for a while; a 409 `place_gone` lists the `offers` that are left";
            Call::does(about, "HoldAsked", (201, "Held"), ACT)
        }
        ("DELETE", "/holds/{id}") => Call {
            answers: (204, ""),
            fails: &[404, 409],
            ..Call::reads("Let a kept place go", "")
        },
        ("POST", "/offers/{id}/select") => {
            Call::does("Decide for an offer", "Select", (201, "Selected"), ACT)
        }
        ("POST", "/approvals/{id}/record") => {
            let about = "Record an approval, by the role that it names";
            Call::does(about, "RecordApproval", (200, "ApprovalRecorded"), ACT)
        }
        ("POST", "/placements/{id}/start") => Call::does(
            "Start a placement",
            "StartPlacement",
            (200, "Placement"),
            ACT,
        ),
        ("POST", "/placements/{id}/end") => {
            Call::does("End a placement", "EndPlacement", (200, "Placement"), ACT)
        }
        _ => return None,
    })
}

fn setting(method: &str, path: &str) -> Option<Call> {
    Some(match (method, path) {
        ("GET", "/settings") => {
            let query = [vec![authority()], paging()].concat();
            Call::reads("List the settings in supply, by id", "Settings").with(query)
        }
        ("GET", "/settings/{id}") => Call::reads("Read a setting", "Setting").of_one(),
        ("PUT", "/settings/{id}") => {
            let about = "Change a register's entry: the whole of it, with a higher version";
            Call::does(about, "Setting", (200, "Setting"), UPDATE)
        }
        _ => return None,
    })
}

fn service(method: &str, path: &str) -> Option<Call> {
    Some(match (method, path) {
        ("GET", "/dead-letters") => {
            Call::reads("List events that could not be handled", "DeadLetters").with(paging())
        }
        ("POST", "/dead-letters/{id}/retry") => Call {
            answers: (202, "RetryRequested"),
            fails: &[404],
            ..Call::reads("Have an event handled again", "")
        },
        ("GET", "/openapi.json") => Call::reads("Read this description", "Any"),
        _ => return None,
    })
}

fn parameter(name: &str, schema: &Value, description: &str) -> Value {
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

fn authority() -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Authority" });
    parameter(
        "authority",
        &schema,
        "Whose, where the caller works for several councils.",
    )
}

fn paging() -> Vec<Value> {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT });
    vec![
        parameter(
            "cursor",
            &json!({ "type": "string" }),
            "The `next_cursor` of the page before.",
        ),
        parameter("limit", &limit, "The most items to answer."),
    ]
}
