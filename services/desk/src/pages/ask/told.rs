//! What a person is told of a fault, and by which field of the form.

use super::{Ask, Question, name, place_name};
use crate::pages::facts::capital;
use oss_domain::FieldError;
use serde_json::Value;

/// Lines of a list on a page: more are for a file.
const LINES: usize = 100;

impl Question {
    /// Where `document` with so many more has more of a list than can be given, the field and what
    /// a person is told.
    pub(crate) fn too_many(&self, document: &Value, more: usize) -> Option<(String, String)> {
        let at_most = match self.ask {
            Ask::Items(at_most, _) => at_most,
            Ask::Lines | Ask::Words | Ask::Languages | Ask::Councils => LINES,
            _ => return None,
        };
        let items = document.pointer(self.pointer)?.as_array()?;
        let text = format!("{}: at most {at_most} can be given", self.label);
        (items.len() + more > at_most).then(|| (self.field(), text))
    }

    /// The name of its first field.
    pub(crate) fn field(&self) -> String {
        let own = self.pointer.trim_start_matches('/');
        match self.ask {
            Ask::Items(_, [first, ..]) => format!("{own}/0{}", first.pointer),
            _ => own.to_owned(),
        }
    }

    /// What a person is told of a fault of the answer, and by which field.
    pub(crate) fn fault(&self, error: &FieldError) -> (String, String) {
        let rest = error.pointer.strip_prefix(self.pointer).unwrap_or_default();
        let mut steps = rest.splitn(3, '/').skip(1);
        let idx = steps.next().and_then(|step| step.parse::<usize>().ok());
        let own = self.pointer.trim_start_matches('/');
        match (&self.ask, idx) {
            (Ask::Items(_, questions), _) => {
                let inner = steps.next();
                let is_it =
                    |it: &&Question| inner.is_some() && it.pointer.strip_prefix('/') == inner;
                // What is wrong with the item as a whole is told at its first question.
                let question = questions.iter().find(is_it).or(questions.first());
                let base = format!("{own}/{}", idx.unwrap_or_default());
                question.map_or_else(
                    || (own.to_owned(), error.detail.clone()),
                    |it| (name(&base, it.pointer), it.told(error)),
                )
            }
            (Ask::Capabilities, _) if !rest.is_empty() => {
                (format!("{own}{rest}"), self.told(error))
            }
            (Ask::Ordered(_), Some(place)) => (place_name(own, place), self.told(error)),
            (Ask::Lines | Ask::Words | Ask::Languages | Ask::Councils, Some(line)) => {
                let told = self.told(error);
                (own.to_owned(), format!("Line {}: {told}", line + 1))
            }
            _ => (own.to_owned(), self.told(error)),
        }
    }

    /// The contract's code in plain words.
    fn told(&self, FieldError { code, detail, .. }: &FieldError) -> String {
        let name = self.name;
        match (*code, &self.ask) {
            (
                "required" | "too_short",
                Ask::Radios(_) | Ask::Select(_) | Ask::Ordered(_) | Ask::Checks(_) | Ask::YesNo,
            ) => {
                format!("Choose {name}")
            }
            ("required" | "too_short", _) => format!("Enter {name}"),
            ("unknown_code", _) => format!("Choose {name} from the list"),
            ("invalid_date", _) => {
                format!("{} must be a real date, such as 27 3 2014", capital(name))
            }
            ("invalid_postcode", _) => {
                format!("{} must be a full postcode, such as DE1 2FS", capital(name))
            }
            ("unknown_postcode", _) => format!(
                "{} is not a postcode that is known: check it, or give one close by",
                capital(name)
            ),
            ("invalid_id", _) => format!(
                "{} may have up to 40 letters, digits, hyphens and underscores, and nothing else",
                capital(name)
            ),
            ("invalid_authority", _) => {
                "Enter the full name of a county or city council, such as Nottingham".to_owned()
            }
            ("duplicate", _) => format!("{} is given twice", capital(name)),
            ("wrong_type" | "out_of_range", Ask::Pounds) => {
                format!(
                    "{} must be pounds and pence, such as 1250.00",
                    capital(name)
                )
            }
            ("wrong_type", Ask::Number) => format!("{} must be a whole number", capital(name)),
            ("wrong_type", Ask::Miles) => {
                format!(
                    "{} must be a number of miles, such as 5 or 2.5",
                    capital(name)
                )
            }
            ("out_of_range", Ask::Miles) => {
                format!("{} must be from 0.1 to 100 miles", capital(name))
            }
            _ => format!("{} {detail}", capital(name)),
        }
    }
}
