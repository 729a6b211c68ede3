//! Foreign text made safe for a terminal.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

/// The text on one line, without anything that steers a terminal or reorders what people read.
pub(super) fn safe(text: &str) -> Cow<'_, str> {
    if text
        .chars()
        .all(|char| !is_white(char) && !is_hostile(char))
    {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().filter_map(|char| {
        if is_white(char) {
            Some(' ')
        } else {
            (!is_hostile(char)).then_some(char)
        }
    });
    Cow::Owned(shown.collect())
}

/// Like [`safe`], but keeps line breaks and indentation: for pretty-printed JSON and the like.
pub(super) fn safe_lines(text: &str) -> String {
    text.chars()
        .filter(|char| *char == '\n' || !is_hostile(*char))
        .collect()
}

fn is_white(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}')
}

/// Control characters (escape sequences begin with one), and the marks that change the direction of text.
fn is_hostile(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
        || matches!(char, '\u{061c}' | '\u{feff}')
}

/// Adds a line to a text.
pub(super) fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text cut to so many columns, with an ellipsis where it was cut.
pub(super) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    use unicode_width::UnicodeWidthChar;
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut left = columns.saturating_sub(1);
    let kept: String = text
        .chars()
        .take_while(|char| {
            let takes = char.width().unwrap_or(0);
            let fits = takes <= left;
            left = left.saturating_sub(takes);
            fits
        })
        .collect();
    Cow::Owned(format!("{kept}…"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_foreign_steers_the_terminal() {
        assert_eq!(
            safe("AP down\r\n\u{1b}[31mfloor\u{202e} 2\u{7}\u{9b}"),
            "AP down  [31mfloor 2"
        );
        assert_eq!(
            safe_lines("{\n  \"a\": \"\u{1b}]52;c;\u{7}\"\n}"),
            "{\n  \"a\": \"]52;c;\"\n}"
        );
    }

    #[test]
    fn width_counts_columns_and_not_bytes() {
        assert_eq!(width("日本"), 4);
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 3), "abc");
    }
}
