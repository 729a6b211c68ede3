//! The signs that stand for states, in Unicode and in ASCII. Colour repeats a sign and never replaces it.

/// A set of signs.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// Live, done.
    pub ok: &'static str,
    /// Half open, processing.
    pub busy: &'static str,
    /// Retrying, due later.
    pub waiting: &'static str,
    /// Paused by us, nothing lost.
    pub held: &'static str,
    /// Dead, refused.
    pub failed: &'static str,
    /// Needs a look, still working.
    pub warn: &'static str,
    /// No value.
    pub unset: &'static str,
    /// Differs from what was last delivered.
    pub changed: &'static str,
    /// Before the selected row.
    pub pointer: &'static str,
    /// Before a marked row.
    pub mark: &'static str,
    /// Where a text was cut.
    pub ellipsis: &'static str,
    /// From here to there.
    pub arrow: &'static str,
    /// Here from there.
    pub from: &'static str,
    /// Before what is unfolded.
    pub open: &'static str,
    /// Before what is folded.
    pub folded: &'static str,
    /// Into Field Nation.
    pub down: &'static str,
    /// Out of Field Nation.
    pub up: &'static str,
    /// Belongs to the line above.
    pub branch: &'static str,
    /// Between things of one kind.
    pub dot: &'static str,
    /// Between the steps of a way.
    pub crumb: &'static str,
    /// The lines of a frame: across, down, and the corners from top left clockwise.
    pub frame: [&'static str; 6],
    /// The heights of a sparkline, lowest first.
    pub levels: [&'static str; 8],
}

/// The signs for terminals that speak UTF-8.
pub static UNICODE: Glyphs = Glyphs {
    ok: "●",
    busy: "◐",
    waiting: "↻",
    held: "‖",
    failed: "✗",
    warn: "▲",
    unset: "∅",
    changed: "≠",
    pointer: "▸",
    mark: "◆",
    ellipsis: "…",
    arrow: "→",
    from: "←",
    open: "▾",
    folded: "▸",
    down: "↓",
    up: "↑",
    branch: "└",
    dot: "·",
    crumb: "›",
    frame: ["─", "│", "┌", "┐", "┘", "└"],
    levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
};

/// The signs for all others.
pub static ASCII: Glyphs = Glyphs {
    ok: "*",
    busy: "o",
    waiting: "~",
    held: "=",
    failed: "x",
    warn: "!",
    unset: "-",
    changed: "#",
    pointer: ">",
    mark: "+",
    ellipsis: "..",
    arrow: "->",
    from: "<-",
    open: "v",
    folded: ">",
    down: "v",
    up: "^",
    branch: "\\",
    dot: "-",
    crumb: ">",
    frame: ["-", "|", "+", "+", "+", "+"],
    levels: ["_", ".", ":", "-", "=", "+", "*", "#"],
};

/// The set that fits a locale, as `LC_ALL`, `LC_CTYPE` or `LANG` name it.
#[must_use]
pub fn for_locale(locale: Option<&str>) -> &'static Glyphs {
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    if locale.contains("utf-8") || locale.contains("utf8") {
        &UNICODE
    } else {
        &ASCII
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_utf_8_locale_gets_unicode() {
        assert_eq!(for_locale(Some("en_US.UTF-8")), &UNICODE);
        assert_eq!(for_locale(Some("C.utf8")), &UNICODE);
        assert_eq!(for_locale(Some("POSIX")), &ASCII);
        assert_eq!(for_locale(None), &ASCII);
    }
}
