//! As much of an IRC client as it takes to be let in.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Joins as this nick.
///
/// # Errors
/// Where it is not let in.
pub(crate) async fn join(port: u16, nick: &str) -> io::Result<TcpStream> {
    let mut client = TcpStream::connect(("127.0.0.1", port)).await?;
    client.set_nodelay(true)?;
    client.write_all(format!("NICK {nick}\r\nUSER u 0 * :u\r\n").as_bytes()).await?;
    // The last numeric of a welcome: the message of the day ended (376), or there is none (422).
    let mut welcome = Vec::new();
    while !welcome.windows(5).any(|window| window == b" 422 " || window == b" 376 ") {
        if client.read_buf(&mut welcome).await? == 0 {
            return Err(io::Error::other(format!("{nick}: {}", String::from_utf8_lossy(&welcome))));
        }
    }
    Ok(client)
}
