//! Religions and languages as bits.

use oss_domain::identity::Word;
use std::collections::BTreeSet;

/// How many words get a bit of their own; all others share [`SPILLED`].
const MAX_WORDS: usize = 63;
const SPILLED: u64 = 1 << MAX_WORDS;

/// Gives each word a bit while there are bits; a register with more words stays right, but the
/// rarer ones are then looked up in the setting itself.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary(Vec<Word>);

/// Words that a referral asks for, any of which will do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    words: Option<&'a BTreeSet<Word>>,
    bits: u64,
}

impl Vocabulary {
    /// The bits of `words`.
    pub(crate) fn learn(&mut self, words: &BTreeSet<Word>) -> u64 {
        words
            .iter()
            .fold(0, |bits, word| bits | self.learn_one(word))
    }

    fn learn_one(&mut self, word: &Word) -> u64 {
        if let Some(bit) = self.find(word) {
            return bit;
        }
        if self.0.len() == MAX_WORDS {
            return SPILLED;
        }
        self.0.push(word.clone());
        1 << (self.0.len() - 1)
    }

    fn find(&self, word: &Word) -> Option<u64> {
        self.0
            .iter()
            .position(|known| known == word)
            .map(|idx| 1 << idx)
    }

    /// What to look for in order to find any of `words`.
    pub(crate) fn wanted<'a>(&self, words: &'a BTreeSet<Word>) -> Wanted<'a> {
        let full = self.0.len() == MAX_WORDS;
        let bits = words.iter().fold(0, |bits, word| {
            bits | self.find(word).unwrap_or(if full { SPILLED } else { 0 })
        });
        Wanted {
            words: Some(words),
            bits,
        }
    }
}

impl Wanted<'_> {
    /// Whether a setting with `bits` has any of the words; `stated` are the setting's own words.
    pub(crate) fn met_by<'s>(
        &self,
        bits: u64,
        stated: impl FnOnce() -> &'s BTreeSet<Word>,
    ) -> bool {
        let common = self.bits & bits;
        if common == SPILLED {
            let stated = stated();
            return self
                .words
                .is_some_and(|words| words.iter().any(|word| stated.contains(word)));
        }
        common != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<Word> {
        words
            .into_iter()
            .map(|word| word.parse().unwrap())
            .collect()
    }

    #[test]
    fn more_words_than_bits_are_still_told_apart() {
        let mut vocabulary = Vocabulary::default();
        let all: Vec<_> = (0..100)
            .map(|n| words([format!("w{n:02}").as_str()]))
            .collect();
        let bits: Vec<_> = all.iter().map(|words| vocabulary.learn(words)).collect();
        for (n_wanted, wanted) in all.iter().enumerate() {
            let wanted = vocabulary.wanted(wanted);
            for (n_stated, (stated, bits)) in all.iter().zip(&bits).enumerate() {
                assert_eq!(wanted.met_by(*bits, || stated), n_wanted == n_stated);
            }
        }
        let unheard = words(["unheard"]);
        assert!(!vocabulary.wanted(&unheard).met_by(bits[99], || &all[99]));
    }
}
