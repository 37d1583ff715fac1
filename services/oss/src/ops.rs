//! The operations listener: metrics and health, apart from what people use.

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use oss_telemetry::{Health, Metrics, health::Report};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the listener shows.
#[derive(Clone, Debug)]
pub(crate) struct Ops {
    pub(crate) metrics: Metrics,
    pub(crate) health: Health,
}

/// Binds the listener, so that a taken port is an error at start.
pub(crate) async fn bind(listen: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen)
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
                "port {} is taken; stop what uses it or choose another with {flag}",
                listen.port()
            ),
            _ => anyhow::Error::new(error).context(format!("cannot listen on {listen}")),
        })
}

/// Serves until `shutdown`.
pub(crate) async fn serve(
    listener: TcpListener,
    ops: Ops,
    shutdown: CancellationToken,
) -> Result<(), std::io::Error> {
    let app = Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/health/startup", get(startup))
        .with_state(ops);
    axum::serve(listener, app)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
}

async fn metrics(State(ops): State<Ops>) -> Response {
    match ops.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn live(State(ops): State<Ops>) -> Response {
    answer(ops.health.live())
}

async fn ready(State(ops): State<Ops>) -> Response {
    answer(ops.health.ready())
}

async fn startup(State(ops): State<Ops>) -> Response {
    answer(ops.health.startup())
}

fn answer(report: Report) -> Response {
    let status = if report.ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report.body)).into_response()
}
