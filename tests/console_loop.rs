//! The loop as a whole, with an engine, a keyboard and a terminal that are none.

mod console_sample;

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use console_sample as sample;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use fieldbridge::api::Role;
use fieldbridge::console::remote::{RemoteError, RemoteResult};
use fieldbridge::console::terminal::{Control, Screen};
use fieldbridge::console::{ConsoleSettings, Exit, Feed, Keyboard, Remote, run_on};
use fieldbridge::engine::{
    Bench, DescriptionRequest, ImpactRequest, ImpactUpdate, MadeConnector, MakeConnector,
    MappingDraft, PreviewRequest, PreviewResult, Publish, RecordCase, RecordedCase, Replay,
    ReplayPlan, RollBack, SaveDraft, TransactionDetail,
};
use fieldbridge::model::{
    ConnectorId, MappingVersion, PayloadKind, State, TokioClock, Transaction, TransactionId,
};
use fieldbridge::platform::{Offer, Probe};
use fieldbridge::store::{
    AuditEntry, Draft, ListQuery, MappingEntry, Page, PageCursor, PersonMove,
};
use futures_util::Stream;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

/// An engine of three dead transactions, the second of which is done meanwhile.
#[derive(Default)]
struct FakeEngine {
    commands: Mutex<Vec<(TransactionId, PersonMove)>>,
    feeds: Mutex<Option<watch::Receiver<Feed>>>,
    previews: Mutex<Vec<String>>,
    drafts: Mutex<Vec<SaveDraft>>,
    published: Mutex<Vec<Publish>>,
    /// The other end of the run that is under way.
    impact: Mutex<Option<mpsc::Sender<RemoteResult<ImpactUpdate>>>>,
}

fn refused<T>() -> RemoteResult<T> {
    Err(RemoteError::Answered("not in this test".into()))
}

