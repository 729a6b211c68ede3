//! `fieldbridge doctor`: what the engine needs of this machine.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::context::Context;
use super::failure::CliError;
use super::output::{Look, Output};
use super::text::{push_line, safe};
use super::words;
use crate::api::{Client, ClientError};
use crate::config::DataDirectory;
use crate::model::Timestamp;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    /// It works, and should not stay so.
    Doubtful,
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    detail: String,
}

impl Finding {
    fn good(what: &'static str, detail: impl Into<String>) -> Self {
        Self::new(what, Verdict::Good, detail)
    }

    fn doubtful(what: &'static str, detail: impl Into<String>) -> Self {
        Self::new(what, Verdict::Doubtful, detail)
    }

    fn bad(what: &'static str, detail: impl Into<String>) -> Self {
        Self::new(what, Verdict::Bad, detail)
    }

    fn new(what: &'static str, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self {
            what,
            verdict,
            detail: detail.into(),
        }
    }
}

pub(super) async fn doctor(context: &Context) -> Result<(), CliError> {
    let data = context.data()?;
    let mut findings = vec![config_directory(context)];
    findings.extend(data_directory(&data));
    findings.push(disk(&data));
    let engine = Client::connect(&data.socket()).await;
    findings.push(engine_finding(&data, &engine));
    findings.push(clock(engine.ok()).await);
    findings.extend(permissions(context, &data));
    context
        .output
        .result(&findings, |output| text(output, &findings))?;
    if findings
        .iter()
        .any(|finding| finding.verdict == Verdict::Bad)
    {
        Err(CliError::Told(1))
    } else {
        Ok(())
    }
}

fn text(output: &Output, findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let (look, glyph) = match finding.verdict {
            Verdict::Good => (Look::Good, "✓"),
            Verdict::Doubtful => (Look::Waiting, "▲"),
            Verdict::Bad => (Look::Bad, "✗"),
        };
        let line = format!("{glyph} {:<18} {}", finding.what, safe(&finding.detail));
        push_line(&mut text, &output.paint(look, &line));
    }
    text
}

fn config_directory(context: &Context) -> Finding {
    let what = "config directory";
    let path = context.directory.path();
    match fs::read_dir(path) {
        Ok(_) => {
            let problems = context.loaded().problems().count();
            let shown = path.display();
            match problems {
                0 => Finding::good(what, format!("{shown}")),
                1 => Finding::bad(
                    what,
                    format!("{shown}: 1 broken file; see fieldbridge check"),
                ),
                many => Finding::bad(
                    what,
                    format!("{shown}: {many} broken files; see fieldbridge check"),
                ),
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Finding::bad(
            what,
            format!(
                "{} is not there; make it with: fieldbridge init",
                path.display()
            ),
        ),
        Err(error) => Finding::bad(what, format!("{} can't be read: {error}", path.display())),
    }
}

fn data_directory(data: &DataDirectory) -> Vec<Finding> {
    let what = "data directory";
    let path = data.path();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return vec![match nearest(path).map(may_write) {
                Some(true) => Finding::good(
                    what,
                    format!("{} will be made at the first start", path.display()),
                ),
                _ => Finding::bad(
                    what,
                    format!(
                        "{} is not there and can't be made by this user",
                        path.display()
                    ),
                ),
            }];
        }
        Err(error) => return vec![Finding::bad(what, format!("{}: {error}", path.display()))],
    };
    let mut findings = Vec::new();
    if !metadata.is_dir() {
        findings.push(Finding::bad(
            what,
            format!("{} is no directory", path.display()),
        ));
    } else if may_write(path) {
        findings.push(Finding::good(what, path.display().to_string()));
    } else {
        let owner = metadata.uid();
        findings.push(Finding::bad(
            what,
            format!(
                "{} can't be written by this user; it belongs to user {owner}",
                path.display()
            ),
        ));
    }
    let database = data.database();
    if let Ok(metadata) = fs::metadata(&database) {
        let size = megabytes(metadata.len());
        findings.push(
            match File::options().read(true).write(true).open(&database) {
                Ok(_) => Finding::good("database", format!("{} ({size})", database.display())),
                Err(error) => Finding::bad("database", format!("{}: {error}", database.display())),
            },
        );
    }
    findings
}

