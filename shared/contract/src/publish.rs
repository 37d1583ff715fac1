//! For producers of ours, such as `oss publish` and the tests: data into its envelope, an event
//! to its subject.

use crate::{envelope::Envelope, fact::FactKind, subject, write, write::Object};
use oss_domain::{AuthorityCode, ProviderId};
use serde_json::Value;

/// Puts `data` into a structured CloudEvent; the type is the envelope's.
#[must_use]
pub fn wrap(envelope: &Envelope, data: Value) -> Value {
    let mut event = Object::new();
    event
        .text("specversion", "1.0")
        .text("id", &envelope.id)
        .text("source", &envelope.source)
        .text("type", &envelope.event_type)
        .maybe("subject", envelope.subject.as_ref())
        .maybe("time", envelope.time.map(write::instant))
        .text("datacontenttype", "application/json")
        .maybe("traceparent", envelope.traceparent.as_ref())
        .put("data", data);
    event.into()
}

/// The subject that an event of `kind` with `data` belongs on; `None` where the data names no
/// authority, or no provider though it should.
#[must_use]
pub fn subject_for(kind: FactKind, data: &Value) -> Option<String> {
    let authority: AuthorityCode = data.get("authority")?.as_str()?.trim().parse().ok()?;
    let provider: Option<ProviderId> = match kind {
        FactKind::OfferAnswered => Some(data.get("provider_id")?.as_str()?.trim().parse().ok()?),
        _ => None,
    };
    Some(subject::inbound(
        authority,
        provider.as_ref(),
        kind.as_str(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Headers, decode};
    use serde_json::json;

    #[test]
    fn what_is_wrapped_is_taken() {
        let data = json!({ "referral_id": "R1", "authority": "E06000015", "reason": "no need" });
        let kind = FactKind::ReferralWithdrawn;
        let envelope = Envelope {
            id: "1".into(),
            source: "/test".into(),
            event_type: kind.event_type(),
            subject: Some("R1".into()),
            time: "2026-11-23T09:30:00Z".parse().ok(),
            traceparent: None,
        };
        let subject = subject_for(kind, &data).unwrap();
        let event = wrap(&envelope, data).to_string();
        let incoming = decode(&subject, &Headers::default(), event.as_bytes()).unwrap();
        assert_eq!(incoming.envelope, envelope);
    }
}
