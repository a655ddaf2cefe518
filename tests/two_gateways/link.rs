//! A line between two gateways that can be cut, and that can go dead without a word.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A line to a port; it ends with this value.
pub(crate) struct Link {
    pub(crate) port: u16,
    state: watch::Sender<State>,
    made: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

/// How the line is now.
#[derive(Clone, Copy)]
struct State {
    /// How often it went down. What was connected before stays down.
    falls: usize,
    /// What became of what was connected then.
    fell: Fell,
    /// Whether somebody can connect.
    up: bool,
}

#[derive(Clone, Copy)]
enum Fell {
    /// Both ends are told.
    Closed,
    /// Octets vanish, and nobody is told.
    Dead,
}

impl Link {
    /// A line to a port of this machine.
    pub(crate) async fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = watch::Sender::new(State { falls: 0, fell: Fell::Closed, up: true });
        let made = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, target, state.subscribe(), Arc::clone(&made)));
        Self { port, state, made, _tasks: tasks }
    }

    /// Closes every connection, and lets nobody connect.
    pub(crate) fn cut(&self) {
        self.fall(Fell::Closed);
    }

    /// Lets every octet of every connection vanish from now on, and nobody connect.
    pub(crate) fn go_dead(&self) {
        self.fall(Fell::Dead);
    }

    /// Lets people connect again.
    pub(crate) fn restore(&self) {
        self.state.send_modify(|state| state.up = true);
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    fn fall(&self, fell: Fell) {
        self.state.send_modify(|state| *state = State { falls: state.falls + 1, fell, up: false });
    }
}

async fn accept(listener: TcpListener, target: u16, state: watch::Receiver<State>, made: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let State { up, falls, .. } = *state.borrow();
        if !up {
            continue;
        }
        let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { continue };
        made.fetch_add(1, Ordering::SeqCst);
        near.set_nodelay(true).unwrap();
        far.set_nodelay(true).unwrap();
        let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
        connections.spawn(pour(near_in, far_out, state.clone(), falls));
        connections.spawn(pour(far_in, near_out, state.clone(), falls));
    }
}

/// Carries octets one way, until an end is reached or the line goes down.
async fn pour(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    falls: usize,
) {
    let mut octets = vec![0; 16_384];
    loop {
        let now = *state.borrow_and_update();
        let down = now.falls > falls;
        if down && matches!(now.fell, Fell::Closed) {
            return;
        }
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            read = from.read(&mut octets) => match read {
                // Nobody is told on a dead line, not even of the end.
                Ok(0) | Err(_) if down => return std::future::pending().await,
                Ok(0) | Err(_) => return,
                Ok(_) if down => {}
                Ok(read) => if to.write_all(&octets[..read]).await.is_err() { return },
            },
        }
    }
}
