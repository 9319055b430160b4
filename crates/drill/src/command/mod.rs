//! The shell commands that scripts use, understood rather than executed.

mod shell;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::path::Path;

/// What a command asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Effect {
    /// A kernel setting: its name with points, and its value.
    Sysctl { name: String, value: String },
    /// One more interface, with this address; what the prefix covers is reached by it.
    Address { address: IpAddr, prefix_len: u8 },
    /// What is remembered about destinations is forgotten.
    FlushMetrics,
    /// A file of so many zeros, for `open` and `sendfile`.
    Zeros { name: String, bytes: usize },
    /// There is no such file.
    NoFile(String),
    /// It means nothing here, and is not needed.
    Nothing,
    /// Not understood; the run goes on, and tells it.
    Warning(String),
    /// The script needs what there is not.
    Skip(String),
}

/// Files may name others; no deeper than this.
const MAX_DEPTH: usize = 8;

/// What `text` asks for, in order. Files that it names are looked for beside `script`.
pub(crate) fn interpret(text: &str, script: &Path) -> Vec<Effect> {
    let folder = script.parent().unwrap_or(Path::new("."));
    let mut effects = Vec::new();
    for words in shell::commands(text) {
        match words {
            Ok(words) => one(&words, folder, 0, &mut effects),
            Err(message) => effects.push(Effect::Warning(message)),
        }
    }
    effects
}

fn one(words: &[String], folder: &Path, depth: usize, effects: &mut Vec<Effect>) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] | ["true" | ":" | "modprobe" | "sleep" | "set", ..] => effects.push(Effect::Nothing),
        ["sysctl", ref arguments @ ..] => sysctl(arguments, effects),
        ["echo", ref values @ .., ">", file] if file.starts_with("/proc/sys/") => {
            effects.push(setting(file, &values.join(" ")));
        }
        ["ip", "tcp_metrics", "flush", ..] => effects.push(Effect::FlushMetrics),
        ["ip", "addr" | "address", "add", prefix, "dev", _] => effects.push(address(prefix)),
        // A plain queue that drops nothing is what the runner has.
        ["tc", "qdisc", "add" | "replace", .., "root", queue]
            if matches!(queue, "pfifo" | "pfifo_fast" | "fq" | "noqueue") =>
        {
            effects.push(setting("net.core.default_qdisc", queue));
        }
        ["rm" | "/bin/rm", ref arguments @ ..] => {
            let names = arguments.iter().filter(|argument| !argument.starts_with('-'));
            effects.extend(names.map(|name| Effect::NoFile((*name).to_owned())));
        }
        ["dd" | "/bin/dd", ref arguments @ ..] => effects.push(zeros(arguments)),
        // Reading counters to set them to zero.
        ["nstat"] => effects.push(Effect::Nothing),
        ["tc" | "nstat" | "ip" | "ss" | "iptables" | "ethtool" | "grep" | "ifconfig", ..] => {
            effects.push(Effect::Skip(format!("needs `{}`", words.join(" "))));
        }
        ["bash" | "sh" | "source" | ".", file, ..] | [file] if file.ends_with(".sh") => {
            source(file, folder, depth, effects);
        }
        [program, ref arguments @ ..] if program.ends_with("set_sysctls.py") => {
            for argument in arguments {
                effects.push(match argument.split_once('=') {
                    Some((file, value)) => setting(file, value),
                    None => Effect::Warning(format!("not an assignment: `{argument}`")),
                });
            }
        }
        _ => {
            effects.push(Effect::Warning(format!("command not understood: `{}`", words.join(" "))))
        }
    }
}

/// `192.0.2.7/24`
fn address(prefix: &str) -> Effect {
    let parts = prefix.split_once('/');
    let parsed =
        parts.and_then(|(address, len)| Some((address.parse().ok()?, len.parse::<u8>().ok()?)));
    match parsed {
        Some((address, prefix_len)) => Effect::Address { address, prefix_len },
        None => Effect::Warning(format!("not an address with its prefix length: `{prefix}`")),
    }
}

fn sysctl(arguments: &[&str], effects: &mut Vec<Effect>) {
    for argument in arguments.iter().filter(|argument| !argument.starts_with('-')) {
        effects.push(match argument.split_once('=') {
            Some((name, value)) => setting(name.trim(), value.trim()),
            None => Effect::Nothing,
        });
    }
}

/// `dd if=/dev/zero of=NAME bs=N count=M`, which only makes a file of the run.
fn zeros(arguments: &[&str]) -> Effect {
    let value = |name: &str| arguments.iter().find_map(|argument| argument.strip_prefix(name));
    let number = |name: &str| value(name).and_then(|value| value.parse::<usize>().ok());
    match (value("if="), value("of="), number("bs="), number("count=")) {
        (Some("/dev/zero"), Some(name), Some(size), Some(count))
            if size.saturating_mul(count) < 1 << 30 =>
        {
            Effect::Zeros { name: name.to_owned(), bytes: size * count }
        }
        _ => Effect::Warning(format!("command not understood: `dd {}`", arguments.join(" "))),
    }
}

fn setting(name: &str, value: &str) -> Effect {
    let name = name.strip_prefix("/proc/sys/").unwrap_or(name).replace('/', ".");
    Effect::Sysctl { name, value: value.trim().to_owned() }
}

fn source(file: &str, folder: &Path, depth: usize, effects: &mut Vec<Effect>) {
    // Settings end with the run: nothing has to be restored.
    if file.starts_with("/tmp/sysctl_restore_") {
        effects.push(Effect::Nothing);
        return;
    }
    let path = folder.join(file);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) if depth < MAX_DEPTH => text,
        Ok(_) => {
            effects.push(Effect::Warning(format!(
                "{}: files name each other too deeply",
                path.display()
            )));
            return;
        }
        Err(error) => {
            effects.push(Effect::Warning(format!("{}: {error}", path.display())));
            return;
        }
    };
    for words in shell::commands(&text) {
        match words {
            Ok(words) => one(&words, folder, depth + 1, effects),
            Err(message) => effects.push(Effect::Warning(message)),
        }
    }
}
