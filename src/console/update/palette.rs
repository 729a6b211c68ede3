//! The palette: actions, views, connectors and searches by a few letters.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{act, connector, list, transaction, wizard};
use crate::console::action::{Action, Place};
use crate::console::app::{App, Intent, Mood, Source};
use crate::console::dialog::{Command, Dialog, Offer, Palette};
use crate::console::filter::fuzzy;
use crate::console::input::Input;
use crate::console::message::{Effect, Search};
use crate::console::rights;
use crate::model::{ConnectorId, Direction, RecordId, State, TransactionId, WorkOrderId};
use crate::store::ListQuery;

/// What the palette offers for what is typed, best first.
#[must_use]
pub fn offers(app: &App, typed: &str) -> Vec<Offer> {
    let typed = typed.trim();
    if let Some(words) = search_words(typed) {
        return vec![Offer {
            name: format!("search {words}"),
            explanation: "record, work order or transaction id, text, state=dead, connector=…, record=…, wo=…".to_owned(),
            refused: words.is_empty().then(|| "type what to look for".to_owned()),
            command: Command::Search(words.to_owned()),
        }];
    }
    let mut ranked: Vec<(usize, Offer)> = all(app)
        .into_iter()
        .filter_map(|offer| {
            let by_name = fuzzy(typed, &offer.name);
            let by_text = fuzzy(typed, &offer.explanation).map(|cost| cost + 40);
            let cost = by_name.into_iter().chain(by_text).min()?;
            Some((cost, offer))
        })
        .collect();
    ranked.sort_by_key(|(cost, _)| *cost);
    ranked.into_iter().map(|(_, offer)| offer).collect()
}

fn search_words(typed: &str) -> Option<&str> {
    let rest = typed
        .strip_prefix("search")
        .or_else(|| typed.strip_prefix("tx "))?;
    (rest.is_empty() || rest.starts_with(' ') || typed.starts_with("tx ")).then(|| rest.trim())
}

fn all(app: &App) -> Vec<Offer> {
    let place = app.place();
    let here = Action::ALL
        .iter()
        .filter(|action| action.places().include(place));
    let mut offers: Vec<Offer> = here
        .filter(|action| **action != Action::Palette)
        .map(|action| Offer {
            name: action.name().replace('_', " "),
            explanation: action.explanation().to_owned(),
            refused: rights::refusal(app, *action),
            command: Command::Act(*action),
        })
        .collect();
    let new = Action::NewConnector;
    if !new.places().include(place) && place != Place::Wizard {
        offers.push(Offer {
            name: new.name().replace('_', " "),
            explanation: new.explanation().to_owned(),
            refused: rights::refusal(app, new),
            command: Command::NewConnector,
        });
    }
    offers.push(Offer {
        name: "search …".to_owned(),
        explanation: "Finds transactions by record, work order or transaction id, or text."
            .to_owned(),
        refused: None,
        command: Command::Search(String::new()),
    });
    offers.push(Offer {
        name: "transactions".to_owned(),
        explanation: "Lists all transactions.".to_owned(),
        refused: None,
        command: Command::List(None),
    });
    offers.extend(State::ALL.into_iter().map(|state| Offer {
        name: format!("transactions {}", state.word()),
        explanation: format!("Lists the transactions that are {}.", state.word()),
        refused: None,
        command: Command::List(Some(state)),
    }));
    offers.extend(app.connectors().iter().map(|view| Offer {
        name: format!("connector {}", view.id),
        explanation: format!("Shows {} ({}).", view.name, view.platform.title()),
        refused: None,
        command: Command::Connector(view.id.clone()),
    }));
    offers
}

