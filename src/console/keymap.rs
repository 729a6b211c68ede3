//! Which key means which action, where.

use std::collections::BTreeMap;
use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{Action, Place};

/// A key with what is held down beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Why a key setting is not in force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// No action has the name.
    #[error("keys: there is no action `{0}`")]
    NoSuchAction(String),
    /// The text names no key.
    #[error(
        "keys: `{1}` for `{0}` is no key; write e.g. `x`, `X`, `ctrl-x`, `f5`, `enter`, `space`, `pageup`"
    )]
    NoSuchKey(String, String),
    /// Another action has the key in the same place.
    #[error("keys: `{key}` can't be `{wanted}`, it is `{taken}` already")]
    Taken {
        /// The key.
        key: String,
        /// The action it was to have.
        wanted: &'static str,
        /// The action that has it.
        taken: &'static str,
    },
}

const NAMED: [(&str, KeyCode, &str); 14] = [
    ("enter", KeyCode::Enter, "Enter"),
    ("esc", KeyCode::Esc, "Esc"),
    ("tab", KeyCode::Tab, "Tab"),
    ("backtab", KeyCode::BackTab, "Shift-Tab"),
    ("backspace", KeyCode::Backspace, "Backspace"),
    ("space", KeyCode::Char(' '), "Space"),
    ("up", KeyCode::Up, "Up"),
    ("down", KeyCode::Down, "Down"),
    ("left", KeyCode::Left, "Left"),
    ("right", KeyCode::Right, "Right"),
    ("pageup", KeyCode::PageUp, "PgUp"),
    ("pagedown", KeyCode::PageDown, "PgDn"),
    ("home", KeyCode::Home, "Home"),
    ("end", KeyCode::End, "End"),
];

impl Key {
    /// The key of a terminal event. Shift is part of a character and not told apart from it.
    #[must_use]
    pub fn of(event: KeyEvent) -> Self {
        let code = match event.code {
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        let modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        Self { code, modifiers }
    }

    /// Whether it is a character by itself.
    fn is_character(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && self.modifiers.is_empty()
    }

    /// The key of a name: `x`, `ctrl-x`, `alt-x`, `f5`, `enter`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|after| !after.is_empty()) {
                modifiers |= KeyModifiers::CONTROL;
                rest = after;
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|after| !after.is_empty())
            {
                modifiers |= KeyModifiers::ALT;
                rest = after;
            } else {
                break;
            }
        }
        let lower = rest.to_ascii_lowercase();
        let named = NAMED.iter().find(|(name, _, _)| *name == lower);
        let function = lower.strip_prefix('f').and_then(|n| n.parse::<u8>().ok());
        let mut characters = rest.chars();
        let code = match (characters.next(), characters.next(), named, function) {
            (Some(character), None, _, _) if !character.is_control() => KeyCode::Char(character),
            (_, _, Some((_, code, _)), _) => *code,
            (_, _, _, Some(number @ 1..=24)) => KeyCode::F(number),
            _ => return None,
        };
        Some(Self { code, modifiers })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            formatter.write_str("Ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            formatter.write_str("Alt-")?;
        }
        if let Some((_, _, shown)) = NAMED.iter().find(|(_, code, _)| *code == self.code) {
            return formatter.write_str(shown);
        }
        match self.code {
            KeyCode::Char(character) => write!(formatter, "{character}"),
            KeyCode::F(number) => write!(formatter, "F{number}"),
            other => write!(formatter, "{other}"),
        }
    }
}

/// The keys in force.
#[derive(Clone, Debug)]
pub struct KeyMap {
    bindings: Vec<(Key, Action)>,
}

impl Default for KeyMap {
    fn default() -> Self {
        let bindings = Action::ALL.iter().flat_map(|action| {
            let keys = action.default_keys().iter();
            keys.filter_map(|text| Key::parse(text))
                .map(|key| (key, *action))
        });
        Self {
            bindings: bindings.collect(),
        }
    }
}

impl KeyMap {
    /// The default keys with a person's settings over them: action name to keys, apart by spaces. What can't be is
    /// left as it was and told.
    #[must_use]
    pub fn with(settings: &BTreeMap<String, String>) -> (Self, Vec<KeyProblem>) {
        let mut map = Self::default();
        let mut problems = Vec::new();
        let mut wanted = Vec::new();
        for (name, keys) in settings {
            match read_setting(name, keys) {
                Ok((action, keys)) => {
                    map.bindings.retain(|(_, bound)| *bound != action);
                    wanted.push((action, keys));
                }
                Err(problem) => problems.push(problem),
            }
        }
        // All settings are taken away first, so that two actions can swap their keys.
        for (action, keys) in wanted {
            let taken = keys
                .iter()
                .find_map(|key| map.conflict(*key, action).map(|taken| (*key, taken)));
            match taken {
                None => map
                    .bindings
                    .extend(keys.into_iter().map(|key| (key, action))),
                Some((key, taken)) => {
                    problems.push(KeyProblem::Taken {
                        key: key.to_string(),
                        wanted: action.name(),
                        taken: taken.name(),
                    });
                    let old = action.default_keys().iter();
                    let free = old
                        .filter_map(|text| Key::parse(text))
                        .filter(|key| map.conflict(*key, action).is_none());
                    let free: Vec<_> = free.map(|key| (key, action)).collect();
                    map.bindings.extend(free);
                }
            }
        }
        (map, problems)
    }

