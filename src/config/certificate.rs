//! Certificates and keys: that they can be read, and that they belong together. What they are worth is decided
//! where they are shown.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::secret::open_private;

/// The longest PEM file, in octets: the anchors of a whole system are a quarter of this.
const MAX_PEM: u64 = 1024 * 1024;

/// What is wrong with a certificate and its key, by the one that is at fault.
#[derive(Debug)]
pub(crate) enum PairError {
    Certificate(String),
    Key(String),
}

/// Whether the chain and the key can be read and belong together.
pub(crate) fn pair(certificate: &Path, key: &Path) -> Result<(), PairError> {
    let chain = certificates(certificate).map_err(PairError::Certificate)?;
    let wrong_key = |why: String| PairError::Key(format!("{}: {why}", key.display()));
    let file = open_private(key).map_err(|e| wrong_key(e.to_string()))?;
    let private = PrivateKeyDer::from_pem_slice(&read(file).map_err(wrong_key)?);
    let private = private.map_err(|e| wrong_key(format!("{}; a private key in PEM is accepted", why(&e))))?;
    let signing = any_supported_type(&private)
        .map_err(|e| wrong_key(format!("{e}; RSA, ECDSA or Ed25519 is accepted")))?;
    match CertifiedKey::new(chain, signing).keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
            Err(wrong_key(format!("is not the key of the first certificate in {}", certificate.display())))
        }
        Err(rustls::Error::InconsistentKeys(_)) | Ok(()) => Ok(()),
        Err(e) => Err(PairError::Certificate(format!("{}: {e}", certificate.display()))),
    }
}

/// The certificates of a PEM file, at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |why: String| format!("{}: {why}; certificates in PEM are accepted", path.display());
    let text = File::open(path).map_err(|e| format!("cannot be read: {e}")).and_then(read).map_err(wrong)?;
    let certificates = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|e| wrong(why(&e)))?;
    if certificates.is_empty() { Err(wrong("no certificate in it".to_owned())) } else { Ok(certificates) }
}

fn read(file: File) -> Result<Vec<u8>, String> {
    let mut text = String::new();
    let octets = file.take(MAX_PEM.saturating_add(1)).read_to_string(&mut text);
    match octets.map(u64::try_from) {
        Ok(Ok(octets)) if octets <= MAX_PEM => Ok(text.into_bytes()),
        Ok(_) => Err(format!("longer than {MAX_PEM} octets")),
        Err(e) => Err(format!("cannot be read: {e}")),
    }
}

fn why(error: &pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => "nothing of this kind in it".to_owned(),
        other => format!("{other:?}"),
    }
}