/// Takes a key while the palette is open.
pub(super) fn press(app: &mut App, mut state: Palette, event: KeyEvent) -> Vec<Effect> {
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    let offers = offers(app, state.input.text());
    let last = offers.len().saturating_sub(1);
    match event.code {
        KeyCode::Enter => {
            if let Some(offer) = offers.into_iter().nth(state.selected.min(last)) {
                return chosen(app, state, offer);
            }
        }
        KeyCode::Down => state.selected = (state.selected + 1).min(last),
        KeyCode::Up => state.selected = state.selected.saturating_sub(1),
        KeyCode::Char('n') if control => state.selected = (state.selected + 1).min(last),
        KeyCode::Char('p') if control => state.selected = state.selected.saturating_sub(1),
        KeyCode::Char('c') if control => return Vec::new(),
        KeyCode::Tab => {
            if let Some(offer) = offers.get(state.selected.min(last)) {
                let name = offer.name.trim_end_matches('…');
                state.input = Input::new(name);
                state.selected = 0;
            }
        }
        _ => {
            state.input.key(event);
            state.selected = 0;
        }
    }
    app.dialog = Some(Dialog::Palette(state));
    Vec::new()
}

fn chosen(app: &mut App, state: Palette, offer: Offer) -> Vec<Effect> {
    if let Some(why) = offer.refused {
        app.tell(Mood::Bad, format!("{}: {why}", offer.name));
        app.dialog = Some(Dialog::Palette(state));
        return Vec::new();
    }
    match offer.command {
        Command::Act(action) => act(app, action),
        Command::Search(words) if words.is_empty() => {
            app.dialog = Some(Dialog::Palette(Palette {
                input: Input::new("search "),
                selected: 0,
            }));
            Vec::new()
        }
        Command::Search(words) => search(app, &words),
        Command::List(state) => {
            let query = ListQuery {
                states: state.into_iter().collect(),
                limit: list::PAGE,
                ..ListQuery::default()
            };
            let title = match state {
                Some(state) => format!("Transactions, {}", state.word()),
                None => "Transactions".to_owned(),
            };
            list::open_list(app, title, Source::Query(query))
        }
        Command::Connector(id) => connector::open(app, id),
        Command::NewConnector => wizard::open(app),
    }
}

fn search(app: &mut App, words: &str) -> Vec<Effect> {
    if let Ok(id) = words.parse::<TransactionId>() {
        return transaction::open(app, id, vec!["Search".to_owned()], Intent::Look);
    }
    match read_search(words) {
        Ok(search) => list::open_search(app, format!("Search {words}"), search),
        Err(why) => {
            app.tell(Mood::Bad, why);
            Vec::new()
        }
    }
}

/// Reads what is searched for.
///
/// # Errors
/// A sentence when a `key=value` names no key, or no value of it.
pub(super) fn read_search(words: &str) -> Result<Search, String> {
    let mut search = Search::default();
    search.query.limit = list::PAGE;
    let mut text = Vec::new();
    for word in words.split_whitespace() {
        let Some((key, value)) = word.split_once('=') else {
            text.push(word);
            continue;
        };
        let query = &mut search.query;
        match key {
            "connector" => {
                let id = ConnectorId::new(value).map_err(|error| error.to_string())?;
                query.connector = Some(id);
            }
            "state" => {
                let state = value.parse::<State>().map_err(|error| error.to_string())?;
                query.states.push(state);
            }
            "direction" => {
                let found = Direction::ALL.into_iter().find(|way| way.word() == value);
                let way = found.ok_or("direction is inbound or outbound")?;
                query.direction = Some(way);
            }
            "record" => query.record = Some(RecordId::new(value)),
            "wo" | "work_order" => {
                let number = value.parse().map_err(|_| "a work order is a number")?;
                query.work_order = Some(WorkOrderId(number));
            }
            _ => text.push(word),
        }
    }
    search.text = (!text.is_empty()).then(|| text.join(" "));
    Ok(search)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_names_columns_and_text() {
        let search = read_search("state=dead connector=cw-main printer jam wo=12").unwrap();
        assert_eq!(search.query.states, [State::Dead]);
        assert_eq!(search.query.work_order, Some(WorkOrderId(12)));
        assert_eq!(search.text.as_deref(), Some("printer jam"));
        assert!(read_search("state=gone").is_err());
        assert!(read_search("wo=abc").is_err());
        assert_eq!(read_search("a=b").unwrap().text.as_deref(), Some("a=b"));
    }
}
