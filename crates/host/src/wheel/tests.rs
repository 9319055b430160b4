use super::Timers;
use proptest::prelude::*;
use sockeye_wire::Instant;
use std::vec::Vec;

#[derive(Clone, Debug)]
enum Step {
    Insert(Option<u64>),
    Set(usize, Option<u64>),
    Remove(usize),
    Pass(u64),
}

/// Delays from nanoseconds to years, so that every level is used.
fn delay() -> impl Strategy<Value = u64> {
    (0u32..62, any::<u64>()).prop_map(|(bits, random)| random & ((1 << bits) - 1))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        prop::option::of(delay()).prop_map(Step::Insert),
        (any::<usize>(), prop::option::of(delay())).prop_map(|(at, delay)| Step::Set(at, delay)),
        any::<usize>().prop_map(Step::Remove),
        delay().prop_map(|delay| Step::Pass(delay >> 6)),
    ];
    prop::collection::vec(step, 0..120)
}

proptest! {
    /// Against a plain list: same deadline at every step, same entries due, none early.
    #[test]
    fn equals_a_list(steps in steps()) {
        let mut wheel = Timers::new();
        let mut model: Vec<(super::TimerId, u32, Option<Instant>)> = Vec::new();
        let mut now = 0u64;
        for (serial, step) in steps.into_iter().enumerate() {
            let at = |delay: u64| Instant::from_nanos(now.saturating_add(delay).min(u64::MAX - 1));
            match step {
                Step::Insert(delay) => {
                    let deadline = delay.map(at);
                    model.push((wheel.insert(serial as u32, deadline), serial as u32, deadline));
                }
                Step::Set(which, delay) if !model.is_empty() => {
                    let which = which % model.len();
                    model[which].2 = delay.map(at);
                    wheel.set(model[which].0, model[which].2);
                }
                Step::Remove(which) if !model.is_empty() => {
                    let (id, ..) = model.swap_remove(which % model.len());
                    wheel.remove(id);
                }
                Step::Pass(time) => now = now.saturating_add(time).min(u64::MAX / 2),
                _ => {}
            }
            let expected = model.iter().filter_map(|entry| entry.2).min();
            prop_assert_eq!(wheel.deadline(), expected);
            let mut due = Vec::new();
            wheel.expire(Instant::from_nanos(now), &mut due);
            due.sort_unstable();
            let mut expected = Vec::new();
            for entry in &mut model {
                if entry.2.is_some_and(|deadline| deadline <= Instant::from_nanos(now)) {
                    entry.2 = None;
                    expected.push(entry.1);
                }
            }
            expected.sort_unstable();
            prop_assert_eq!(due, expected);
            prop_assert_eq!(wheel.len(), model.len());
        }
    }
}

#[test]
fn a_deadline_within_the_current_tick_is_not_early() {
    let mut wheel = Timers::new();
    wheel.insert('a', Some(Instant::from_nanos(20_000)));
    let mut due = Vec::new();
    wheel.expire(Instant::from_nanos(19_999), &mut due);
    assert!(due.is_empty());
    assert_eq!(wheel.deadline(), Some(Instant::from_nanos(20_000)));
    wheel.expire(Instant::from_nanos(20_000), &mut due);
    assert_eq!(due, ['a']);
    assert_eq!(wheel.deadline(), None);
}
