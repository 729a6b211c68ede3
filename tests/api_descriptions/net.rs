//! The net under the drives: whatever request stands in an adapter's source, a drive has sent.
//!
//! Paths are told as texts in the source, mostly beside their methods. Each is looked for among what the drives sent, as
//! the end of a path, so that an adapter can't gain one that nobody drives. What decides a request at run time (which
//! table, which object, which filter) is not seen here.

use std::fs;
use std::path::Path;

use fieldbridge::model::Exchange;

/// A text in the source that looks like a path and is none of a request.
pub struct Unsent {
    pub text: &'static str,
    pub why: &'static str,
}

/// A request as the source tells it.
#[derive(Debug)]
struct Site {
    /// Where it stands.
    place: String,
    /// Its method, where it stands beside.
    method: Option<String>,
    /// The end of its path, with `{…}` for what varies.
    path: String,
}

/// A text in the source, and where it begins.
type Literal<'s> = (usize, &'s str);

/// Fails on a request in the sources of this room that was not sent, and on an `Unsent` that is not there.
pub fn every_request_was_sent(room: &str, exchanges: &[Exchange], unsent: &[Unsent]) {
    let sent: Vec<(&str, String)> = exchanges
        .iter()
        .map(|one| {
            let url = url::Url::parse(&one.url).unwrap();
            (one.method.as_str(), url.path().to_owned())
        })
        .collect();
    let sites = sites_of(room);
    assert!(sites.len() > 2, "{room} tells no paths");
    let is_listed = |site: &Site| unsent.iter().any(|one| one.text == site.path);
    let missing: Vec<String> = sites
        .iter()
        .filter(|site| !is_listed(site) && !sent.iter().any(|(method, path)| site.is(method, path)))
        .map(|site| {
            let method = site.method.as_deref().unwrap_or("?");
            format!("{}: {method} {}", site.place, site.path)
        })
        .collect();
    let over: Vec<&str> = unsent
        .iter()
        .filter(|one| one.why.is_empty() || !sites.iter().any(|site| site.path == one.text))
        .map(|one| one.text)
        .collect();
    assert!(
        missing.is_empty() && over.is_empty(),
        "{room}: requests that no drive has sent:\n{}\nlisted as no requests and not there: {over:?}",
        missing.join("\n")
    );
}

impl Site {
    fn is(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|own| own == method) && ends_in(path, &self.path)
    }
}

fn sites_of(room: &str) -> Vec<Site> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join(room);
    let module = fs::read_to_string(home.join("mod.rs")).unwrap();
    let mut sites = Vec::new();
    for file in fs::read_dir(&home).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let stem = name.trim_end_matches(".rs");
        if module.contains(&format!("#[cfg(test)]\nmod {stem};")) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        sites.extend(sites_in(&name, &text));
    }
    sites.sort_by(|one, other| one.place.cmp(&other.place));
    sites
}

/// The requests that a file's product part tells.
fn sites_in(file: &str, text: &str) -> Vec<Site> {
    let product = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let literals = literals(product);
    let place = |at: usize| format!("{file}:{}", product[..at].lines().count());
    let mut sites = Vec::new();
    for (at, literal) in &literals {
        if let Some((method, path)) = told(&product[..*at], literal) {
            sites.push(Site {
                place: place(*at),
                method,
                path,
            });
        }
    }
    for (at, method) in methods_of_paths(product) {
        sites.extend(path_before(product, &literals, at).map(|path| Site {
            place: place(at),
            method: Some(method),
            path: path.to_owned(),
        }));
    }
    sites
}

