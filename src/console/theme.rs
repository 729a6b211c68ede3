//! Themes: what each role of the screen looks like, read from TOML files.
//!
//! A theme names only what differs: the rest comes from the theme it inherits, then from the role's own fallback.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

macro_rules! tones {
    ($(#[doc = $doc:literal] $variant:ident = $name:literal $(falls to $fallback:ident)?;)*) => {
        /// A role that a piece of the screen plays; a theme says what it looks like.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Tone { $(#[doc = $doc] $variant,)* }

        impl Tone {
            /// All roles.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The role's name in theme files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The role whose look it has in a theme that does not name it.
            #[must_use]
            pub fn fallback(self) -> Option<Self> {
                match self {
                    $($(Self::$variant => Some(Self::$fallback),)?)*
                    _ => None,
                }
            }
        }
    };
}

tones! {
    #[doc = "Ordinary text."] Text = "text";
    #[doc = "What is not asked about."] Dim = "dim" falls to Text;
    #[doc = "Focus, and what can be acted upon."] Accent = "accent" falls to Text;
    #[doc = "Headings."] Title = "title" falls to Accent;
    #[doc = "The selected row of the focused pane."] Selection = "selection" falls to Accent;
    #[doc = "The selected row of another pane."] SelectionIdle = "selection_idle" falls to Text;
    #[doc = "Frames."] Border = "border" falls to Dim;
    #[doc = "The frame of the focused pane."] BorderFocus = "border_focus" falls to Accent;
    #[doc = "Live, done."] Ok = "ok" falls to Text;
    #[doc = "Half open, processing."] Busy = "busy" falls to Accent;
    #[doc = "Retrying, due later."] Waiting = "waiting" falls to Busy;
    #[doc = "Paused by us, nothing lost."] Held = "held" falls to Waiting;
    #[doc = "Dead, refused."] Failed = "failed" falls to Text;
    #[doc = "Needs a look, still working."] Warn = "warn" falls to Waiting;
    #[doc = "Differs from what was last delivered."] Changed = "changed" falls to Warn;
    #[doc = "A row that is marked."] Marked = "marked" falls to Accent;
    #[doc = "A key in the key bar and in help."] Key = "key" falls to Accent;
    #[doc = "The line at the top."] Header = "header" falls to Text;
    #[doc = "Sparklines."] Spark = "spark" falls to Dim;
    #[doc = "A line that tells of something grave, across the screen."] Banner = "banner" falls to Failed;
    #[doc = "The place where typing goes."] Cursor = "cursor" falls to Selection;
    #[doc = "What is new in a diff."] Added = "added" falls to Ok;
    #[doc = "What is gone in a diff."] Removed = "removed" falls to Failed;
    #[doc = "A key of a JSON object."] JsonKey = "json_key" falls to Accent;
    #[doc = "A JSON text."] JsonString = "json_string" falls to Text;
    #[doc = "A JSON number, true or false."] JsonNumber = "json_number" falls to Text;
    #[doc = "A JSON null."] JsonNull = "json_null" falls to Dim;
}

const COUNT: usize = Tone::ALL.len();

/// The themes that come with the program: name and text.
pub const SHIPPED: [(&str, &str); 5] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    (
        "high-contrast",
        include_str!("../../themes/high-contrast.toml"),
    ),
    (
        "colour-blind-safe",
        include_str!("../../themes/colour-blind-safe.toml"),
    ),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// How many colours the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Any colour.
    True,
    /// The palette of 256.
    Palette,
}

impl Depth {
    /// The depth that `COLORTERM` tells of.
    #[must_use]
    pub fn from_environment(colorterm: Option<&str>) -> Self {
        match colorterm {
            Some("truecolor" | "24bit") => Self::True,
            _ => Self::Palette,
        }
    }
}

/// Why a theme can't be used, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThemeProblem {
    /// No file and no shipped theme has the name.
    #[error(
        "there is no theme `{0}`; shipped are dark, light, high-contrast, colour-blind-safe, mono"
    )]
    Unknown(String),
    /// The file is not TOML, or has a look that is none.
    #[error("theme `{0}`: {1}")]
    Broken(String, String),
    /// A role that does not exist.
    #[error("theme `{0}` names the role `{1}`, which does not exist")]
    NoSuchRole(String, String),
    /// Themes inherit from each other in a circle.
    #[error("theme `{0}` inherits from itself")]
    Circle(String),
}

/// What each role looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    looks: [Style; COUNT],
}

