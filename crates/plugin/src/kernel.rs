//! The kernel's settings: scripts set them by `sysctl`, which the stack cannot see; but what they have become it can read.

use sockeye_posix::{SysctlError, Sysctls};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where Linux shows them.
const FOLDERS: [(&str, &str); 2] =
    [("/proc/sys/net/ipv4", "net.ipv4."), ("/proc/sys/net/core", "net.core.")];
/// The core's settings that concern sockets; the others of that folder are other people's.
const CORE: [&str; 3] = ["wmem_max", "rmem_max", "somaxconn"];

/// Reads the settings, and says what could not be taken over, each once.
#[derive(Debug, Default)]
pub(crate) struct Kernel {
    /// Settings that `--so_flags` gives: these, whatever the kernel says.
    fixed: Vec<(String, String)>,
    /// The queue that the script gave its device.
    queue: Option<String>,
    told: BTreeSet<String>,
}

impl Kernel {
    pub(crate) fn new(fixed: Vec<(String, String)>) -> Self {
        Self { fixed, ..Self::default() }
    }

    /// The script's device has another queue, whether or not the kernel knows that one.
    pub(crate) fn set_queue(&mut self, queue: String) {
        self.queue = Some(queue);
    }

    /// The settings as they are now.
    pub(crate) fn read(&mut self) -> Sysctls {
        let mut sysctls = Sysctls::default();
        for (folder, prefix) in FOLDERS {
            for (name, value) in entries(Path::new(folder)) {
                let ours = name.starts_with("tcp_") || CORE.contains(&name.as_str());
                if ours && !self.fixed.iter().any(|(fixed, _)| *fixed == name) {
                    self.apply(&mut sysctls, &format!("{prefix}{name}"), &value);
                }
            }
        }
        for (name, value) in self.fixed.clone() {
            self.apply(&mut sysctls, &format!("net.ipv4.{name}"), &value);
        }
        if let Some(queue) = self.queue.clone() {
            self.apply(&mut sysctls, "net.core.default_qdisc", &queue);
        }
        sysctls
    }

    fn apply(&mut self, sysctls: &mut Sysctls, name: &str, value: &str) {
        match sysctls.apply(name, value) {
            // The kernel has many that mean nothing here.
            Ok(()) | Err(SysctlError::Unknown(..)) => {}
            Err(error) => {
                if self.told.insert(error.to_string()) {
                    eprintln!("sockeye: {error}");
                }
            }
        }
    }
}

/// Names and values; what cannot be read is not there.
fn entries(folder: &Path) -> Vec<(String, String)> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let entry = |file: fs::DirEntry| {
        let value = fs::read_to_string(file.path()).ok()?;
        Some((file.file_name().into_string().ok()?, value.trim().to_owned()))
    };
    files.filter_map(Result::ok).filter_map(entry).collect()
}
