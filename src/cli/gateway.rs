//! Which running gateway a command looks into: the options that all of these have in common.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;
use hyper::Uri;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::config_file::ConfigFile;
use super::exit::Failed;
use crate::admin::{Client, ClientError};
use crate::config::Secret;

/// The port of HTTP where a URL names none (RFC 9110 section 4.2.1).
const HTTP_PORT: u16 = 80;

/// Where the gateway's admin interface is.
#[derive(Args, Debug)]
pub(super) struct Gateway {
    /// The admin socket [default: that of the configuration, else cpim-gateway.sock]
    #[arg(long, value_name = "PATH", conflicts_with = "http")]
    socket: Option<PathBuf>,
    /// The admin interface over HTTP instead, such as http://127.0.0.1:8642
    #[arg(long, value_name = "URL", value_parser = authority, requires = "token_file")]
    http: Option<String>,
    /// The file with the token for HTTP
    #[arg(long, value_name = "FILE", requires = "http")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

impl Gateway {
    /// Asks for a path and reads the answer.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        self.client()?.get(path).await.map_err(|error| self.failed(error))
    }

    /// Has something done and reads the answer.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        asked: &(impl Serialize + Sync),
    ) -> Result<T, Failed> {
        self.client()?.post(path, asked).await.map_err(|error| self.failed(error))
    }

    fn client(&self) -> Result<Client, Failed> {
        if let Some(authority) = &self.http {
            let token = self.token_file.as_deref().map(|file| {
                Secret::from_file(file)
                    .map_err(|error| Failed::usage(format_args!("{}: {error}", file.display())))
            });
            return Ok(Client::Http { authority: authority.clone(), token: token.transpose()? });
        }
        let socket = match &self.socket {
            Some(socket) => socket.clone(),
            None => self.config.admin_socket()?,
        };
        Ok(Client::Socket(socket))
    }

    fn failed(&self, error: ClientError) -> Failed {
        match &error {
            ClientError::NotThere { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                Failed::failure(error)
            }
            ClientError::NotThere { .. } if self.is_guess() => Failed::try_again(format_args!(
                "{error} That is its place by {}: name another with --config or --socket",
                self.config.source()
            )),
            ClientError::NotThere { .. } => Failed::try_again(error),
            ClientError::Refused { error: word, .. } if word == "bad-command" => Failed::usage(error),
            _ => Failed::failure(error),
        }
    }

    /// Nobody said which gateway is meant.
    fn is_guess(&self) -> bool {
        self.http.is_none() && self.socket.is_none() && self.config.config.is_none()
    }
}

/// Host and port of a URL that has nothing else.
fn authority(url: &str) -> Result<String, String> {
    let expected = || "expected a URL such as http://127.0.0.1:8642".to_owned();
    let uri: Uri = url.parse().map_err(|_| expected())?;
    let plain = uri.scheme_str() == Some("http") && matches!(uri.path(), "" | "/") && uri.query().is_none();
    match uri.authority() {
        Some(authority) if plain && !authority.as_str().contains('@') => {
            let port = authority.port_u16().unwrap_or(HTTP_PORT);
            Ok(format!("{}:{port}", authority.host()))
        }
        _ => Err(expected()),
    }
}

/// As one segment of a path, or a value in a query: every octet but the unreserved ones escaped (RFC 3986 section 2.3).
pub(super) fn escaped(text: &str) -> String {
    let octet = |octet: u8| match octet {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => char::from(octet).to_string(),
        _ => format!("%{octet:02X}"),
    };
    text.bytes().map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert_eq!(authority("http://127.0.0.1:8642/").unwrap(), "127.0.0.1:8642");
        assert_eq!(authority("http://[::1]").unwrap(), "[::1]:80");
        for wrong in
            ["127.0.0.1:8642", "https://a.example", "http://a.example/v1", "http://u:p@a.example", ""]
        {
            assert!(authority(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_trans_id_is_one_segment() {
        assert_eq!(escaped("a/b ü.%"), "a%2Fb%20%C3%BC%2E%25");
    }
}
