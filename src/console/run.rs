//! The loop: drains whatever happened, then draws once; sleeps when nothing happens.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crossterm::event::{Event, EventStream, MouseEventKind};
use futures_util::{Stream, StreamExt};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::app::App;
use super::effect::{Effects, load_theme};
use super::message::{Edited, Effect, Message};
use super::remote::{Feed, Remote};
use super::settings::{ConsoleSettings, Embedded, Exit};
use super::terminal::{Control, Screen, drawing_thread};
use super::theme::Theme;
use super::{clipboard, editor, glyph, update, watch as files};
use crate::model::{Clock, ConnectorId, Direction, Timestamp, TransactionId};

/// Frames that only follow the engine are at least this far apart.
const DATA_FRAME: Duration = Duration::from_millis(100);

/// A resize counts once it has rested so long.
const RESIZE_REST: Duration = Duration::from_millis(50);

/// Why the console could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The terminal can't be used.
    #[error(
        "the terminal can't be used: {0}; the same facts are at `fieldbridge tx list`, `connector list`, each with --json"
    )]
    Terminal(#[from] io::Error),
}

/// Where keys come from: opened anew after an editor had the terminal.
pub trait Keyboard {
    /// The events.
    type Events: Stream<Item = io::Result<Event>> + Unpin;

    /// Begins to read events.
    fn open(&mut self) -> Self::Events;
}

/// The keyboard of the process's own terminal.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnKeyboard;

impl Keyboard for OwnKeyboard {
    type Events = EventStream;

    fn open(&mut self) -> EventStream {
        EventStream::new()
    }
}

/// Opens the console on the process's own terminal and runs it until the person leaves or the terminal is gone.
///
/// # Errors
/// [`ConsoleError`] when the terminal can't be used.
pub async fn run(
    settings: ConsoleSettings,
    remote: Arc<dyn Remote>,
    clock: Arc<dyn Clock>,
) -> Result<Exit, ConsoleError> {
    let size = crossterm::terminal::size()?;
    let screen = Screen::take(io::stdout(), size, Control::Whole)?;
    let exit = run_on(settings, remote, clock, screen, OwnKeyboard, size).await;
    drawing_thread(None);
    Ok(exit?)
}

/// Runs the console on a given screen and keyboard.
///
/// # Errors
/// When the screen can't be written to.
pub async fn run_on<W: Write, K: Keyboard>(
    settings: ConsoleSettings,
    remote: Arc<dyn Remote>,
    clock: Arc<dyn Clock>,
    screen: Screen<W>,
    keyboard: K,
    size: (u16, u16),
) -> io::Result<Exit> {
    let mut console = Console::new(settings, remote, clock, screen, keyboard, size)?;
    let exit = console.turn().await;
    console.screen.leave();
    exit
}

struct Console<W: Write, K: Keyboard> {
    app: App,
    screen: Screen<W>,
    keyboard: K,
    clock: Arc<dyn Clock>,
    effects: Effects,
    messages: UnboundedReceiver<Message>,
    sender: UnboundedSender<Message>,
    feed: watch::Receiver<Feed>,
    exit: Option<Exit>,
    pending: VecDeque<Effect>,
    resize: Option<(Instant, (u16, u16))>,
    frame_due: Option<Instant>,
    drawn_at: Instant,
    hangup: Signal,
    terminate: Signal,
    _files: Option<notify::RecommendedWatcher>,
}

/// The theme that settings and environment ask for: its name, and where the person's own themes are.
fn theme_choice(settings: &ConsoleSettings) -> (String, Option<PathBuf>) {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let name = match (&settings.theme, no_colour) {
        (_, true) => "mono".to_owned(),
        (Some(name), false) => name.clone(),
        (None, false) => "dark".to_owned(),
    };
    let directory = settings.config_directory.as_ref();
    (name, directory.map(|directory| directory.join("themes")))
}

fn locale() -> Option<String> {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let mut set = names
        .into_iter()
        .filter_map(|name| std::env::var(name).ok());
    set.find(|value| !value.is_empty())
}

/// The start of the next whole second, so that the clock on the screen keeps step.
fn next_second(now: Timestamp) -> Instant {
    let into = u64::try_from(now.subsec_nanosecond()).unwrap_or_default();
    Instant::now() + Duration::from_nanos(1_000_000_000 - into.min(999_999_999))
}

