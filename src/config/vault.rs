//! Secrets at rest: sealed with a master key before the store sees them.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::{env, fmt};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};

use super::SealedSecrets;

/// The environment variable that may hold the master key.
pub const MASTER_KEY_VARIABLE: &str = "FIELDBRIDGE_MASTER_KEY";

/// The systemd credential that may hold the master key.
pub const MASTER_KEY_CREDENTIAL: &str = "fieldbridge-master-key";

/// The first byte of what is sealed; another one will stand for another way of sealing.
const FORMAT: u8 = 1;

const KEY_LENGTH: usize = 32;
const NONCE_LENGTH: usize = 24;

/// Seals secrets and opens them again.
pub struct Vault {
    cipher: XChaCha20Poly1305,
    origin: KeyOrigin,
}

/// Where the master key came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The environment.
    Environment,
    /// A systemd credential.
    Credential,
    /// A file.
    File(PathBuf),
}

impl fmt::Display for KeyOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => write!(formatter, "${MASTER_KEY_VARIABLE}"),
            Self::Credential => write!(formatter, "the credential {MASTER_KEY_CREDENTIAL}"),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

/// Why secrets can't be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The master key can't be read or made.
    #[error("the master key in {origin} can't be used: {why}")]
    Key {
        /// Where it is.
        origin: KeyOrigin,
        /// Why not, and what to do.
        why: String,
    },
    /// It was sealed with another key, or changed since.
    #[error(
        "the secret `{0}` can't be opened with this master key; bring the old key back, or set it again: \
         fieldbridge secret set {0}"
    )]
    Foreign(String),
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Random(String),
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Vault")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// A vault with the master key from `$FIELDBRIDGE_MASTER_KEY`, else from the systemd credential
    /// `fieldbridge-master-key`, else from the file, which is made on first use.
    ///
    /// # Errors
    /// [`VaultError::Key`] when the key that is found first can't be used; a worse one is never taken instead.
    pub fn with_key_of(file: &Path) -> Result<Self, VaultError> {
        if let Ok(text) = env::var(MASTER_KEY_VARIABLE) {
            return Self::with_key_text(&text, KeyOrigin::Environment);
        }
        let credential = env::var_os("CREDENTIALS_DIRECTORY")
            .map(|it| Path::new(&it).join(MASTER_KEY_CREDENTIAL));
        if let Some(credential) = credential.filter(|path| path.exists()) {
            let text = fs::read_to_string(&credential)
                .map_err(|error| unusable(KeyOrigin::Credential, error.to_string()))?;
            return Self::with_key_text(&text, KeyOrigin::Credential);
        }
        Self::with_key_file(file)
    }

    /// A vault with the master key of a file, which is made on first use, for the owner's eyes only.
    ///
    /// # Errors
    /// [`VaultError::Key`] when the file can't be read or made, or is open to others.
    pub fn with_key_file(file: &Path) -> Result<Self, VaultError> {
        let origin = || KeyOrigin::File(file.to_owned());
        if !file.exists() {
            make_key_file(file)?;
        }
        let text =
            fs::read_to_string(file).map_err(|error| unusable(origin(), error.to_string()))?;
        let mode = fs::metadata(file)
            .map_err(|error| unusable(origin(), error.to_string()))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(unusable(
                origin(),
                format!("others may open it; chmod 600 {}", file.display()),
            ));
        }
        Self::with_key_text(&text, origin())
    }

    fn with_key_text(text: &str, origin: KeyOrigin) -> Result<Self, VaultError> {
        let text = text.trim();
        let bytes = hex::decode(text)
            .ok()
            .or_else(|| STANDARD.decode(text).ok());
        let key = bytes.and_then(|bytes| <[u8; KEY_LENGTH]>::try_from(bytes).ok());
        match key {
            Some(key) => Ok(Self {
                cipher: XChaCha20Poly1305::new(&Key::from(key)),
                origin,
            }),
            None => Err(unusable(
                origin,
                "it must be 32 bytes as 64 hexadecimal digits or as base64 (openssl rand -hex 32)",
            )),
        }
    }

    /// Where the master key came from.
    #[must_use]
    pub fn origin(&self) -> &KeyOrigin {
        &self.origin
    }

    /// Seals a secret under its name; it opens under no other.
    ///
    /// # Errors
    /// [`VaultError::Random`].
    pub fn seal(&self, name: &str, value: &SecretString) -> Result<Vec<u8>, VaultError> {
        let nonce: [u8; NONCE_LENGTH] = random()?;
        let payload = Payload {
            msg: value.expose_secret().as_bytes(),
            aad: name.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| VaultError::Foreign(name.to_owned()))?;
        Ok([&[FORMAT], nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed under this name.
    ///
    /// # Errors
    /// [`VaultError::Foreign`].
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<SecretString, VaultError> {
        let foreign = || VaultError::Foreign(name.to_owned());
        let (format, rest) = sealed.split_first().ok_or_else(foreign)?;
        let (nonce, sealed) = rest
            .split_first_chunk::<NONCE_LENGTH>()
            .ok_or_else(foreign)?;
        if *format != FORMAT {
            return Err(foreign());
        }
        let payload = Payload {
            msg: sealed,
            aad: name.as_bytes(),
        };
        let plain = self
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| foreign())?;
        String::from_utf8(plain)
            .map(SecretString::from)
            .map_err(|_| foreign())
    }

    /// Opens all secrets and puts them in place of those that were there; answers what could not be opened.
    pub fn fill<'a>(
        &self,
        secrets: &SealedSecrets,
        sealed: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Vec<VaultError> {
        let mut opened = HashMap::new();
        let mut failures = Vec::new();
        for (name, bytes) in sealed {
            match self.open(name, bytes) {
                Ok(value) => {
                    opened.insert(name.to_owned(), value);
                }
                Err(failure) => failures.push(failure),
            }
        }
        *secrets.write().unwrap_or_else(PoisonError::into_inner) = opened;
        failures
    }
}

/// Whether a text may name a secret: what stands in files, addresses and listings without escapes.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=80).contains(&name.len()) && name.bytes().all(legal) && !name.starts_with('.')
}

