//! Holds the rooms of the house to their order: whoever reads a room need only know those below it.

use std::fs;
use std::path::{Path, PathBuf};

use fieldbridge::model::PlatformKind;

/// From the ground up, as `src/lib.rs` lists them.
const ROOMS: [&str; 13] = [
    "model",
    "config",
    "mapping",
    "store",
    "http",
    "fieldnation",
    "openapi",
    "platform",
    "sandbox",
    "engine",
    "api",
    "console",
    "cli",
];

/// A source file: its path below `src/`, and its text without comments.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let lines = text
            .lines()
            .map(|line| line.split("//").next().unwrap_or(""));
        Self {
            path: path.into(),
            text: lines.collect::<Vec<_>>().join("\n"),
        }
    }

    /// The room it stands in; none for `lib.rs` and `main.rs`.
    fn room(&self) -> Option<&str> {
        let first = self.path.components().next()?.as_os_str().to_str()?;
        ROOMS.contains(&first).then_some(first)
    }

    /// Whether it belongs to a platform's stand-in: a folder of that platform's name.
    fn is_a_stand_in(&self) -> bool {
        let mut way = self.path.components().map(std::path::Component::as_os_str);
        let is_sandbox = way.next().is_some_and(|room| room == "sandbox");
        let folder = way.next().and_then(|folder| folder.to_str());
        is_sandbox && folder.is_some_and(|folder| folder.parse::<PlatformKind>().is_ok())
    }

    fn is_in(&self, places: &[&str]) -> bool {
        let path = self.path.to_string_lossy();
        places.iter().any(|place| path.starts_with(place))
    }

    /// The text before the unit tests.
    fn product(&self) -> &str {
        self.text.split("#[cfg(test)]").next().unwrap_or("")
    }

    /// The rooms it names as `crate::room`, also within braces.
    fn rooms_used(&self) -> Vec<&str> {
        let mut used = Vec::new();
        for (place, _) in self.text.match_indices("crate::") {
            if self.text[..place].ends_with(is_word) {
                continue;
            }
            let rest = &self.text[place + "crate::".len()..];
            match rest.strip_prefix('{') {
                Some(group) => used.extend(outermost_names(group)),
                None => used.push(word(rest)),
            }
        }
        used.retain(|name| ROOMS.contains(name));
        used
    }
}

fn is_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

/// The identifier that a text begins with.
fn word(text: &str) -> &str {
    let end = text.find(|char| !is_word(char)).unwrap_or(text.len());
    &text[..end]
}

/// In `a::{b, c}, d}` of a `use crate::{…}`: `a` and `d`.
fn outermost_names(group: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut depth = 0;
    let mut begins = true;
    for (place, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            char if begins && is_word(char) => {
                names.push(word(&group[place..]));
                begins = false;
            }
            _ => {}
        }
    }
    names
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(&root).unwrap();
                found.push(Source::new(&path.to_string_lossy(), &text));
            }
        }
    }
    assert!(
        found.len() > 50,
        "the sources are where they are looked for"
    );
    found
}

/// What a rule says against a set of sources, file by file.
fn broken(sources: &[Source], rule: fn(&Source) -> Vec<String>) -> Vec<String> {
    let complaints = sources.iter().flat_map(|source| {
        let path = source.path.display().to_string();
        rule(source)
            .into_iter()
            .map(move |what| format!("{path}: {what}"))
    });
    complaints.collect()
}

fn height(room: &str) -> Option<usize> {
    ROOMS.iter().position(|one| *one == room)
}

/// A room uses those below it and never those above.
fn upward(source: &Source) -> Vec<String> {
    let Some(room) = source.room() else {
        return Vec::new();
    };
    let above = source
        .rooms_used()
        .into_iter()
        .filter(|used| height(used) > height(room));
    above
        .map(|used| format!("{room} uses {used}, which stands above it"))
        .collect()
}

/// What stands in for the outside is known to the command line alone, and knows nothing but plain data.
fn sandbox_apart(source: &Source) -> Vec<String> {
    let used = source.rooms_used();
    match source.room() {
        Some("sandbox") => used
            .into_iter()
            .filter(|room| !["sandbox", "model"].contains(room))
            .map(|room| format!("the sandbox uses {room}"))
            .collect(),
        Some("cli") | None => Vec::new(),
        Some(room) => used
            .into_iter()
            .filter(|used| *used == "sandbox")
            .map(|_| format!("{room} uses the sandbox"))
            .collect(),
    }
}

