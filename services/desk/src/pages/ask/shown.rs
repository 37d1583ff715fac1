//! A question with its answer: as a page shows it, and in words.

use super::{Ask, Options, Question, name, place_name};
use crate::pages::{acts::form::day_month_year, facts::capital, languages, words};
use oss_domain::{AuthorityCode, Level, Need, TenthsOfMile};
use serde_json::{Value, json};

/// A question with its answer, as a page shows it.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) label: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) control: Control,
}

/// What is filled in.
#[derive(Debug)]
pub(crate) enum Control {
    Text(String),
    Long(String),
    Date([String; 3]),
    Radios(Options, String),
    Select(Options, String),
    Checks(Vec<Tick>),
    /// For each the same choice.
    Each(Options, Vec<Choice>),
    Levels(Vec<LevelRow>),
    Items(Vec<Item>),
}

/// A box to tick.
#[derive(Debug)]
pub(crate) struct Tick {
    pub(crate) name: String,
    pub(crate) value: &'static str,
    pub(crate) text: &'static str,
    pub(crate) ticked: bool,
}

/// One of several things with the same choice.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) chosen: String,
}

/// A need with its level.
#[derive(Debug)]
pub(crate) struct LevelRow {
    pub(crate) name: String,
    pub(crate) need: String,
    pub(crate) level: String,
    pub(crate) essential: bool,
}

/// An item of a list.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) fields: Vec<Field>,
}

/// Levels of a need, or of how well one can be met.
pub(crate) const LEVELS: [(&str, &str); 5] = [
    ("0", "0: none"),
    ("1", "1: everyday parenting"),
    ("2", "2: additional support"),
    ("3", "3: specialist support"),
    ("4", "4: intensive support"),
];

const YES_NO: [(&str, &str); 2] = [("true", "Yes"), ("false", "No")];

const PLACES: [&str; 6] = [
    "First choice",
    "Second choice",
    "Third choice",
    "Fourth choice",
    "Fifth choice",
    "Sixth choice",
];

impl Question {
    /// The question as a page shows it, with the answer in `document`.
    pub(crate) fn show(&self, prefix: &str, document: &Value) -> Field {
        let name = name(prefix, self.pointer);
        let value = document.pointer(self.pointer).unwrap_or(&Value::Null);
        let control = match self.ask {
            Ask::Text | Ask::Word | Ask::Number => Control::Text(written(value)),
            Ask::Long => Control::Long(written(value)),
            Ask::Miles => Control::Text(miles(value)),
            Ask::Date => Control::Date(day_month_year(value.as_str().unwrap_or_default())),
            Ask::Radios(options) => Control::Radios(options(), written(value)),
            Ask::Select(options) => Control::Select(options(), written(value)),
            Ask::Lines | Ask::Words => Control::Long(texts(value).join("\n")),
            Ask::Languages => Control::Long(named(value).join("\n")),
            Ask::Councils => {
                let names = texts(value).into_iter().map(|code| council(&code));
                Control::Long(names.collect::<Vec<_>>().join("\n"))
            }
            Ask::Checks(options) => {
                let chosen = texts(value);
                let tick = |(value, text): (&'static str, _)| Tick {
                    name: name.clone(),
                    value,
                    text,
                    ticked: chosen.iter().any(|it| it == value),
                };
                Control::Checks(options().into_iter().map(tick).collect())
            }
            Ask::Flags(flags) => {
                let tick = |(key, text): &(&str, &'static str)| {
                    let pointer = format!("{}/{key}", self.pointer);
                    Tick {
                        name: self::name(prefix, &pointer),
                        value: "yes",
                        text,
                        ticked: document.pointer(&pointer) == Some(&Value::Bool(true)),
                    }
                };
                Control::Checks(flags.iter().map(tick).collect())
            }
            Ask::Ordered(options) => {
                let options = options();
                let chosen = texts(value);
                let choices = PLACES.iter().take(options.len()).enumerate();
                let choices = choices.map(|(place, label)| Choice {
                    name: place_name(&name, place),
                    label: (*label).to_owned(),
                    chosen: chosen.get(place).cloned().unwrap_or_default(),
                });
                let choices = choices.collect();
                Control::Each(options, choices)
            }
            Ask::Levels => {
                Control::Levels(Need::ALL.iter().map(|it| row(&name, *it, value)).collect())
            }
            Ask::Capabilities => {
                let choice = |need: &Need| Choice {
                    name: format!("{name}/{need}"),
                    label: capital(need.in_words()),
                    chosen: value.get(need.as_str()).map(written).unwrap_or_default(),
                };
                let choices = Need::ALL.iter().map(choice).collect();
                Control::Each(LEVELS.to_vec(), choices)
            }
            Ask::Pounds => Control::Text(pounds(value)),
            Ask::YesNo => Control::Radios(YES_NO.to_vec(), yes_or_no(value).to_owned()),
            Ask::Items(_, questions) => {
                let empty = [json!({})];
                // There is always one to fill in.
                let items = value.as_array().filter(|items| !items.is_empty());
                let items = items.map_or(&empty[..], Vec::as_slice);
                let item = |(idx, item): (usize, &Value)| {
                    let name = format!("{name}/{idx}");
                    Item {
                        title: format!("{} {}", self.label, idx + 1),
                        fields: questions.iter().map(|it| it.show(&name, item)).collect(),
                        name,
                    }
                };
                Control::Items(items.iter().enumerate().map(item).collect())
            }
        };
        Field {
            name,
            label: self.label,
            hint: self.hint,
            control,
        }
    }

