//! Questions whose answers are fields of the contract, and how each is asked: from a form into JSON,
//! and back into the form or words.
//!
//! Nothing is judged here. What cannot be read, such as a distance in letters, goes into the JSON as
//! it was written, and the contract refuses it like anybody's.

#[cfg(test)]
pub(crate) mod asked_for;
mod shown;
mod told;

pub(crate) use shown::{Control, Field, LEVELS};

use crate::{
    body::normal_lines,
    pages::{
        acts::form::{Fields, Notice, decimal},
        languages, words,
    },
};
use oss_domain::{Need, Sex, setting::Kind, ssda903::Ethnicity};
use oss_geography::Authorities;
use serde_json::{Map, Value, json};

/// Codes with their words.
pub(crate) type Options = Vec<(&'static str, &'static str)>;

/// A field of the contract, or a group of them that is asked for at once.
#[derive(Debug)]
pub(crate) struct Question {
    /// The field, by JSON pointer; in a list's items by one from the item on.
    pub(crate) pointer: &'static str,
    pub(crate) label: &'static str,
    pub(crate) hint: &'static str,
    /// As an error message names it, such as `the date of birth`.
    pub(crate) name: &'static str,
    pub(crate) ask: Ask,
}

/// A child, as both referrals and the register name one.
pub(crate) const CHILD_ID: Question = Question {
    pointer: "/child_id",
    label: "Id in the case system",
    hint: "Letters, digits, hyphens and underscores; no name",
    name: "the child’s id",
    ask: Ask::Text,
};

/// A child’s sex.
pub(crate) const SEX: Question = Question {
    pointer: "/sex",
    label: "Sex",
    hint: "",
    name: "the sex",
    ask: Ask::Radios(sexes),
};

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
    /// A list of words in lower case.
    Words,
    /// A list of languages, asked for by name.
    Languages,
    /// A list of councils, asked for by name.
    Councils,
    /// A level for each need, and whether it is essential.
    Levels,
    /// A level for each need of which something is said.
    Capabilities,
    /// A whole number.
    Number,
    /// A number of pence, asked for in pounds.
    Pounds,
    /// Yes or no, which must be said.
    YesNo,
    /// A list of objects, so many at most, each asked for by these.
    Items(usize, &'static [Question]),
}

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
            Ask::Date => text(&fields.day(&name)),
            Ask::Miles => {
                let written = fields.get(&name);
                decimal(written, 1).map_or_else(|| text(written), |tenths| Some(tenths.into()))
            }
            Ask::Number => number(fields.get(&name)),
            Ask::Pounds => {
                let written = fields.get(&name);
                decimal(written, 2).map_or_else(|| text(written), |pence| Some(pence.into()))
            }
            Ask::YesNo => match fields.get(&name) {
                "true" => Some(true.into()),
                "false" => Some(false.into()),
                written => text(written),
            },
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
            Ask::Words => lines(str::to_lowercase),
            Ask::Languages => lines(languages::code),
            Ask::Councils => lines(|line| {
                let named = Authorities::embedded().named(line);
                named.map_or_else(|| line.to_owned(), |code| code.to_string())
            }),
            // No need above none is an answer too.
            Ask::Levels => Some(levels(&name, fields)),
            Ask::Capabilities => Some(capabilities(&name, fields)),
            Ask::Items(at_most, questions) => list(items(&name, at_most, questions, fields)),
        };
        put(document, self.pointer, value);
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

/// Reads the answers to `questions` from a form, in which names begin with `prefix`.
pub(crate) fn read<'a>(
    questions: impl IntoIterator<Item = &'a Question>,
    prefix: &str,
    fields: &Fields,
    document: &mut Value,
) {
    for question in questions {
        question.read(prefix, fields, document);
    }
}

/// A field's name: its pointer, from where the form's part begins.
fn name(prefix: &str, pointer: &str) -> String {
    format!("{prefix}{pointer}")
        .trim_start_matches('/')
        .to_owned()
}

