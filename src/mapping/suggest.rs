//! "Did you mean …?"

/// The known word nearest to a text, when it is near enough to have been meant.
#[must_use]
pub fn nearest<'w>(text: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let wanted = normal(text);
    let tolerance = (wanted.len() / 3).clamp(1, 4);
    words
        .into_iter()
        .map(|word| (distance(&wanted, &normal(word), tolerance), word))
        .filter(|(distance, _)| *distance <= tolerance)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// ` (did you mean `x`?)`, or nothing.
#[must_use]
pub fn clause(nearest: Option<&str>) -> String {
    nearest
        .map(|word| format!(" (did you mean `{word}`?)"))
        .unwrap_or_default()
}

/// Case and separators are the slips that matter least.
fn normal(text: &str) -> Vec<char> {
    let significant = text
        .chars()
        .filter(|character| !matches!(character, '_' | '-' | ' '));
    significant.flat_map(char::to_lowercase).take(80).collect()
}

/// How many letters must be put in, taken out, changed or swapped; more than `most` is not counted out.
fn distance(one: &[char], other: &[char], most: usize) -> usize {
    if one.len().abs_diff(other.len()) > most {
        return most + 1;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, &left) in one.iter().enumerate() {
        let mut current = Vec::with_capacity(last.len());
        current.push(row + 1);
        for (column, &right) in other.iter().enumerate() {
            let changed = last[column] + usize::from(left != right);
            let mut cost = changed.min(last[column + 1] + 1).min(current[column] + 1);
            let swapped =
                row > 0 && column > 0 && left == other[column - 1] && one[row - 1] == right;
            if swapped {
                cost = cost.min(before_last[column - 1] + 1);
            }
            current.push(cost);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(most + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let words = ["source", "target", "input_format", "mappings"];
        assert_eq!(nearest("sorce", words), Some("source"));
        assert_eq!(nearest("soruce", words), Some("source"));
        assert_eq!(nearest("InputFormat", words), Some("input_format"));
        assert_eq!(nearest("mapping", words), Some("mappings"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest("", words), None);
    }
}
