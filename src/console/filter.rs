//! What is typed after `/`: words, `!not`, `~fuzzy`, `key=value`; all of them must hold.

/// A row that can be filtered.
pub trait Filtered {
    /// The value of a named column; `None` when the row has no such column.
    fn value(&self, key: &str) -> Option<String>;

    /// Everything a plain word is searched in.
    fn haystack(&self) -> String;
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Contains(String),
    Lacks(String),
    Fuzzy(String),
    Is(String, String),
    IsNot(String, String),
}

/// A filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

impl Filter {
    /// Reads what was typed. Anything is a filter; upper and lower case are the same.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let terms = text.split_whitespace().filter_map(|word| {
            let word = word.to_lowercase();
            let (denied, word) = match word.strip_prefix('!') {
                Some(rest) => (true, rest.to_owned()),
                None => (false, word),
            };
            if word.is_empty() {
                return None;
            }
            Some(match (word.split_once('='), word.strip_prefix('~')) {
                (Some((key, value)), _) if denied => Term::IsNot(key.into(), value.into()),
                (Some((key, value)), _) => Term::Is(key.into(), value.into()),
                (None, Some(rest)) => Term::Fuzzy(rest.into()),
                (None, None) if denied => Term::Lacks(word),
                (None, None) => Term::Contains(word),
            })
        });
        Self {
            text: text.trim().to_owned(),
            terms: terms.collect(),
        }
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a row passes.
    #[must_use]
    pub fn passes(&self, row: &impl Filtered) -> bool {
        if self.terms.is_empty() {
            return true;
        }
        let haystack = row.haystack().to_lowercase();
        let is = |key: &str, value: &str| {
            row.value(key)
                .is_some_and(|found| found.to_lowercase().contains(value))
        };
        self.terms.iter().all(|term| match term {
            Term::Contains(word) => haystack.contains(word.as_str()),
            Term::Lacks(word) => !haystack.contains(word.as_str()),
            Term::Fuzzy(word) => fuzzy(word, &haystack).is_some(),
            Term::Is(key, value) => is(key, value),
            Term::IsNot(key, value) => !is(key, value),
        })
    }
}

/// How well the letters of `word` are found in `text`, in order; the smaller the better, `None` when they are not.
/// Letters that stand together and at the beginnings of words count as near.
#[must_use]
pub fn fuzzy(word: &str, text: &str) -> Option<usize> {
    let mut cost = 0;
    let mut letters = word.chars().flat_map(char::to_lowercase).peekable();
    let mut gap = 0;
    let mut at_start = true;
    for character in text.chars().flat_map(char::to_lowercase) {
        let Some(wanted) = letters.peek() else { break };
        if *wanted == character {
            letters.next();
            cost += if at_start { gap.min(2) } else { gap };
            gap = 0;
        } else {
            gap += 1;
        }
        at_start = !character.is_alphanumeric();
    }
    letters.peek().is_none().then_some(cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(&'static str, &'static str);

    impl Filtered for Row {
        fn value(&self, key: &str) -> Option<String> {
            (key == "connector").then(|| self.0.to_owned())
        }
        fn haystack(&self) -> String {
            format!("{} {}", self.0, self.1)
        }
    }

    fn passes(filter: &str) -> bool {
        Filter::parse(filter).passes(&Row("cw-main", "No value for location.state"))
    }

    #[test]
    fn all_terms_must_hold() {
        assert!(passes(""));
        assert!(passes("no VALUE"));
        assert!(!passes("no printer"));
        assert!(passes("!printer"));
        assert!(!passes("!value"));
        assert!(passes("connector=cw location"));
        assert!(!passes("connector=sn"));
        assert!(passes("!connector=sn"));
        assert!(!passes("nothing=x"));
        assert!(passes("~lcstt"));
        assert!(!passes("~zzz"));
    }

    #[test]
    fn letters_together_and_at_word_starts_are_nearer() {
        let near = fuzzy("pre", "preview").unwrap();
        let far = fuzzy("pre", "pause or resume everything").unwrap();
        assert!(near < far);
        assert!(
            fuzzy("rt", "rotate_token").unwrap() < fuzzy("rt", "sort everything").unwrap_or(99)
        );
    }
}
