//! One stack, one kind of work, for a profiler: `one sockeye|smoltcp small|second|large|churn AMOUNT [IDLE]`. AMOUNT is in MiB, or thousands of
//! connections.

use sockeye_versus::bulk::{EVERY_SECOND, LARGE, SMALL};
use sockeye_versus::cpu;
use sockeye_versus::pair::{Pair, Smoltcp, Sockeye};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize| arguments.get(at).map_or("", String::as_str);
    let amount: u64 = argument(2).parse().unwrap_or(16);
    let kind = match argument(1) {
        "second" => EVERY_SECOND,
        "large" => LARGE,
        _ => SMALL,
    };
    let mut pair: Box<dyn Pair> = match argument(0) {
        "smoltcp" => Box::new(Smoltcp::new(kind.setup)),
        _ => Box::new(Sockeye::new(kind.setup)),
    };
    pair.open_idle(argument(3).parse().unwrap_or(0));
    let time = cpu::time(|| match argument(1) {
        "churn" => pair.churn(amount * 1_000),
        _ => println!("{:?}", pair.transfer(amount << 20, kind.batch)),
    });
    println!("{time:?}");
}
