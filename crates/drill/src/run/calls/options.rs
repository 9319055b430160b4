//! `getsockopt`, `setsockopt`, `ioctl`.

use super::super::symbols::{int, number};
use super::super::world::World;
use super::keys::NewKey;
use super::{Calls, Expected, Waiting, arguments, bracketed};
use crate::script::{CallSpec, Expr};

impl Calls {
    pub(super) fn option(&self, world: &mut World, spec: &CallSpec) -> Result<Waiting, String> {
        let now = world.now();
        let sockets = &mut world.sockets;
        match spec.name.as_str() {
            "setsockopt" => {
                let [fd, level, option, value, len] = arguments(spec)?;
                let key = NewKey::read(value, self.peer())?;
                let (mut octets, expected) = match key {
                    Some((octets, key)) => (octets, Expected::Key(key)),
                    None => (octets(value)?, Expected::Nothing),
                };
                let len =
                    usize::try_from(int(len)?).map_err(|_| "the length is no number".to_owned())?;
                octets.resize(len, 0);
                let result =
                    sockets.setsockopt(now, self.fd(fd)?, int(level)?, int(option)?, &octets);
                Ok(Waiting::new(result.into(), expected))
            }
            "getsockopt" => {
                let [fd, level, option, value, len] = arguments(spec)?;
                let expected = octets(value)?;
                let len = usize::try_from(bracketed(len)?)
                    .map_err(|_| "the length is no number".to_owned())?;
                if expected.len() != len {
                    return Err(format!(
                        "the value has {} bytes, its length says {len}",
                        expected.len()
                    ));
                }
                match sockets.getsockopt(now, self.fd(fd)?, int(level)?, int(option)?) {
                    Ok(mut actual) => {
                        // The kernel writes no more than there is room for.
                        actual.truncate(len);
                        Ok(Waiting::returning(Ok(0), Expected::Octets { expected, actual }))
                    }
                    Err(error) => Ok(Waiting::returning(Err(error), Expected::Nothing)),
                }
            }
            _ => {
                let (fd, request, value) = match &spec.arguments[..] {
                    [fd, request] => (fd, request, None),
                    [fd, request, value] => (fd, request, Some(bracketed(value)?)),
                    _ => return Err("takes 2 or 3 arguments".into()),
                };
                let argument = value.unwrap_or(0) as i32;
                match sockets.ioctl(self.fd(fd)?, number(request)?.cast_unsigned(), argument) {
                    Ok(actual) => {
                        let expected = match value {
                            Some(_) => Expected::Octets {
                                expected: argument.to_ne_bytes().to_vec(),
                                actual: actual.to_ne_bytes().to_vec(),
                            },
                            None => Expected::Nothing,
                        };
                        Ok(Waiting::returning(Ok(0), expected))
                    }
                    Err(error) => Ok(Waiting::returning(Err(error), Expected::Nothing)),
                }
            }
        }
    }
}

/// A value as it lies in memory.
fn octets(value: &Expr) -> Result<Vec<u8>, String> {
    Ok(match value {
        Expr::Str(text) => text.clone(),
        Expr::In6Addr(address) => address.octets().to_vec(),
        Expr::Linger { onoff, linger } => [onoff.to_ne_bytes(), linger.to_ne_bytes()].concat(),
        other => (bracketed(other)? as i32).to_ne_bytes().to_vec(),
    })
}
