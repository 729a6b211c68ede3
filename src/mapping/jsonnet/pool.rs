//! The parent's side: a few workers, one of them always warm.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::frame::{Ask, Reply, Results, announced, request};
use super::journal::{LastWords, Mark, last_words};
use super::program::{Started, WorkerProgram};
use super::{Fault, Limits, Outcome, Ran, Task};
use crate::mapping::script::ScriptSet;
use crate::model::Direction;

/// After so many scripts of one record that had to be stopped, the others are not tried any more.
const MOST_STOPPED: usize = 3;

/// How often a worker that ended for no fault of a script is replaced for one record.
const MOST_REPLACED: usize = 3;

/// How many scripts that brought a worker down while being read are remembered.
const MOST_FATAL: usize = 256;

/// How many sets a worker is remembered to know; it tells if it has forgotten one.
const MOST_KNOWN: usize = 8;

/// The workers.
#[derive(Debug)]
pub(in crate::mapping) struct Pool {
    shared: Arc<Shared>,
    permits: Semaphore,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    program: WorkerProgram,
    idle: Mutex<Vec<Worker>>,
    warming: AtomicBool,
    /// Scripts that end the worker that reads them, by set and place, so that each does so only once.
    fatal: Mutex<HashMap<(String, usize), Fault>>,
}

#[derive(Debug)]
struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    journal: File,
    known: Vec<String>,
    /// What its scripts may use, in bytes.
    memory: u64,
}

/// What became of one attempt with one worker.
enum Attempt {
    Ran(Results),
    /// The worker died while doing this.
    Died(Mark, Fault),
    /// The worker died of itself.
    Gone(String),
}

/// How a worker ended.
struct Death {
    words: LastWords,
    cause: Cause,
    memory: u64,
}

enum Cause {
    TooLong(Duration),
    Ended(Option<ExitStatus>),
}

impl Pool {
    pub(in crate::mapping) fn new(limits: Limits, program: WorkerProgram) -> Self {
        let permits = Semaphore::new(limits.workers.max(1));
        let shared = Shared {
            limits,
            program,
            idle: Mutex::default(),
            warming: AtomicBool::new(false),
            fatal: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
            permits,
        }
    }

    /// Runs the scripts of a record's rules; each reports for itself.
    pub(in crate::mapping) async fn run(
        &self,
        set: &ScriptSet,
        tasks: &[Task],
        record: &Value,
        direction: Direction,
    ) -> Ran {
        // The pool is never closed, so there is always a permit to wait for.
        let _permit = self.permits.acquire().await;
        let body = serde_json::to_vec(record).unwrap_or_default();
        let mut ran = Ran::default();
        let mut open = tasks.to_vec();
        for (script, fault) in self.shared.fatal_of(set) {
            blame(&mut ran, &mut open, Mark::Prepare(script), &fault);
        }
        let (mut stopped, mut replaced) = (0, 0);
        while !open.is_empty() {
            match self.shared.attempt(set, &open, &body, direction).await {
                Attempt::Ran(results) => {
                    ran.outcomes
                        .extend(open.drain(..).map(|task| task.rule).zip(results.outcomes));
                    ran.trace.extend(results.trace);
                    ran.warnings
                        .extend(results.long_numbers.iter().map(|path| long_number(path)));
                }
                Attempt::Died(mark, fault) => {
                    stopped += 1;
                    blame(&mut ran, &mut open, mark, &fault);
                }
                Attempt::Gone(reason) => {
                    replaced += 1;
                    if replaced >= MOST_REPLACED {
                        let fault = Fault {
                            worker_trouble: true,
                            ..Fault::new(reason)
                        };
                        give_up(&mut ran, &mut open, &fault);
                    }
                }
            }
            if stopped >= MOST_STOPPED {
                let what = format!(
                    "not evaluated, because {stopped} other scripts of this mapping had to be stopped"
                );
                give_up(&mut ran, &mut open, &Fault::new(what));
            }
        }
        ran
    }

    /// Reads the scripts of a set and tells what is wrong with them, by their place in the set.
    pub(in crate::mapping) async fn check(&self, set: &ScriptSet) -> Vec<(usize, Fault)> {
        let _permit = self.permits.acquire().await;
        let mut replaced = 0;
        loop {
            let mut worker = match self.shared.take() {
                Ok(worker) => worker,
                Err(error) => return vec![(0, not_started(&error))],
            };
            match self.shared.prepare(&mut worker, set).await {
                Ok(mut faults) => {
                    let fatal = self.shared.fatal_of(set);
                    faults.retain(|(index, _)| fatal.iter().all(|(other, _)| other != index));
                    faults.extend(fatal);
                    self.shared.give_back(worker);
                    return faults;
                }
                Err(death) => {
                    let died_reading = self.shared.learn(set, &death);
                    replaced += usize::from(!died_reading);
                    if replaced >= MOST_REPLACED {
                        return vec![(
                            0,
                            Fault {
                                worker_trouble: true,
                                ..Fault::new(death.reason())
                            },
                        )];
                    }
                }
            }
        }
    }
}

