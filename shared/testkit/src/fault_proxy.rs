//! A connection that can be cut, restored and slowed.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Stands between a client and a server on TCP, and does to them what networks do.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    faults: Arc<Faults>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Faults {
    cut: watch::Sender<bool>,
    delay_micros: AtomicU64,
}

impl FaultProxy {
    /// Starts a proxy on a free port to `upstream`, such as `127.0.0.1:4222`.
    pub async fn start(upstream: impl Into<String>) -> Self {
        let upstream = upstream.into();
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let faults = Arc::new(Faults {
            cut: watch::channel(false).0,
            delay_micros: AtomicU64::new(0),
        });
        let task = tokio::spawn(accept(listener, upstream, Arc::clone(&faults)));
        Self { port, faults, task }
    }

    /// Where clients connect.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Drops every connection, and refuses new ones until [`Self::restore`].
    pub fn cut(&self) {
        self.faults.cut.send_replace(true);
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.faults.cut.send_replace(false);
    }

    /// Holds what goes through, in each direction, for `delay`.
    pub fn delay(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).expect("a test waits less than that");
        self.faults.delay_micros.store(micros, Ordering::Relaxed);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, upstream: String, faults: Arc<Faults>) {
    while let Ok((client, _)) = listener.accept().await {
        if *faults.cut.borrow() {
            continue; // Dropped: the client sees the connection close.
        }
        let (upstream, faults) = (upstream.clone(), Arc::clone(&faults));
        tokio::spawn(async move {
            let mut cut = faults.cut.subscribe();
            tokio::select! {
                _ = cut.wait_for(|cut| *cut) => {}
                _ = forward(client, &upstream, &faults) => {}
            }
        });
    }
}

async fn forward(client: TcpStream, upstream: &str, faults: &Faults) -> io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(
        copy(from_client, to_server, faults),
        copy(from_server, to_client, faults)
    )?;
    Ok(())
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    faults: &Faults,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n_bytes = from.read(&mut buffer).await?;
        if n_bytes == 0 {
            return to.shutdown().await;
        }
        let micros = faults.delay_micros.load(Ordering::Relaxed);
        if micros > 0 {
            tokio::time::sleep(Duration::from_micros(micros)).await;
        }
        to.write_all(buffer.get(..n_bytes).unwrap_or_default())
            .await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// A server that sends everything back.
    async fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.into_split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        port
    }

    async fn ask(stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(b"ping").await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        assert_eq!(&answer, b"ping");
        Ok(())
    }

    #[tokio::test]
    async fn cuts_and_restores_and_delays() {
        let proxy = FaultProxy::start(format!("127.0.0.1:{}", echo().await)).await;
        let connect = || TcpStream::connect(("127.0.0.1", proxy.port()));
        let mut stream = connect().await.unwrap();
        ask(&mut stream).await.unwrap();

        proxy.cut();
        assert!(ask(&mut stream).await.is_err());
        if let Ok(mut stream) = connect().await {
            assert!(ask(&mut stream).await.is_err());
        }

        proxy.restore();
        let mut stream = connect().await.unwrap();
        ask(&mut stream).await.unwrap();

        proxy.delay(Duration::from_millis(30));
        let started = Instant::now();
        ask(&mut stream).await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(60), "both ways");
    }
}
