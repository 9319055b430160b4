//! Names: a question that comes by UDP is asked over TCP (RFC 7766) through the way out, which every proxy can do.

use super::Proxy;
use super::datagram::Datagram;
use super::upstream::Dialled;
use sockeye::{Packets, StrayPacket};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::timeout;

const PORT: u16 = 53;
/// Questions asked at once. More are dropped, and asked again by who wants to know.
const QUESTIONS: usize = 512;
const HEADER_BYTES: usize = 12;
/// What an answer may have if nothing is said (RFC 1035 §4.2.1).
const PLAIN_BYTES: usize = 512;
/// The smallest MTU of an IPv6 link: an answer within it needs no fragments anywhere.
const MTU: usize = 1_280;
/// The type of the record that says more (RFC 6891 §6.1.2).
const OPT: u16 = 41;

/// Answers questions, and tells the senders of everything else that nobody is there.
pub(super) async fn serve(proxy: &Arc<Proxy>, packets: &Arc<Packets>) -> io::Error {
    let places = Arc::new(Semaphore::new(QUESTIONS));
    loop {
        let stray = match packets.recv().await {
            Ok(stray) => stray,
            Err(error) => return error,
        };
        let Some(question) = question(&stray) else {
            packets.reject(stray);
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (proxy, packets) = (Arc::clone(proxy), Arc::clone(packets));
        tokio::spawn(async move {
            answer(&proxy, &packets, &question).await;
            drop(place);
        });
    }
}

fn question(stray: &StrayPacket) -> Option<Datagram> {
    let datagram = Datagram::parse(&stray.packet)?;
    let is_question = datagram.destination.port() == PORT && datagram.data.len() > HEADER_BYTES;
    is_question.then_some(datagram)
}

async fn answer(proxy: &Proxy, packets: &Packets, question: &Datagram) {
    let server = proxy.dns.unwrap_or(question.destination);
    let asked = timeout(proxy.limits.connect_time, ask(proxy, server, &question.data)).await;
    let answer = match asked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(answer) => answer,
        Err(error) => {
            proxy.stats.dns_failed.fetch_add(1, Ordering::Relaxed);
            (proxy.tell)(format!("{} asks {server}: {error}", question.source));
            return;
        }
    };
    proxy.stats.dns.fetch_add(1, Ordering::Relaxed);
    let room = room(&question.data).min(question.room(MTU));
    let packet = question.answer(&fit(answer, room));
    // A device that is gone ends everything else as well.
    let _result = packets.send(packet);
}

async fn ask(proxy: &Proxy, server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let Dialled { mut stream, early } = match proxy.upstream.dial(server).await {
        Ok(dialled) => dialled,
        Err(error) => {
            proxy.complain(&error, format_args!("DNS at {server}: {error}"));
            return Err(io::Error::other(error));
        }
    };
    // RFC 7766 §8: length and message in one segment.
    let len = u16::try_from(question.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    stream.write_all(&[&len.to_be_bytes(), question].concat()).await?;
    let mut answers = io::Cursor::new(early).chain(stream);
    let len = answers.read_u16().await?;
    let mut answer = vec![0; usize::from(len)];
    answers.read_exact(&mut answer).await?;
    if answer.len() < HEADER_BYTES || answer[..2] != question[..2] {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no answer to the question"));
    }
    Ok(answer)
}

/// How much of an answer whoever asks can take.
fn room(question: &[u8]) -> usize {
    let from_opt = || {
        let opt = question.get(end_of_questions(question)?..)?;
        // The root's name, the type, and the size in place of the class.
        let is_opt = *opt.first()? == 0 && word(opt, 1)? == OPT;
        is_opt.then_some(usize::from(word(opt, 3)?))
    };
    from_opt().unwrap_or(PLAIN_BYTES).max(PLAIN_BYTES)
}

/// An answer, or, if it is too long, the question with the word that there is more over TCP (RFC 2181 §9).
fn fit(mut answer: Vec<u8>, room: usize) -> Vec<u8> {
    if answer.len() <= room {
        return answer;
    }
    answer[2] |= 2;
    // No answers, authorities or additional records.
    answer[6..HEADER_BYTES].fill(0);
    let end = end_of_questions(&answer).filter(|end| *end <= room);
    if end.is_none() {
        answer[4..6].fill(0);
    }
    answer.truncate(end.unwrap_or(HEADER_BYTES));
    answer
}

/// Where the section of questions ends.
fn end_of_questions(message: &[u8]) -> Option<usize> {
    let mut at = HEADER_BYTES;
    for _ in 0..word(message, 4)? {
        loop {
            match *message.get(at)? {
                0 => break at += 1,
                // A pointer ends a name (RFC 1035 §4.1.4).
                pointer if pointer & 0xc0 == 0xc0 => break at += 2,
                len => at += 1 + usize::from(len),
            }
        }
        // Type and class.
        at += 4;
    }
    (at <= message.len()).then_some(at)
}

fn word(message: &[u8], at: usize) -> Option<u16> {
    message.get(at..at + 2).map(|octets| u16::from_be_bytes([octets[0], octets[1]]))
}

#[cfg(test)]
mod tests {
    use super::{fit, room};

    /// A question for `a.b`, type A.
    const QUESTION: [u8; 21] =
        [7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 1, b'b', 0, 0, 1, 0, 1];

    fn with_opt(size: u16) -> Vec<u8> {
        let mut question = QUESTION.to_vec();
        question[11] = 1;
        question.extend([0, 0, 41]);
        question.extend(size.to_be_bytes());
        question.extend([0; 6]);
        question
    }

    #[test]
    fn the_room_is_what_was_said() {
        assert_eq!(room(&QUESTION), 512);
        assert_eq!(room(&with_opt(1_232)), 1_232);
        assert_eq!(room(&with_opt(100)), 512);
        // Whatever is cut off, nothing breaks.
        for len in 0..QUESTION.len() {
            assert_eq!(room(&QUESTION[..len]), 512);
        }
    }

    #[test]
    fn what_does_not_fit_is_said_to_be_cut() {
        let mut answer = QUESTION.to_vec();
        answer[2] |= 0x80;
        answer[7] = 9;
        answer.extend([1; 600]);
        assert_eq!(fit(answer.clone(), 700), answer);
        let cut = fit(answer.clone(), 512);
        assert_eq!(cut[..12], [7, 7, 0x83, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(cut[12..], QUESTION[12..]);
        // A section of questions that does not end.
        answer[4] = 200;
        assert_eq!(fit(answer, 512), [7, 7, 0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
