//! What `-v` tells on standard error, while it happens.

use super::story::Story;
use sockeye::{Observer, SegmentTrace};
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Writes lines from a thread of its own: the stack is never held up by a slow terminal. Copies write to the same place.
#[derive(Clone)]
pub(crate) struct Narrator(Sender<Message>);

enum Message {
    Line(String),
    /// Answered when everything before it has been written.
    Flush(Sender<()>),
}

impl Narrator {
    pub(crate) fn start() -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || write_all(&receiver));
        Self(sender)
    }

    pub(crate) fn tell(&self, line: impl Into<String>) {
        // If the thread is gone, so is standard error.
        let _ = self.0.send(Message::Line(line.into()));
    }

    /// Waits until everything told so far is written.
    pub(crate) fn flush(&self) {
        let (sender, receiver) = channel();
        if self.0.send(Message::Flush(sender)).is_ok() {
            // An error means that the thread is gone.
            let _ = receiver.recv();
        }
    }

    /// What tells of segments.
    pub(crate) fn observer(&self, story: Story) -> impl Observer + use<> {
        let narrator = self.clone();
        let mut story = story;
        move |trace: &SegmentTrace| {
            if let Some(line) = story.line(trace) {
                narrator.tell(line);
            }
        }
    }
}

fn write_all(messages: &Receiver<Message>) {
    let mut out = io::stderr();
    for message in messages {
        match message {
            Message::Line(line) => {
                if writeln!(out, "{line}").is_err() {
                    return;
                }
            }
            // Whoever asked may have stopped waiting.
            Message::Flush(done) => drop(done.send(())),
        }
    }
}
