//! A disk for tests: it fills up, fails on command, and loses what was not flushed when power goes.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::{Builder, Database, DatabaseError, StorageBackend};

use super::file::Home;

/// What of the writes since the last flush a loss of power leaves behind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Survives {
    /// All, as after the death of the process alone.
    Everything,
    /// None.
    Nothing,
    /// Every other one: disks reorder.
    EveryOther,
}

#[derive(Debug)]
enum Change {
    Write {
        at: usize,
        old: Vec<u8>,
        new: Vec<u8>,
    },
    Resize {
        old_len: usize,
        cut_off: Vec<u8>,
        new_len: usize,
    },
}

#[derive(Debug, Default)]
struct State {
    data: Vec<u8>,
    unflushed: Vec<Change>,
    operations: u64,
    fail_from: Option<u64>,
    fail_once: bool,
    capacity: Option<usize>,
}

/// The disk; clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(super) struct FaultyDisk(Arc<Mutex<State>>);

impl FaultyDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Another disk with the same content.
    pub(super) fn copy(&self) -> Self {
        let data = self.state().data.clone();
        Self(Arc::new(Mutex::new(State {
            data,
            ..State::default()
        })))
    }

    /// How many changing operations there were.
    pub(super) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// From the given operation on, counted from now, everything fails.
    pub(super) fn fail_after(&self, operations: u64) {
        let mut state = self.state();
        state.fail_from = Some(state.operations + operations);
        state.fail_once = false;
    }

    /// The given operation fails, those after it work again.
    pub(super) fn fail_once_after(&self, operations: u64) {
        self.fail_after(operations);
        self.state().fail_once = true;
    }

    /// Lets the disk hold no more than it does, or as much as there may be.
    pub(super) fn set_full(&self, full: bool) {
        let mut state = self.state();
        state.capacity = full.then_some(state.data.len());
    }

    /// Cuts the power and mends the disk.
    pub(super) fn lose_power(&self, survives: Survives) {
        let mut state = self.state();
        state.fail_from = None;
        let changes = std::mem::take(&mut state.unflushed);
        for change in changes.iter().rev() {
            change.undo(&mut state.data);
        }
        for (place, change) in changes.iter().enumerate() {
            let kept = match survives {
                Survives::Everything => true,
                Survives::Nothing => false,
                Survives::EveryOther => place % 2 == 1 || matches!(change, Change::Resize { .. }),
            };
            if kept {
                change.redo(&mut state.data);
            }
        }
    }
}

impl Change {
    fn undo(&self, data: &mut Vec<u8>) {
        match self {
            Self::Write { at, old, .. } => data[*at..*at + old.len()].copy_from_slice(old),
            Self::Resize {
                old_len, cut_off, ..
            } => {
                data.truncate(*old_len);
                data.resize(*old_len - cut_off.len(), 0);
                data.extend_from_slice(cut_off);
            }
        }
    }

    fn redo(&self, data: &mut Vec<u8>) {
        match self {
            Self::Write { at, new, .. } => data[*at..*at + new.len()].copy_from_slice(new),
            Self::Resize { new_len, .. } => data.resize(*new_len, 0),
        }
    }
}

impl State {
    fn operate(&mut self) -> io::Result<()> {
        self.operations += 1;
        match self.fail_from {
            Some(from) if self.operations > from => {
                if self.fail_once {
                    self.fail_from = None;
                }
                Err(io::Error::other("the disk is gone"))
            }
            _ => Ok(()),
        }
    }

    fn room_for(&self, end: usize) -> io::Result<()> {
        if self.capacity.is_some_and(|capacity| end > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

impl StorageBackend for FaultyDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().data.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (state, at) = (self.state(), place(offset));
        let bytes = state.data.get(at..at + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        state.room_for(place(len))?;
        let (old_len, new_len) = (state.data.len(), place(len));
        let cut_off = state.data.get(new_len..).unwrap_or_default().to_vec();
        state.data.resize(new_len, 0);
        state.unflushed.push(Change::Resize {
            old_len,
            cut_off,
            new_len,
        });
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        state.unflushed.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        let at = place(offset);
        let Some(place) = state.data.get_mut(at..at + data.len()) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let old = place.to_vec();
        place.copy_from_slice(data);
        let new = data.to_vec();
        state.unflushed.push(Change::Write { at, old, new });
        Ok(())
    }
}

impl Home for FaultyDisk {
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        builder.create_with_backend(self.clone())
    }

    fn name(&self) -> String {
        "a disk in memory".to_owned()
    }
}
