//! The real binary in a real pseudo-terminal: what a person sees who types `fieldbridge demo`.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Generous: the suite runs on two busy cores.
const PATIENCE: Duration = Duration::from_secs(60);

struct Terminal {
    parser: Arc<Mutex<vt100::Parser>>,
    keys: Box<dyn Write + Send>,
    _master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    /// What the program writes, it writes here, and it goes with the terminal.
    _files: tempfile::TempDir,
}

fn size(rows: u16, cols: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

impl Terminal {
    fn run(arguments: &[&str], rows: u16, cols: u16) -> Self {
        let pair = native_pty_system().openpty(size(rows, cols)).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_fieldbridge"));
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.env_remove("NO_COLOR");
        let files = tempfile::tempdir().unwrap();
        command.env("TMPDIR", files.path());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let parser = Arc::new(Mutex::new(vt100::Parser::new(rows, cols, 0)));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let shown = parser.clone();
        std::thread::spawn(move || {
            let mut buffer = [0_u8; 8192];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 {
                    break;
                }
                shown.lock().unwrap().process(&buffer[..count]);
            }
        });
        Self {
            parser,
            keys: pair.master.take_writer().unwrap(),
            _master: pair.master,
            child,
            _files: files,
        }
    }

    fn screen(&self) -> String {
        self.parser.lock().unwrap().screen().contents()
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the screen shows what is asked for.
    fn wait(&self, what: &str, shows: impl Fn(&str) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !shows(&self.screen()) {
            assert!(
                Instant::now() < until,
                "never saw {what}:\n{}",
                self.screen()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A config directory with the description of the made-up service.
fn described() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(
        home.path().join("desk.yaml"),
        fieldbridge::sandbox::REST_DESCRIPTION,
    )
    .unwrap();
    home
}

fn asking(home: &std::path::Path) -> Terminal {
    let file = home.join("desk.yaml");
    let line = [
        "--config",
        home.to_str().unwrap(),
        "connector",
        "import-openapi",
        file.to_str().unwrap(),
        "--connector",
        "rest-desk",
        "--ask",
    ];
    Terminal::run(&line, 200, 120)
}

#[test]
fn operations_are_chosen_by_answering() {
    let home = described();
    let mut terminal = asking(home.path());
    let asked = |terminal: &Terminal, purpose: &str| {
        let question = format!("{purpose}: ");
        terminal.wait(purpose, |screen| {
            screen.contains(&question) && screen.trim_end().ends_with(']')
        });
    };
    asked(&terminal, "fetch");
    terminal.press("-\r");
    terminal.wait("that a fetch is needed", |screen| {
        screen.contains("can't do without")
    });
    terminal.press("\r");
    asked(&terminal, "metadata");
    terminal.press("-\r");
    asked(&terminal, "create");
    terminal.press("\r");
    asked(&terminal, "update");
    terminal.press("put ticket\r");
    terminal.wait("what was searched", |screen| {
        screen.trim_end().ends_with("[replaceTicket]")
    });
    terminal.press("1\r");
    asked(&terminal, "attach");
    terminal.press("\r");
    asked(&terminal, "list");
    terminal.press("\r");
    terminal.wait("the file and the question", |screen| {
        screen.contains("record_update = \"replaceTicket\"") && screen.trim_end().ends_with("[y/N]")
    });
    assert!(!home.path().join("connectors").exists());
    terminal.press("y\r");
    terminal.wait("what to do next", |screen| {
        screen.contains("fieldbridge secret set rest-desk-api-key")
            && screen.contains("fieldbridge connector test rest-desk")
    });
    let file = home.path().join("connectors/rest-desk.toml");
    let text = std::fs::read_to_string(file).unwrap();
    let set = |line: &str| text.lines().any(|found| found == line);
    assert!(set("record_update = \"replaceTicket\""), "{text}");
    assert!(set("#record_metadata = \"describeTicket\""), "{text}");
    assert!(home.path().join("mappings/rest-desk.toml").exists());
}

#[test]
fn whoever_does_not_say_yes_gets_no_files() {
    let home = described();
    let mut terminal = asking(home.path());
    terminal.press(&"\r".repeat(7));
    terminal.wait("that nothing was written", |screen| {
        screen.contains("nothing was written")
    });
    assert!(!home.path().join("connectors").exists());
}

#[test]
fn a_newcomer_sees_sync_and_leaves_a_clean_terminal() {
    let mut terminal = Terminal::run(&["demo"], 60, 200);
    terminal.wait("four panes", |screen| {
        [
            "1 Connectors",
            "2 Queues",
            "3 Failed",
            "cw-main",
            "fd-support",
        ]
        .iter()
        .all(|word| screen.contains(word))
    });
    terminal.wait("a planted failure", |screen| {
        // The preview names the field as well: only the group tells that something failed.
        screen.contains("rule 15 (location.state): required") && screen.contains("3 Failed ·")
    });
    terminal.press("3");
    terminal.wait("the keys of the third pane", |screen| {
        screen.contains("Space mark")
    });
    terminal.press("\r");
    terminal.wait("the failures of the group", |screen| {
        screen.contains("attempts what")
    });
    terminal.press("\r");
    terminal.wait("why the transaction failed", |screen| {
        screen.contains("Timeline") && screen.contains("Fix: ")
    });
    terminal.press("\x1b");
    terminal.wait("the list again", |screen| screen.contains("attempts what"));
    terminal.press("q");
    let until = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = terminal.child.try_wait().unwrap() {
            break status;
        }
        assert!(
            Instant::now() < until,
            "it did not end:\n{}",
            terminal.screen()
        );
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(status.success(), "{status:?}\n{}", terminal.screen());
    let parser = terminal.parser.lock().unwrap();
    assert!(
        !parser.screen().alternate_screen(),
        "the alternate screen was left"
    );
    assert!(!parser.screen().hide_cursor(), "the cursor is shown again");
}

/// From a failure to its mended mapping and the retry of what it mends, in a terminal of a size.
fn mend_a_mapping(rows: u16, columns: u16) {
    let mut terminal = Terminal::run(&["demo"], rows, columns);
    terminal.wait("the first screen", |screen| screen.contains("cw-main"));
    terminal.press("3");
    terminal.wait("the keys of the third pane", |screen| {
        screen.contains("r retry")
    });
    terminal.press("/connector=cw-main rule=15\r");
    terminal.wait("a planted failure", |screen| {
        screen.contains("rule 15") && !screen.contains("Enter keep")
    });
    terminal.press("\r");
    terminal.wait("the failures of the group", |screen| {
        screen.contains("what") && screen.contains("accepted")
    });
    terminal.press("\r");
    terminal.wait("why the transaction failed", |screen| {
        screen.contains("Fix: ")
    });
    terminal.press("w");
    terminal.wait("the failing rule and its value", |screen| {
        screen.contains("Mapping cw-main") && screen.contains("✗ required")
    });
    terminal.press("\r");
    terminal.wait("the editor", |screen| screen.contains("Ctrl-g give up"));
    terminal.press("\rdefault = \"MO\"");
    terminal.wait("the preview turn good", |screen| {
        screen.contains("default used") && screen.contains("default = \"MO\"")
    });
    terminal.press("\x13");
    terminal.wait("the rules again", |screen| {
        screen.contains("Enter edit rule")
    });
    terminal.press("i");
    terminal.wait("what it changes", |screen| {
        screen.contains("fixes ") && screen.contains("now fixed") && screen.contains("P publish")
    });
    terminal.press("P");
    terminal.wait("the question", |screen| {
        screen.contains("Publish this draft?") && screen.contains("+ default = \"MO\"")
    });
    terminal.press("no state in the ticket\r");
    terminal.wait("the offer to retry", |screen| {
        screen.contains("Published. Retry")
    });
    terminal.press("y");
    terminal.wait("the retry", |screen| {
        screen.contains("finished: ") && screen.contains(" done, ")
    });
    terminal.press("\r");
    terminal.wait("the published mapping", |screen| {
        screen.contains("as in force") && !screen.contains("✗ required")
    });
}

#[test]
fn a_mapping_is_mended_and_published_on_a_large_terminal() {
    mend_a_mapping(60, 200);
}

#[test]
fn a_mapping_is_mended_and_published_on_a_small_terminal() {
    mend_a_mapping(24, 80);
}
