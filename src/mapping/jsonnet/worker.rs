//! The worker's main.

use std::io::{self, BufReader};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

use super::frame::{Asked, Reply, Results, read_request, write_reply};
use super::interpreter::Interpreter;
use super::journal::{self, Mark};
use super::{Outcome, Task, input};
use crate::model::Direction;

/// Values that refer to each other (`self`, `$`, recursive locals) are only freed when somebody looks for them:
/// after so many records.
const RECORDS_BETWEEN_LOOKS: u32 = 64;

/// A worker ends itself after so many records, or when it has grown so large all the same; the parent has the
/// next one ready.
const MOST_RECORDS: u32 = 10_000;
const MOST_RESIDENT_KIB: u64 = 128 * 1024;

/// What a script may write with `std.trace` while one record is mapped, in bytes.
const MOST_TRACE: u64 = 1024 * 1024;

/// The child's main: reads requests from standard input and writes replies to standard output until the parent
/// hangs up. Its second argument is the address space that scripts may use, in bytes.
#[must_use]
pub fn worker_main() -> ExitCode {
    let memory = std::env::args()
        .nth(2)
        .and_then(|memory| memory.parse().ok());
    let memory = memory.unwrap_or(super::Limits::default().memory);
    if let Err(error) = confine(memory) {
        eprintln!("the worker can't be confined: {error}");
        return ExitCode::FAILURE;
    }
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Gives up all that scripts don't need, before the first of them is read.
fn confine(memory: u64) -> io::Result<()> {
    let limit = |resource, most: u64| {
        setrlimit(
            resource,
            Rlimit {
                current: Some(most),
                maximum: Some(most),
            },
        )
    };
    // What the program and its allocator have reserved by now is none of the scripts' doing.
    limit(
        Resource::As,
        memory.saturating_add(status_kib("VmSize:") * 1024),
    )?;
    limit(Resource::Core, 0)?;
    // The three standard ones, and a few for time zone data.
    limit(Resource::Nofile, 16)?;
    limit(Resource::Fsize, MOST_TRACE)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

fn serve() -> io::Result<()> {
    let mut requests = BufReader::with_capacity(64 * 1024, io::stdin().lock());
    let mut replies = io::stdout().lock();
    let mut interpreter = Interpreter::default();
    let mut records = 0;
    while let Some((head, body)) = read_request(&mut requests)? {
        let reply = match serde_json::from_slice(&head)? {
            Asked::Prepare { set, except } => {
                let faults = interpreter.prepare(set, &except);
                journal::empty()?;
                Reply::Prepared { faults }
            }
            Asked::Run {
                key,
                direction,
                tasks,
            } => {
                records += 1;
                match run(&mut interpreter, &key, direction, &tasks, &body) {
                    None => Reply::Unknown,
                    Some(mut results) => {
                        results.last = is_spent(records);
                        Reply::Ran(results)
                    }
                }
            }
        };
        write_reply(&mut replies, &reply)?;
        if matches!(&reply, Reply::Ran(results) if results.last) {
            break;
        }
    }
    Ok(())
}

fn run(
    interpreter: &mut Interpreter,
    key: &str,
    direction: Direction,
    tasks: &[Task],
    body: &[u8],
) -> Option<Results> {
    let outcomes: Vec<Outcome> = interpreter.run(key, direction, tasks, body)?;
    let rule = |task: usize| tasks.get(task).map_or(0, |task| task.rule);
    let trace = journal::take_trace(|mark| match mark {
        Mark::When(task) => format!("rule {}, condition", rule(task)),
        Mark::Script(task) => format!("rule {}", rule(task)),
        Mark::Prepare(_) => String::new(),
    });
    Some(Results {
        outcomes,
        // Without a journal there is no trace to tell.
        trace: trace.unwrap_or_default(),
        long_numbers: input::take_looked_at(),
        last: false,
    })
}

fn is_spent(records: u32) -> bool {
    if records.is_multiple_of(RECORDS_BETWEEN_LOOKS) {
        jrsonnet_gcmodule::collect_thread_cycles();
        if status_kib("VmRSS:") > MOST_RESIDENT_KIB {
            return true;
        }
    }
    records >= MOST_RECORDS
}

/// A size from the system's account of this process; zero where it does not tell.
fn status_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = status.lines().find_map(|line| line.strip_prefix(name));
    let number = size.and_then(|size| size.trim().trim_end_matches("kB").trim().parse().ok());
    number.unwrap_or(0)
}
