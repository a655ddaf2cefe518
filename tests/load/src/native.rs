//! Native CPIM as the generator speaks it: sessions that write many frames at once and look only at what they must.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// Octets that are read at once.
const CHUNK: usize = 64 * 1024;

/// One frame in a reader's buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// The element.
    pub(crate) xml: &'a [u8],
    /// What follows it.
    pub(crate) content: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Whether it is an element of this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.xml.get(1..).is_some_and(|rest| rest.starts_with(name.as_bytes()))
    }

    /// The value of an attribute, as it is written.
    pub(crate) fn attribute(&self, name: &str) -> Option<&'a [u8]> {
        let at = find(self.xml, format!(" {name}=").as_bytes())? + name.len() + 2;
        let quote = self.xml.get(at)?;
        let rest = self.xml.get(at + 1..)?;
        rest.get(..rest.iter().position(|octet| octet == quote)?)
    }

    /// The transID where it is one of ours, which are numbers.
    pub(crate) fn number(&self) -> Option<u64> {
        std::str::from_utf8(self.attribute("transID")?).ok()?.parse().ok()
    }
}

fn find(octets: &[u8], what: &[u8]) -> Option<usize> {
    octets.windows(what.len()).position(|window| window == what)
}

/// Cuts the first frame off; how many octets it takes. `None` where it is not whole yet.
///
/// # Errors
/// Where the octets are no frame.
pub(crate) fn frame(octets: &[u8]) -> io::Result<Option<(Frame<'_>, usize)>> {
    let Some(end) = octets.iter().position(|octet| *octet == b'\n') else { return Ok(None) };
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "no frame");
    let line = std::str::from_utf8(octets.get(..end).unwrap_or_default()).map_err(|_| bad())?;
    let mut words = line.trim_end().split(' ');
    let mut count =
        |wanted: Option<&str>| words.next().filter(|word| wanted.is_none_or(|wanted| *word == wanted));
    count(Some("CPIM/1")).ok_or_else(bad)?;
    let xml: usize = count(None).and_then(|word| word.parse().ok()).ok_or_else(bad)?;
    let content: usize = count(None).and_then(|word| word.parse().ok()).ok_or_else(bad)?;
    let start = end + 1;
    let whole = start + xml + content;
    let (Some(xml), Some(content)) = (octets.get(start..start + xml), octets.get(start + xml..whole)) else {
        return Ok(None);
    };
    Ok(Some((Frame { xml, content }, whole)))
}

/// Appends a frame.
pub(crate) fn put(to: &mut Vec<u8>, parameters: &str, xml: &str, content: &[u8]) {
    to.extend_from_slice(format!("CPIM/1 {} {}{parameters}\r\n{xml}", xml.len(), content.len()).as_bytes());
    to.extend_from_slice(content);
}

/// Appends a frame without parameters.
pub(crate) fn put_octets(to: &mut Vec<u8>, xml: &[u8], content: &[u8]) {
    to.extend_from_slice(format!("CPIM/1 {} {}\r\n", xml.len(), content.len()).as_bytes());
    to.extend_from_slice(xml);
    to.extend_from_slice(content);
}

/// Appends the answer `success` to a frame.
pub(crate) fn put_success(to: &mut Vec<u8>, frame: &Frame<'_>) {
    let number = frame.attribute("transID").unwrap_or_default();
    put(to, "", &format!("<response status='success' transID='{}'/>", String::from_utf8_lossy(number)), b"");
}

/// What is read of a session.
pub(crate) struct Reader {
    stream: OwnedReadHalf,
    buffer: Vec<u8>,
    from: usize,
}

/// What is written of it.
pub(crate) type Writer = OwnedWriteHalf;

impl Reader {
    /// Hands every frame that is whole to `each`, and waits for some octets where none is.
    ///
    /// # Errors
    /// Where the connection ends, or what comes is no frame.
    pub(crate) async fn read(&mut self, mut each: impl FnMut(Frame<'_>)) -> io::Result<()> {
        let from = self.from;
        while self.cut(&mut each)? {}
        if self.from == from {
            self.more().await?;
            while self.cut(&mut each)? {}
        }
        Ok(())
    }

    /// Waits for one frame, and leaves what follows it.
    async fn one<T>(&mut self, take: impl Fn(Frame<'_>) -> T) -> io::Result<T> {
        let mut taken = None;
        loop {
            self.cut(&mut |frame| taken = Some(take(frame)))?;
            if let Some(taken) = taken {
                return Ok(taken);
            }
            self.more().await?;
        }
    }

    /// Hands the next frame on, where it is whole.
    fn cut(&mut self, each: &mut impl FnMut(Frame<'_>)) -> io::Result<bool> {
        let Some((frame, length)) = frame(self.buffer.get(self.from..).unwrap_or_default())? else {
            return Ok(false);
        };
        each(frame);
        self.from += length;
        Ok(true)
    }

    /// Waits for some octets.
    async fn more(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.from);
        self.from = 0;
        self.buffer.reserve(CHUNK);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Gives back what the buffer does not need.
    pub(crate) fn shrink(&mut self) {
        self.buffer.drain(..self.from);
        self.from = 0;
        self.buffer.shrink_to_fit();
    }
}

/// Opens a session: `attributes` are those of `open`.
///
/// # Errors
/// Where it is not granted.
pub(crate) async fn open(port: u16, attributes: &str) -> io::Result<(Reader, Writer)> {
    let (mut reader, mut writer) = connect(port).await?;
    let mut octets = Vec::new();
    put(&mut octets, "", &format!("<open version='1' {attributes}/>"), b"");
    writer.write_all(&octets).await?;
    let words = |frame: Frame<'_>| (frame.is("open"), String::from_utf8_lossy(frame.xml).into_owned());
    match reader.one(words).await? {
        (true, _) => Ok((reader, writer)),
        (false, words) => Err(io::Error::other(format!("the session is refused: {words}"))),
    }
}

/// A connection without `open`, as the yardsticks take it.
///
/// # Errors
/// Where nobody listens.
pub(crate) async fn connect(port: u16) -> io::Result<(Reader, Writer)> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    halves(stream)
}

/// Both halves of a connection.
///
/// # Errors
/// Where it is gone.
pub(crate) fn halves(stream: TcpStream) -> io::Result<(Reader, Writer)> {
    stream.set_nodelay(true)?;
    let (read, writer) = stream.into_split();
    Ok((Reader { stream: read, buffer: Vec::new(), from: 0 }, writer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_cut_off_once_it_is_whole() {
        let mut octets = Vec::new();
        put(&mut octets, " hops=3", "<message source='a' transID='12'/>", b"xyz");
        for cut in 0..octets.len() {
            assert!(frame(octets.get(..cut).unwrap()).unwrap().is_none(), "{cut}");
        }
        let (first, length) = frame(&octets).unwrap().unwrap();
        assert_eq!((first.is("message"), first.number(), first.content), (true, Some(12), b"xyz".as_slice()));
        assert_eq!(length, octets.len());
        assert!(frame(b"GET / HTTP/1.1\r\n").is_err());
    }
}
