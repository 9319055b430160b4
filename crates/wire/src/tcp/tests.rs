use super::options::{SackBlock, kind};
use super::*;
use crate::{Flags, SeqNumber};
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn every_option() -> Vec<TcpOption<'static>> {
    vec![
        TcpOption::NoOperation,
        TcpOption::MaximumSegmentSize(1460),
        TcpOption::WindowScale(7),
        TcpOption::SackPermitted,
        TcpOption::Timestamps { value: 1, echo: u32::MAX },
        TcpOption::Md5(&[7; 16]),
        TcpOption::UserTimeout { minutes: true, value: 0x7fff },
        TcpOption::Authentication { key_id: 1, next_key_id: 2, mac: &[3; 12] },
        TcpOption::Multipath(&[0, 0x81]),
        TcpOption::FastOpen(&[]),
        TcpOption::FastOpen(&[9; 16]),
        TcpOption::AccEcn { e1_first: false, counters: &[0, 0, 1, 0, 0, 2] },
        TcpOption::AccEcn { e1_first: true, counters: &[] },
        TcpOption::Unknown { kind: 253, data: &[0xf9, 0x89] },
        TcpOption::Unknown { kind: 77, data: &[] },
    ]
}

fn emit(header: &TcpHeader) -> Vec<u8> {
    let mut buffer = [0xaa; MAX_HEADER_BYTES];
    let len = header.emit(&mut buffer);
    buffer[..len].to_vec()
}

/// RFC 9293 MUST-4, MUST-68.
#[test]
fn every_option_is_read_as_it_was_built() {
    for option in every_option() {
        let mut options = OptionBytes::new();
        options.push(&option).unwrap();
        let bytes = emit(&TcpHeader { options, ..TcpHeader::default() });
        let view = TcpView::parse(&bytes).unwrap();
        let read: Vec<_> = view.options().map(Result::unwrap).collect();
        assert_eq!(read, [option]);
    }
}

#[test]
fn sack_blocks_fill_what_timestamps_leave() {
    let block = |left: u32| SackBlock { left: SeqNumber(left), right: SeqNumber(left + 10) };
    let mut options = OptionBytes::new();
    options.push_timestamps(5, 6).unwrap();
    options.push_sack(&[block(100), block(200), block(300), block(400)]).unwrap();
    let bytes = emit(&TcpHeader { options, ..TcpHeader::default() });
    let view = TcpView::parse(&bytes).unwrap();
    assert_eq!(view.header_len(), MAX_HEADER_BYTES);
    let blocks: Vec<_> = view
        .options()
        .filter_map(|option| match option {
            Ok(TcpOption::Sack(blocks)) => Some(blocks.iter().collect::<Vec<_>>()),
            _ => None,
        })
        .collect();
    assert_eq!(blocks, [vec![block(100), block(200), block(300)]]);
}

#[test]
fn options_end_at_the_end_of_list() {
    let read: Vec<_> = options::Options::new(&[1, 0, 2, 4, 5, 180]).collect();
    assert_eq!(read, [Ok(TcpOption::NoOperation)]);
}

/// RFC 9293 MUST-7: lengths 0, 1 and past the end neither loop nor read beyond.
#[test]
fn illegal_lengths_end_the_walk() {
    for area in [&[8, 0, 1, 1][..], &[8, 1, 1, 1], &[8, 5, 1, 1], &[8]] {
        let read: Vec<_> = options::Options::new(area).collect();
        assert_eq!(
            read,
            [Err(OptionError { kind: kind::TIMESTAMPS, offset: 0, len: area.get(1).copied() })]
        );
    }
}

/// RFC 9293 MUST-69.
#[test]
fn padding_is_zero() {
    let mut options = OptionBytes::new();
    options.push(&TcpOption::WindowScale(1)).unwrap();
    let bytes = emit(&TcpHeader { options, ..TcpHeader::default() });
    assert_eq!(&bytes[20..], [kind::WINDOW_SCALE, 3, 1, 0]);
}