impl<W: Write, K: Keyboard> Console<W, K> {
    fn new(
        mut settings: ConsoleSettings,
        remote: Arc<dyn Remote>,
        clock: Arc<dyn Clock>,
        screen: Screen<W>,
        keyboard: K,
        size: (u16, u16),
    ) -> io::Result<Self> {
        let glyphs = settings
            .glyphs
            .unwrap_or_else(|| glyph::for_locale(locale().as_deref()));
        settings.glyphs = Some(glyphs);
        let choice = theme_choice(&settings);
        let (theme, problem) = match load_theme(&choice) {
            Ok(theme) => (*theme, None),
            Err(problem) => (Theme::default(), Some(problem)),
        };
        let (sender, messages) = unbounded_channel();
        if let Some(problem) = problem {
            let _ = sender.send(Message::Notice(problem));
        }
        let app = App::new(&settings, theme, clock.now(), size);
        let watched = settings.config_directory.as_ref();
        let files = watched.and_then(|directory| {
            files::watch(directory, sender.clone())
                .inspect_err(|error| {
                    let text = format!("previews do not follow saved files: {error}");
                    let _ = sender.send(Message::Notice(text));
                })
                .ok()
        });
        let (feed_sender, feed) = watch::channel(Feed::Connecting);
        let followed = Arc::clone(&remote);
        tokio::spawn(async move { followed.follow(feed_sender).await });
        let effects = Effects::new(remote, sender.clone(), settings.log_directory, choice);
        Ok(Self {
            app,
            screen,
            keyboard,
            clock,
            effects,
            messages,
            sender,
            feed,
            exit: None,
            pending: VecDeque::new(),
            resize: None,
            frame_due: None,
            drawn_at: Instant::now(),
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            _files: files,
        })
    }

    async fn turn(&mut self) -> io::Result<Exit> {
        let mut events = self.keyboard.open();
        self.screen.draw(&self.app)?;
        // Kept over the turns: a busy one may last past a second's beginning, which is then made up for.
        let mut tick = next_second(self.clock.now());
        loop {
            let rested = self.resize.map(|(at, _)| at);
            let due = self.frame_due;
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(event)) => self.event(event),
                    // The terminal is gone.
                    Some(Err(_)) | None => return Ok(self.gone()),
                },
                Some(message) = self.messages.recv() => self.take(message),
                Ok(()) = self.feed.changed() => self.fed(),
                () = sleep_until(tick) => {
                    let now = self.clock.now();
                    tick = next_second(now);
                    self.take(Message::Tick(now));
                }
                () = until(rested) => self.resized()?,
                () = until(due) => self.draw()?,
                _ = self.hangup.recv() => return Ok(self.gone()),
                _ = self.terminate.recv() => return Ok(self.terminated()),
            }
            drawing_thread(Some(std::thread::current().id()));
            self.drain(&mut events).await;
            if let Some(exit) = self.exit {
                return Ok(exit);
            }
            if let Some(work) = self.pending.pop_front() {
                drop(events);
                self.lend_terminal(work).await?;
                events = self.keyboard.open();
            }
            if self.frame_due.is_some_and(|due| due <= Instant::now()) {
                self.draw()?;
            }
        }
    }

    /// Takes whatever else happened meanwhile, so that one frame shows it all.
    async fn drain(&mut self, events: &mut K::Events) {
        while let Some(event) = waiting(events).await {
            self.event(event);
            if self.exit.is_some() || !self.pending.is_empty() {
                return;
            }
        }
        while let Ok(message) = self.messages.try_recv() {
            self.take(message);
        }
        if self.feed.has_changed().unwrap_or(false) {
            self.fed();
        }
    }

    /// Takes an event of the terminal. What a person does is shown at once.
    fn event(&mut self, event: Event) {
        let message = match event {
            Event::Key(key) => Message::Key(key),
            Event::Mouse(mouse) if is_of_interest(mouse.kind) => Message::Mouse(mouse),
            Event::Paste(text) => Message::Paste(text),
            Event::Resize(columns, rows) => {
                self.resize = Some((Instant::now() + RESIZE_REST, (columns, rows)));
                return;
            }
            Event::Mouse(_) | Event::FocusGained | Event::FocusLost => return,
        };
        self.take(message);
        self.frame_due = Some(Instant::now());
    }

    fn fed(&mut self) {
        let feed = self.feed.borrow_and_update().clone();
        self.take(Message::Feed(feed));
    }

    /// Changes the state, begins the effects, and notes that a frame is due.
    fn take(&mut self, message: Message) {
        for effect in update(&mut self.app, message) {
            self.begin(effect);
        }
        if self.frame_due.is_none() {
            let earliest = self.drawn_at + DATA_FRAME;
            self.frame_due = Some(earliest.max(Instant::now()));
        }
    }

    fn begin(&mut self, effect: Effect) {
        match effect {
            Effect::Leave(exit) => self.exit = Some(exit),
            Effect::Copy(what, text) => {
                let copied = clipboard::copy(self.screen.out(), what, &text);
                self.tell(Message::Copied(copied));
            }
            Effect::Mouse(mouse) => {
                if let Err(error) = self.screen.mouse(mouse) {
                    self.tell(Message::Notice(error.to_string()));
                }
            }
            Effect::Redraw => {
                if let Err(error) = self.screen.forget() {
                    self.tell(Message::Notice(error.to_string()));
                }
            }
            Effect::EditMapping(..)
            | Effect::EditOutput(..)
            | Effect::EditDraft(..)
            | Effect::Suspend => {
                self.pending.push_back(effect);
            }
            other => self.effects.begin(other),
        }
    }

    fn tell(&self, message: Message) {
        // We hold the other end ourselves.
        let _ = self.sender.send(message);
    }

    fn draw(&mut self) -> io::Result<()> {
        self.frame_due = None;
        self.drawn_at = Instant::now();
        self.screen.draw(&self.app)
    }

    fn resized(&mut self) -> io::Result<()> {
        if let Some((_, (columns, rows))) = self.resize.take() {
            self.take(Message::Resized(columns, rows));
            self.draw()?;
        }
        Ok(())
    }

    /// The terminal is gone: nobody asked for the engine to stop, so one in this process is to go on elsewhere.
    fn gone(&self) -> Exit {
        match self.app.embedded {
            Embedded::Yes => Exit::HandOver,
            Embedded::No => Exit::Detach,
        }
    }

    fn terminated(&self) -> Exit {
        match self.app.embedded {
            Embedded::Yes => Exit::StopEngine,
            Embedded::No => Exit::Detach,
        }
    }

    /// Gives the terminal to an editor or the shell, and takes it again.
    async fn lend_terminal(&mut self, work: Effect) -> io::Result<()> {
        self.screen.leave();
        let message = match work {
            Effect::EditMapping(path, rule) => Some(edit_mapping(path, rule).await),
            Effect::EditOutput(id, text) => Some(edit_output(id, text).await),
            Effect::EditDraft(connector, text, line) => {
                Some(edit_draft(connector, text, line).await)
            }
            _ => suspend(),
        };
        self.screen.enter(self.app.mouse)?;
        // The terminal may have changed its size while it was not ours.
        if let Ok(size) = crossterm::terminal::size()
            && self.screen.is_whole()
        {
            self.take(Message::Resized(size.0, size.1));
        }
        if let Some(message) = message {
            self.take(Message::Edited(message));
        }
        let now = self.clock.now();
        self.take(Message::Tick(now));
        self.draw()
    }
}