    fn conflict(&self, key: Key, action: Action) -> Option<Action> {
        let bound = self.bindings.iter().filter(|(bound, _)| *bound == key);
        bound
            .map(|(_, other)| *other)
            .find(|other| other.places().meet(action.places()))
    }

    /// The action of a key in a place.
    #[must_use]
    pub fn action(&self, key: Key, place: Place) -> Option<Action> {
        if place.is_typed_in() && key.is_character() {
            return None;
        }
        self.bindings
            .iter()
            .find(|(bound, action)| *bound == key && action.places().include(place))
            .map(|(_, action)| *action)
    }

    /// The keys of an action, the one to be shown first.
    pub fn keys(&self, action: Action) -> impl Iterator<Item = Key> + '_ {
        self.bindings
            .iter()
            .filter(move |(_, bound)| *bound == action)
            .map(|(key, _)| *key)
    }

    /// The keys of an action that work in a place.
    pub fn keys_in(&self, action: Action, place: Place) -> impl Iterator<Item = Key> + '_ {
        self.keys(action)
            .filter(move |key| !(place.is_typed_in() && key.is_character()))
    }

    /// The key to show for an action in a place; empty when it has none.
    #[must_use]
    pub fn shown_in(&self, action: Action, place: Place) -> String {
        let first = self.keys_in(action, place).next();
        first.map_or_else(String::new, |key| key.to_string())
    }

    /// The key to show for an action; empty when it has none.
    #[must_use]
    pub fn shown(&self, action: Action) -> String {
        self.keys(action)
            .next()
            .map_or_else(String::new, |key| key.to_string())
    }
}

fn read_setting(name: &str, keys: &str) -> Result<(Action, Vec<Key>), KeyProblem> {
    let action =
        Action::from_name(name).ok_or_else(|| KeyProblem::NoSuchAction(name.to_owned()))?;
    let keys = keys.split_whitespace().map(|text| {
        Key::parse(text).ok_or_else(|| KeyProblem::NoSuchKey(name.to_owned(), text.to_owned()))
    });
    Ok((action, keys.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = pairs.iter().map(|(a, k)| ((*a).into(), (*k).into()));
        owned.collect()
    }

    #[test]
    fn every_default_key_is_a_key() {
        for action in Action::ALL {
            assert!(!action.default_keys().is_empty(), "{action:?}");
            for key in action.default_keys() {
                assert!(Key::parse(key).is_some(), "{key}");
            }
        }
    }

    #[test]
    fn no_two_actions_share_a_key_in_a_place() {
        let map = KeyMap::default();
        for place in Place::ALL {
            for (index, (key, action)) in map.bindings.iter().enumerate() {
                let later = map.bindings.iter().skip(index + 1);
                for (other_key, other) in later {
                    let both = action.places().include(place) && other.places().include(place);
                    assert!(
                        !(both && key == other_key),
                        "{key}: {action:?} and {other:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn settings_replace_the_keys_of_an_action() {
        let (map, problems) = KeyMap::with(&settings(&[("help", "f2 ctrl-h")]));
        assert_eq!(problems, []);
        assert_eq!(map.shown(Action::Help), "F2");
        let question = Key::parse("?").unwrap();
        assert_eq!(map.action(question, Place::Failed), None);
    }

    #[test]
    fn two_actions_can_swap_their_keys() {
        let (map, problems) = KeyMap::with(&settings(&[("edit", "d"), ("discard", "e")]));
        assert_eq!(problems, []);
        let key = Key::parse("d").unwrap();
        assert_eq!(map.action(key, Place::Transaction), Some(Action::Edit));
    }

    #[test]
    fn a_setting_that_cannot_be_is_told_and_changes_nothing() {
        let wrong = [("help", "q"), ("nonsense", "x"), ("edit", "hyper-x")];
        let (map, problems) = KeyMap::with(&settings(&wrong));
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert_eq!(map.shown(Action::Help), "?");
        assert_eq!(map.shown(Action::Edit), "e");
    }

    #[test]
    fn keys_are_shown_as_people_write_them() {
        for (text, shown) in [
            ("ctrl-c", "Ctrl-c"),
            ("f5", "F5"),
            ("space", "Space"),
            ("-", "-"),
        ] {
            assert_eq!(Key::parse(text).unwrap().to_string(), shown);
        }
    }
}