    /// The answer in `document` in words, a line for each thing said; nothing where there is none.
    pub(crate) fn in_words(&self, document: &Value) -> Vec<String> {
        let value = document.pointer(self.pointer).unwrap_or(&Value::Null);
        let text = written(value);
        let one = |text: String| {
            if text.is_empty() {
                Vec::new()
            } else {
                vec![text]
            }
        };
        let of = |options: fn() -> Options, code: &str| {
            let found = options().into_iter().find(|(it, _)| *it == code);
            found.map_or_else(|| code.to_owned(), |(_, text)| text.to_owned())
        };
        match self.ask {
            Ask::Text | Ask::Word | Ask::Long | Ask::Number => one(text),
            Ask::Pounds => one(pounds(value)),
            Ask::YesNo => match yes_or_no(value) {
                "" => Vec::new(),
                code => vec![of(|| YES_NO.to_vec(), code)],
            },
            Ask::Capabilities => {
                let said = Need::ALL.iter().filter_map(|need| {
                    let level = written(value.get(need.as_str())?);
                    Some(format!("{}: level {level}", capital(need.in_words())))
                });
                said.collect()
            }
            Ask::Date => one(text.parse().map_or(text, words::date)),
            Ask::Miles => {
                let tenths = value.as_u64().and_then(|it| u16::try_from(it).ok());
                one(tenths.map_or(text, |it| TenthsOfMile::new(it).to_string()))
            }
            Ask::Radios(options) | Ask::Select(options) => {
                one(text).iter().map(|code| of(options, code)).collect()
            }
            Ask::Checks(options) | Ask::Ordered(options) => {
                texts(value).iter().map(|code| of(options, code)).collect()
            }
            Ask::Flags(flags) => {
                let set = |key: &str| value.get(key) == Some(&Value::Bool(true));
                let set = flags.iter().filter(|(key, _)| set(key));
                set.map(|(_, text)| (*text).to_owned()).collect()
            }
            Ask::Lines | Ask::Words => texts(value),
            Ask::Languages => named(value),
            Ask::Councils => texts(value).iter().map(|code| council(code)).collect(),
            Ask::Levels => Need::ALL
                .iter()
                .map(|need| row("", *need, value))
                .filter(|row| row.level != "0" || row.essential)
                .map(|row| {
                    let level = row
                        .level
                        .parse()
                        .ok()
                        .and_then(Level::new)
                        .unwrap_or_default();
                    let essential = if row.essential { ", essential" } else { "" };
                    format!(
                        "{}: level {level}, {}{essential}",
                        row.need,
                        words::level(level)
                    )
                })
                .collect(),
            Ask::Items(_, questions) => value
                .as_array()
                .into_iter()
                .flatten()
                .map(|item| {
                    let said = questions.iter().flat_map(|it| it.in_words(item));
                    said.collect::<Vec<_>>().join(", ")
                })
                .collect(),
        }
    }
}

fn row(name: &str, need: Need, needs: &Value) -> LevelRow {
    let entry = needs.get(need.as_str());
    let level = entry.and_then(|it| it.get("level"));
    LevelRow {
        name: format!("{name}/{need}"),
        need: capital(need.in_words()),
        level: level.map_or_else(|| "0".to_owned(), written),
        essential: entry.and_then(|it| it.get("essential")) == Some(&Value::Bool(true)),
    }
}

/// A value as it is written in a field.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .map(written)
        .collect()
}

fn named(languages: &Value) -> Vec<String> {
    let codes = texts(languages);
    codes
        .iter()
        .map(|code| languages::name(code).to_owned())
        .collect()
}

fn miles(value: &Value) -> String {
    match value.as_u64() {
        Some(tenths) if tenths % 10 == 0 => (tenths / 10).to_string(),
        Some(tenths) => format!("{}.{}", tenths / 10, tenths % 10),
        None => written(value),
    }
}

fn council(code: &str) -> String {
    let known = code.parse::<AuthorityCode>();
    known.map_or_else(|_| code.to_owned(), words::authority)
}

fn pounds(value: &Value) -> String {
    match value.as_u64() {
        Some(pence) => format!("{}.{:02}", pence / 100, pence % 100),
        None => written(value),
    }
}

fn yes_or_no(value: &Value) -> &'static str {
    match value.as_bool() {
        Some(true) => "true",
        Some(false) => "false",
        None => "",
    }
}
