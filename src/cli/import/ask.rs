//! `connector import-openapi --ask`: choosing on a terminal, one question after the other.

use std::io::{self, BufRead, IsTerminal, Write};

use super::{Draft, impossible};
use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::text::{safe, safe_lines};
use crate::platform::{Choice, Offer, OfferedOperation, Proposal, Purpose};

/// How many operations are listed at once.
const LISTED: usize = 9;

/// Asks for all that is to be chosen, shows the file and, if that is wanted, writes it.
pub(super) fn wizard(context: &Context, mut draft: Draft<'_>) -> Result<(), CliError> {
    if context.output.is_json() || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(CliError::Usage(
            "--ask asks a person on a terminal, and this is none; choose with --fetch, --create and the like instead"
                .to_owned(),
        ));
    }
    context.may_change()?;
    draft.is_free(context)?;
    let mut talk = Talk {
        input: io::stdin().lock(),
        output: io::stdout().lock(),
    };
    talk.choose(&mut draft)?;
    let text = draft.text()?;
    let file = context.directory.connector_file(draft.id);
    talk.say(&safe_lines(&text))?;
    let question = format!("Write {}? [y/N] ", safe(&file.display().to_string()));
    let answer = talk.ask(&question)?;
    drop(talk);
    if !matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes") {
        return Err(CliError::Refused("nothing was written".to_owned()));
    }
    draft.write(context)
}

/// A conversation line by line.
struct Talk<I, O> {
    input: I,
    output: O,
}

/// What a person answered to a list of operations.
enum Picked {
    Operation(String),
    Nothing,
    Search(String),
}

impl<I: BufRead, O: Write> Talk<I, O> {
    /// Goes through all there is to choose.
    fn choose(&mut self, draft: &mut Draft<'_>) -> Result<(), CliError> {
        let proposal = match draft.choice.operation(Purpose::Fetch) {
            Some(fetch) => {
                Proposal::around(draft.document, fetch, None).map_err(|why| impossible(&why))?
            }
            None => Proposal::of(draft.document),
        };
        let mut offer = proposal.offer();
        self.introduce(&offer)?;
        let fetch = loop {
            let proposed = draft.choice.operation(Purpose::Fetch);
            let picked = self.pick(&offer, Purpose::Fetch, proposed)?;
            let Some(fetch) = picked else {
                self.say("A connector can't do without an operation that reads one record.")?;
                continue;
            };
            match Proposal::around(draft.document, &fetch, None) {
                Ok(around) => {
                    if draft.choice.operation(Purpose::Fetch) != Some(&fetch) {
                        // What was proposed belonged to another record.
                        draft.choice = Choice {
                            base_url: draft.choice.base_url.take(),
                            ..around.choice()
                        };
                    }
                    offer = around.offer();
                    break fetch;
                }
                Err(problem) => self.say(&safe(&problem.to_string()))?,
            }
        };
        draft.choice.operations.insert(Purpose::Fetch, fetch);
        for purpose in Purpose::ALL.into_iter().skip(1) {
            let proposed = draft.choice.operation(purpose);
            match self.pick(&offer, purpose, proposed)? {
                Some(name) => drop(draft.choice.operations.insert(purpose, name)),
                None => drop(draft.choice.operations.remove(&purpose)),
            }
        }
        self.settings(&offer, &mut draft.choice)
    }

    fn introduce(&mut self, offer: &Offer) -> Result<(), CliError> {
        let title = format!("{} {}", offer.title, offer.version);
        self.say(&safe(title.trim()))?;
        for problem in &offer.problems {
            self.say(&format!("▲ {}", safe(problem)))?;
        }
        Ok(())
    }

    /// The operation for a purpose, or none.
    fn pick(
        &mut self,
        offer: &Offer,
        purpose: Purpose,
        proposed: Option<&str>,
    ) -> Result<Option<String>, CliError> {
        let others = offer.candidates(purpose).iter().map(String::as_str);
        let others = others.filter(|name| Some(*name) != proposed);
        let likely = proposed.into_iter().chain(others);
        let mut listed: Vec<&OfferedOperation> =
            likely.filter_map(|name| offer.operation(name)).collect();
        let mut first = proposed;
        loop {
            self.say(&format!("\n{}: {}", purpose.word(), purpose.explanation()))?;
            let more = listed.len().saturating_sub(LISTED);
            listed.truncate(LISTED);
            for (index, operation) in listed.iter().enumerate() {
                self.say(&format!("  {} {}", index + 1, told(operation)))?;
            }
            if more > 0 {
                self.say(&format!("    {more} more; type words to search"))?;
            }
            let enter = first.map_or("none".into(), |name| safe(name).into_owned());
            let question = format!("Number, words to search, - for none [{enter}] ");
            let answer = self.ask(&question)?;
            match picked(&answer, &listed, first) {
                Picked::Operation(name) => return Ok(Some(name)),
                Picked::Nothing => return Ok(None),
                Picked::Search(words) => {
                    let found = search(offer, &words);
                    if found.is_empty() {
                        self.say(&format!("No operation has the words {}.", safe(&words)))?;
                    } else {
                        first = found.first().map(|operation| operation.name.as_str());
                        listed = found;
                    }
                }
            }
        }
    }