#[async_trait]
impl Remote for FakeEngine {
    async fn follow(&self, feed: watch::Sender<Feed>) {
        let script = self.feeds.lock().unwrap().clone();
        let Some(mut script) = script else { return };
        loop {
            let newest = script.borrow_and_update().clone();
            feed.send_replace(newest);
            tokio::select! {
                changed = script.changed() => if changed.is_err() { return },
                () = feed.closed() => return,
            }
        }
    }
    async fn list(&self, _: ListQuery) -> RemoteResult<Page<Transaction>> {
        Ok(sample::page(3, State::Dead))
    }
    async fn transaction(&self, id: TransactionId) -> RemoteResult<TransactionDetail> {
        let state = if id == sample::transaction_id(2) {
            State::Done
        } else {
            State::Dead
        };
        let mut detail = sample::detail(2, state);
        detail.transaction.id = id;
        Ok(detail)
    }
    async fn payload(&self, _: TransactionId, _: PayloadKind) -> RemoteResult<Option<Bytes>> {
        Ok(None)
    }
    async fn command(
        &self,
        _: Uuid,
        transaction: TransactionId,
        _: Option<u64>,
        action: PersonMove,
    ) -> RemoteResult<Transaction> {
        self.commands.lock().unwrap().push((transaction, action));
        if transaction == sample::transaction_id(2) {
            return Err(RemoteError::Stale("changed by robin".into()));
        }
        Ok(sample::transaction(1, State::Queued))
    }
    async fn plan_replay(&self, _: TransactionId, _: Replay) -> RemoteResult<ReplayPlan> {
        refused()
    }
    async fn replay(
        &self,
        _: Uuid,
        _: TransactionId,
        _: Replay,
        _: Option<Map<String, Value>>,
    ) -> RemoteResult<Transaction> {
        refused()
    }
    async fn preview(&self, request: PreviewRequest) -> RemoteResult<PreviewResult> {
        match &request.mapping {
            MappingDraft::Current => Ok(sample::previewed().result),
            MappingDraft::Text(text) => {
                self.previews.lock().unwrap().push(text.clone());
                Ok(sample::tried(&request))
            }
        }
    }
    async fn pause(&self, _: &ConnectorId) -> RemoteResult<u64> {
        refused()
    }
    async fn resume(&self, _: &ConnectorId) -> RemoteResult<u64> {
        refused()
    }
    async fn probe(&self, _: &ConnectorId) -> RemoteResult<Probe> {
        refused()
    }
    async fn refresh_fields(&self, _: &ConnectorId) -> RemoteResult<()> {
        refused()
    }
    async fn trigger_url(&self, _: &ConnectorId) -> RemoteResult<String> {
        Ok("https://bridge.example/v1/broker/inbound?client_token=not-a-secret".into())
    }
    async fn rotate_token(&self, _: &ConnectorId) -> RemoteResult<String> {
        refused()
    }
    async fn audit(&self, _: usize, _: Option<PageCursor>) -> RemoteResult<Page<AuditEntry>> {
        refused()
    }
    async fn bench(&self, _: &ConnectorId) -> RemoteResult<Bench> {
        let mut bench = sample::bench();
        if let Some(publish) = self.published.lock().unwrap().last() {
            bench.text.clone_from(&publish.text);
            bench.version = MappingVersion::new("0b50c11d");
        }
        Ok(bench)
    }
    async fn save_draft(&self, _: &ConnectorId, draft: SaveDraft) -> RemoteResult<Draft> {
        self.drafts.lock().unwrap().push(draft.clone());
        Ok(sample::kept(&draft, "sam"))
    }
    async fn discard_draft(&self, _: &ConnectorId) -> RemoteResult<()> {
        Ok(())
    }
    async fn publish(&self, _: &ConnectorId, publish: Publish) -> RemoteResult<MappingEntry> {
        self.published.lock().unwrap().push(publish);
        Ok(sample::entry("0b50c11d", Some("sam"), None))
    }
    async fn roll_back(&self, _: &ConnectorId, _: RollBack) -> RemoteResult<MappingEntry> {
        refused()
    }
    async fn mapping_history(&self, _: &ConnectorId) -> RemoteResult<Vec<MappingEntry>> {
        refused()
    }
    async fn mapping_text(&self, _: &MappingVersion) -> RemoteResult<String> {
        refused()
    }
    async fn impact(
        &self,
        _: ImpactRequest,
    ) -> RemoteResult<mpsc::Receiver<RemoteResult<ImpactUpdate>>> {
        let (sender, receiver) = mpsc::channel(8);
        *self.impact.lock().unwrap() = Some(sender);
        Ok(receiver)
    }
    async fn record_case(&self, _: RecordCase) -> RemoteResult<RecordedCase> {
        refused()
    }
    async fn describe(&self, _: DescriptionRequest) -> RemoteResult<Offer> {
        refused()
    }
    async fn make_connector(&self, _: MakeConnector) -> RemoteResult<MadeConnector> {
        refused()
    }
}

/// Keys that were typed and not read yet. Like the terminal's own stream, it remembers who asked first and wakes
/// nobody else.
#[derive(Default)]
struct Keys {
    events: VecDeque<Event>,
    waker: Option<Waker>,
    gone: bool,
}

#[derive(Clone, Default)]
struct Typed(Arc<Mutex<Keys>>);

impl Typed {
    fn wake(&self, change: impl FnOnce(&mut Keys)) {
        let mut keys = self.0.lock().unwrap();
        change(&mut keys);
        if let Some(waker) = keys.waker.take() {
            waker.wake();
        }
    }
}

impl Stream for Typed {
    type Item = io::Result<Event>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut keys = self.0.lock().unwrap();
        match keys.events.pop_front() {
            Some(event) => Poll::Ready(Some(Ok(event))),
            None if keys.gone => Poll::Ready(None),
            None => {
                let asking = context.waker().clone();
                keys.waker.get_or_insert(asking);
                Poll::Pending
            }
        }
    }
}

