//! Help and key bar, both made from the keymap in force.

use super::action::Action;
use super::app::App;
use super::document::Line;
use super::rights;
use super::theme::Tone;

/// The keys of the view in front, each with what it does and why it can't now, if it can't.
#[must_use]
pub fn lines(app: &App) -> Vec<Line> {
    let place = app.place();
    let mut lines = Vec::new();
    let here = Action::ALL
        .iter()
        .filter(|action| action.places().include(place));
    let mut general = false;
    for action in here {
        if *action == Action::Up && !general {
            general = true;
            lines.push(Line::default());
        }
        let keys: Vec<String> = app
            .keymap
            .keys_in(*action, place)
            .map(|key| key.to_string())
            .collect();
        let keys = keys.join(" ");
        let line = match rights::refusal(app, *action) {
            None => {
                Line::of(Tone::Key, format!("{keys:<16}")).with(Tone::Text, action.explanation())
            }
            Some(why) => Line::of(Tone::Dim, format!("{keys:<16}{}", action.explanation()))
                .with(Tone::Dim, format!(" Not now: {why}.")),
        };
        lines.push(line.hanging(16));
    }
    lines.push(Line::default());
    let notes = [
        "In a filter: word, !not, ~fuzzy, key=value (connector, state, step, class, record, wo, direction, event, cause).",
        "In the palette: search <record, work order or transaction id, text>.",
        "Keys can be changed under [keys] in fieldbridge.toml: action = \"key\".",
    ];
    lines.extend(notes.map(|note| Line::of(Tone::Dim, note).hanging(2)));
    lines
}

/// What the key bar names: key, word, and whether it can be done now.
#[must_use]
pub fn key_bar(app: &App) -> Vec<(String, &'static str, Tone)> {
    let place = app.place();
    Action::ALL
        .iter()
        .filter(|action| action.is_in_key_bar() && action.places().include(place))
        .map(|action| {
            let tone = match rights::refusal(app, *action) {
                None => Tone::Text,
                Some(_) => Tone::Dim,
            };
            (app.keymap.shown_in(*action, place), action.title(), tone)
        })
        .collect()
}
