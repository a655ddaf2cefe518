//! As much of an XMPP client as it takes to log in.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Logs in as `name`@localhost with the password `pw`, in plain text, and says that it is there.
///
/// # Errors
/// Where it is not let in.
pub(crate) async fn login(port: u16, name: &str) -> io::Result<TcpStream> {
    const OPEN: &str = "<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client' \
                        xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
    let mut client = TcpStream::connect(("127.0.0.1", port)).await?;
    client.set_nodelay(true)?;
    let token = base64(format!("\0{name}\0pw").as_bytes());
    let auth = format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>");
    let bind = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>";
    for (say, until) in
        [(OPEN, "</stream:features>"), (&auth, "<success"), (OPEN, "</stream:features>"), (bind, "</iq>")]
    {
        ask(&mut client, say, until).await?;
    }
    client.write_all(b"<presence/>").await?;
    Ok(client)
}

/// Says this, and reads until that.
///
/// # Errors
/// Where it does not come within 20 s.
pub(crate) async fn ask(client: &mut TcpStream, say: &str, until: &str) -> io::Result<()> {
    client.write_all(say.as_bytes()).await?;
    let mut heard = Vec::new();
    let hear = async {
        while !heard.windows(until.len()).any(|window| window == until.as_bytes()) {
            if client.read_buf(&mut heard).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    };
    let result = tokio::time::timeout(Duration::from_secs(20), hear).await;
    let result = result.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    result.map_err(|error: io::Error| {
        io::Error::other(format!("{error} before {until}: {}", String::from_utf8_lossy(&heard)))
    })
}

/// RFC 4648 section 4.
fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in octets.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(three.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if at <= three.len() { digit.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_is_as_the_examples_of_the_rfc() {
        // RFC 4648 section 10.
        for (octets, text) in [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(super::base64(octets.as_bytes()), text);
        }
    }
}
