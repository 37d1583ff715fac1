//! Forms: their fields, what is wrong with them, and that each is carried out once.

use super::words;
use crate::{app::App, body::normal_lines, problem::Fault, session::Viewer};
use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use oss_domain::text;
use oss_storage::idempotency::{Known, Request as Claim};
use oss_telemetry::ErrorChain;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The field of the token by which a form is carried out once.
const ONCE: &str = "once";
/// The field of the button that was pressed, where there are several.
const STEP: &str = "step";

/// How far somebody is with a form that asks before it does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is filled in.
    Filled,
    /// It was asked about, and is to be changed.
    Change,
    /// It was asked about, and is to be done.
    Confirmed,
}

/// The fields as they were sent, each as often as the page has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Vec<(String, String)>")]
pub(crate) struct Fields(Vec<(String, String)>);

/// Browsers send every line end as two characters; what is stored has one.
impl From<Vec<(String, String)>> for Fields {
    fn from(pairs: Vec<(String, String)>) -> Self {
        let pairs = pairs.into_iter();
        let normal = pairs.map(|(name, value)| (name, normal_lines(&value)));
        Self(normal.collect())
    }
}

impl Fields {
    /// Nothing was sent.
    pub(crate) const fn none() -> &'static Self {
        const NONE: &Fields = &Fields(Vec::new());
        NONE
    }

    /// The first field `name`, without spaces around; empty where there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(it, _)| it == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// The first field `name` as a text, which may be empty.
    ///
    /// # Errors
    ///
    /// 422 where it is longer than the contract's long texts may be, or could not be stored.
    pub(crate) fn text(&self, name: &str) -> Result<&str, Fault> {
        let text = self.get(name);
        match text::fault(text, text::LONG_TEXT) {
            Some((code, detail)) if !text.is_empty() => {
                Err(Fault::invalid_field(&format!("/{name}"), code, &detail))
            }
            _ => Ok(text),
        }
    }

    /// Every field `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(it, _)| it == name)
            .map(|(_, value)| value.trim())
    }

    /// Whether there is a field below `prefix`, such as `children/0/sex` below `children/0`.
    pub(crate) fn has_below(&self, prefix: &str) -> bool {
        let mut names = self.0.iter().map(|(name, _)| name);
        names.any(|name| {
            name.strip_prefix(prefix)
                .is_some_and(|it| it.starts_with('/'))
        })
    }

    /// What stands in the three fields of the day `name`: day, month and year.
    pub(crate) fn day_month_year(&self, name: &str) -> [&str; 3] {
        ["", "/month", "/year"].map(|part| self.get(&format!("{name}{part}")))
    }

    /// The day of these as the contract writes it, also where there is none of that date; empty
    /// where nothing is filled in.
    pub(crate) fn day(&self, name: &str) -> String {
        match self.day_month_year(name) {
            ["", "", ""] => String::new(),
            [day, month, year] => format!("{year}-{month:0>2}-{day:0>2}"),
        }
    }

    /// Those of `names` that are filled in, as the API would be sent them.
    pub(crate) fn body(&self, names: &[&str]) -> Map<String, Value> {
        let filled = names.iter().map(|name| {
            let is_day = self.has_below(name);
            let typed = || self.get(name).to_owned();
            let value = if is_day { self.day(name) } else { typed() };
            ((*name).to_owned(), value)
        });
        filled
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, value.into()))
            .collect()
    }

    /// What people typed and chose, without what the page adds.
    pub(crate) fn typed(&self) -> impl Iterator<Item = (&str, &str)> {
        let added = [crate::session::csrf::FIELD, ONCE, STEP];
        let pairs = self.0.iter().map(|(name, value)| (&**name, &**value));
        pairs.filter(move |(name, _)| !added.contains(name))
    }

    /// Which of the form's buttons was pressed.
    pub(crate) fn pressed(&self) -> &str {
        self.get(STEP)
    }

    /// How far somebody is with the form.
    pub(crate) fn step(&self) -> Step {
        match self.pressed() {
            "" => Step::Filled,
            "confirmed" => Step::Confirmed,
            // Back from the question, or another item of a list to fill in.
            _ => Step::Change,
        }
    }

    /// The token of the page, by which the form is carried out once.
    pub(crate) fn once(&self) -> &str {
        self.get(ONCE)
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        let pairs = self
            .0
            .iter()
            .filter(|(name, _)| name != crate::session::csrf::FIELD);
        let text = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        Sha256::digest(text).into()
    }
}

/// Whether it is the token of a page, as [`Form::new`] draws them.
pub(crate) fn is_once(token: &str) -> bool {
    token.len() == 32 && token.bytes().all(|it| it.is_ascii_hexdigit())
}

/// A number as people write it, with no decimals or exactly `n_decimals`, in units of the last:
/// `£1,250.50` with two is 125050.
pub(crate) fn decimal(text: &str, n_decimals: usize) -> Option<u32> {
    let text = text.trim_start_matches('£').replace(',', "");
    let (whole, part) = match text.split_once('.') {
        Some((whole, part)) if part.len() == n_decimals => (whole, part.to_owned()),
        Some(_) => return None,
        None => (&*text, "0".repeat(n_decimals)),
    };
    let digits = format!("{whole}{part}");
    let is_number = !whole.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// The three fields of a day as the contract writes it, also of one that is none.
pub(crate) fn day_month_year(text: &str) -> [String; 3] {
    let mut parts = text.splitn(3, '-');
    let mut part = || {
        let part = parts.next().unwrap_or_default();
        part.trim_start_matches('0').to_owned()
    };
    let (year, month, day) = (part(), part(), part());
    [day, month, year]
}

/// What every form of a page has besides its fields.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) csrf: String,
    pub(crate) once: String,
    /// Why it was not done the last time.
    pub(crate) notice: Option<Notice>,
}