fn unusable(origin: KeyOrigin, why: impl Into<String>) -> VaultError {
    VaultError::Key {
        origin,
        why: why.into(),
    }
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], VaultError> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| VaultError::Random(error.to_string()))?;
    Ok(bytes)
}

/// Makes the key file in one step, so that nobody ever reads half a key and two makers end with one key.
fn make_key_file(file: &Path) -> Result<(), VaultError> {
    let failed = |error: io::Error| unusable(KeyOrigin::File(file.to_owned()), error.to_string());
    let key: [u8; KEY_LENGTH] = random()?;
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    let draft = file.with_extension(format!("{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = options.open(&draft).and_then(|mut written| {
        writeln!(written, "{}", hex::encode(key))?;
        written.sync_all()
    });
    // A link, unlike a rename, does not replace what another has put there meanwhile.
    let placed = written.and_then(|()| match fs::hard_link(&draft, file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    let _never_written = fs::remove_file(&draft);
    placed.map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    fn vault(directory: &Path) -> Vault {
        Vault::with_key_file(&directory.join("data/master.key")).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_again_under_its_name_only() {
        let home = tempfile::tempdir().unwrap();
        let sealed = vault(home.path())
            .seal("cw-key", &"not-a-real-secret".into())
            .unwrap();
        assert!(!sealed.windows(4).any(|bytes| bytes == b"real"));
        let again = vault(home.path());
        let opened = again.open("cw-key", &sealed).unwrap();
        assert_eq!(opened.expose_secret(), "not-a-real-secret");
        assert!(again.open("other", &sealed).is_err());
        for place in [0, 1, 30, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(again.open("cw-key", &changed).is_err(), "{place}");
        }
        assert!(again.open("cw-key", b"").is_err());
    }

    #[test]
    fn the_same_secret_never_looks_the_same() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(home.path());
        let seal = || vault.seal("a", &"same".into()).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn the_key_file_is_private_and_must_stay_so() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("data/master.key");
        vault(home.path());
        let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        let why = Vault::with_key_file(&file).unwrap_err().to_string();
        assert!(why.contains("chmod 600"), "{why}");
    }

    #[test]
    fn a_key_may_be_hex_or_base64_and_nothing_else() {
        let hex = "00".repeat(32);
        let base64 = STANDARD.encode([0_u8; 32]);
        let vault = |text: &str| Vault::with_key_text(text, KeyOrigin::Environment);
        let sealed = vault(&hex).unwrap().seal("a", &"x".into()).unwrap();
        let opened = vault(&format!("{base64}\n")).unwrap().open("a", &sealed);
        assert_eq!(opened.unwrap().expose_secret(), "x");
        for wrong in ["", "password", &"00".repeat(31)] {
            assert!(vault(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn filling_replaces_all_and_names_what_can_not_be_opened() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(home.path());
        let secrets = SealedSecrets::default();
        let sealed = vault.seal("a", &"one".into()).unwrap();
        secrets
            .write()
            .unwrap()
            .insert("gone".to_owned(), "old".into());
        let failures = vault.fill(&secrets, [("a", &*sealed), ("b", &*sealed)]);
        assert_eq!(failures.len(), 1);
        assert!(failures[0].to_string().contains("fieldbridge secret set b"));
        let names: Vec<_> = secrets.read().unwrap().keys().cloned().collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn secret_names_are_plain() {
        assert!(is_secret_name("cw-main.private_key"));
        for wrong in ["", "a b", "a/b", "ä", "..", &"x".repeat(81)] {
            assert!(!is_secret_name(wrong), "{wrong}");
        }
    }
}