#[derive(Debug, Deserialize)]
struct ThemeFile {
    inherits: Option<String>,
    #[serde(flatten)]
    looks: BTreeMap<String, Look>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are the independent keys of a role in a theme file"
)]
struct Look {
    #[serde(deserialize_with = "colour")]
    fg: Option<Color>,
    #[serde(deserialize_with = "colour")]
    bg: Option<Color>,
    bold: bool,
    dim: bool,
    underline: bool,
    reverse: bool,
}

/// A colour by name (`lightred`), number of the palette (`203`) or value (`#ff8800`).
fn colour<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Color>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(|_| {
        serde::de::Error::custom(format!(
            "`{text}` is no colour; write a name (lightred), a number of the palette (203) or #rrggbb"
        ))
    })
}

impl Look {
    fn style(&self, depth: Depth) -> Style {
        let mut style = Style::new();
        style.fg = self.fg.map(|colour| shown(colour, depth));
        style.bg = self.bg.map(|colour| shown(colour, depth));
        for (wanted, modifier) in [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.underline, Modifier::UNDERLINED),
            (self.reverse, Modifier::REVERSED),
        ] {
            if wanted {
                style = style.add_modifier(modifier);
            }
        }
        style
    }
}

impl Theme {
    /// The look of a role.
    #[must_use]
    pub fn style(&self, tone: Tone) -> Style {
        self.looks.get(tone as usize).copied().unwrap_or_default()
    }

    /// Loads a theme by name: from the user's directory of themes if it is there, else a shipped one.
    ///
    /// # Errors
    /// [`ThemeProblem`] says what is wrong and where.
    pub fn load(name: &str, directory: Option<&Path>, depth: Depth) -> Result<Self, ThemeProblem> {
        let mut named: [Option<Style>; COUNT] = [None; COUNT];
        let mut seen: Vec<String> = Vec::new();
        let mut next = Some(name.to_owned());
        while let Some(name) = next.take() {
            // A user's `dark` may inherit the shipped `dark`.
            let again = seen.contains(&name);
            if seen.iter().filter(|other| **other == name).count() > 1 {
                return Err(ThemeProblem::Circle(name));
            }
            let text = text_of(&name, directory.filter(|_| !again))?;
            let file: ThemeFile = toml::from_str(&text)
                .map_err(|error| ThemeProblem::Broken(name.clone(), error.message().to_owned()))?;
            for (role, look) in &file.looks {
                let tone = Tone::ALL.iter().find(|tone| tone.name() == role);
                let tone =
                    tone.ok_or_else(|| ThemeProblem::NoSuchRole(name.clone(), role.clone()))?;
                if let Some(place) = named.get_mut(*tone as usize) {
                    place.get_or_insert_with(|| look.style(depth));
                }
            }
            seen.push(name);
            next = file.inherits;
        }
        Ok(Self::filled(&named))
    }

    fn filled(named: &[Option<Style>; COUNT]) -> Self {
        let mut looks = [Style::new(); COUNT];
        for (place, tone) in looks.iter_mut().zip(Tone::ALL) {
            let mut at = Some(*tone);
            while let Some(tone) = at {
                if let Some(style) = named.get(tone as usize).copied().flatten() {
                    *place = style;
                    break;
                }
                at = tone.fallback();
            }
        }
        Self { looks }
    }
}

/// The theme shipped as `dark`.
impl Default for Theme {
    fn default() -> Self {
        Self::load("dark", None, Depth::Palette).unwrap_or(Self {
            looks: [Style::new(); COUNT],
        })
    }
}

fn text_of(name: &str, directory: Option<&Path>) -> Result<String, ThemeProblem> {
    let plain = name
        .chars()
        .all(|character| character.is_alphanumeric() || matches!(character, '-' | '_'));
    if let Some(directory) = directory.filter(|_| plain) {
        match std::fs::read_to_string(directory.join(format!("{name}.toml"))) {
            Ok(text) => return Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(ThemeProblem::Broken(name.to_owned(), error.to_string())),
        }
    }
    SHIPPED
        .iter()
        .find(|(shipped, _)| *shipped == name)
        .map(|(_, text)| (*text).to_owned())
        .ok_or_else(|| ThemeProblem::Unknown(name.to_owned()))
}

