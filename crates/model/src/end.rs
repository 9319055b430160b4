//! One end: what a host keeps for a 4-tuple, and the application above it.

use crate::rules::is_synchronized;
use crate::scenario::{Call, Start};
use sockeye_tcp::{
    Config, Connection, Error, HalfOpen, HalfOpenEvent, Info, Opening, Reset, Segment, TimeWait,
    TimeWaitEvent, Transmit,
};
use sockeye_wire::{Instant, SeqNumber, StateName};
use std::sync::Arc;

/// One side of the channel.
#[derive(Debug)]
pub(crate) struct End {
    machine: Machine,
    config: Arc<Config>,
    /// Of the next connection.
    iss: SeqNumber,
    /// From one ISS to the next.
    next_iss: u32,
    is_server: bool,
    calls: &'static [Call],
    /// Calls so far.
    called: usize,
    /// What the application of the present or last connection did and saw, and those before it.
    pub(crate) application: Application,
    past: Vec<Application>,
    /// What a record in TIME-WAIT has to say.
    answer: Option<Transmit>,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "two of them in a world")]
enum Machine {
    /// No record of the 4-tuple, and no listener.
    Nothing,
    /// Broken: takes everything and answers nothing.
    Mute,
    Listening,
    Half(HalfOpen),
    Open(Connection),
    /// TIME-WAIT after the application has let go.
    Waiting(TimeWait),
}

/// What the application did and saw.
#[derive(Clone, Default, Debug)]
pub(crate) struct Application {
    /// Which of the client's connections this is: the client's ISS.
    pub(crate) client_iss: SeqNumber,
    /// How often it was accepted.
    pub(crate) accepted: u8,
    pub(crate) written: Vec<u8>,
    pub(crate) has_closed: bool,
    pub(crate) has_aborted: bool,
    let_go: bool,
    pub(crate) read: Vec<u8>,
    /// The end of the peer's data was seen.
    pub(crate) end_of_data: bool,
    pub(crate) error: Option<Error>,
}

impl End {
    pub(crate) fn new(
        start: Start,
        calls: &'static [Call],
        config: Arc<Config>,
        iss: (SeqNumber, u32),
        client_iss: SeqNumber,
        now: Instant,
    ) -> Self {
        let (iss, next_iss) = iss;
        let machine = match start {
            Start::Listen => Machine::Listening,
            Start::Connect => {
                Machine::Open(Connection::connect(Arc::clone(&config), opening(iss), now))
            }
            Start::Nobody => Machine::Nothing,
        };
        let is_server = start == Start::Listen;
        let application = Application { client_iss, ..Application::default() };
        Self {
            machine,
            config,
            iss,
            next_iss,
            is_server,
            calls,
            called: 0,
            application,
            past: Vec::new(),
            answer: None,
        }
    }

    pub(crate) fn state(&self) -> StateName {
        match &self.machine {
            Machine::Nothing | Machine::Mute => StateName::Closed,
            Machine::Listening => StateName::Listen,
            Machine::Half(_) => StateName::SynReceived,
            Machine::Open(connection) => connection.state(),
            Machine::Waiting(_) => StateName::TimeWait,
        }
    }

    /// What the application of a certain connection did and saw.
    pub(crate) fn application_of(&self, client_iss: SeqNumber) -> Option<&Application> {
        let all = self.past.iter().chain([&self.application]);
        all.rev().find(|application| application.client_iss == client_iss)
    }

    pub(crate) fn iss(&self) -> SeqNumber {
        self.iss
    }

    pub(crate) fn is_mute(&self) -> bool {
        matches!(self.machine, Machine::Mute)
    }

    pub(crate) fn is_synchronized(&self) -> bool {
        is_synchronized(self.state())
    }

    /// What a connection knows, in the states in which both sides know each other.
    pub(crate) fn synchronized(&self) -> Option<Info> {
        match &self.machine {
            Machine::Open(connection) if is_synchronized(connection.state()) => {
                Some(connection.info())
            }
            _ => None,
        }
    }

    pub(crate) fn on_segment(&mut self, now: Instant, segment: Segment) -> Option<Reset> {
        match &mut self.machine {
            Machine::Nothing => Reset::for_segment(&segment),
            Machine::Mute => None,
            Machine::Listening => self.on_segment_in_listen(now, &segment),
            Machine::Half(half) => match half.on_segment(now, &self.config, segment) {
                HalfOpenEvent::Waiting => None,
                HalfOpenEvent::Reset(reset) => Some(reset),
                HalfOpenEvent::Gone => {
                    self.listen_again();
                    None
                }
                HalfOpenEvent::Established(connection) => {
                    let client_iss = half.irs();
                    self.machine = Machine::Open(connection);
                    self.begin(client_iss);
                    None
                }
            },
            Machine::Open(connection) => connection.on_segment(now, segment),
            Machine::Waiting(time_wait) => {
                match time_wait.on_segment(now, &segment, self.config.timestamps) {
                    TimeWaitEvent::Ignore => {}
                    TimeWaitEvent::Ack(transmit) => self.answer = Some(transmit),
                    TimeWaitEvent::Reopen { minimum_iss } => {
                        self.iss = minimum_iss + 1;
                        return self.on_segment_in_listen(now, &segment);
                    }
                }
                None
            }
        }
    }

