//! Many scripts.

use crate::run::{run_text, version_of_name};
use crate::settings::{IpVersion, Settings};
use crate::verdict::{Report, Verdict};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Files and folders of scripts, and how to run them.
#[derive(Clone, Debug)]
pub struct Suite {
    scripts: Vec<PathBuf>,
    settings: Settings,
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
        let versions = vec![settings.version];
        Ok(Self { scripts, settings, versions })
    }

    /// Runs every script once with each of these versions of IP instead of the settings' one; a script whose name ends with
    /// `v4` or `v6` only with those that it is for.
    #[must_use]
    pub fn with_versions(mut self, versions: Vec<IpVersion>) -> Self {
        self.versions = versions;
        self
    }

    /// Runs them one after the other.
    pub fn run(&self) -> impl Iterator<Item = Report> + '_ {
        self.scripts.iter().flat_map(move |path| {
            let own = version_of_name(path);
            let mut versions: Vec<IpVersion> =
                self.versions.iter().copied().filter(|version| fits(own, *version)).collect();
            // One version was asked for, and it is not the script's: the script knows better.
            if versions.is_empty() && self.versions.len() == 1 {
                versions.extend(own);
            }
            versions.into_iter().map(move |version| self.run_one(path, version))
        })
    }

    fn run_one(&self, path: &Path, version: IpVersion) -> Report {
        let settings = Settings { version, ..self.settings.clone() };
        match std::fs::read_to_string(path) {
            Ok(text) => run_text(path, &text, &settings),
            Err(error) => {
                let failure = crate::verdict::Failure::new(1, error.to_string());
                Report::new(path, version, Verdict::Failed(failure))
            }
        }
    }
}

fn fits(own: Option<IpVersion>, version: IpVersion) -> bool {
    match own {
        None => true,
        Some(IpVersion::V6) => version == IpVersion::V6,
        Some(_) => version != IpVersion::V6,
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
