//! A register as a file: settings as a list, or one after the other.

use crate::setting::setting_from_json;
use oss_domain::{FieldError, Setting};
use serde_json::Value;

/// An entry of a file, or what is wrong with it.
pub type Entry = Result<Setting, Vec<FieldError>>;

/// One value, a list of values, or a value a line.
///
/// # Errors
///
/// Where the text is not JSON.
pub fn values(text: &str) -> Result<Vec<Value>, serde_json::Error> {
    let mut all = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter() {
        match value? {
            Value::Array(values) => all.extend(values),
            value => all.push(value),
        }
    }
    Ok(all)
}

/// The entries of a register, each with all its faults.
///
/// # Errors
///
/// Where the text is not JSON.
pub fn entries(text: &str) -> Result<Vec<Entry>, serde_json::Error> {
    Ok(values(text)?.iter().map(setting_from_json).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_and_a_value_a_line_are_the_same() {
        let lines = values("{\"a\":1}\n{\"a\":2}\n").unwrap();
        assert_eq!(lines, values("[{\"a\":1},{\"a\":2}]").unwrap());
        assert!(values("{\"a\":").is_err());
        let entries = entries("[{}]").unwrap();
        assert!(
            entries
                .iter()
                .all(|entry| entry.as_ref().is_err_and(|faults| !faults.is_empty()))
        );
    }
}