impl Keyboard for Typed {
    type Events = Self;

    fn open(&mut self) -> Self {
        self.clone()
    }
}

/// A terminal that remembers what was written.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Session {
    engine: Arc<FakeEngine>,
    feed: watch::Sender<Feed>,
    keys: Typed,
    paper: Paper,
    console: tokio::task::JoinHandle<io::Result<Exit>>,
}

impl Session {
    fn open() -> Self {
        let live = Feed::Live(sample::identity(Role::Admin), Arc::new(sample::overview()));
        let (feed, script) = watch::channel(live);
        let engine = Arc::new(FakeEngine::default());
        *engine.feeds.lock().unwrap() = Some(script);
        let keys = Typed::default();
        let paper = Paper::default();
        let screen = Screen::take(paper.clone(), (120, 40), Control::BytesOnly).unwrap();
        let settings = ConsoleSettings {
            glyphs: Some(&fieldbridge::console::glyph::UNICODE),
            ..ConsoleSettings::default()
        };
        let keyboard = keys.clone();
        let clock = Arc::new(TokioClock::starting_at(sample::now()));
        let remote = Arc::clone(&engine);
        let console = tokio::spawn(run_on(settings, remote, clock, screen, keyboard, (120, 40)));
        Self {
            engine,
            feed,
            keys,
            paper,
            console,
        }
    }

    async fn press(&self, keys: &str) {
        for key in keys.chars() {
            let code = match key {
                '\n' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                other => KeyCode::Char(other),
            };
            let event = KeyEvent::new(code, KeyModifiers::NONE);
            self.keys
                .wake(|keys| keys.events.push_back(Event::Key(event)));
            self.rest(300).await;
        }
    }

    async fn rest(&self, milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }

    fn shown(&self) -> String {
        let mut terminal = vt100::Parser::new(40, 120, 0);
        terminal.process(&self.paper.0.lock().unwrap());
        terminal.screen().contents()
    }

