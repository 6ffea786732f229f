//! `stockroom health`: asks the server of this machine whether it takes requests. An image that
//! holds nothing but the program has no other way to ask.

use crate::config::SettingsArgs;
use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;

const PATH: &str = "/health/ready";
/// The server gives each of its parts a second; one that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(3);
const LONGEST_ANSWER_BYTES: usize = 64 * 1024;

/// What is read of the answer.
#[derive(Deserialize)]
struct Report {
    checks: BTreeMap<String, Check>,
}

#[derive(Deserialize)]
struct Check {
    status: String,
}

/// Carries out the command. The other settings may be wrong: the server that runs has its own.
///
/// # Errors
/// When the server does not answer in time, or answers that requests should go elsewhere.
pub fn run(settings: &SettingsArgs) -> anyhow::Result<()> {
    let address = address_here(settings.listen_addr)?;
    let url = format!("http://{address}{PATH}");
    crate::cli::block_on(async {
        let (status, body) = match tokio::time::timeout(PATIENCE, ask(address)).await {
            Ok(answer) => answer.with_context(|| format!("cannot ask {url}"))?,
            Err(_) => bail!("{url} does not answer within {} s", PATIENCE.as_secs()),
        };
        let but = unwell(&body);
        if status != StatusCode::OK {
            bail!("{url} answers {status}{but}");
        }
        println!("ready{but}");
        Ok(())
    })
}

/// Where a server that listens on `listen` is reached from the same machine.
fn address_here(listen: SocketAddr) -> anyhow::Result<SocketAddr> {
    if listen.port() == 0 {
        bail!("LISTEN_ADDR leaves the port to the system: name the one that the server listens on");
    }
    let mut address = listen;
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Ok(address)
}

async fn ask(address: SocketAddr) -> anyhow::Result<(StatusCode, Bytes)> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request =
        Request::get(PATH).header(header::HOST, address.to_string()).body(Empty::<Bytes>::new())?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER_BYTES).collect().await;
    Ok((head.status, body.map_err(|error| anyhow!(error))?.to_bytes()))
}

/// The parts that are not well, as in ` (mail: degraded)`; nothing when all are, or none is told.
fn unwell(body: &[u8]) -> String {
    let Ok(report) = serde_json::from_slice::<Report>(body) else { return String::new() };
    let mut told = String::new();
    for (name, check) in report.checks.iter().filter(|(_, check)| check.status != "healthy") {
        let before = if told.is_empty() { " (" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(told, "{before}{name}: {}", check.status);
    }
    if !told.is_empty() {
        told.push(')');
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_asked_on_loopback() {
        for (listen, here) in [
            ("0.0.0.0:8000", "127.0.0.1:8000"),
            ("[::]:8000", "[::1]:8000"),
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("192.0.2.7:80", "192.0.2.7:80"),
            ("[2001:db8::7]:80", "[2001:db8::7]:80"),
        ] {
            let address = address_here(listen.parse().unwrap()).unwrap();
            assert_eq!(address.to_string(), here);
        }
    }

    #[test]
    fn a_port_that_the_system_chose_is_not_known() {
        let error = address_here("127.0.0.1:0".parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("LISTEN_ADDR"), "{error}");
    }

    #[test]
    fn what_is_not_well_is_named() {
        let two = br#"{"status": "unhealthy", "checks": {"mail": {"status": "degraded"},
            "cache": {"status": "healthy"}, "database": {"status": "unhealthy"}}}"#;
        assert_eq!(unwell(two), " (database: unhealthy, mail: degraded)");
        assert_eq!(unwell(br#"{"checks": {"mail": {"status": "healthy"}}}"#), "");
        assert_eq!(unwell(b"<html>"), "");
    }
}
