//! AUTH (RFC 4954): PLAIN (RFC 4616) and LOGIN.

use std::fmt;

use super::encoding::base64;

/// Who somebody says that they are, and what is to prove it.
#[derive(Clone, Eq, PartialEq)]
pub struct Login {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({:?}, ..)", self.name)
    }
}

/// How far an exchange is.
#[derive(Debug)]
pub(super) enum Exchange {
    /// PLAIN, whose one response is awaited.
    Plain,
    /// LOGIN, whose name is awaited.
    Name,
    /// LOGIN, whose password is awaited.
    Password(String),
}

/// What a response led to.
#[derive(Debug)]
pub(super) enum Progress {
    /// All is there.
    Done(Login),
    /// The next is asked for by this challenge, in base64.
    Next(Exchange, &'static str),
    /// It is no such response.
    Bad,
}

impl Exchange {
    /// Takes a response, in base64.
    pub(super) fn take(self, response: &str) -> Progress {
        let text = base64(response).and_then(|octets| String::from_utf8(octets).ok());
        let Some(text) = text.filter(|text| text.len() <= MAX_OCTETS) else { return Progress::Bad };
        match self {
            Self::Plain => plain(&text).map_or(Progress::Bad, Progress::Done),
            Self::Name => Progress::Next(Self::Password(text), PASSWORD),
            Self::Password(name) => Progress::Done(Login { name, password: text }),
        }
    }
}

/// Octets of one response, decoded, at most.
const MAX_OCTETS: usize = 1_024;

/// `Username:`
pub(super) const NAME: &str = "VXNlcm5hbWU6";

/// `Password:`
const PASSWORD: &str = "UGFzc3dvcmQ6";

/// Nobody acts for another here: an authorisation identity is the name itself, or absent (RFC 4616 section 2).
fn plain(text: &str) -> Option<Login> {
    let mut parts = text.split('\0');
    let (acts_for, name, password) = (parts.next()?, parts.next()?, parts.next()?);
    let sound = parts.next().is_none() && !name.is_empty() && (acts_for.is_empty() || acts_for == name);
    sound.then(|| Login { name: name.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_three_parts() {
        assert!(plain("\0alice\0secret").is_some_and(|login| login.password == "secret"));
        assert!(plain("alice\0alice\0secret").is_some());
        for bad in ["", "alice\0secret", "bob\0alice\0secret", "\0\0secret", "\0alice\0secret\0"] {
            assert!(plain(bad).is_none(), "{bad:?}");
        }
    }
}
