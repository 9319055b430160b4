//! Writes the packets of one trial: `capture SCENARIO SEED FILE`.
use sockeye_sim::{scenarios, try_out};
fn main() {
    let mut args = std::env::args().skip(1);
    let scenario = scenarios::find(&args.next().unwrap()).unwrap();
    let seed = args.next().unwrap().parse().unwrap();
    let file = std::fs::File::create(args.next().unwrap()).unwrap();
    println!("{:#?}", try_out(scenario, seed, Some(Box::new(file))));
}
