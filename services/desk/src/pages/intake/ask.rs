//! How a question is asked: from the form into the referral's JSON, and back into the form or words.
//!
//! Nothing is judged here. What cannot be read, such as a distance in letters, goes into the JSON as
//! it was written, and the contract refuses it like anybody's.

use super::questions::{Options, Question};
use crate::{
    body::normal_lines,
    pages::{
        acts::form::{Fields, decimal},
        facts::capital,
        languages, words,
    },
};
use oss_domain::{AuthorityCode, Level, Need, TenthsOfMile};
use oss_geography::Authorities;
use serde_json::{Map, Value, json};

/// How a question is asked, and with it what its field looks like.
#[derive(Debug)]
pub(crate) enum Ask {
    /// A text on one line.
    Text,
    /// A word in lower case.
    Word,
    /// A long text.
    Long,
    /// A day.
    Date,
    /// A number of tenths of a mile, asked for in miles.
    Miles,
    /// One of a few codes.
    Radios(fn() -> Options),
    /// One of many codes.
    Select(fn() -> Options),
    /// A list of codes.
    Checks(fn() -> Options),
    /// A list of codes in an order.
    Ordered(fn() -> Options),
    /// Fields that are true or absent, by name.
    Flags(&'static [(&'static str, &'static str)]),
    /// A list of texts.
    Lines,
    /// A list of languages, asked for by name.
    Languages,
    /// A list of councils, asked for by name.
    Councils,
    /// A level for each need.
    Levels,
    /// A list of objects, so many at most, each asked for by these.
    Items(usize, &'static [Question]),
}

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
    Ordered(Options, Vec<Choice>),
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

/// A place in an order.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) name: String,
    pub(crate) label: &'static str,
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

const PLACES: [&str; 6] = [
    "First choice",
    "Second choice",
    "Third choice",
    "Fourth choice",
    "Fifth choice",
    "Sixth choice",
];

impl Question {
    /// The fields that an answer writes, by JSON pointer.
    pub(crate) fn pointers(&self) -> Vec<String> {
        match self.ask {
            Ask::Flags(flags) => flags
                .iter()
                .map(|(key, _)| format!("{}/{key}", self.pointer))
                .collect(),
            _ => vec![self.pointer.to_owned()],
        }
    }

    /// Reads the answer from a form, in which names begin with `prefix`, into `document`.
    pub(crate) fn read(&self, prefix: &str, fields: &Fields, document: &mut Value) {
        let name = name(prefix, self.pointer);
        let text = |text: &str| (!text.is_empty()).then(|| Value::from(text));
        let list = |items: Vec<Value>| (!items.is_empty()).then(|| Value::from(items));
        let lines = |of: fn(&str) -> String| {
            let lines = fields.get(&name).lines().map(str::trim);
            let filled = lines.filter(|line| !line.is_empty());
            list(filled.map(|line| of(line).into()).collect())
        };
        let value = match self.ask {
            Ask::Text | Ask::Long | Ask::Radios(_) | Ask::Select(_) => text(fields.get(&name)),
            Ask::Word => text(&fields.get(&name).to_lowercase()),
            Ask::Date => date(&name, fields),
            Ask::Miles => {
                let written = fields.get(&name);
                decimal(written, 1).map_or_else(|| text(written), |tenths| Some(tenths.into()))
            }
            Ask::Checks(_) => list(fields.all(&name).map(Value::from).collect()),
            Ask::Ordered(options) => {
                let chosen = (0..options().len()).map(|place| place_name(&name, place));
                let chosen = chosen.filter_map(|name| text(fields.get(&name)));
                list(chosen.collect())
            }
            Ask::Flags(flags) => {
                for (key, _) in flags {
                    let pointer = format!("{}/{key}", self.pointer);
                    let ticked = !fields.get(&self::name(prefix, &pointer)).is_empty();
                    put(document, &pointer, ticked.then(|| true.into()));
                }
                return;
            }
            Ask::Lines => lines(str::to_owned),
            Ask::Languages => lines(languages::code),
            Ask::Councils => lines(|line| {
                let named = Authorities::embedded().named(line);
                named.map_or_else(|| line.to_owned(), |code| code.to_string())
            }),
            // No need above none is an answer too.
            Ask::Levels => Some(levels(&name, fields)),
            Ask::Items(at_most, questions) => list(items(&name, at_most, questions, fields)),
        };
        put(document, self.pointer, value);
    }

    /// The question as a page shows it, with the answer in `document`.
    pub(crate) fn show(&self, prefix: &str, document: &Value) -> Field {
        let name = name(prefix, self.pointer);
        let value = document.pointer(self.pointer).unwrap_or(&Value::Null);
        let control = match self.ask {
            Ask::Text | Ask::Word => Control::Text(written(value)),
            Ask::Long => Control::Long(written(value)),
            Ask::Miles => Control::Text(miles(value)),
            Ask::Date => Control::Date(day_month_year(value)),
            Ask::Radios(options) => Control::Radios(options(), written(value)),
            Ask::Select(options) => Control::Select(options(), written(value)),
            Ask::Lines => Control::Long(texts(value).join("\n")),
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
                    label,
                    chosen: chosen.get(place).cloned().unwrap_or_default(),
                });
                let choices = choices.collect();
                Control::Ordered(options, choices)
            }
            Ask::Levels => {
                Control::Levels(Need::ALL.iter().map(|it| row(&name, *it, value)).collect())
            }
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
            Ask::Text | Ask::Word | Ask::Long => one(text),
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
            Ask::Lines => texts(value),
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

    /// Takes items out of a list in which nothing is filled in.
    pub(crate) fn tidy(&self, document: &mut Value) {
        let items = document
            .pointer_mut(self.pointer)
            .and_then(Value::as_array_mut);
        if let (Ask::Items(..), Some(items)) = (&self.ask, items) {
            items.retain(|item| item.as_object().is_some_and(|it| !it.is_empty()));
        }
    }
}

/// A field's name: its pointer, from where the form's part begins.
pub(super) fn name(prefix: &str, pointer: &str) -> String {
    format!("{prefix}{pointer}")
        .trim_start_matches('/')
        .to_owned()
}

/// The name of a place in an order; the first is also where errors of the whole lead to.
pub(super) fn place_name(name: &str, place: usize) -> String {
    if place == 0 {
        name.to_owned()
    } else {
        format!("{name}/{place}")
    }
}

/// Writes, or takes away, what lies at `pointer`, which leads through objects only.
pub(crate) fn put(document: &mut Value, pointer: &str, value: Option<Value>) {
    let Some((above, last)) = pointer.rsplit_once('/') else {
        return;
    };
    let mut at = document;
    for name in above.split('/').skip(1) {
        let Some(object) = at.as_object_mut() else {
            return;
        };
        at = object.entry(name).or_insert_with(|| json!({}));
    }
    let Some(object) = at.as_object_mut() else {
        return;
    };
    match value {
        Some(value) => object.insert(last.to_owned(), value),
        None => object.shift_remove(last),
    };
}

/// Whether two answers are the same but for what a form changes unasked: line ends, and spaces
/// around.
pub(crate) fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one.and_then(Value::as_str), other.and_then(Value::as_str)) {
        (Some(one), Some(other)) => normal_lines(one).trim() == normal_lines(other).trim(),
        _ => one == other,
    }
}