/// The event that is there already, if one is.
///
/// It asks on behalf of this very task: a terminal's stream remembers who asked first and wakes nobody else.
async fn waiting(events: &mut (impl Stream<Item = io::Result<Event>> + Unpin)) -> Option<Event> {
    poll_fn(|context| match events.poll_next_unpin(context) {
        Poll::Ready(Some(Ok(event))) => Poll::Ready(Some(event)),
        Poll::Ready(_) | Poll::Pending => Poll::Ready(None),
    })
    .await
}

fn is_of_interest(kind: MouseEventKind) -> bool {
    matches!(
        kind,
        MouseEventKind::Down(_) | MouseEventKind::ScrollDown | MouseEventKind::ScrollUp
    )
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn edit_mapping(path: PathBuf, rule: Option<(Direction, usize)>) -> Edited {
    let line = match rule {
        Some((direction, rule)) => tokio::fs::read_to_string(&path)
            .await
            .ok()
            .and_then(|text| editor::rule_line(&text, direction, rule)),
        None => None,
    };
    match editor::run(&path, line).await {
        Ok(_) => Edited::File(path),
        Err(error) => Edited::Failed(format!("the editor can't be started: {error}; set $EDITOR")),
    }
}

async fn edit_output(id: TransactionId, before: String) -> Edited {
    match edit_text("output.json", &before, None).await {
        Ok(after) => Edited::Output(id, before.into(), after),
        Err(why) => Edited::Failed(format!("{why}; nothing is sent")),
    }
}

async fn edit_draft(connector: ConnectorId, before: String, line: Option<usize>) -> Edited {
    match edit_text(&format!("{connector}.toml"), &before, line).await {
        Ok(after) => Edited::Draft(connector, after),
        Err(why) => Edited::Failed(format!("{why}; the draft is as it was")),
    }
}

/// Has a person edit a text in a file of its own; answers the text, or why there is none.
async fn edit_text(name: &str, before: &str, line: Option<usize>) -> Result<String, String> {
    let path = editor::scratch_file(name, before)
        .map_err(|error| format!("no file to edit could be made: {error}"))?;
    let edited = match editor::run(&path, line).await {
        Ok(status) if status.success() => tokio::fs::read_to_string(&path)
            .await
            .map_err(|error| format!("the edited file can't be read: {error}")),
        Ok(status) => Err(format!("the editor ended with {status}")),
        Err(error) => Err(format!("the editor can't be started: {error}; set $EDITOR")),
    };
    // It may hold a customer's data and has served its purpose.
    let _ = tokio::fs::remove_file(&path).await;
    edited
}

/// Stops this process until it is continued.
fn suspend() -> Option<Edited> {
    let result =
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP);
    result
        .err()
        .map(|error| Edited::Failed(format!("it can't be suspended: {error}")))
}