/// The name of a place in an order; the first is also where errors of the whole lead to.
fn place_name(name: &str, place: usize) -> String {
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

fn capabilities(name: &str, fields: &Fields) -> Value {
    let said = Need::ALL.iter().filter_map(|need| {
        let level = number(fields.get(&format!("{name}/{need}")))?;
        Some((need.to_string(), level))
    });
    said.collect::<Map<_, _>>().into()
}

/// A number, or what was written instead; nothing where nothing was.
fn number(written: &str) -> Option<Value> {
    let number = written
        .parse::<u32>()
        .map_or_else(|_| written.into(), Value::from);
    (!written.is_empty()).then_some(number)
}

/// The items of a form.
fn items(name: &str, at_most: usize, questions: &[Question], fields: &Fields) -> Vec<Value> {
    // One more than may be, so that too many are refused and not cut off.
    let prefixes = (0..=at_most).map(|idx| format!("{name}/{idx}"));
    let sent = prefixes.take_while(|prefix| fields.has_below(prefix));
    sent.map(|prefix| {
        let mut item = json!({});
        read(questions, &prefix, fields, &mut item);
        item
    })
    .collect()
}

/// The question that asks for the field at `pointer`, with what goes with it.
pub(crate) fn asking<'a, T, I>(all: impl Fn() -> I, pointer: &str) -> Option<(T, &'a Question)>
where
    I: Iterator<Item = (T, &'a Question)>,
{
    let holding = all().filter(|(_, question)| lies_in(pointer, question.pointer));
    // What lies above several questions, such as all of `/locations`, is told of at the first.
    holding
        .max_by_key(|(_, question)| question.pointer.len())
        .or_else(|| all().find(|(_, it)| !pointer.is_empty() && lies_in(it.pointer, pointer)))
}

/// Whether one pointer is the other, or leads further down from it.
fn lies_in(inner: &str, outer: &str) -> bool {
    let rest = inner.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What a button did to the lists of a form.
#[derive(Debug)]
pub(crate) enum Pressed {
    /// Nothing: it is not one of theirs.
    Other,
    /// There is an item more to fill in, or one less.
    Done,
    /// There is no room for another.
    Full(Notice),
}

/// Does what the button `pressed` says.
pub(crate) fn press<'a>(
    pressed: &str,
    questions: impl IntoIterator<Item = &'a Question>,
    document: &mut Value,
) -> Pressed {
    if let Some(item) = pressed.strip_prefix("remove/") {
        remove(document, item);
        return Pressed::Done;
    }
    match pressed.strip_prefix("add/") {
        None => Pressed::Other,
        Some(list) => add(questions, document, list).map_or(Pressed::Done, Pressed::Full),
    }
}

/// Adds an empty item to the list of that name, if there is one; or says why not.
fn add<'a>(
    questions: impl IntoIterator<Item = &'a Question>,
    document: &mut Value,
    list: &str,
) -> Option<Notice> {
    let is_list = |it: &&Question| {
        matches!(it.ask, Ask::Items(..)) && it.pointer.trim_start_matches('/') == list
    };
    let question = questions.into_iter().find(is_list)?;
    if let Some(full) = question.too_many(document, 1) {
        return Some(Notice::fields([full]));
    }
    let items = document.pointer(question.pointer).and_then(Value::as_array);
    let items = items.into_iter().flatten().cloned();
    let items: Vec<_> = items.chain([json!({})]).collect();
    put(document, question.pointer, Some(items.into()));
    None
}

/// Takes the item of that name, such as `children/1`, out of its list.
fn remove(document: &mut Value, item: &str) {
    let Some((list, idx)) = item.rsplit_once('/') else {
        return;
    };
    let items = document.pointer_mut(&format!("/{list}"));
    let (Some(items), Ok(idx)) = (items.and_then(Value::as_array_mut), idx.parse::<usize>()) else {
        return;
    };
    if idx < items.len() {
        items.remove(idx);
    }
}

fn sexes() -> Options {
    let text = |sex| match sex {
        Sex::Male => "Male",
        Sex::Female => "Female",
        Sex::Unknown => "Not recorded as either",
    };
    Sex::ALL.iter().map(|it| (it.as_str(), text(*it))).collect()
}

pub(crate) fn ethnicities() -> Options {
    let all = Ethnicity::ALL.iter();
    all.map(|it| (it.as_str(), it.in_words())).collect()
}

pub(crate) fn kinds() -> Options {
    let all = Kind::ALL.iter();
    all.map(|it| (it.as_str(), words::kind(*it))).collect()
}
