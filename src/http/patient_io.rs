//! A connection whose peer has so much time: for the head of a request once it has begun, and for
//! taking what is sent. hyper has one clock for a head that is slow and for a connection that is
//! idle; the first has to be short, and the second longer than any proxy keeps connections.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Whether a request is being worked on, or the connection has become a WebSocket; clones share it.
#[derive(Clone, Default)]
pub struct Busy(Arc<State>);

#[derive(Default)]
struct State {
    is_busy: AtomicBool,
    /// Heads that have come so far.
    heads: AtomicUsize,
}

impl Busy {
    /// The head of a request has come.
    pub fn start(&self) {
        self.0.heads.fetch_add(1, Ordering::Relaxed);
        self.0.is_busy.store(true, Ordering::Relaxed);
    }

    /// The request was answered.
    pub fn finish(&self) {
        self.0.is_busy.store(false, Ordering::Relaxed);
    }

    fn is_busy(&self) -> bool {
        self.0.is_busy.load(Ordering::Relaxed)
    }

    fn heads(&self) -> usize {
        self.0.heads.load(Ordering::Relaxed)
    }
}

/// A stream with limits on the time of its peer.
pub struct PatientIo<S> {
    stream: S,
    busy: Busy,
    head: Duration,
    write: Duration,
    /// Runs while a head is on its way; on a new connection from the start.
    reading: Option<Pin<Box<Sleep>>>,
    /// Heads that had come when it last looked.
    heads: usize,
    /// Runs while the peer takes nothing.
    writing: Option<Pin<Box<Sleep>>>,
}

impl<S> PatientIo<S> {
    /// `stream`, with these limits.
    pub fn new(stream: S, busy: Busy, head: Duration, write: Duration) -> Self {
        let reading = Some(Box::pin(sleep(head)));
        Self { stream, busy, head, write, reading, heads: 0, writing: None }
    }

    /// Passes on what a write came to, or that it took too long.
    fn limit_write<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<Result<T>>,
    ) -> Poll<Result<T>> {
        if written.is_ready() {
            self.writing = None;
            return written;
        }
        let limit = self.write;
        let clock = self.writing.get_or_insert_with(|| Box::pin(sleep(limit)));
        clock.as_mut().poll(context).map(|()| Err(too_slow("takes nothing")))
    }
}

fn too_slow(what: &'static str) -> Error {
    Error::new(ErrorKind::TimedOut, format!("the peer {what}"))
}

impl<S: AsyncRead + Unpin> AsyncRead for PatientIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let heads = self.busy.heads();
        if heads != self.heads {
            // The head that the clock was for is here.
            self.heads = heads;
            self.reading = None;
        }
        if self.busy.is_busy() {
            return read;
        }
        if read.is_ready() {
            if buffer.filled().len() > before && self.reading.is_none() {
                self.reading = Some(Box::pin(sleep(self.head)));
            }
            return read;
        }
        match &mut self.reading {
            Some(clock) => {
                clock.as_mut().poll(context).map(|()| Err(too_slow("does not end its request")))
            }
            None => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PatientIo<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.limit_write(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.limit_write(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.limit_write(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.limit_write(context, shut)
    }
}
