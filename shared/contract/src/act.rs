//! What people ask for over HTTP, besides referrals and settings: the bodies of the acts.
//!
//! Read by the same rules as events, so that a fault is told in the same way.

use crate::read::{self, Node};
use chrono::{DateTime, NaiveDate, Utc};
use oss_domain::{FieldError, ssda903::ReasonPlaceChange};
use oss_workflow::approvals::Check;
use serde_json::Value;
use std::collections::BTreeSet;

/// A body that can be read from JSON.
pub trait Act: Sized {
    /// Reads the body.
    ///
    /// # Errors
    /// Every fault of every field, with its pointer.
    fn from_json(value: &Value) -> Result<Self, Vec<FieldError>>;
}

/// Defines acts and how their fields are read.
macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* $how:ident $field:ident: $type:ty = $read:expr,)+
    })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)+ }

        impl Act for $name {
            fn from_json(value: &Value) -> Result<Self, Vec<FieldError>> {
                read::read(value, |node| {
                    node.object()?;
                    $(let $field = node.$how(stringify!($field), $read);)+
                    Some(Self { $($field: acts!(@$how $field)),+ })
                })
            }
        }
    )+};
    (@required $field:ident) => { $field? };
    (@optional $field:ident) => { $field };
}

acts! {
    /// `POST /referrals/{id}/withdraw`
    Withdraw {
        /// Why a home is no longer asked for.
        required reason: String = Node::text,
    }

    /// `POST /offers/{id}/approach`
    Approach {
        /// Until when we wait for the answer; the policy's time without it.
        optional respond_by: Option<DateTime<Utc>> = Node::instant,
    }

    /// `POST /offers/{id}/hold`
    Hold {
        /// Why.
        optional reason: Option<String> = Node::text,
    }

    /// `POST /offers/{id}/select`: the decision.
    Select {
        /// Why this one.
        required reason: String = Node::long_text,
        /// Why not the one ranked first, where it is another.
        optional reason_not_first: Option<String> = Node::long_text,
    }

    /// `POST /approvals/{id}/record`
    RecordApproval {
        /// Whether it is granted.
        required granted: bool = Node::boolean,
        /// On what grounds.
        required note: String = Node::long_text,
        /// What is confirmed of what the regulation asks for; more can be confirmed later.
        optional confirmed: Option<BTreeSet<Check>> = confirmed,
    }

    /// `POST /placements/{id}/start`
    StartPlacement {
        /// The first day, where it is another than agreed.
        optional starts_on: Option<NaiveDate> = Node::date,
    }

    /// `POST /placements/{id}/end`
    EndPlacement {
        /// The last day.
        required ended_on: NaiveDate = Node::date,
        /// Why, as the SSDA903 return codes it.
        required reason_place_change: ReasonPlaceChange = Node::code,
        /// Whether the end was planned.
        required planned: bool = Node::boolean,
    }
}

fn confirmed(node: &Node<'_>) -> Option<BTreeSet<Check>> {
    node.set(Node::code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn acts_are_read_as_strictly_as_events() {
        assert!(Hold::from_json(&json!({})).unwrap().reason.is_none());
        let select = Select::from_json(&json!({ "reason": " best fit " })).unwrap();
        assert_eq!(select.reason, "best fit");
        let faults = RecordApproval::from_json(&json!({ "granted": "yes" })).unwrap_err();
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| (fault.pointer.as_str(), fault.code))
            .collect();
        assert_eq!(faults, [("/granted", "wrong_type"), ("/note", "required")]);
        assert!(Withdraw::from_json(&json!("reason")).is_err());
        let mut record = json!({ "granted": true, "note": "considered" });
        let confirmed = |record: &Value| RecordApproval::from_json(record).unwrap().confirmed;
        assert_eq!(confirmed(&record), None);
        record["confirmed"] = json!(["iro_consulted"]);
        assert_eq!(confirmed(&record), Some([Check::IroConsulted].into()));
        record["confirmed"] = json!(["iro_consulted", "iro"]);
        let faults = RecordApproval::from_json(&record).unwrap_err();
        assert_eq!(faults[0].pointer, "/confirmed/1");
    }
}
