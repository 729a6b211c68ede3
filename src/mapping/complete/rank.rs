//! Which offers fit what is typed.

use super::Candidate;

/// So many are offered.
const MOST: usize = 50;

/// The candidates that fit, those first that begin so; among equals the given order holds.
pub(super) fn best(typed: &str, candidates: Vec<Candidate>) -> Vec<Candidate> {
    let wanted = normal(typed);
    let mut ranked: Vec<(Fit, Candidate)> = candidates
        .into_iter()
        .filter_map(|candidate| Some((fit_of(&candidate, &wanted)?, candidate)))
        .collect();
    ranked.sort_by_key(|(fit, _)| *fit);
    ranked.truncate(MOST);
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

/// How well a word fits, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Begins,
    WordBegins,
    Contains,
    Scattered,
}

fn fit_of(candidate: &Candidate, wanted: &[char]) -> Option<Fit> {
    let texts = [&candidate.text, &candidate.label, &candidate.also];
    texts
        .into_iter()
        .filter(|text| !text.is_empty())
        .filter_map(|text| fit(text, wanted))
        .min()
}

fn fit(text: &str, wanted: &[char]) -> Option<Fit> {
    let letters = normal(text);
    if letters.starts_with(wanted) {
        return Some(Fit::Begins);
    }
    let mut words = text.split(|character: char| !character.is_alphanumeric());
    if words.any(|word| !word.is_empty() && normal(word).starts_with(wanted)) {
        return Some(Fit::WordBegins);
    }
    if letters
        .windows(wanted.len().max(1))
        .any(|part| part == wanted)
    {
        return Some(Fit::Contains);
    }
    let mut left = letters.iter();
    wanted
        .iter()
        .all(|letter| left.any(|other| other == letter))
        .then_some(Fit::Scattered)
}

/// Case and separators don't count.
fn normal(text: &str) -> Vec<char> {
    text.chars()
        .filter(|character| !matches!(character, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_so_comes_first() {
        let candidates = ["xcity", "location.city", "c.i.t.y", "City name", "zip"];
        let candidates = candidates.map(|text| Candidate::new(text, "")).to_vec();
        let found = best("ci_ty", candidates);
        let found: Vec<&str> = found
            .iter()
            .map(|candidate| candidate.text.as_str())
            .collect();
        assert_eq!(found, ["City name", "location.city", "xcity", "c.i.t.y"]);
    }

    #[test]
    fn without_anything_typed_the_order_stays() {
        let candidates: Vec<_> = (0..99)
            .map(|number| Candidate::new(number.to_string(), ""))
            .collect();
        let found = best("", candidates);
        assert_eq!(found.len(), MOST);
        assert_eq!(found[49].text, "49");
    }
}