/// What `let path = …` holds at a place, where it is told in the same function.
fn path_before<'s>(text: &'s str, literals: &[Literal<'s>], at: usize) -> Option<&'s str> {
    let told = text[..at].rfind("let path = ")?;
    if text[told..at].contains("fn ") {
        return None;
    }
    let end = told + text[told..].find(';')?;
    let within = literals.iter().filter(|(at, _)| (told..end).contains(at));
    within.map(|(_, literal)| *literal).find(|it| is_path(it))
}

/// What stands before a pointer into an answer.
const POINTED: [&str; 2] = ["pointer(", "text("];

/// What may stand between a method and its path, outermost last.
const WRAPPINGS: [&str; 7] = [
    "&",
    "format!(",
    "&",
    "self.session.path(",
    "self.path(",
    "self.session.rest(",
    "client.session.rest(",
];

/// What a text says of a request, by what stands before it: `Method::PUT, "Tickets"`, `Ask::get("limits"`,
/// `ME = GET "/agents/me"`, or a path alone.
fn told(before: &str, literal: &str) -> Option<(Option<String>, String)> {
    let mut before = before.trim_end();
    if POINTED.iter().any(|end| before.ends_with(end)) {
        return None;
    }
    for wrapping in WRAPPINGS {
        before = before.strip_suffix(wrapping).unwrap_or(before).trim_end();
    }
    let method = |name: &str| Some(Some(name.to_owned()));
    let known = match before {
        _ if before.ends_with("Ask::get(") || before.ends_with("Request::get(") => method("GET"),
        _ if before.ends_with("Request::post(") => method("POST"),
        _ if before.ends_with("Ask::query(") => {
            return Some((Some("POST".to_owned()), format!("{literal}/query")));
        }
        _ if before.ends_with("Listing::of(") => {
            return Some((Some("GET".to_owned()), format!("table/{literal}")));
        }
        _ => {
            let rest = before.strip_suffix(',').unwrap_or(before);
            let word = rest
                .rsplit(|letter: char| !letter.is_ascii_uppercase())
                .next();
            let word = word.filter(|word| ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(word));
            let lead = word.map(|word| &rest[..rest.len() - word.len()]);
            lead.filter(|lead| lead.ends_with("Method::") || lead.ends_with("= "))
                .and_then(|_| method(word?))
        }
    };
    match known.filter(|_| !literal.is_empty()) {
        Some(known) => Some((known, literal.to_owned())),
        None => is_path(literal).then(|| (None, literal.to_owned())),
    }
}

/// The places where a request is made of a `path` that was told before, with its method.
fn methods_of_paths(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let is_path = |rest: &str| {
        let rest = rest.trim_start().strip_prefix("path");
        rest.is_some_and(|rest| {
            !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_')
        })
    };
    for (at, _) in text.match_indices("Ask::get(") {
        if is_path(&text[at + "Ask::get(".len()..]) {
            found.push((at, "GET".to_owned()));
        }
    }
    for (at, _) in text.match_indices("Method::") {
        let rest = &text[at + "Method::".len()..];
        let end = rest.find(|letter: char| !letter.is_ascii_uppercase());
        let (method, rest) = rest.split_at(end.unwrap_or(rest.len()));
        if rest.strip_prefix(',').is_some_and(is_path) {
            found.push((at, method.to_owned()));
        }
    }
    found
}

/// Whether a text looks like the path of a request.
fn is_path(text: &str) -> bool {
    let is_media_type = [
        "application/",
        "image/",
        "video/",
        "text/",
        "multipart/",
        "message/",
        "*/",
    ]
    .iter()
    .any(|family| text.starts_with(family));
    text.contains('/')
        && text.chars().any(|letter| letter.is_ascii_alphabetic())
        && !text.contains("://")
        && !text.contains(|letter: char| letter.is_whitespace() || "<>\\[](),;=".contains(letter))
        && !is_media_type
}

/// The texts in Rust's source, comments left out.
fn literals(text: &str) -> Vec<Literal<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        let (begin, end) = match rest {
            [b'/', b'/', ..] => {
                at += rest
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .unwrap_or(rest.len());
                continue;
            }
            [b'\'', b'"', b'\'', ..] => (0, 3),
            [b'\'', b'\\', b'"', b'\'', ..] => (0, 4),
            [b'r', b'#', b'"', ..] => (3, 3 + text[at + 3..].find("\"#").unwrap()),
            [b'"', ..] => (1, 1 + closing_quote(&rest[1..])),
            _ => (0, 1),
        };
        if begin > 0 {
            found.push((at, &text[at + begin..at + end]));
        }
        at += end.max(1) + begin.min(1);
    }
    found
}

fn closing_quote(text: &[u8]) -> usize {
    let mut escaped = false;
    let close = text.iter().position(|byte| {
        let is_it = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        is_it
    });
    close.unwrap()
}

/// Whether a path ends in what the source tells, part by part.
fn ends_in(path: &str, told: &str) -> bool {
    let told = told.split('?').next().unwrap().trim_matches('/');
    let mut parts = path.trim_matches('/').rsplit('/');
    told.rsplit('/').all(|told| match parts.next() {
        Some(part) => fits(part, told),
        // The root, which has a path of its own or none.
        None => told.starts_with('{') && told.ends_with('}'),
    })
}

fn fits(part: &str, told: &str) -> bool {
    match (told.split_once('{'), told.rsplit_once('}')) {
        (Some((head, _)), Some((_, tail))) => {
            part.len() >= head.len() + tail.len() && part.starts_with(head) && part.ends_with(tail)
        }
        _ => part == told,
    }
}

/// The net itself, on a source that is made up.
mod catching {
    use super::*;

    const SOURCE: &str = r#"
        //! Not "a/comment".
        let ask = Ask::get(format!("tickets/{id}/notes"), '"', "read a note");
        let path = format!("tickets/{id}");
        let ask = Ask::new(Method::PATCH, path.as_str(), Right::Edit, deed);
        let ask = Ask::new(
            Method::POST,
            "tickets",
            Right::Edit);
        ME = GET "/agents/me", BeAnAgent;
        let rows = Listing::of("sys_choice", query);
        request.header("accept", "application/json").query("q", "a b/c");
        #[cfg(test)]
        mod tests { const X: &str = "not/seen"; }
    "#;

    #[test]
    fn requests_are_read_off_the_source() {
        let source = SOURCE.replace("\n        ", "\n");
        let told: Vec<String> = sites_in("made_up.rs", &source)
            .iter()
            .map(|site| format!("{} {}", site.method.as_deref().unwrap_or("?"), site.path))
            .collect();
        assert_eq!(
            told,
            [
                "GET tickets/{id}/notes",
                "? tickets/{id}",
                "POST tickets",
                "GET /agents/me",
                "GET table/sys_choice",
                "PATCH tickets/{id}",
            ]
        );
    }

    #[test]
    fn a_path_ends_in_what_is_told_of_it() {
        for (path, told, fits) in [
            ("/v1.0/tickets/12/notes", "tickets/{id}/notes", true),
            ("/v1.0/tickets/12", "tickets/{id}/notes", false),
            ("/v1.0/tickets/12/notes", "/{id}/files", false),
            ("/oauth_token.do", "{}/oauth_token.do", true),
            (
                "/record/v1/task/eid:FN-5",
                "/record/v1/{type}/eid:{id}",
                true,
            ),
            ("/record/v1/task/5", "/record/v1/{type}/eid:{id}", false),
        ] {
            assert_eq!(ends_in(path, told), fits, "{path} {told}");
        }
    }
}