/// Takes from the open tasks those that a worker's death is due to.
fn blame(ran: &mut Ran, open: &mut Vec<Task>, mark: Mark, fault: &Fault) {
    let mut index = 0..;
    open.retain(|task| {
        let index = index.next();
        let outcome = match mark {
            Mark::When(at) if Some(at) == index => Outcome::WhenFailed,
            Mark::Script(at) if Some(at) == index => Outcome::Failed,
            Mark::Prepare(script) if task.when == Some(script) => Outcome::WhenFailed,
            Mark::Prepare(script) if task.script == Some(script) => Outcome::Failed,
            _ => return true,
        };
        ran.outcomes.insert(task.rule, outcome(fault.clone()));
        false
    });
}

fn give_up(ran: &mut Ran, open: &mut Vec<Task>, fault: &Fault) {
    let given_up = open.drain(..).map(|task| {
        let outcome = if task.script.is_some() {
            Outcome::Failed
        } else {
            Outcome::WhenFailed
        };
        (task.rule, outcome(fault.clone()))
    });
    ran.outcomes.extend(given_up);
}

fn long_number(path: &str) -> String {
    format!("`{path}` is a number beyond 2^53, which Jsonnet can't hold: scripts get it as text")
}

impl Shared {
    async fn attempt(
        self: &Arc<Self>,
        set: &ScriptSet,
        tasks: &[Task],
        body: &[u8],
        direction: Direction,
    ) -> Attempt {
        let mut worker = match self.take() {
            Ok(worker) => worker,
            Err(error) => return Attempt::Gone(not_started(&error).what),
        };
        let ask = Ask::Run {
            key: &set.key,
            direction,
            tasks,
        };
        // A worker may have forgotten a set that we believe it knows, but not one it has just read.
        for _ in 0..2 {
            if !worker.known.contains(&set.key)
                && let Err(death) = self.prepare(&mut worker, set).await
            {
                self.learn(set, &death);
                return death.into_attempt();
            }
            let reply = match request(&ask, body) {
                Ok(frame) => worker.exchange(&frame, self.limits.deadline).await,
                Err(error) => return Attempt::Gone(error.to_string()),
            };
            match reply {
                Ok(Reply::Ran(results)) => {
                    if !results.last {
                        self.give_back(worker);
                    }
                    return Attempt::Ran(results);
                }
                Ok(_) => worker.known.retain(|key| *key != set.key),
                Err(death) => return death.into_attempt(),
            }
        }
        Attempt::Gone("the script worker does not keep the scripts it read".to_owned())
    }

    async fn prepare(
        &self,
        worker: &mut Worker,
        set: &ScriptSet,
    ) -> Result<Vec<(usize, Fault)>, Death> {
        let except: Vec<usize> = self
            .fatal_of(set)
            .into_iter()
            .map(|(index, _)| index)
            .collect();
        let frame = request(
            &Ask::Prepare {
                set,
                except: &except,
            },
            b"",
        )
        .unwrap_or_default();
        let reply = worker.exchange(&frame, self.limits.preparation).await?;
        let Reply::Prepared { faults } = reply else {
            return Err(worker.bury(Cause::Ended(None)).await);
        };
        if worker.known.len() >= MOST_KNOWN {
            worker.known.remove(0);
        }
        worker.known.push(set.key.clone());
        Ok(faults)
    }

    /// Remembers a script that ended the worker that read it; whether there was one.
    fn learn(&self, set: &ScriptSet, death: &Death) -> bool {
        let Some(Mark::Prepare(script)) = death.words.mark else {
            return false;
        };
        let mut fatal = locked(&self.fatal);
        if fatal.len() >= MOST_FATAL {
            fatal.clear();
        }
        fatal.insert((set.key.clone(), script), death.fault());
        true
    }

    fn fatal_of(&self, set: &ScriptSet) -> Vec<(usize, Fault)> {
        let fatal = locked(&self.fatal);
        let indices = 0..set.scripts.len();
        indices
            .filter_map(|index| Some((index, fatal.get(&(set.key.clone(), index))?.clone())))
            .collect()
    }

    /// An idle worker, or a new one; and if that leaves none idle, one more is started meanwhile.
    fn take(self: &Arc<Self>) -> io::Result<Worker> {
        let (worker, is_last) = {
            let mut idle = locked(&self.idle);
            (idle.pop(), idle.is_empty())
        };
        let worker = match worker {
            Some(worker) => worker,
            None => Worker::start(self)?,
        };
        if is_last && !self.warming.swap(true, Ordering::AcqRel) {
            let shared = Arc::clone(self);
            tokio::spawn(async move {
                // If it can't be started now, it will be tried when it is needed.
                if let Ok(worker) = Worker::start(&shared) {
                    shared.give_back(worker);
                }
                shared.warming.store(false, Ordering::Release);
            });
        }
        Ok(worker)
    }

