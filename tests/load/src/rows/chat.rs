//! Pairs of native sessions through whatever sits between them: a closed loop with a window, or a rate.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::task::spawn_local;

use crate::native::{self, Reader, Writer};

/// How the pairs write.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// Each pair keeps so many messages without an answer, until so many are answered in all.
    Window(usize, usize),
    /// So many a second over all pairs, for so many seconds.
    Rate(f64, f64),
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Messages with their answers.
    pub(crate) answered: usize,
    /// Seconds from the first to the last answer.
    pub(crate) elapsed_s: f64,
    /// Seconds from when each message was due until its answer was there.
    pub(crate) latencies: Vec<f64>,
}

/// One sender with its receiver, each with a connection of its own.
pub(crate) struct Pair {
    sender: (Reader, Writer),
    receiver: (Reader, Writer),
    /// The first number not used as a transID.
    next: u64,
    from: String,
    to: String,
}

impl Pair {
    /// Sessions with a gateway: the receiver remembers, as an application that cares does.
    ///
    /// # Errors
    /// Where they are not granted.
    pub(crate) async fn sessions(port: u16, index: usize) -> io::Result<Self> {
        let (from, to) = (format!("im:s{index}@a.example"), format!("im:r{index}@b.example"));
        let receiver = native::open(port, &format!("serves='{to}' remembers='3600'")).await?;
        let sender = native::open(port, &format!("serves='{from}' remembers='3600'")).await?;
        Ok(Self { sender, receiver, next: 1, from, to })
    }

    /// Bare connections with a yardstick.
    ///
    /// # Errors
    /// Where nobody listens.
    pub(crate) async fn bare(port: u16, index: usize) -> io::Result<Self> {
        let (from, to) = (format!("im:s{index}@a.example"), format!("im:r{index}@b.example"));
        let sender = native::connect(port).await?;
        Ok(Self { sender, receiver: native::connect(port).await?, next: 1, from, to })
    }
}

/// A content of this many octets beside its header.
pub(crate) fn content(octets: usize) -> Vec<u8> {
    let mut content = b"Content-Type: text/plain; charset=utf-8\r\n\r\n".to_vec();
    content.resize(content.len() + octets, b'x');
    content
}

/// Has every pair write, and every receiver answer, until all is answered.
///
/// # Errors
/// Where a connection ends, or an answer is not `success`.
pub(crate) async fn run(pairs: &mut Vec<Pair>, load: Load, content: &[u8]) -> io::Result<Figures> {
    let count = pairs.len();
    let start = Instant::now();
    let latencies = Rc::new(RefCell::new(Vec::new()));
    let mut tasks = Vec::new();
    for (index, pair) in pairs.drain(..).enumerate() {
        let (latencies, content) = (Rc::clone(&latencies), content.to_vec());
        tasks.push(spawn_local(
            async move { one(pair, load, (index, count), start, &content, &latencies).await },
        ));
    }
    for task in tasks {
        pairs.push(task.await.map_err(io::Error::other)??);
    }
    let latencies = latencies.take();
    Ok(Figures { answered: latencies.len(), elapsed_s: start.elapsed().as_secs_f64(), latencies })
}

async fn one(
    mut pair: Pair,
    load: Load,
    (index, count): (usize, usize),
    start: Instant,
    content: &[u8],
    latencies: &RefCell<Vec<f64>>,
) -> io::Result<Pair> {
    let total = match load {
        Load::Window(_, total) => total / count,
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        Load::Rate(rate, for_s) => (rate * for_s) as usize / count,
    };
    let (mut receiver, mut answers) = pair.receiver;
    let receiving = spawn_local(async move {
        let (mut got, mut out) = (0, Vec::new());
        while got < total {
            receiver
                .read(|frame| {
                    if frame.is("message") {
                        got += 1;
                        native::put_success(&mut out, &frame);
                    }
                })
                .await?;
            answers.write_all(&out).await?;
            out.clear();
        }
        Ok::<_, io::Error>((receiver, answers))
    });

    let (mut reader, mut writer) = pair.sender;
    let first = pair.next;
    let due: RefCell<Vec<Instant>> = RefCell::new(Vec::with_capacity(total));
    let (mut sent, mut out, answered) = (0, Vec::new(), std::cell::Cell::new(0));
    let bad = RefCell::new(None);
    while answered.get() < total {
        let mut put = |sent: &mut usize, when: Instant| {
            let number = first + *sent as u64;
            let xml =
                format!("<message source='{}' destination='{}' transID='{number}'/>", pair.from, pair.to);
            native::put(&mut out, "", &xml, content);
            due.borrow_mut().push(when);
            *sent += 1;
        };
        let mut pause = None;
        match load {
            Load::Window(window, _) => {
                while sent < total && sent - answered.get() < window {
                    put(&mut sent, Instant::now());
                }
            }
            Load::Rate(rate, _) => {
                while sent < total {
                    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
                    let when = start + Duration::from_secs_f64((sent * count + index) as f64 / rate);
                    if when > Instant::now() {
                        pause = Some(when);
                        break;
                    }
                    put(&mut sent, when);
                }
            }
        }
        if !out.is_empty() {
            writer.write_all(&out).await?;
            out.clear();
        }
        let read = reader.read(|frame| {
            if !frame.is("response") {
                return;
            }
            if frame.attribute("status") != Some(b"success") {
                *bad.borrow_mut() = Some(String::from_utf8_lossy(frame.xml).into_owned());
            }
            let at = frame.number().and_then(|number| usize::try_from(number.checked_sub(first)?).ok());
            if let Some(when) = at.and_then(|at| due.borrow().get(at).copied()) {
                latencies.borrow_mut().push(when.elapsed().as_secs_f64());
            }
            answered.set(answered.get() + 1);
        });
        match pause {
            Some(when) => tokio::select! {
                result = read => result?,
                () = tokio::time::sleep_until(when.into()) => {}
            },
            None => read.await?,
        }
        if let Some(words) = bad.take() {
            return Err(io::Error::other(words));
        }
    }
    pair.next = first + total as u64;
    pair.sender = (reader, writer);
    pair.receiver = receiving.await.map_err(io::Error::other)??;
    Ok(pair)
}
