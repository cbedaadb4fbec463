//! Open connections, and how one is cut: the socket is closed without another byte.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::faults::FaultPlan;

/// The open connections by the client's address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections(Arc<Mutex<Open>>);

/// Each connection's switch; it is `true` once the connection is cut.
type Open = BTreeMap<SocketAddr, Arc<watch::Sender<bool>>>;

impl Connections {
    /// Cuts one connection: whoever reads or writes on it gets an error from now on.
    pub(crate) fn cut(&self, peer: SocketAddr) {
        if let Some(cut) = self.open().get(&peer) {
            cut.send_replace(true);
        }
    }

    /// Cuts all connections.
    pub(crate) fn cut_all(&self) {
        for cut in self.open().values() {
            cut.send_replace(true);
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets connections in, below TLS, unless a fault refuses them.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) connections: Connections,
    pub(crate) faults: Arc<FaultPlan>,
}

impl<S> Accept<TcpStream, S> for Gate {
    type Stream = Connection;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Connection, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let accepted = if self.faults.strikes_connection() {
            Err(cut_error())
        } else {
            Connection::new(stream, self.connections.clone()).map(|connection| (connection, service))
        };
        std::future::ready(accepted)
    }
}

type CutSignal = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A TCP connection that can be cut from outside.
pub(crate) struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    cut: Arc<watch::Sender<bool>>,
    signal: CutSignal,
    connections: Connections,
}

impl Connection {
    fn new(stream: TcpStream, connections: Connections) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let peer = stream.peer_addr()?;
        let (cut, mut waiting) = watch::channel(false);
        let cut = Arc::new(cut);
        connections.open().insert(peer, Arc::clone(&cut));
        let signal = Box::pin(async move {
            // The sender lives as long as the connection that waits here.
            let _ = waiting.wait_for(|cut| *cut).await;
        });
        Ok(Self {
            stream,
            peer,
            cut,
            signal,
            connections,
        })
    }

    /// An error once the connection was cut; wakes the reader at that moment.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if *self.cut.borrow() || self.signal.as_mut().poll(context).is_ready() {
            return Err(cut_error());
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        // The client may have come again from the same port before this end was noticed.
        if open
            .get(&self.peer)
            .is_some_and(|cut| Arc::ptr_eq(cut, &self.cut))
        {
            open.remove(&self.peer);
        }
    }
}

fn cut_error() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if *self.cut.borrow() {
            return Poll::Ready(Err(cut_error()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if *self.cut.borrow() {
            return Poll::Ready(Err(cut_error()));
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
