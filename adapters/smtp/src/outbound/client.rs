//! One connection to a mail server: greeting, TLS, what the server offers, and transactions on it.

use std::net::SocketAddr;
use std::time::Duration;

use cpim_adapter::{Code, DeliveryError, Fault, Retry};
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, MailBodyParameter, MailParameter, RcptParameter};
use tokio::time::timeout;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(30);
/// How long a server may take for a command (RFC 5321 section 4.5.3.2 says five minutes at most; a route has other
/// servers, and another try).
const COMMAND: Duration = Duration::from_secs(60);
/// How long it may take for what follows the final dot (RFC 5321 section 4.5.3.2.6).
const FINAL: Duration = Duration::from_secs(600);

/// Whether a server is spoken to under TLS.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum TlsPolicy {
    /// Never.
    Plain,
    /// Where it is offered, whoever it is: against those who only listen (RFC 7435).
    #[default]
    Opportunistic,
    /// Always, with the name verified.
    Required,
}

/// What is handed to a server in one transaction.
pub(crate) struct Transaction<'a> {
    /// Where reports go; nowhere for what is a report itself.
    pub(crate) reverse_path: Option<&'a str>,
    /// The recipient.
    pub(crate) recipient: &'a str,
    /// The transaction's name in reports (RFC 3461 section 4.4).
    pub(crate) envid: &'a str,
    /// Whether reports are wanted.
    pub(crate) reports: bool,
    /// The mail.
    pub(crate) octets: &'a [u8],
    /// Its body needs RFC 6152.
    pub(crate) eight_bit: bool,
}

/// What became of what was handed over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Handed {
    /// The server has it, and reports to us what becomes of it.
    Reported,
    /// The server has it, and that is all that will be known.
    Taken,
    /// The connection ended behind the final dot.
    Unknown,
}

/// One connection.
pub(crate) struct Client {
    connection: AsyncSmtpConnection,
    server: SocketAddr,
    eight_bit: bool,
    reports: bool,
}