/// The colour as this terminal can show it: the nearest of the 6×6×6 cube where it has but a palette.
fn shown(colour: Color, depth: Depth) -> Color {
    match (colour, depth) {
        (Color::Rgb(red, green, blue), Depth::Palette) => {
            let level = |value: u8| match value {
                0..=47 => 0,
                48..=114 => 1,
                other => (other - 35) / 40,
            };
            Color::Indexed(16 + 36 * level(red) + 6 * level(green) + level(blue))
        }
        (colour, _) => colour,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: Color) -> Option<f64> {
        let Color::Rgb(red, green, blue) = colour else {
            return None;
        };
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        Some(0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue))
    }

    fn contrast(one: f64, other: f64) -> f64 {
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_shipped_theme_loads_and_every_role_has_a_name_of_its_own() {
        for (name, _) in SHIPPED {
            Theme::load(name, None, Depth::True).unwrap();
        }
        for tone in Tone::ALL {
            let same = Tone::ALL.iter().filter(|other| other.name() == tone.name());
            assert_eq!(same.count(), 1, "{tone:?}");
        }
    }

    /// Explicit colours must be readable on the theme's own ground (WCAG 2.2: 4.5 to 1 for text, 3 to 1 for frames).
    #[test]
    fn explicit_colours_have_enough_contrast() {
        let mut checked = 0;
        for (name, least) in [
            ("high-contrast", 7.0),
            ("colour-blind-safe", 4.5),
            ("dark", 4.5),
            ("light", 4.5),
        ] {
            let theme = Theme::load(name, None, Depth::True).unwrap();
            let ground = theme.style(Tone::Text).bg.and_then(luminance);
            for tone in Tone::ALL {
                let style = theme.style(*tone);
                let text = style.fg.and_then(luminance);
                let under = style.bg.and_then(luminance).or(ground);
                let (Some(text), Some(under)) = (text, under) else {
                    continue;
                };
                let least = match tone {
                    Tone::Border | Tone::Spark => 3.0,
                    _ => least,
                };
                let found = contrast(text, under);
                assert!(found >= least, "{name} {}: {found:.2}", tone.name());
                checked += 1;
            }
        }
        assert!(checked > 40);
    }

    #[test]
    fn mono_has_no_colour_at_all() {
        let theme = Theme::load("mono", None, Depth::True).unwrap();
        for tone in Tone::ALL {
            let style = theme.style(*tone);
            assert_eq!((style.fg, style.bg), (None, None), "{}", tone.name());
        }
    }

    #[test]
    fn a_users_theme_overrides_what_it_names_and_inherits_the_rest() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(directory.path().join(name), text).unwrap();
        };
        write(
            "mine.toml",
            "inherits = \"dark\"\n[failed]\nfg = \"#ff00ff\"\nbold = true\n",
        );
        let mine = Theme::load("mine", Some(directory.path()), Depth::True).unwrap();
        let dark = Theme::load("dark", None, Depth::True).unwrap();
        assert_eq!(mine.style(Tone::Failed).fg, Some(Color::Rgb(255, 0, 255)));
        assert_eq!(mine.style(Tone::Ok), dark.style(Tone::Ok));

        write("one.toml", "inherits = \"two\"\n");
        write("two.toml", "inherits = \"one\"\n");
        assert!(Theme::load("one", Some(directory.path()), Depth::True).is_err());
        write("odd.toml", "[textt]\nfg = \"red\"\n");
        let problem = Theme::load("odd", Some(directory.path()), Depth::True).unwrap_err();
        assert_eq!(
            problem,
            ThemeProblem::NoSuchRole("odd".into(), "textt".into())
        );
        assert!(Theme::load("../odd", Some(directory.path()), Depth::True).is_err());
    }

    #[test]
    fn a_missing_role_falls_back_to_its_relative() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(
            directory.path().join("bare.toml"),
            "[accent]\nfg = \"cyan\"\n",
        )
        .unwrap();
        let theme = Theme::load("bare", Some(directory.path()), Depth::True).unwrap();
        assert_eq!(theme.style(Tone::JsonKey).fg, Some(Color::Cyan));
        assert_eq!(theme.style(Tone::Dim), Style::new());
    }

    #[test]
    fn a_palette_terminal_gets_the_nearest_of_its_colours() {
        assert_eq!(
            shown(Color::Rgb(255, 0, 0), Depth::Palette),
            Color::Indexed(196)
        );
        assert_eq!(
            shown(Color::Rgb(255, 0, 0), Depth::True),
            Color::Rgb(255, 0, 0)
        );
        assert_eq!(shown(Color::Red, Depth::Palette), Color::Red);
    }
}
