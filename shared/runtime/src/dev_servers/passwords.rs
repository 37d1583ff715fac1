//! Passwords that are generated once and stay the same for a data folder.

use super::Error;
use crate::Secret;
use rand_core::{CryptoRng, RngCore};
use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The passwords of a data folder, in a file that only its owner can read.
#[derive(Debug)]
pub struct Passwords {
    path: PathBuf,
    known: BTreeMap<String, Secret<String>>,
}

impl Passwords {
    /// Reads the passwords of `dir`.
    ///
    /// # Errors
    ///
    /// Returns an error where the file is there and cannot be read.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("passwords.json");
        let known = read(&path)?;
        Ok(Self { path, known })
    }

    /// The password called `name`; generated and written down if there was none.
    ///
    /// # Errors
    ///
    /// Returns an error where the file cannot be written.
    pub fn get_or_generate<R: RngCore + CryptoRng>(
        &mut self,
        name: &str,
        rng: &mut R,
    ) -> Result<Secret<String>, Error> {
        if let Some(password) = self.known.get(name) {
            return Ok(password.clone());
        }
        // Somebody else of this process may have written some down since: they must not be lost.
        self.known.extend(read(&self.path)?);
        let password = self
            .known
            .entry(name.to_owned())
            .or_insert_with(|| Secret::generate(rng))
            .clone();
        let plain: BTreeMap<&str, &str> = self
            .known
            .iter()
            .map(|(name, password)| (name.as_str(), password.expose().as_str()))
            .collect();
        serde_json::to_vec_pretty(&plain)
            .map_err(io::Error::from)
            .and_then(|json| write_private(&self.path, &json))
            .map_err(Error::file("write", &self.path))?;
        Ok(password)
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, Secret<String>>, Error> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
    .map_err(Error::file("read", path))
}

/// Writes a file whole or not at all, readable by its owner only.
///
/// # Errors
///
/// Returns an error where it cannot be written.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    // Left over from a crash, it might have other permissions.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded_rng;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn are_the_same_at_the_next_start_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let mut rng = seeded_rng();
        let mut passwords = Passwords::open(dir.path()).unwrap();
        let first = passwords.get_or_generate("relay", &mut rng).unwrap();
        let other = passwords.get_or_generate("matcher", &mut rng).unwrap();
        assert_ne!(first, other);
        let mut again = Passwords::open(dir.path()).unwrap();
        assert_eq!(again.get_or_generate("relay", &mut rng).unwrap(), first);
        let mode = fs::metadata(dir.path().join("passwords.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{again:?}").contains(first.expose()));
    }
    #[test]
    fn two_who_keep_them_lose_none_of_each_others() {
        let dir = tempfile::tempdir().unwrap();
        let mut rng = seeded_rng();
        let mut first = Passwords::open(dir.path()).unwrap();
        let mut second = Passwords::open(dir.path()).unwrap();
        let relay = first.get_or_generate("relay", &mut rng).unwrap();
        let matcher = second.get_or_generate("matcher", &mut rng).unwrap();
        first.get_or_generate("desk", &mut rng).unwrap();
        let mut later = Passwords::open(dir.path()).unwrap();
        assert_eq!(later.get_or_generate("relay", &mut rng).unwrap(), relay);
        assert_eq!(later.get_or_generate("matcher", &mut rng).unwrap(), matcher);
    }
}