impl Client {
    /// Connects, and learns what the server offers. `name`: the one that its certificate must have.
    ///
    /// # Errors
    /// Nothing was sent: to be tried again, or elsewhere.
    pub(crate) async fn connect(
        server: SocketAddr,
        name: &str,
        tls: TlsPolicy,
        hello: &str,
    ) -> Result<Self, DeliveryError> {
        let hello = ClientId::Domain(hello.to_owned());
        let broken = |error: Error| DeliveryError::transport(format!("{server}: {error}"));
        let connecting = AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT), &hello, None, None);
        let connected = timeout(CONNECT, connecting).await;
        let mut connection = connected.map_err(|_| slow(server))?.map_err(broken)?;
        match tls {
            TlsPolicy::Plain => {}
            TlsPolicy::Opportunistic if !connection.can_starttls() => {}
            TlsPolicy::Required if !connection.can_starttls() => {
                return Err(DeliveryError::transport(format!("{server}: it offers no TLS")));
            }
            TlsPolicy::Opportunistic | TlsPolicy::Required => {
                let anybody = tls == TlsPolicy::Opportunistic;
                let parameters = TlsParameters::builder(name.to_owned())
                    .dangerous_accept_invalid_certs(anybody)
                    .dangerous_accept_invalid_hostnames(anybody)
                    .build()
                    .map_err(broken)?;
                let upgrading = connection.starttls(parameters, &hello);
                timeout(CONNECT, upgrading).await.map_err(|_| slow(server))?.map_err(broken)?;
            }
        }
        // Once more, because the answer of the first is not to be had: what is offered is read from it.
        let offers = timeout(COMMAND, connection.command(Ehlo::new(hello))).await;
        let offers = offers.map_err(|_| slow(server))?.map_err(broken)?;
        let offers = |wanted: &str| {
            offers.message().any(|line| {
                line.split_ascii_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(wanted))
            })
        };
        Ok(Self { eight_bit: offers("8BITMIME"), reports: offers("DSN"), connection, server })
    }

    /// Whether the server takes bodies beyond ASCII.
    pub(crate) const fn eight_bit(&self) -> bool {
        self.eight_bit
    }

    /// Where it goes to.
    pub(crate) const fn server(&self) -> SocketAddr {
        self.server
    }

    /// Whether it is still there.
    pub(crate) async fn is_alive(&mut self) -> bool {
        !self.connection.has_broken()
            && timeout(COMMAND, self.connection.test_connected()).await.unwrap_or(false)
    }

    /// Whether another transaction may follow.
    pub(crate) fn is_sound(&self) -> bool {
        !self.connection.has_broken()
    }

    /// Leaves in order, as far as the server lets us.
    pub(crate) async fn leave(mut self) {
        let _late = timeout(Duration::from_secs(5), self.connection.abort()).await;
    }

    /// One mail to one recipient.
    ///
    /// # Errors
    /// The server has not accepted it.
    pub(crate) async fn hand_over(&mut self, transaction: &Transaction<'_>) -> Result<Handed, DeliveryError> {
        let reports = self.reports && transaction.reports;
        let (mail, rcpt) = self.commands(transaction, reports)?;
        self.command(mail).await?;
        self.command(rcpt).await?;
        self.command(Data).await?;
        match timeout(FINAL, self.connection.message(transaction.octets)).await {
            Ok(Ok(_)) if reports => Ok(Handed::Reported),
            Ok(Ok(_)) => Ok(Handed::Taken),
            Ok(Err(error)) if error.is_transient() || error.is_permanent() => Err(self.refused(&error)),
            Ok(Err(_)) | Err(_) => Ok(Handed::Unknown),
        }
    }

    fn commands(&self, transaction: &Transaction<'_>, reports: bool) -> Result<(Mail, Rcpt), DeliveryError> {
        let address = |text: &str| {
            text.parse::<Address>().map_err(|error| {
                let public = "that address cannot be written to by mail";
                DeliveryError {
                    detail: format!("{text}: {error}"),
                    ..DeliveryError::refused(Code::BadAddress, public)
                }
            })
        };
        let (mut of_mail, mut of_rcpt) = (Vec::new(), Vec::new());
        if transaction.eight_bit {
            of_mail.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if reports {
            let parameter = |keyword: &str, value: String| (keyword.to_owned(), Some(value));
            for (keyword, value) in
                [parameter("RET", "HDRS".into()), parameter("ENVID", xtext(transaction.envid))]
            {
                of_mail.push(MailParameter::Other { keyword, value });
            }
            let original = format!("rfc822;{}", xtext(transaction.recipient));
            for (keyword, value) in
                [parameter("NOTIFY", "SUCCESS,FAILURE".into()), parameter("ORCPT", original)]
            {
                of_rcpt.push(RcptParameter::Other { keyword, value });
            }
        }
        let reverse_path = transaction.reverse_path.map(address).transpose()?;
        Ok((Mail::new(reverse_path, of_mail), Rcpt::new(address(transaction.recipient)?, of_rcpt)))
    }

    async fn command(&mut self, command: impl std::fmt::Display) -> Result<(), DeliveryError> {
        match timeout(COMMAND, self.connection.command(command)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.refused(&error)),
            Err(_) => Err(slow(self.server)),
        }
    }

    /// The one place where a reply becomes an error: 5yz is the last word, 4yz and trouble on the way are not.
    fn refused(&self, error: &Error) -> DeliveryError {
        let detail = format!("{}: {error}", self.server);
        match error.status() {
            Some(status) if error.is_permanent() => DeliveryError {
                fault: Fault::PeerRefused,
                retry: Retry::Never,
                code: Code::Refused,
                public: words(error, status.into()),
                detail,
            },
            Some(status) if error.is_transient() => DeliveryError {
                fault: Fault::PeerRefused,
                retry: Retry::Later,
                code: Code::Unreachable,
                public: words(error, status.into()),
                detail,
            },
            _ => DeliveryError::transport(detail),
        }
    }
}

/// What the server said, as its own administrator meant it to be read by senders.
fn words(error: &Error, status: u16) -> String {
    use std::error::Error as _;
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(512).collect();
    format!("the mail server says {status} {said}").trim_end().to_owned()
}

fn slow(server: SocketAddr) -> DeliveryError {
    DeliveryError::transport(format!("{server}: no answer in time"))
}

/// xtext (RFC 3461 section 4).
fn xtext(text: &str) -> String {
    text.bytes().fold(String::new(), |mut xtext, octet| {
        match octet {
            b'+' | b'=' => xtext.push_str(&format!("+{octet:02X}")),
            b'!'..=b'~' => xtext.push(char::from(octet)),
            _ => xtext.push_str(&format!("+{octet:02X}")),
        }
        xtext
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xtext_is_that_of_the_vectors() {
        assert_eq!(xtext("a+b=c d"), "a+2Bb+3Dc+20d");
        assert_eq!(xtext("fred@é"), "fred@+C3+A9");
    }
}
