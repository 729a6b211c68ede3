//! The terminal: taken over and given back whole, written to once a frame, and not at all when nothing changed.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::Once;
use std::thread::ThreadId;

use crossterm::cursor;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use super::app::App;
use super::message::Mouse;
use super::view::view;

/// Gathers what a frame changes and writes it in one go, between the marks of synchronized output.
#[derive(Debug)]
pub struct Canvas<W: Write> {
    gathered: Vec<u8>,
    out: W,
    size: Size,
}

impl<W: Write> Canvas<W> {
    fn new(out: W, size: Size) -> Self {
        Self {
            gathered: Vec::new(),
            out,
            size,
        }
    }
}

impl<W: Write> Backend for Canvas<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        // Even an empty change would reset colours and cost bytes.
        if content.peek().is_none() {
            return Ok(());
        }
        CrosstermBackend::new(&mut self.gathered).draw(content)
    }

    /// The cursor is hidden as long as the console has the terminal.
    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, _position: P) -> io::Result<()> {
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        CrosstermBackend::new(&mut self.gathered).clear()
    }

    fn clear_region(&mut self, kind: ClearType) -> io::Result<()> {
        CrosstermBackend::new(&mut self.gathered).clear_region(kind)
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.size,
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let mut framed = Vec::with_capacity(self.gathered.len() + 16);
        queue!(framed, BeginSynchronizedUpdate)?;
        framed.append(&mut self.gathered);
        queue!(framed, EndSynchronizedUpdate)?;
        self.out.write_all(&framed)?;
        self.out.flush()
    }
}

/// Whether the terminal's own settings are ours to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// A real terminal: raw mode, alternate screen, mouse.
    Whole,
    /// Something that only takes bytes.
    BytesOnly,
}

/// A terminal taken over by the console; given back when dropped.
pub struct Screen<W: Write> {
    terminal: Terminal<Canvas<W>>,
    control: Control,
    held: bool,
}

impl<W: Write> Screen<W> {
    /// Takes a terminal over.
    ///
    /// # Errors
    /// When it is none, or can't be written to.
    pub fn take(out: W, size: (u16, u16), control: Control) -> io::Result<Self> {
        let size = Size::new(size.0, size.1);
        let mut screen = Self {
            terminal: Terminal::new(Canvas::new(out, size))?,
            control,
            held: false,
        };
        screen.enter(Mouse::Captured)?;
        Ok(screen)
    }

    /// Takes the terminal (again); the next frame draws everything.
    ///
    /// # Errors
    /// When it can't be written to.
    pub fn enter(&mut self, mouse: Mouse) -> io::Result<()> {
        if self.control == Control::Whole {
            install_panic_hook();
            enable_raw_mode()?;
            self.held = true;
            let out = &mut self.terminal.backend_mut().out;
            execute!(
                out,
                EnterAlternateScreen,
                EnableBracketedPaste,
                cursor::Hide
            )?;
            self.mouse(mouse)?;
        }
        self.terminal.clear()
    }

    /// Gives the terminal back, for good or for an editor.
    pub fn leave(&mut self) {
        if self.held {
            self.held = false;
            restore(&mut self.terminal.backend_mut().out);
        }
    }

    /// Takes the mouse or gives it back.
    ///
    /// # Errors
    /// When the terminal can't be written to.
    pub fn mouse(&mut self, mouse: Mouse) -> io::Result<()> {
        if self.control == Control::BytesOnly {
            return Ok(());
        }
        let out = &mut self.terminal.backend_mut().out;
        match mouse {
            Mouse::Captured => execute!(out, EnableMouseCapture),
            Mouse::Released => execute!(out, DisableMouseCapture),
        }
    }

    /// Draws the state; writes what differs from the last frame, and nothing when nothing does.
    ///
    /// # Errors
    /// When the terminal can't be written to.
    pub fn draw(&mut self, app: &App) -> io::Result<()> {
        self.terminal.backend_mut().size = Size::new(app.size.0, app.size.1);
        self.terminal.draw(|frame| view(app, frame))?;
        Ok(())
    }

    /// Forgets what is on the screen: the next frame draws everything.
    ///
    /// # Errors
    /// When the terminal can't be written to.
    pub fn forget(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Whether it is a real terminal.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.control == Control::Whole
    }

    /// What the terminal's bytes go to.
    pub fn out(&mut self) -> &mut W {
        &mut self.terminal.backend_mut().out
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Gives the terminal back as it was, as far as it can still be written to.
fn restore(out: &mut impl Write) {
    // A terminal that is gone can't be restored, and nobody is left to be told.
    let _ = execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
}

/// The thread that draws, while one does.
static DRAWING: Mutex<Option<ThreadId>> = Mutex::new(None);

/// Notes which thread draws now; `None` when none does any more.
pub(super) fn drawing_thread(thread: Option<ThreadId>) {
    *DRAWING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner) = thread;
}

/// A panic of the console gives the terminal back before it is reported. A panic of anything else in this process
/// is logged and leaves the screen alone: an embedded engine survives a worker's panic, and so does the picture.
fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let drawing = *DRAWING
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            match drawing {
                None => previous(panic),
                Some(thread) if thread == std::thread::current().id() => {
                    restore(&mut io::stdout());
                    previous(panic);
                }
                Some(_) => tracing::error!(%panic, "a task panicked"),
            }
        }));
    });
}