    async fn quit(self) -> Exit {
        self.press("q").await;
        self.console.await.unwrap().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_engine_says_is_shown_and_quitting_detaches() {
    let session = Session::open();
    session.rest(500).await;
    assert!(session.shown().contains("prod-east"), "{}", session.shown());
    assert_eq!(session.quit().await, Exit::Detach);
}

/// Every key, not only the first, is shown at once and not with the next tick of the clock.
#[tokio::test(start_paused = true)]
async fn a_key_is_echoed_at_once() {
    let session = Session::open();
    // Away from the whole second, at which everything is looked at anyway.
    session.rest(2_300).await;
    for _ in 0..3 {
        for (code, open) in [(KeyCode::Char('?'), true), (KeyCode::Esc, false)] {
            let event = KeyEvent::new(code, KeyModifiers::NONE);
            session
                .keys
                .wake(|keys| keys.events.push_back(Event::Key(event)));
            session.rest(5).await;
            assert_eq!(session.shown().contains("Keys of"), open);
        }
    }
    session.quit().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_engine_is_told_and_found_again() {
    let session = Session::open();
    session.rest(300).await;
    session
        .feed
        .send_replace(Feed::Lost("connection refused".into()));
    session.rest(300).await;
    assert!(
        session.shown().contains("engine gone, reconnecting"),
        "{}",
        session.shown()
    );
    let mut overview = sample::overview();
    overview.engine.name = "prod-again".into();
    let live = Feed::Live(sample::identity(Role::Admin), Arc::new(overview));
    session.feed.send_replace(live);
    session.rest(300).await;
    let shown = session.shown();
    assert!(
        shown.contains("prod-again") && !shown.contains("engine gone"),
        "{shown}"
    );
    session.quit().await;
}

#[tokio::test(start_paused = true)]
async fn a_bulk_retry_runs_one_by_one_and_skips_what_is_done_meanwhile() {
    let session = Session::open();
    session.rest(300).await;
    session.press("3\nAry").await;
    session.rest(1_000).await;
    let shown = session.shown();
    assert!(shown.contains("2 done, 1 skipped, 0 failed"), "{shown}");
    assert!(shown.contains("it is done meanwhile"), "{shown}");
    let commands = session.engine.commands.lock().unwrap().len();
    assert_eq!(commands, 3);
    session.press("\n").await;
    session.quit().await;
}

#[tokio::test(start_paused = true)]
async fn a_copy_goes_to_the_terminal() {
    let session = Session::open();
    session.rest(300).await;
    session.press("u").await;
    let bytes = session.paper.0.lock().unwrap().clone();
    assert!(bytes.windows(7).any(|window| window == b"\x1b]52;c;"));
    session.quit().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_second_writes_little_and_a_flood_of_news_is_drawn_ten_times_a_second() {
    let session = Session::open();
    session.rest(2_000).await;
    let frames = |session: &Session| {
        let bytes = session.paper.0.lock().unwrap();
        bytes
            .windows(8)
            .filter(|window| window == b"\x1b[?2026h")
            .count()
    };
    let before = frames(&session);
    session.rest(10_000).await;
    assert!(frames(&session) - before <= 11, "once a second at most");
    let before = frames(&session);
    for number in 0..500 {
        let mut overview = sample::overview();
        overview.groups[0].count = 1_000 + number;
        let live = Feed::Live(sample::identity(Role::Admin), Arc::new(overview));
        session.feed.send_replace(live);
        session.rest(2).await;
    }
    let drawn = frames(&session) - before;
    assert!((5..=13).contains(&drawn), "{drawn} frames in a second");
    session.quit().await;
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_is_gone_ends_the_console() {
    let session = Session::open();
    session.rest(300).await;
    session.keys.wake(|keys| keys.gone = true);
    assert_eq!(session.console.await.unwrap().unwrap(), Exit::Detach);
}

/// From a failed group to a published mapping and the retry of what it mends, over the loop as a whole.
#[tokio::test(start_paused = true)]
async fn a_rule_is_mended_tried_published_and_its_failures_are_retried() {
    let session = Session::open();
    session.rest(300).await;
    session.press("3w").await;
    session.rest(500).await;
    let shown = session.shown();
    assert!(shown.contains("required, and not set"), "{shown}");
    session.press("\njjj").await;
    assert!(
        session.shown().contains("jjj"),
        "letters are typed while a rule is edited"
    );
    session.press("\u{1b}u\n").await;
    session.press("\ndefault = \"OK\"\u{1b}").await;
    session.rest(500).await;
    let shown = session.shown();
    assert!(shown.contains("default used"), "{shown}");
    session.rest(3_000).await;
    let kept = session.engine.drafts.lock().unwrap().last().cloned();
    assert!(kept.is_some_and(|draft| draft.text.contains("default = \"OK\"")));
    session.press("i").await;
    let running = session.engine.impact.lock().unwrap().clone().unwrap();
    running
        .send(Ok(ImpactUpdate::Progress {
            looked_at: 100,
            of: 500,
        }))
        .await
        .unwrap();
    session.rest(300).await;
    assert!(
        session.shown().contains("100 of 500"),
        "{}",
        session.shown()
    );
    session.press("\u{1b}").await;
    assert!(running.is_closed(), "the run ends with the question");
    session.press("i").await;
    let running = session.engine.impact.lock().unwrap().clone().unwrap();
    let done = ImpactUpdate::Done(Box::new(sample::impact()));
    running.send(Ok(done)).await.unwrap();
    session.rest(300).await;
    session.press("P\n").await;
    session.rest(500).await;
    let shown = session.shown();
    assert!(shown.contains("Published. Retry"), "{shown}");
    assert_eq!(session.engine.published.lock().unwrap().len(), 1);
    session.quit_from_question().await;
}

impl Session {
    async fn quit_from_question(self) {
        self.press("n").await;
        assert_eq!(self.quit().await, Exit::Detach);
    }
}
