//! Many scripts.

use crate::run::run_text;
use crate::script::Script;
use crate::settings::{IpVersion, Settings};
use crate::verdict::{Failure, Report, Verdict};
use crate::version::reason_against;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Files and folders of scripts, and how to run them.
#[derive(Clone, Debug)]
pub struct Suite {
    scripts: Vec<PathBuf>,
    settings: Settings,
    /// None: each script over its own, or that of the settings.
    versions: Vec<IpVersion>,
}

/// Scripts that are not there.
#[derive(Debug, Error)]
pub enum SuiteError {
    /// A file or folder cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no script at all.
    #[error("no *.pkt file")]
    Empty,
}

impl Suite {
    /// The scripts named, and those under the folders named, in order of their names.
    ///
    /// # Errors
    /// [`SuiteError`], if something named is not there, or there is no script.
    pub fn collect<P: AsRef<Path>>(paths: &[P], settings: Settings) -> Result<Self, SuiteError> {
        let mut scripts = Vec::new();
        for path in paths {
            gather(path.as_ref(), true, &mut scripts)?;
        }
        if scripts.is_empty() {
            return Err(SuiteError::Empty);
        }
        Ok(Self { scripts, settings, versions: Vec::new() })
    }

    /// Runs every script once with each of these versions of IP instead of the settings' one; a script that is not for one of
    /// them, as its name or its own lines tell, is skipped there.
    #[must_use]
    pub fn with_versions(mut self, versions: Vec<IpVersion>) -> Self {
        self.versions = versions;
        self
    }

    /// Runs them one after the other.
    pub fn run(&self) -> impl Iterator<Item = Report> + '_ {
        self.scripts.iter().flat_map(move |path| {
            let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
            let versions = match &text {
                Ok(text) if self.versions.is_empty() => vec![self.version_for(path, text)],
                _ if self.versions.is_empty() => vec![self.settings.version],
                _ => self.versions.clone(),
            };
            versions.into_iter().map(move |version| match &text {
                Ok(text) => self.run_one(path, text, version),
                Err(error) => {
                    let failure = Failure::new(1, error.clone());
                    Report::new(path, version, Verdict::Failed(failure))
                }
            })
        })
    }

    /// The settings' version if the script is for it, else the first that it is for.
    fn version_for(&self, path: &Path, text: &str) -> IpVersion {
        let candidates = [self.settings.version, IpVersion::V4, IpVersion::V6, IpVersion::Mapped];
        let fits = |version: &IpVersion| self.reason_against(path, text, *version).is_none();
        candidates.into_iter().find(fits).unwrap_or(self.settings.version)
    }

    fn run_one(&self, path: &Path, text: &str, version: IpVersion) -> Report {
        match self.reason_against(path, text, version) {
            Some(reason) => Report::new(path, version, Verdict::Skipped(reason)),
            None => run_text(path, text, &self.over(version)),
        }
    }

    /// None also for a script that cannot be read: the run tells.
    fn reason_against(&self, path: &Path, text: &str, version: IpVersion) -> Option<String> {
        let script = Script::parse_with(path, text, &self.over(version).names()).ok()?;
        reason_against(&script, version)
    }

    fn over(&self, version: IpVersion) -> Settings {
        Settings { version, ..self.settings.clone() }
    }
}

fn gather(path: &Path, named: bool, scripts: &mut Vec<PathBuf>) -> Result<(), SuiteError> {
    let failed = |source| SuiteError::Io { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(failed)?.is_dir() {
        let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(failed)?.collect();
        let mut entries: Vec<PathBuf> =
            entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
        entries.sort();
        return entries.iter().try_for_each(|entry| gather(entry, false, scripts));
    }
    if named || path.extension().is_some_and(|extension| extension == "pkt") {
        scripts.push(path.to_owned());
    }
    Ok(())
}
