//! An error with its causes, on one line.

use std::{error::Error, fmt};

/// Shows an error and its sources with `: ` between, leaving out what the one before said already,
/// since some errors print their source themselves.
#[derive(Clone, Copy, Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let text = error.to_string();
            if !said.contains(&text) {
                write!(f, ": {text}")?;
                said = text;
            }
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    fn chain(texts: &[&'static str]) -> Layer {
        let (text, rest) = texts.split_first().unwrap();
        let source = (!rest.is_empty()).then(|| Box::new(chain(rest)));
        Layer { text, source }
    }

    #[test]
    fn says_each_thing_once() {
        let error = chain(&["could not rank", "could not load", "no connection"]);
        assert_eq!(
            ErrorChain(&error).to_string(),
            "could not rank: could not load: no connection"
        );
        let repeats = chain(&["publish failed: timed out", "timed out", "deadline passed"]);
        assert_eq!(
            ErrorChain(&repeats).to_string(),
            "publish failed: timed out: deadline passed"
        );
    }
}
