//! The same presence with ejabberd: watchers that have a presentity on their rosters.

use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::chain::{Board, Form, listen, text};
use crate::peers::ejabberd::Ejabberd;
use crate::peers::xmpp::login;
use crate::setting::Setting;
use crate::stats::Samples;

/// Logins at once.
const AT_ONCE: usize = 16;

/// For one change.
const PATIENCE: Duration = Duration::from_secs(15);

/// Milliseconds until the last one knows, and microseconds of ejabberd's processor time for each.
///
/// # Errors
/// Where it is not there, or a watcher is not told.
pub(crate) async fn fan_out(setting: &Setting, watchers: usize) -> io::Result<(Samples, Samples)> {
    let ejabberd = Ejabberd::start(setting).await?;
    let board = Rc::new(Board::default());
    let mut presentity = login(ejabberd.port, "p").await?;
    let (mut next, mut tasks) = (0, JoinSet::new());
    while next < watchers || !tasks.is_empty() {
        while next < watchers && tasks.len() < AT_ONCE {
            let (index, port) = (next, ejabberd.port);
            next += 1;
            tasks.spawn_local(async move {
                let mut watcher = login(port, &format!("w{index}")).await?;
                watcher.write_all(b"<presence type='subscribe' to='p@localhost'/>").await?;
                Ok::<_, io::Error>(watcher)
            });
        }
        if let Some(watcher) = tasks.join_next().await {
            let (_sender, receiver) = text(watcher.map_err(io::Error::other)??, Form::Xmpp, Vec::new());
            listen(&board, receiver);
        }
    }
    for index in 0..watchers {
        let granted = format!("<presence type='subscribed' to='w{index}@localhost'/>");
        presentity.write_all(granted.as_bytes()).await?;
        if index % 50 == 49 {
            sleep(Duration::from_millis(10)).await;
        }
    }
    let (sender, receiver) = text(presentity, Form::Xmpp, Vec::new());
    listen(&board, receiver);
    settled(&ejabberd).await;
    let (mut last, mut cpu_each) = (Samples::default(), Samples::default());
    for repetition in 0..=setting.repetitions.max(3) {
        // One number is read by every watcher.
        let number = board.tell(watchers);
        let show = if repetition % 2 == 0 { "away" } else { "dnd" };
        let xml = format!("<presence><show>{show}</show><status>@@{number:012}@@</status></presence>");
        let (cpu, start) = (ejabberd.process.cpu_s(), Instant::now());
        sender.write(xml.as_bytes()).await?;
        timeout(PATIENCE, board.told()).await.map_err(io::Error::other)?;
        let elapsed = start.elapsed();
        sleep(Duration::from_millis(200)).await;
        // The first finds everything cold.
        if repetition > 0 {
            last.push(elapsed.as_secs_f64() * 1e3);
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            cpu_each.push((ejabberd.process.cpu_s() - cpu) / watchers as f64 * 1e6);
        }
    }
    Ok((last, cpu_each))
}

/// Waits until it is done with what it was told, for 15 s at most.
async fn settled(ejabberd: &Ejabberd) {
    for _ in 0..30 {
        let cpu = ejabberd.process.cpu_s();
        sleep(Duration::from_millis(500)).await;
        if ejabberd.process.cpu_s() - cpu < 0.01 {
            return;
        }
    }
}
