//! DKIM (RFC 6376, RFC 8463): what leaves is signed, once with each key of its domain.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cpim_adapter::{BuildError, Domain};
use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::dkim::{Canonicalization, DkimSigner, Done};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::config::{Algorithm, SigningSettings};

/// Octets of a key file at most: an RSA key of 8,192 bits takes 6,400.
const MAX_KEY_OCTETS: u64 = 16 * 1_024;

/// Fields that are signed, whether they are there or not: what is not there cannot be added on the way.
const FIELDS: [&str; 18] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Reply-To",
    "Auto-Submitted",
    "List-Unsubscribe",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "CPIM-Envelope",
    "CPIM-Max-Forwards",
    "CPIM-Operation-ID",
    "CPIM-Source",
    "Sender",
];

/// Signs what leaves.
#[derive(Default)]
pub(crate) struct Signers(Vec<Signer>);

struct Signer {
    domain: Domain,
    key: Key,
}

enum Key {
    Ed25519(DkimSigner<Ed25519Key, Done>),
    Rsa(DkimSigner<RsaKey<Sha256>, Done>),
}

impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signers({})", self.0.len())
    }
}

impl Signers {
    /// Signers with these keys. An Ed25519 key whose file is not there yet is made.
    ///
    /// # Errors
    /// [`BuildError`] where a key cannot be had.
    pub(crate) fn new(settings: &[SigningSettings]) -> Result<Self, BuildError> {
        let signer = |(nth, settings): (usize, &SigningSettings)| {
            let wrong = |what| BuildError { key: format!("smtp.outgoing.dkim[{nth}].key"), what };
            let (domain, selector) = (settings.domain.as_str(), &settings.selector);
            let secret = secret(settings).map_err(wrong)?;
            let key = match settings.algorithm {
                Algorithm::Ed25519 => {
                    let signer = DkimSigner::from_key(ed25519(&secret).map_err(wrong)?);
                    Key::Ed25519(relaxed(signer.domain(domain).selector(selector).headers(FIELDS)))
                }
                Algorithm::Rsa => {
                    let signer = DkimSigner::from_key(rsa(&secret).map_err(wrong)?);
                    Key::Rsa(relaxed(signer.domain(domain).selector(selector).headers(FIELDS)))
                }
            };
            Ok(Signer { domain: settings.domain.clone(), key })
        };
        settings.iter().enumerate().map(signer).collect::<Result<_, _>>().map(Self)
    }

    /// The mail with the signatures of its author's domain, or of the closest above it; where there is none, as it is.
    pub(crate) fn signed(&self, author: &Domain, mut mail: Vec<u8>) -> Result<Vec<u8>, mail_auth::Error> {
        let covers = |signer: &&Signer| {
            let rest = author.as_str().strip_suffix(signer.domain.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let closest = self.0.iter().filter(covers).map(|signer| signer.domain.as_str().len()).max();
        let signers =
            || self.0.iter().filter(covers).filter(|signer| Some(signer.domain.as_str().len()) == closest);
        if closest.is_none() {
            return Ok(mail);
        }
        if !mail.ends_with(b"\r\n") {
            // It gets this end on the way, and must have it when it is signed.
            mail.extend_from_slice(b"\r\n");
        }
        let mut signed = Vec::new();
        for signer in signers() {
            let signature = match &signer.key {
                Key::Ed25519(key) => key.sign(&mail)?,
                Key::Rsa(key) => key.sign(&mail)?,
            };
            signed.extend_from_slice(signature.to_header().as_bytes());
        }
        signed.extend_from_slice(&mail);
        Ok(signed)
    }
}

/// The value of the record that lets others check what a key has signed (RFC 6376 section 3.6.1, RFC 8463 section 4).
///
/// # Errors
/// Why the key cannot be had.
pub fn dkim_record(settings: &SigningSettings) -> Result<String, String> {
    if settings.algorithm == Algorithm::Ed25519 && !settings.key.exists() {
        let key = settings.key.display();
        return Err(format!(
            "{key}: it is not there yet; the first start makes it, or `openssl genpkey -algorithm ed25519 -out {key}`"
        ));
    }
    let secret = read(&settings.key)?;
    let (name, public) = match settings.algorithm {
        Algorithm::Ed25519 => ("ed25519", ed25519(&secret)?.public_key()),
        Algorithm::Rsa => ("rsa", subject_public_key_info(&rsa(&secret)?.public_key())),
    };
    Ok(format!("v=DKIM1; k={name}; p={}", STANDARD.encode(public)))
}

fn relaxed<T: mail_auth::common::crypto::SigningKey>(signer: DkimSigner<T, Done>) -> DkimSigner<T, Done> {
    signer.header_canonicalization(Canonicalization::Relaxed).body_canonicalization(Canonicalization::Relaxed)
}

fn secret(settings: &SigningSettings) -> Result<PrivateKeyDer<'static>, String> {
    if settings.algorithm == Algorithm::Ed25519 && !settings.key.exists() {
        make(&settings.key).map_err(|why| format!("{}: {why}", settings.key.display()))?;
    }
    read(&settings.key)
}

/// Makes an Ed25519 key that only its owner can read.
fn make(path: &Path) -> Result<(), String> {
    let key = Ed25519Key::generate_pkcs8().map_err(|error| error.to_string())?;
    let text = STANDARD.encode(key);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines(&text));
    // Whoever made it at the same time was first, and theirs is read.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| error.to_string())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn lines(text: &str) -> String {
    let lines: Vec<String> =
        text.as_bytes().chunks(64).map(|line| line.iter().copied().map(char::from).collect()).collect();
    lines.join("\n")
}

fn read(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let wrong = |why: String| format!("{}: {why}", path.display());
    let octets = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if octets > MAX_KEY_OCTETS {
        return Err(wrong(format!("{octets} octets; {MAX_KEY_OCTETS} are accepted")));
    }
    let pem = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| wrong("no private key in PEM".to_owned()))
}

fn ed25519(secret: &PrivateKeyDer<'_>) -> Result<Ed25519Key, String> {
    let PrivateKeyDer::Pkcs8(der) = secret else { return Err("no Ed25519 key (PKCS #8)".to_owned()) };
    let key = Ed25519Key::from_pkcs8_maybe_unchecked_der(der.secret_pkcs8_der());
    key.map_err(|error| format!("no Ed25519 key: {error}"))
}

fn rsa(secret: &PrivateKeyDer<'_>) -> Result<RsaKey<Sha256>, String> {
    RsaKey::from_key_der(secret.clone_key()).map_err(|error| format!("no RSA key: {error}"))
}

/// An RSA public key (RFC 8017 appendix A.1.1) as what is published: a SubjectPublicKeyInfo (RFC 5280 section 4.1).
fn subject_public_key_info(key: &[u8]) -> Vec<u8> {
    // SEQUENCE { OBJECT IDENTIFIER rsaEncryption, NULL }
    const RSA: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
    let bits = element(3, &[&[0], key].concat());
    element(0x30, &[&RSA, bits.as_slice()].concat())
}

/// An element of DER: its tag, the length, and what is in it.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|octet| *octet == 0).collect();
    let mut element = vec![tag];
    match (u8::try_from(content.len()), u8::try_from(significant.len())) {
        (Ok(short), _) if short < 0x80 => element.push(short),
        (_, Ok(octets)) => {
            element.push(0x80 | octets);
            element.extend(significant);
        }
        // A length has eight octets at most.
        (_, Err(_)) => {}
    }
    element.extend_from_slice(content);
    element
}