    /// Another connection has another application.
    fn begin(&mut self, client_iss: SeqNumber) {
        let again = self.application_of(client_iss).map_or(0, |before| before.accepted);
        let next = Application { client_iss, accepted: again + 1, ..Application::default() };
        self.past.push(std::mem::replace(&mut self.application, next));
    }

    /// RFC 9293 §3.10.7.2, which a host does for its listeners.
    fn on_segment_in_listen(&mut self, now: Instant, segment: &Segment) -> Option<Reset> {
        if segment.flags.rst() {
            return None;
        }
        if segment.flags.ack() {
            return Reset::for_segment(segment);
        }
        if segment.flags.syn() {
            let half = HalfOpen::on_syn(&self.config, opening(self.iss), segment, now);
            self.machine = Machine::Half(half);
        }
        None
    }

    fn listen_again(&mut self) {
        self.machine = Machine::Listening;
        self.iss += self.next_iss;
    }

    pub(crate) fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        match &mut self.machine {
            Machine::Nothing | Machine::Mute | Machine::Listening => None,
            Machine::Half(half) => half.poll_transmit(now, &self.config),
            Machine::Open(connection) => connection.poll_transmit(now, 0),
            Machine::Waiting(_) => self.answer.take(),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.machine {
            Machine::Nothing | Machine::Mute | Machine::Listening => None,
            Machine::Half(half) => Some(half.deadline()),
            Machine::Open(connection) => connection.deadline(),
            Machine::Waiting(time_wait) => Some(time_wait.deadline()),
        }
    }

    pub(crate) fn on_timer(&mut self, now: Instant) {
        match &mut self.machine {
            Machine::Nothing | Machine::Mute | Machine::Listening => {}
            Machine::Half(half) => {
                if !half.on_timer(now, &self.config, 0) {
                    self.listen_again();
                }
            }
            Machine::Open(connection) => connection.on_timer(now),
            Machine::Waiting(time_wait) => {
                if time_wait.deadline() <= now {
                    self.listen_again();
                }
            }
        }
    }

    /// The application's next step, if there is a connection for it, or room for another one.
    pub(crate) fn next_call(&self) -> Option<Call> {
        let call = self.calls.get(self.called).copied()?;
        let Machine::Open(connection) = &self.machine else { return None };
        (call != Call::Connect || connection.is_done()).then_some(call)
    }

    pub(crate) fn call(&mut self, now: Instant, call: Call) {
        self.called += 1;
        if call == Call::Connect {
            self.iss += self.next_iss;
            let config = Arc::clone(&self.config);
            self.machine = Machine::Open(Connection::connect(config, opening(self.iss), now));
            return self.begin(self.iss);
        }
        let application = &mut self.application;
        let Machine::Open(connection) = &mut self.machine else { return };
        match call {
            Call::Connect => {}
            Call::Write(data) => {
                if connection.write(now, data) == Ok(data.len()) {
                    application.written.extend_from_slice(data);
                }
            }
            Call::Shutdown => {
                connection.shutdown(now);
                application.has_closed = true;
            }
            Call::Close => {
                connection.close(now);
                application.has_closed = true;
                application.let_go = true;
            }
            Call::Abort => {
                connection.abort(now);
                application.has_aborted = true;
                application.let_go = true;
            }
        }
    }

    /// The application reads all there is; the host forgets what is over.
    pub(crate) fn settle(&mut self, now: Instant) {
        let Machine::Open(connection) = &mut self.machine else { return };
        let application = &mut self.application;
        let mut buffer = [0; 64];
        while !application.let_go && !application.end_of_data && application.error.is_none() {
            match connection.read(&mut buffer) {
                Ok(0) => application.end_of_data = true,
                Ok(count) => application.read.extend_from_slice(&buffer[..count]),
                Err(Error::WouldBlock) => break,
                Err(error) => application.error = Some(error),
            }
        }
        connection.on_read(now);
        if connection.is_done() {
            application.error = application.error.or(connection.error());
            if self.is_server {
                self.listen_again();
            }
        } else if let Some(time_wait) = connection.time_wait().filter(|_| self.is_server) {
            self.machine = Machine::Waiting(time_wait);
        }
    }

    /// The connection vanishes.
    pub(crate) fn fall_silent(&mut self) {
        self.machine = Machine::Mute;
    }
}

fn opening(iss: SeqNumber) -> Opening {
    Opening {
        mss: 1_460,
        path_mss: 1_460,
        default_mss: 536,
        iss,
        timestamp_offset: 0,
        signature: Default::default(),
    }
}
