//! The goodput of every congestion control over lossy and reordering links, and how flows share one.

use sockeye_sim::goodput::{Course, jain};
use sockeye_tcp::congestion::Algorithm;
use std::time::Duration;

fn main() -> Result<(), sockeye_sim::SimError> {
    let courses = [
        ("no loss", 0.0, 0.0, 1),
        ("0.1 % loss", 0.001, 0.0, 5),
        ("1 % loss", 0.01, 0.0, 5),
        ("3 % loss", 0.03, 0.0, 5),
        ("2 % reordered", 0.0, 0.02, 5),
    ];
    println!(
        "share of 100 Mbit/s, 50 ms, a queue of 625,000 octets, 20 s; means over 5 seeds where chance plays"
    );
    for (name, loss, reorder, seeds) in courses {
        print!("{name:<14}");
        for algorithm in Algorithm::ALL {
            let course = Course { loss, reorder, ..Course::default() };
            print!("  {algorithm} {:.4}", course.mean(algorithm, seeds)?);
        }
        println!();
    }
    let minute = Course { length: Duration::from_secs(60), ..Course::default() };
    for flows in [&[Algorithm::Cubic; 2][..], &[Algorithm::Cubic, Algorithm::Reno]] {
        let shares = minute.run(flows)?;
        println!("{flows:?}: {shares:.3?}, Jain's index {:.4}", jain(&shares));
    }
    Ok(())
}
