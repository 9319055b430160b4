//! What a script's shell commands change that the stack cannot see in the kernel afterwards.

/// A change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// What is remembered about destinations is forgotten, Fast Open's cookies among it.
    Forget,
    /// The device gets this queue; `fq` paces.
    Queue(String),
}

/// The changes that a command makes, in order; whether the shell comes as far as that is not looked at. Scripts that it runs
/// are not looked into: what they do is done before there is anything to change.
pub(crate) fn changes(command: &str) -> Vec<Change> {
    let simple = command.split(['\n', ';', '&', '|']);
    simple.filter_map(|one| change(&one.split_whitespace().collect::<Vec<_>>())).collect()
}

fn change(words: &[&str]) -> Option<Change> {
    match words {
        ["ip", "tcp_metrics", "flush", ..] => Some(Change::Forget),
        ["tc", "qdisc", "add" | "replace", options @ ..] => {
            let root = options.iter().position(|option| *option == "root")?;
            options.get(root + 1).map(|queue| Change::Queue((*queue).to_owned()))
        }
        _ => None,
    }
}
