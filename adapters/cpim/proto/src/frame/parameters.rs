//! The parameters of a start line: what belongs to this hop, not to the operation.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use cpim_adapter::{Domain, OperationId, Passage, Standing};

use super::LineFault;

/// What a start line says beside its two counts; every part of it may be absent.
///
/// `id`, `via` and `auth` are words of the peer: whether they are believed is the application's say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Parameters {
    /// Hops that are left (RFC 3860 section 3.4.2, MaxForwards).
    pub hops: Option<u8>,
    /// Relay domains that the operation has crossed, oldest first, at most [`Passage::MAX_VIA`].
    pub via: Vec<Domain>,
    /// The operation's name end to end.
    pub id: Option<OperationId>,
    /// For how long the sending side will still wait for the response; whole seconds travel.
    pub wait: Option<Duration>,
    /// What the sending gateway knows of the source.
    pub auth: Option<Standing>,
}

impl Parameters {
    /// Takes up one `name=value`. Unknown names are passed over, however often they come.
    pub(super) fn take(&mut self, name: &str, value: &str) -> Result<(), LineFault> {
        match name {
            "auth" => {
                let expected = "expected `auth=verified`, `auth=claimed` or `auth=anonymous`";
                set(&mut self.auth, "auth", Standing::from_word(value).ok_or(LineFault::Value(expected))?)
            }
            "hops" => {
                let hops =
                    decimal(value).ok_or(LineFault::Value("expected `hops=` and a number from 0 to 255"))?;
                set(&mut self.hops, "hops", hops)
            }
            "id" => {
                let expected = "expected `id=` and 1 to 64 of A-Z a-z 0-9 - _ .";
                set(&mut self.id, "id", OperationId::parse(value).map_err(|_| LineFault::Value(expected))?)
            }
            "via" => self.take_via(value),
            "wait" => {
                let expected = "expected `wait=` and a number of seconds, at most 4294967295";
                let seconds: u32 = decimal(value).ok_or(LineFault::Value(expected))?;
                set(&mut self.wait, "wait", Duration::from_secs(seconds.into()))
            }
            _ => Ok(()),
        }
    }

    fn take_via(&mut self, value: &str) -> Result<(), LineFault> {
        if !self.via.is_empty() {
            return Err(LineFault::Duplicate("via"));
        }
        for domain in value.split(',') {
            let domain = Domain::parse(domain).ok().filter(|_| self.via.len() < Passage::MAX_VIA);
            self.via.push(
                domain.ok_or(LineFault::Value("expected `via=` and 1 to 16 domains, joined by commas"))?,
            );
        }
        Ok(())
    }
}

impl From<&Passage> for Parameters {
    /// What goes on with an operation; `auth` is the one thing that its passage does not know.
    fn from(passage: &Passage) -> Self {
        Self {
            hops: Some(passage.hops),
            via: passage.via.clone(),
            id: Some(passage.id.clone()),
            wait: passage.wait,
            auth: None,
        }
    }
}

impl fmt::Display for Parameters {
    /// As a start line has them: a space before each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(hops) = self.hops {
            write!(f, " hops={hops}")?;
        }
        for (at, domain) in self.via.iter().enumerate() {
            f.write_str(if at == 0 { " via=" } else { "," })?;
            f.write_str(domain.as_str())?;
        }
        if let Some(id) = &self.id {
            write!(f, " id={id}")?;
        }
        if let Some(wait) = self.wait {
            write!(f, " wait={}", wait.as_secs().min(u32::MAX.into()))?;
        }
        match self.auth {
            Some(auth) => write!(f, " auth={auth}"),
            None => Ok(()),
        }
    }
}

/// A number written as [`is_decimal`] wants it, where it is within the range of `T`.
pub(crate) fn decimal<T: FromStr>(text: &str) -> Option<T> {
    is_decimal(text).then(|| text.parse().ok()).flatten()
}

/// Whether it is a decimal number without sign or leading zeros, `0` itself excepted.
pub(crate) fn is_decimal(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
        && !text.is_empty()
}

fn set<T>(place: &mut Option<T>, name: &'static str, value: T) -> Result<(), LineFault> {
    match place.replace(value) {
        Some(_) => Err(LineFault::Duplicate(name)),
        None => Ok(()),
    }
}