impl Form {
    pub(crate) fn new(app: &App, viewer: &Viewer, notice: Option<Notice>) -> Self {
        let mut once = [0; 16];
        app.with_chance(|rng| rng.fill_bytes(&mut once));
        Self {
            csrf: viewer.csrf().to_owned(),
            once: hex::encode(once),
            notice,
        }
    }

    /// What is wrong with the field `name`.
    pub(crate) fn error(&self, name: &str) -> Option<&str> {
        let lines = self.notice.iter().flat_map(|notice| &notice.lines);
        lines
            .filter(|line| line.field == name)
            .map(|line| &*line.text)
            .next()
    }

    /// The page's status.
    pub(crate) fn status(&self) -> StatusCode {
        self.notice
            .as_ref()
            .map_or(StatusCode::OK, |notice| notice.status)
    }
}

/// Why something was not done.
#[derive(Debug)]
pub(crate) struct Notice {
    pub(crate) title: &'static str,
    pub(crate) lines: Vec<Line>,
    status: StatusCode,
}

#[derive(Debug)]
pub(crate) struct Line {
    /// The field that it is about, if one.
    pub(crate) field: String,
    pub(crate) text: String,
}

impl Notice {
    /// What a person is told of `fault` on the page they came from.
    ///
    /// # Errors
    ///
    /// The fault, where it is no matter of the page: nobody may, nothing is there, it is our fault.
    pub(crate) fn of(fault: Fault) -> Result<Self, Fault> {
        let status = fault.status();
        let problem = fault.problem();
        match status {
            StatusCode::CONFLICT => {
                let text = words::conflict(fault.code(), &problem.detail);
                Ok(Self::changed([text]))
            }
            StatusCode::UNPROCESSABLE_ENTITY => {
                let lines = problem.errors.iter().map(|error| Line {
                    field: error.pointer.trim_start_matches('/').to_owned(),
                    text: words::field(&error.pointer, &error.code, &error.detail),
                });
                let lines = lines.collect();
                Ok(Self {
                    title: "There is a problem",
                    lines,
                    status,
                })
            }
            _ => Err(fault),
        }
    }

    /// Whether it is because things have changed.
    pub(crate) fn is_stale(&self) -> bool {
        self.status == StatusCode::CONFLICT
    }

    /// Things are not as the page showed them.
    pub(crate) fn changed(texts: impl IntoIterator<Item = String>) -> Self {
        let line = |text| Line {
            field: String::new(),
            text,
        };
        Self {
            title: "This could not be done: things have changed",
            lines: texts.into_iter().map(line).collect(),
            status: StatusCode::CONFLICT,
        }
    }

    /// The field is not filled in as it must be.
    pub(crate) fn field(name: &str, text: &str) -> Self {
        Self::fields([(name.to_owned(), text.to_owned())])
    }

    /// Fields, by name, that are not filled in as they must be.
    pub(crate) fn fields(lines: impl IntoIterator<Item = (String, String)>) -> Self {
        let lines = lines.into_iter();
        Self {
            title: "There is a problem",
            lines: lines.map(|(field, text)| Line { field, text }).collect(),
            status: StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

/// Does `work` once for each token, and leads on to the page that it names.
///
/// # Errors
///
/// What `work` refuses, then the same form may be sent again; a conflict where the page was used
/// for something else, or is being carried out.
pub(crate) async fn once(
    app: &App,
    viewer: &Viewer,
    path: &str,
    fields: &Fields,
    work: impl Future<Output = Result<String, Fault>> + Send,
) -> Result<Response, Fault> {
    let token = fields.once();
    if !is_once(token) {
        return Err(Fault::not_understood(
            "bad_form",
            "The form is not one of ours.",
        ));
    }
    let caller = viewer.caller();
    let (key, route) = (format!("form {token}"), format!("POST {path}"));
    let claim = Claim {
        authority: viewer.authority(),
        actor: &caller.principal.id,
        key: &key,
        route: &route,
        body_hash: fields.sha256(),
    };
    match app.store.claim_request(claim, app.clock.now()).await? {
        Known::New => {}
        Known::Answered { response, .. } => {
            let to = String::from_utf8(response).map_err(|_| Fault::internal())?;
            return Ok(Redirect::to(&to).into_response());
        }
        Known::InProgress | Known::OtherRequest => {
            let detail = "This page was sent before. See what became of that first.";
            return Err(Fault::conflict("sent_before", "It was sent before", detail));
        }
    }
    match work.await {
        Ok(to) => {
            let kept = app.store.answer_request(claim, 303, to.as_bytes()).await;
            // What was done is done; the same form again meets it there.
            if let Err(error) = kept {
                tracing::warn!(error = %ErrorChain(&error), "a form's answer could not be kept");
            }
            Ok(Redirect::to(&to).into_response())
        }
        Err(fault) => {
            app.store.release_request(claim).await?;
            Err(fault)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        assert_eq!(decimal("1250", 2), Some(125_000));
        assert_eq!(decimal("£1,250.50", 2), Some(125_050));
        assert_eq!(decimal("2.5", 1), Some(25));
        for wrong in ["", "1.5", "-1", "1e3", "50000000", "1.2.3", "£", ".50"] {
            assert_eq!(decimal(wrong, 2), None, "{wrong:?}");
        }
    }
}