/// The nearest directory above that is there.
fn nearest(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find(|path| path.is_dir())
}

fn may_write(path: &Path) -> bool {
    rustix::fs::access(
        path,
        rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK,
    )
    .is_ok()
}

/// Below this the engine may soon be unable to accept anything.
const LITTLE_SPACE: u64 = 1 << 30;

fn disk(data: &DataDirectory) -> Finding {
    let what = "disk space";
    let place = if data.path().is_dir() {
        Some(data.path())
    } else {
        nearest(data.path())
    };
    let Some(Ok(space)) = place.map(rustix::fs::statvfs) else {
        return Finding::doubtful(what, "can't be told");
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let detail = format!("{} free", megabytes(free));
    if space.f_files > 0 && space.f_favail == 0 {
        Finding::bad(what, "no free inodes: no file can be made")
    } else if free < LITTLE_SPACE / 8 {
        Finding::bad(what, detail)
    } else if free < LITTLE_SPACE {
        Finding::doubtful(what, detail)
    } else {
        Finding::good(what, detail)
    }
}

fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes / 1000),
        1_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

fn engine_finding(data: &DataDirectory, engine: &Result<Client, ClientError>) -> Finding {
    let what = "engine";
    match engine {
        Ok(client) => {
            let hello = client.hello();
            Finding::good(
                what,
                format!(
                    "{} runs, version {}, process {}; {} is {} here",
                    hello.name,
                    hello.version,
                    hello.pid,
                    hello.user,
                    hello.role.word()
                ),
            )
        }
        Err(ClientError::NotRunning(_)) => Finding::good(
            what,
            format!("none runs ({} does not answer)", data.socket().display()),
        ),
        Err(error) => Finding::bad(what, error.to_string()),
    }
}

/// No machine's clock stands before the day this was written, unless it is wrong; tokens and signatures would fail.
const LONG_PAST: i64 = 1_767_225_600;

/// How far two clocks on one machine may be apart: the time a question takes.
const APART: Duration = Duration::from_secs(5);

async fn clock(engine: Option<Client>) -> Finding {
    let what = "clock";
    let now = Timestamp::now();
    if now.as_second() < LONG_PAST {
        return Finding::bad(
            what,
            format!("{}: the clock is wrong; set up NTP", words::moment(now)),
        );
    }
    // An engine keeps time from its start on: it does not see the machine's clock being set.
    if let Some(client) = engine
        && let Ok(overview) = client.overview().await
    {
        let apart = overview.engine.now.duration_since(Timestamp::now());
        if apart.unsigned_abs() > APART {
            return Finding::doubtful(
                what,
                format!(
                    "the engine's clock and this machine's are {} apart; restart the engine",
                    words::span(apart.unsigned_abs())
                ),
            );
        }
    }
    Finding::good(what, words::moment(now))
}

fn permissions(context: &Context, data: &DataDirectory) -> Vec<Finding> {
    let what = "permissions";
    let mut findings = Vec::new();
    for path in [data.database(), data.master_key()] {
        let open =
            fs::metadata(&path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
        if open {
            let path = path.display();
            findings.push(Finding::bad(
                what,
                format!("others may open {path}; chmod 600 {path}"),
            ));
        }
    }
    let loaded = context.loaded();
    let connectors = loaded
        .connectors
        .iter()
        .map(|connector| connector.file.clone());
    for path in connectors.chain([
        context.directory.settings_file(),
        context.directory.path().to_owned(),
    ]) {
        let writable =
            fs::metadata(&path).is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0);
        if writable {
            let path = path.display();
            findings.push(Finding::bad(
                what,
                format!("everybody may change {path}; chmod o-w {path}"),
            ));
        }
    }
    let warnings = loaded
        .warnings
        .iter()
        .filter(|warning| warning.mend.starts_with("chmod"));
    findings.extend(warnings.map(|warning| Finding::doubtful(what, warning.to_string())));
    if findings.is_empty() {
        findings.push(Finding::good(what, "secrets and data are closed to others"));
    }
    findings
}
