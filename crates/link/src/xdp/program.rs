//! The few instructions that the kernel runs for each frame: give it to the socket of its queue.
//!
//! Written here in the machine language of BPF (RFC 9669), so that neither a compiler nor a loader is needed.

use rustix::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::io;

/// A program at work on an interface, until this is dropped.
pub(super) struct Program {
    _link: OwnedFd,
    sockets: OwnedFd,
}

impl Program {
    /// Loads the program and puts it on the interface. A queue that has no socket is left to Linux.
    pub(super) fn attach(interface: u32, queues: u32, mode: u32) -> io::Result<Self> {
        let sockets = create_map(queues)?;
        let program = load(&instructions(sockets.as_raw_fd() as u32))?;
        // struct bpf_attr of BPF_LINK_CREATE: program, interface, kind of place, flags.
        let mut attributes = Attributes::default();
        attributes.put_u32(0, program.as_raw_fd() as u32);
        attributes.put_u32(4, interface);
        attributes.put_u32(8, BPF_XDP);
        attributes.put_u32(12, mode);
        let link = attributes.open(BPF_LINK_CREATE)?;
        Ok(Self { _link: link, sockets })
    }

    /// Gives a queue's frames to that socket.
    pub(super) fn serve(&self, queue: u32, socket: i32) -> io::Result<()> {
        let (key, value) = (queue, socket as u32);
        // BPF_MAP_UPDATE_ELEM: map, addresses of key and value, flags.
        let mut attributes = Attributes::default();
        attributes.put_u32(0, self.sockets.as_raw_fd() as u32);
        attributes.put_u64(8, (&raw const key).addr() as u64);
        attributes.put_u64(16, (&raw const value).addr() as u64);
        attributes.call(BPF_MAP_UPDATE_ELEM).map(|_| ())
    }
}

fn create_map(entries: u32) -> io::Result<OwnedFd> {
    let mut attributes = Attributes::default();
    for (at, value) in [(0, BPF_MAP_TYPE_XSKMAP), (4, 4), (8, 4), (12, entries)] {
        attributes.put_u32(at, value);
    }
    attributes.open(BPF_MAP_CREATE)
}

fn load(instructions: &[Instruction]) -> io::Result<OwnedFd> {
    // Nothing that the program calls asks for a licence.
    let licence = c"MIT OR Apache-2.0";
    let mut attributes = Attributes::default();
    attributes.put_u32(0, BPF_PROG_TYPE_XDP);
    attributes.put_u32(4, instructions.len() as u32);
    attributes.put_u64(8, instructions.as_ptr().addr() as u64);
    attributes.put_u64(16, licence.as_ptr().addr() as u64);
    attributes.open(BPF_PROG_LOAD)
}

/// Operation, registers (source << 4 | destination), offset, constant.
type Instruction = [u8; 8];

const fn instruction(operation: u8, registers: u8, offset: u8, constant: u32) -> Instruction {
    let [a, b, c, d] = constant.to_ne_bytes();
    let [e, f] = (offset as u16).to_ne_bytes();
    // The nibbles of the registers change places with the byte order.
    let registers = if cfg!(target_endian = "big") { registers.rotate_left(4) } else { registers };
    [operation, registers, e, f, a, b, c, d]
}

/// `return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS)`.
fn instructions(map: u32) -> [Instruction; 6] {
    const CALL_REDIRECT_MAP: u32 = 51;
    const XDP_PASS: u32 = 2;
    const RX_QUEUE_INDEX: u8 = 16;
    [
        // r2 = *(u32 *)(r1 + 16)
        instruction(0x61, 0x12, RX_QUEUE_INDEX, 0),
        // r1 = map, a constant of 64 bits and so two instructions
        instruction(0x18, 0x11, 0, map),
        instruction(0, 0, 0, 0),
        // r3 = XDP_PASS
        instruction(0xb7, 0x03, 0, XDP_PASS),
        instruction(0x85, 0, 0, CALL_REDIRECT_MAP),
        // return r0
        instruction(0x95, 0, 0, 0),
    ]
}

/// `union bpf_attr`, all zero beyond what is put there.
#[derive(Default)]
struct Attributes([u64; 16]);

impl Attributes {
    fn put_u32(&mut self, at: usize, value: u32) {
        let mut octets = self.0[at / 8].to_ne_bytes();
        octets[at % 8..at % 8 + 4].copy_from_slice(&value.to_ne_bytes());
        self.0[at / 8] = u64::from_ne_bytes(octets);
    }

    fn put_u64(&mut self, at: usize, value: u64) {
        self.0[at / 8] = value;
    }

    fn open(&mut self, command: i64) -> io::Result<OwnedFd> {
        let fd = self.call(command)?;
        // SAFETY: these commands return a new descriptor, which is nobody's yet.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    fn call(&mut self, command: i64) -> io::Result<i32> {
        // SAFETY: the attributes are ours and of the size given; the addresses in them point to what the callers keep until this
        // returns, which the kernel reads only.
        let returned = unsafe {
            libc::syscall(libc::SYS_bpf, command, self.0.as_mut_ptr(), size_of_val(&self.0))
        };
        if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(returned as i32) }
    }
}

// linux/bpf.h
const BPF_MAP_CREATE: i64 = 0;
const BPF_MAP_UPDATE_ELEM: i64 = 2;
const BPF_PROG_LOAD: i64 = 5;
const BPF_LINK_CREATE: i64 = 28;
const BPF_MAP_TYPE_XSKMAP: u32 = 17;
const BPF_PROG_TYPE_XDP: u32 = 6;
const BPF_XDP: u32 = 37;