#[test]
fn a_full_option_area_refuses_more() {
    let mut options = OptionBytes::new();
    for _ in 0..10 {
        options.push(&TcpOption::MaximumSegmentSize(536)).unwrap();
    }
    assert!(options.push(&TcpOption::NoOperation).is_err());
    assert!(options.push_timestamps(0, 0).is_err());
    assert_eq!(options.padded_len(), MAX_OPTION_BYTES);
}

#[test]
fn short_and_impossible_headers_are_refused() {
    assert_eq!(
        TcpView::parse(&[0; 19]).unwrap_err(),
        HeaderError::Truncated { have: 19, need: 20 }
    );
    assert_eq!(TcpView::parse(&[0; 20]).unwrap_err(), HeaderError::BadDataOffset { words: 0 });
    let mut bytes = [0; 20];
    bytes[12] = 0xf0;
    assert_eq!(TcpView::parse(&bytes).unwrap_err(), HeaderError::Truncated { have: 20, need: 60 });
}

/// A capture's snap length may cut the options: what is whole is read.
#[test]
fn a_cut_header_keeps_its_whole_options() {
    let mut options = OptionBytes::new();
    options.push(&TcpOption::MaximumSegmentSize(1_460)).unwrap();
    options.push_timestamps(1, 2).unwrap();
    let header =
        TcpHeader { seq: SeqNumber(7), flags: Flags::SYN, options, ..TcpHeader::default() };
    let bytes = emit(&header);
    for len in 20..bytes.len() {
        assert!(TcpView::parse(&bytes[..len]).is_err());
        let view = TcpView::parse_cut(&bytes[..len]).unwrap();
        assert_eq!((view.seq(), view.flags(), view.header_len()), (SeqNumber(7), Flags::SYN, 36));
        let whole =
            view.options().map(Result::unwrap).filter(|option| *option != TcpOption::NoOperation);
        assert_eq!(whole.count(), usize::from(len >= 24), "{len}");
        assert!(view.rest().is_empty());
    }
    assert!(TcpView::parse_cut(&bytes[..19]).is_err());
}

proptest! {
    #[test]
    fn headers_survive_the_wire(
        ports: (u16, u16), seq: u32, ack: u32, flags in 0u16..0x200, window: u16, urgent_pointer: u16,
        picks in proptest::collection::vec(0usize..15, 0..6),
    ) {
        let mut options = OptionBytes::new();
        let mut expected = Vec::new();
        for pick in picks {
            let option = every_option()[pick];
            if options.push(&option).is_ok() {
                expected.push(option);
            }
        }
        let header = TcpHeader {
            source_port: ports.0, destination_port: ports.1, seq: SeqNumber(seq), ack: SeqNumber(ack),
            flags: Flags::from_bits(flags), window, urgent_pointer, options,
        };
        let mut bytes = emit(&header);
        bytes.extend_from_slice(b"data");
        let view = TcpView::parse(&bytes).unwrap();
        prop_assert_eq!((view.source_port(), view.destination_port()), ports);
        prop_assert_eq!((view.seq(), view.ack()), (header.seq, header.ack));
        prop_assert_eq!(view.flags(), header.flags);
        prop_assert_eq!((view.window(), view.urgent_pointer()), (window, urgent_pointer));
        prop_assert_eq!(view.rest(), b"data");
        let read: Vec<_> = view.options().map(Result::unwrap).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        if let Ok(view) = TcpView::parse(&bytes) {
            prop_assert!(view.options().count() <= MAX_OPTION_BYTES);
            let _ = (view.flags(), view.rest().len());
        }
    }
}

/// RFC 9293 MUST-64: an option may begin at any octet.
#[test]
fn options_need_no_alignment() {
    for option in every_option() {
        for shift in 0..16 {
            let mut options = OptionBytes::new();
            let padded = (0..shift).try_for_each(|_| options.push(&TcpOption::NoOperation));
            if padded.and_then(|()| options.push(&option)).is_err() {
                continue;
            }
            let bytes = emit(&TcpHeader { options, ..TcpHeader::default() });
            let view = TcpView::parse(&bytes).unwrap();
            let read: Vec<_> = view.options().skip(shift).collect();
            assert_eq!(read, [Ok(option)], "at {shift}");
        }
    }
}
