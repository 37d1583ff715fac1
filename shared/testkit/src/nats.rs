//! A nats-server for one test.

use crate::{say, tools_dir};
use oss_runtime::dev_servers::{
    self, Durability, NatsUser,
    nats::{self, Settings},
};
use std::{path::PathBuf, sync::Mutex};
use tempfile::TempDir;

/// A nats-server with JetStream, on a free port, that ends with the test.
#[derive(Debug)]
pub struct NatsServer {
    program: PathBuf,
    dir: PathBuf,
    users: Vec<NatsUser>,
    port: u16,
    monitor_url: String,
    running: Mutex<Option<dev_servers::NatsServer>>,
}

impl NatsServer {
    /// Starts one that lets everybody do everything.
    pub async fn start() -> Self {
        Self::start_with(Vec::new()).await
    }

    /// Starts one with these users and nobody else.
    pub async fn start_with(users: Vec<NatsUser>) -> Self {
        let explicit = std::env::var_os("NATS_SERVER").map(PathBuf::from);
        let program = nats::find(explicit.as_deref(), &tools_dir(), &say)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        // Removed by the guardian, once the server has ended.
        let dir = TempDir::with_prefix("oss-nats-")
            .expect("a temporary folder can be made")
            .keep();
        let mut server = Self {
            program,
            dir,
            users,
            port: 0,
            monitor_url: String::new(),
            running: Mutex::new(None),
        };
        let running = server.run(None).await;
        server.port = running.port();
        running.monitor_url().clone_into(&mut server.monitor_url);
        server.put(Some(running));
        server
    }

    async fn run(&self, port: Option<u16>) -> dev_servers::NatsServer {
        dev_servers::NatsServer::start(Settings {
            program: &self.program,
            dir: &self.dir,
            port,
            users: &self.users,
            durability: Durability::Throwaway,
        })
        .await
        .unwrap_or_else(|error| panic!("{error}"))
    }

    fn put(&self, server: Option<dev_servers::NatsServer>) -> Option<dev_servers::NatsServer> {
        std::mem::replace(
            &mut *self.running.lock().expect("no test panicked here"),
            server,
        )
    }

    /// Where clients connect; the same after [`Self::restart`].
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The port for clients.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the first start's `/varz` was: a restart takes another port for it.
    #[must_use]
    pub fn monitor_url(&self) -> &str {
        &self.monitor_url
    }

    /// Kills the server with SIGKILL. Its data stays for [`Self::restart`].
    pub async fn kill(&self) {
        if let Some(server) = self.put(None) {
            server.kill().await;
        }
    }

    /// Starts it again, on the same port and data, after killing it if it runs.
    pub async fn restart(&self) {
        self.kill().await;
        let server = self.run(Some(self.port)).await;
        self.put(Some(server));
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        // A killed server has no guardian any more.
        if self.put(None).is_none() {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait;
    use std::{path::Path, time::Duration};
    use tokio::{
        io::{AsyncBufReadExt, BufReader},
        net::TcpStream,
    };

    async fn greeting(server: &NatsServer) -> String {
        let stream = TcpStream::connect(("127.0.0.1", server.port()))
            .await
            .unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await.unwrap();
        line
    }

    #[tokio::test]
    async fn starts_and_restarts_on_its_port_and_goes_with_the_test() {
        let server = NatsServer::start().await;
        let port = server.port();
        assert!(greeting(&server).await.contains(r#""jetstream":true"#));
        server.restart().await;
        assert_eq!(server.port(), port);
        assert!(greeting(&server).await.starts_with("INFO "));
        let dir = server.dir.clone();
        drop(server);
        wait::until(Duration::from_secs(10), || async {
            !Path::new(&dir).exists()
        })
        .await;
    }
}
