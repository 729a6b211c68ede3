//! What parent and worker say to each other.
//!
//! A request is two lengths (little-endian `u32`), a head in JSON, and a body: the record in JSON, which the
//! worker reads straight into the interpreter's values. A reply is one length and JSON.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::{Fault, Outcome, Task};
use crate::mapping::script::ScriptSet;
use crate::model::Direction;

/// No frame is larger; a length beyond it is a sign of confusion.
const LARGEST: usize = 256 * 1024 * 1024;

/// What the parent asks.
#[derive(Serialize)]
pub(super) enum Ask<'a> {
    /// Read these scripts and keep them, except those that already brought a worker down.
    Prepare {
        set: &'a ScriptSet,
        except: &'a [usize],
    },
    /// Evaluate scripts of the set of this key on the record in the body.
    Run {
        key: &'a str,
        direction: Direction,
        tasks: &'a [Task],
    },
}

/// What the worker is asked: [`Ask`], read back.
#[derive(Deserialize)]
pub(super) enum Asked {
    Prepare {
        set: ScriptSet,
        except: Vec<usize>,
    },
    Run {
        key: String,
        direction: Direction,
        tasks: Vec<Task>,
    },
}

/// What the worker answers.
#[derive(Serialize, Deserialize)]
pub(super) enum Reply {
    /// The set is kept; these of its scripts can't be used.
    Prepared { faults: Vec<(usize, Fault)> },
    /// The set is not kept (any more).
    Unknown,
    /// The tasks' outcomes, in their order.
    Ran(Results),
}

/// What came of the tasks.
#[derive(Serialize, Deserialize)]
pub(super) struct Results {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) trace: Vec<String>,
    /// The numbers of the record that scripts got as text.
    pub(super) long_numbers: Vec<String>,
    /// Whether the worker ends itself after this.
    pub(super) last: bool,
}

/// The bytes of a request.
pub(super) fn request(ask: &Ask<'_>, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 8];
    serde_json::to_writer(&mut bytes, ask)?;
    let head = bytes.len() - 8;
    if let Some(lengths) = bytes.first_chunk_mut::<8>() {
        lengths[..4].copy_from_slice(&length(head)?);
        lengths[4..].copy_from_slice(&length(body.len())?);
    }
    bytes.extend_from_slice(body);
    Ok(bytes)
}

fn length(bytes: usize) -> io::Result<[u8; 4]> {
    let fits = u32::try_from(bytes).ok().filter(|_| bytes <= LARGEST);
    fits.map(u32::to_le_bytes)
        .ok_or_else(|| io::Error::other("the frame is too large"))
}

/// The length that a frame announces.
pub(super) fn announced(bytes: [u8; 4]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
    if length > LARGEST {
        Err(io::Error::other("the frame is too large"))
    } else {
        Ok(length)
    }
}

/// A request as the worker reads it: head and body. `None` when the parent has hung up.
pub(super) fn read_request(input: &mut impl Read) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut lengths = [[0; 4]; 2];
    if let Err(error) = input.read_exact(lengths.as_flattened_mut()) {
        let hung_up = error.kind() == io::ErrorKind::UnexpectedEof;
        return if hung_up { Ok(None) } else { Err(error) };
    }
    let [head, body] = lengths.map(announced);
    let (mut head, mut body) = (vec![0; head?], vec![0; body?]);
    input.read_exact(&mut head)?;
    input.read_exact(&mut body)?;
    Ok(Some((head, body)))
}

/// Writes a reply, as the worker does.
pub(super) fn write_reply(output: &mut impl Write, reply: &Reply) -> io::Result<()> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, reply)?;
    let announced = length(bytes.len() - 4)?;
    bytes[..4].copy_from_slice(&announced);
    output.write_all(&bytes)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reads_back_and_the_end_is_no_error() {
        let tasks = [Task {
            rule: 3,
            when: None,
            script: Some(1),
        }];
        let ask = Ask::Run {
            key: "k",
            direction: Direction::Inbound,
            tasks: &tasks,
        };
        let bytes = request(&ask, b"{}").unwrap();
        let mut input = bytes.as_slice();
        let (head, body) = read_request(&mut input).unwrap().unwrap();
        assert_eq!(body, b"{}");
        let Asked::Run { tasks: asked, .. } = serde_json::from_slice(&head).unwrap() else {
            panic!("not Run")
        };
        assert_eq!(asked, tasks);
        assert!(read_request(&mut input).unwrap().is_none());
    }

    #[test]
    fn an_absurd_length_is_refused_before_anything_is_reserved() {
        assert!(announced(u32::MAX.to_le_bytes()).is_err());
        assert!(read_request(&mut [0xff; 8].as_slice()).is_err());
    }
}
