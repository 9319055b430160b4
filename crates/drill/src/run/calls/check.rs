//! What calls came to is compared with what the script says.

use super::super::flow::{Flow, Stage};
use super::super::symbols::{number, symbol};
use super::message::check_control;
use super::{Calls, Expected, Waiting};
use crate::script::CallSpec;
use sockeye_posix::{Accepted, Errno, Value};

impl Calls {
    /// Compares a call that is over, and takes over the descriptors that it made.
    ///
    /// # Errors
    /// What is not as expected.
    pub(crate) fn end(
        &mut self,
        flows: &mut Vec<Flow>,
        under_test: &mut Option<usize>,
        spec: &CallSpec,
        waiting: Waiting,
    ) -> Result<(), String> {
        let wanted = number(&spec.result)?;
        let Waiting { result, expected, returned, .. } = waiting;
        check_result(spec, wanted, &expected, &result, returned)?;
        let Ok(value) = result else { return Ok(()) };
        match expected {
            Expected::Nothing => Ok(()),
            Expected::Key(key) => {
                key.install(&mut self.keys);
                Ok(())
            }
            Expected::Descriptor { socket } => {
                let live = returned.and_then(|fd| i32::try_from(fd).ok()).ok_or("no descriptor")?;
                self.open(wanted, live)?;
                if socket {
                    flows.push(Flow::new(Some(live)));
                    *under_test = Some(flows.len() - 1);
                }
                Ok(())
            }
            Expected::Pipe { script, live } => {
                script.into_iter().zip(live).try_for_each(|(script, live)| self.open(script, live))
            }
            Expected::Accepted => match value {
                Value::Accepted(accepted) => self.accepted(flows, wanted, accepted),
                other => Err(format!("unexpected {other:?}")),
            },
            Expected::Closed(script) => {
                self.opened.remove(&script);
                if let Some(live) = self.fds.remove(&script) {
                    for flow in flows.iter_mut().filter(|flow| flow.fd == Some(live)) {
                        flow.fd = None;
                    }
                }
                Ok(())
            }
            Expected::Message { flags, control } => match value {
                Value::Received(received) if received.flags != flags => {
                    Err(format!("msg_flags: expected {flags:#x}, actual {:#x}", received.flags))
                }
                Value::Received(received) => check_control(&control, &received.control),
                other => Err(format!("unexpected {other:?}")),
            },
            Expected::Polled(expected) => match value {
                Value::Polled(fds) => {
                    for (index, (expected, fd)) in expected.iter().zip(&fds).enumerate() {
                        if *expected != fd.revents {
                            return Err(format!(
                                "revents of pollfd {index}: expected {expected:#x}, actual {:#x}",
                                fd.revents
                            ));
                        }
                    }
                    Ok(())
                }
                other => Err(format!("unexpected {other:?}")),
            },
            Expected::Epoll { events, data } => match value {
                // Without an event nothing was written.
                Value::Epoll(found) => match found.first() {
                    None => Ok(()),
                    Some(first) if (first.events, first.data) == (events, data) => Ok(()),
                    Some(first) => Err(format!(
                        "epoll_event: expected {events:#x} with {data}, actual {:#x} with {}",
                        first.events, first.data
                    )),
                },
                other => Err(format!("unexpected {other:?}")),
            },
            Expected::Octets { expected, actual } if expected == actual => Ok(()),
            Expected::Octets { expected, actual } => {
                Err(format!("value: expected {}, actual {}", show(&expected), show(&actual)))
            }
        }
    }

    fn open(&mut self, script: i64, live: i32) -> Result<(), String> {
        match self.fds.insert(script, live) {
            None => Ok(()),
            Some(_) => Err(format!("the script has a descriptor {script} already")),
        }
    }

    /// The flow of a listener's child gets its descriptor.
    fn accepted(
        &mut self,
        flows: &mut [Flow],
        script: i64,
        accepted: Accepted,
    ) -> Result<(), String> {
        // A number may be used again without having been closed: it means the newer one then, as with packetdrill.
        self.fds.insert(script, accepted.fd);
        let peer = (accepted.peer.ip().to_canonical(), accepted.peer.port());
        let child = flows.iter_mut().rev().find(|flow| {
            matches!(flow.stage, Stage::SynAckSent | Stage::Accepted)
                && flow.fd.is_none()
                && flow.remote.is_some_and(|remote| (remote.ip(), remote.port()) == peer)
        });
        match child {
            Some(flow) => {
                flow.fd = Some(accepted.fd);
                Ok(())
            }
            None => Err("no connection of the script is the one accepted".into()),
        }
    }
}

fn check_result(
    spec: &CallSpec,
    wanted: i64,
    expected: &Expected,
    result: &Result<Value, Errno>,
    returned: Option<i64>,
) -> Result<(), String> {
    let actual = match result {
        Ok(value) => returned.unwrap_or_else(|| value.returned()),
        Err(_) => -1,
    };
    let told = match result {
        Ok(_) => actual.to_string(),
        Err(error) => format!("-1 {error}"),
    };
    // Descriptors have the script's own numbers.
    let descriptor =
        matches!(expected, Expected::Descriptor { .. } | Expected::Accepted) && wanted >= 0;
    let same = if descriptor { actual >= 0 } else { actual == wanted };
    if !same {
        let errno = spec.errno.as_deref().map(|errno| format!(" {errno}")).unwrap_or_default();
        return Err(format!("result: expected {wanted}{errno}, actual {told}"));
    }
    let Some(errno) = &spec.errno else { return Ok(()) };
    let wanted = symbol(errno).ok_or_else(|| format!("unknown errno `{errno}`"))?;
    match result {
        Err(error) if i64::from(error.number()) == wanted => Ok(()),
        _ => Err(format!("errno: expected {errno}, actual {told}")),
    }
}

/// An `int` as a number, anything else as octets.
fn show(octets: &[u8]) -> String {
    match octets.try_into() {
        Ok(int) => i32::from_ne_bytes(int).to_string(),
        Err(_) => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
    }
}