    fn give_back(&self, worker: Worker) {
        let mut idle = locked(&self.idle);
        if idle.len() <= self.limits.workers {
            idle.push(worker);
        }
    }
}

fn not_started(error: &io::Error) -> Fault {
    let fault = Fault::new(format!("the script worker can't be started: {error}"));
    Fault {
        worker_trouble: true,
        ..fault
    }
}

impl Worker {
    fn start(shared: &Shared) -> io::Result<Self> {
        let Started {
            child,
            input,
            output,
            journal,
        } = shared.program.start(shared.limits.memory)?;
        Ok(Self {
            child,
            input,
            output: BufReader::with_capacity(64 * 1024, output),
            journal,
            memory: shared.limits.memory,
            known: Vec::new(),
        })
    }

    /// Sends a frame and waits for the reply; a worker that fails at it is buried.
    async fn exchange(&mut self, frame: &[u8], within: Duration) -> Result<Reply, Death> {
        let exchange = async {
            self.input.write_all(frame).await?;
            let mut length = [0; 4];
            self.output.read_exact(&mut length).await?;
            let mut bytes = vec![0; announced(length)?];
            self.output.read_exact(&mut bytes).await?;
            Ok::<Reply, io::Error>(serde_json::from_slice(&bytes)?)
        };
        match timeout(within, exchange).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) => Err(self.bury(Cause::Ended(None)).await),
            Err(_) => Err(self.bury(Cause::TooLong(within)).await),
        }
    }

    async fn bury(&mut self, cause: Cause) -> Death {
        let cause = match cause {
            Cause::TooLong(limit) => {
                // It may just have ended by itself.
                let _ = self.child.kill().await;
                Cause::TooLong(limit)
            }
            Cause::Ended(_) => {
                // Its pipes are closed, so it is about to end; one that is not is made to.
                let ended = timeout(Duration::from_secs(1), self.child.wait()).await;
                let status = ended.ok().and_then(Result::ok);
                if status.is_none() {
                    let _ = self.child.kill().await;
                }
                Cause::Ended(status)
            }
        };
        Death {
            words: last_words(&self.journal),
            cause,
            memory: self.memory,
        }
    }
}

impl Death {
    fn into_attempt(self) -> Attempt {
        match self.words.mark {
            Some(mark) => Attempt::Died(mark, self.fault()),
            None => Attempt::Gone(self.reason()),
        }
    }

    fn reason(&self) -> String {
        let words = self.words.text.trim();
        let told = if words.is_empty() {
            String::new()
        } else {
            format!(": {}", first_line(words))
        };
        match &self.cause {
            Cause::TooLong(limit) => format!(
                "the script worker did not answer within {} ms",
                limit.as_millis()
            ),
            Cause::Ended(Some(status)) => format!("the script worker ended ({status}){told}"),
            Cause::Ended(None) => format!("the script worker ended{told}"),
        }
    }

    /// What a script did to its worker.
    fn fault(&self) -> Fault {
        let words = &self.words.text;
        let status = match &self.cause {
            Cause::TooLong(limit) => {
                return Fault::new(format!(
                    "the script was stopped, because it ran for more than {} ms",
                    limit.as_millis()
                ))
                .hint("look for a recursion or a range without end");
            }
            Cause::Ended(status) => *status,
        };
        // Sent when a file grows beyond its limit: here, the journal.
        if status.and_then(|status| status.signal()) == Some(Signal::XFSZ.as_raw()) {
            return Fault::new("the script was stopped, because it wrote too much with std.trace")
                .hint("trace less, or only under a condition");
        }
        let is_memory = [
            "memory allocation of",
            "capacity overflow",
            "!data.is_null()",
            "Cannot allocate memory",
        ];
        if is_memory.iter().any(|sign| words.contains(sign)) {
            let most = self.memory / 1024 / 1024;
            return Fault::new(format!(
                "the script was stopped, because it used too much memory (more than {most} MiB)"
            ))
            .hint("look for a range, a repetition or a text that grows without bound");
        }
        if words.contains("overflowed its stack") {
            return Fault::new(
                "the script was stopped, because its values or brackets are nested too deeply",
            );
        }
        let panic = words.lines().find(|line| line.contains("panicked at"));
        let told = match (panic, status) {
            (Some(panic), _) => first_line(panic),
            (None, Some(status)) => status.to_string(),
            (None, None) => "it ended without a word".to_owned(),
        };
        Fault::new(format!("the interpreter failed at this script: {told}"))
    }
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(200).collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