    /// What only a person knows: the address where the description has none, the way in, names and values.
    fn settings(&mut self, offer: &Offer, choice: &mut Choice) -> Result<(), CliError> {
        if offer.servers.is_empty() && choice.base_url.is_none() {
            self.say("\nThe description does not say where the API answers.")?;
            let address = self.ask("Address, e.g. https://api.example.com/v1: ")?;
            choice.base_url = Some(address).filter(|address| !address.is_empty());
        }
        if offer.credentials.len() > 1 {
            self.credential(offer, choice)?;
        }
        let account = offer.credential(choice);
        if let Some(account) = account.and_then(|credential| credential.account.clone()) {
            let answer = self.ask(&format!("\n{account}: "))?;
            choice.account = Some(answer).filter(|answer| !answer.is_empty());
        }
        for name in offer.open_parameters(choice) {
            let question = format!("\nThe operations need a value for {}: ", safe(&name));
            let answer = self.ask(&question)?;
            if !answer.is_empty() {
                choice.parameters.insert(name, answer);
            }
        }
        Ok(())
    }

    fn credential(&mut self, offer: &Offer, choice: &mut Choice) -> Result<(), CliError> {
        self.say("\ncredential: how the connector proves who it is")?;
        for (index, one) in offer.credentials.iter().enumerate() {
            let line = format!("{}: {}", one.scheme, one.words);
            self.say(&format!("  {} {}", index + 1, safe(&line)))?;
        }
        loop {
            let answer = self.ask("Number, - for none [1] ")?;
            let number = match answer.as_str() {
                "" => Some(1),
                "-" => {
                    choice.credential = None;
                    return Ok(());
                }
                other => other.parse::<usize>().ok(),
            };
            let found = number.and_then(|number| offer.credentials.get(number.checked_sub(1)?));
            if let Some(found) = found {
                choice.credential = Some(found.scheme.clone());
                return Ok(());
            }
            self.say("There is none of that number.")?;
        }
    }

    fn say(&mut self, line: &str) -> Result<(), CliError> {
        writeln!(self.output, "{line}").map_err(|why| broken(&why))
    }

    fn ask(&mut self, question: &str) -> Result<String, CliError> {
        write!(self.output, "{question}").map_err(|why| broken(&why))?;
        self.output.flush().map_err(|why| broken(&why))?;
        let mut line = String::new();
        if self
            .input
            .read_line(&mut line)
            .map_err(|why| broken(&why))?
            == 0
        {
            self.say("")?;
            return Err(CliError::Refused("nothing was written".to_owned()));
        }
        Ok(line.trim().to_owned())
    }
}

fn broken(error: &io::Error) -> CliError {
    CliError::failed(format!("the terminal is gone: {error}"))
}

/// What an answer means: nothing typed takes the first, a number that line, anything else is searched for.
fn picked(answer: &str, listed: &[&OfferedOperation], first: Option<&str>) -> Picked {
    let of = |name: &str| Picked::Operation(name.to_owned());
    match answer {
        "" => first.map_or(Picked::Nothing, of),
        "-" => Picked::Nothing,
        words => {
            let number = words.parse::<usize>().ok();
            let line = number.and_then(|number| listed.get(number.checked_sub(1)?));
            let named = listed.iter().find(|operation| operation.name == words);
            match line.or(named) {
                Some(operation) => of(&operation.name),
                None => Picked::Search(words.to_owned()),
            }
        }
    }
}

/// The operations that have all these words somewhere; one of just this name first.
fn search<'a>(offer: &'a Offer, words: &str) -> Vec<&'a OfferedOperation> {
    let words = words.to_lowercase();
    let has_all = |operation: &&OfferedOperation| {
        let text = told(operation).to_lowercase();
        words.split_whitespace().all(|word| text.contains(word))
    };
    let mut found: Vec<&OfferedOperation> = offer.operations.iter().filter(has_all).collect();
    found.sort_by_key(|operation| operation.name.to_lowercase() != words);
    found
}

/// An operation on a line.
fn told(operation: &OfferedOperation) -> String {
    let mut line = format!("{} {}", operation.method, operation.path);
    if let Some(id) = &operation.id {
        line = format!("{line}  {id}");
    }
    if !operation.summary.is_empty() {
        line = format!("{line}  \"{}\"", operation.summary);
    }
    if operation.deprecated {
        line.push_str("  (deprecated)");
    }
    safe(&line).into_owned()
}