/// A date as the contract writes it, of what stands in three fields.
fn date(name: &str, fields: &Fields) -> Option<Value> {
    let [day, month, year] =
        ["", "/month", "/year"].map(|part| fields.get(&format!("{name}{part}")));
    let filled = [day, month, year].iter().any(|part| !part.is_empty());
    filled.then(|| format!("{year}-{month:0>2}-{day:0>2}").into())
}

/// The three fields of a date, also of one that is none.
fn day_month_year(value: &Value) -> [String; 3] {
    let text = value.as_str().unwrap_or_default();
    let mut parts = text.splitn(3, '-');
    let mut part = || {
        parts
            .next()
            .unwrap_or_default()
            .trim_start_matches('0')
            .to_owned()
    };
    let (year, month, day) = (part(), part(), part());
    [day, month, year]
}

fn levels(name: &str, fields: &Fields) -> Value {
    let mut needs = Map::new();
    for need in Need::ALL {
        let written = fields.get(&format!("{name}/{need}/level"));
        let essential = !fields.get(&format!("{name}/{need}/essential")).is_empty();
        if !essential && matches!(written, "" | "0") {
            continue;
        }
        let level = written
            .parse::<u8>()
            .map_or_else(|_| written.into(), Value::from);
        let level = if written.is_empty() { 0.into() } else { level };
        let mut entry = json!({ "level": level });
        put(&mut entry, "/essential", essential.then(|| true.into()));
        needs.insert(need.to_string(), entry);
    }
    needs.into()
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

/// The items of a form.
fn items(name: &str, at_most: usize, questions: &[Question], fields: &Fields) -> Vec<Value> {
    // One more than may be, so that too many are refused and not cut off.
    let prefixes = (0..=at_most).map(|idx| format!("{name}/{idx}"));
    let sent = prefixes.take_while(|prefix| fields.has_below(prefix));
    sent.map(|prefix| {
        let mut item = json!({});
        for question in questions {
            question.read(&prefix, fields, &mut item);
        }
        item
    })
    .collect()
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