/// The database is known to its own folder, and to the command line that opens it.
fn redb_apart(source: &Source) -> Vec<String> {
    if source.is_in(&["store/redb", "store/mod.rs", "cli"]) {
        return Vec::new();
    }
    let named = source.text.match_indices("redb").filter(|(place, name)| {
        let before = source.text[..*place].chars().next_back();
        let after = source.text[place + name.len()..].chars().next();
        // `fieldbridge.redb` is a file's name and names no crate.
        !before.is_some_and(|char| is_word(char) || char == '.') && !after.is_some_and(is_word)
    });
    named.map(|_| "names redb".to_owned()).collect()
}

/// What depends on a platform belongs into its adapter or its stand-in; templates and the demo have one entry for each.
fn platforms_apart(source: &Source) -> Vec<String> {
    if source.is_in(&[
        "platform",
        "model/platform_kind.rs",
        "config/init",
        "cli/demo",
        "sandbox/register.rs",
    ]) || source.is_a_stand_in()
    {
        return Vec::new();
    }
    let product = source.product();
    let named = product
        .match_indices("PlatformKind::")
        .filter_map(|(place, prefix)| {
            let name = word(&product[place + prefix.len()..]);
            let is_variant = name.starts_with(char::is_uppercase) && name != "ALL";
            is_variant.then(|| format!("decides by PlatformKind::{name}"))
        });
    named.collect()
}

#[test]
fn no_room_uses_one_above_it() {
    assert_eq!(broken(&sources(), upward), [""; 0]);
}

#[test]
fn the_sandbox_stands_apart() {
    assert_eq!(broken(&sources(), sandbox_apart), [""; 0]);
}

#[test]
fn only_the_store_knows_its_database() {
    assert_eq!(broken(&sources(), redb_apart), [""; 0]);
}

#[test]
fn only_adapters_know_their_platform() {
    assert_eq!(broken(&sources(), platforms_apart), [""; 0]);
}

#[test]
fn the_rooms_are_those_of_the_library() {
    let library = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).unwrap();
    let mut declared: Vec<_> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let mut rooms = ROOMS.to_vec();
    declared.sort_unstable();
    rooms.sort_unstable();
    assert_eq!(declared, rooms);
    let listed = library.lines().filter_map(|line| {
        let name = line.strip_prefix("//! - [`")?;
        name.split('`').next()
    });
    assert_eq!(listed.collect::<Vec<_>>(), ROOMS, "in this order");
}

#[test]
fn the_rules_would_notice() {
    let notices = |rule: fn(&Source) -> Vec<String>, path: &str, text: &str| {
        broken(&[Source::new(path, text)], rule).len()
    };
    assert_eq!(
        notices(upward, "store/mod.rs", "use crate::engine::Control;"),
        1
    );
    let group = "use crate::{model::{State, Step}, api::Client, engine};";
    assert_eq!(notices(upward, "store/mod.rs", group), 2);
    assert_eq!(
        notices(upward, "store/mod.rs", "fn f() -> crate::cli::Exit {}"),
        1
    );
    assert_eq!(
        notices(
            upward,
            "engine/mod.rs",
            "use crate::store::Store; // crate::cli::X"
        ),
        0
    );
    assert_eq!(
        notices(sandbox_apart, "engine/mod.rs", "use crate::sandbox::Fault;"),
        1
    );
    assert_eq!(
        notices(
            sandbox_apart,
            "sandbox/mod.rs",
            "use crate::platform::Platform;"
        ),
        1
    );
    assert_eq!(
        notices(sandbox_apart, "cli/demo.rs", "use crate::sandbox::Fault;"),
        0
    );
    assert_eq!(
        notices(redb_apart, "engine/mod.rs", "use redb::Database;"),
        1
    );
    assert_eq!(
        notices(
            redb_apart,
            "engine/mod.rs",
            "use crate::store::redb::RedbStore;"
        ),
        1
    );
    assert_eq!(
        notices(
            redb_apart,
            "engine/mod.rs",
            "path.join(\"fieldbridge.redb\")"
        ),
        0
    );
    let decides = "if kind == PlatformKind::Autotask {}";
    assert_eq!(notices(platforms_apart, "engine/mod.rs", decides), 1);
    assert_eq!(notices(platforms_apart, "platform/registry.rs", decides), 0);
    let test = "for kind in PlatformKind::ALL {}\n#[cfg(test)]\nPlatformKind::Rest";
    assert_eq!(notices(platforms_apart, "console/view.rs", test), 0);
}
