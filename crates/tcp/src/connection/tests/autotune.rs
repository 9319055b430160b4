//! Buffers that size themselves.

use super::harness::*;
use crate::Config;
use core::time::Duration;

/// Lets A send 4 MB while B reads as fast as it can, or half as slowly as the path could carry; says how large B's buffer and A's
/// room have become.
fn sizes(config: &Config, reads_all: bool) -> (u32, usize) {
    let mut pair = Pair::established(config.clone(), config.clone());
    pair.delay = Duration::from_millis(25);
    let end = pair.now + Duration::from_secs(3);
    let (mut left, mut room) = (4_000_000, 0);
    let data = std::vec![7; 100_000];
    let mut out = std::vec![0; 1 << 20];
    while pair.now < end {
        let now = pair.now;
        while left > 0
            && let Ok(count) = pair.a().write(now, &data[..left.min(data.len())])
        {
            left -= count;
        }
        let take = if reads_all { out.len() } else { 400 };
        if pair.b().read(&mut out[..take]).is_ok_and(|count| count > 0) {
            pair.b().on_read(now);
        }
        room = room.max(pair.a().unacknowledged());
        if !pair.step(end) {
            break;
        }
    }
    (pair.b().info().receive_buffer, room)
}

/// Dynamic right-sizing: both buffers follow the bandwidth-delay product.
#[test]
fn buffers_grow_with_the_path() {
    for timestamps in [false, true] {
        let config = Config { timestamps, ..Config::default() };
        let (receive, send) = sizes(&config, true);
        assert!(receive > 4 * config.initial_receive_buffer_bytes, "{receive}");
        assert!(receive <= config.receive_buffer_bytes);
        assert!(send > 2 * config.initial_send_buffer_bytes as usize, "{send}");
        assert!(send <= config.send_buffer_bytes as usize);
    }
}

/// An application that does not keep up gets no much larger buffer.
#[test]
fn a_slow_reader_keeps_its_buffer() {
    let config = Config::default();
    assert!(sizes(&config, false).0 < 2 * config.initial_receive_buffer_bytes);
}

/// Sizes that were set stay as they are.
#[test]
fn set_sizes_stay() {
    let config = Config {
        initial_receive_buffer_bytes: 200_000,
        receive_buffer_bytes: 200_000,
        initial_send_buffer_bytes: 100_000,
        send_buffer_bytes: 100_000,
        ..Config::default()
    };
    let (receive, send) = sizes(&config, true);
    assert_eq!(receive, 200_000);
    assert!(send <= 100_000, "{send}");
}
