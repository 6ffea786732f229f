//! A mail server of a test's own, which keeps what it takes and can be unwilling.

use base64::Engine;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail server; it ends when this is dropped.
pub struct SmtpSink {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    mails: Mutex<Vec<Mail>>,
    mood: Mutex<Mood>,
    connections: std::sync::atomic::AtomicUsize,
}

/// What the server does with messages.
#[derive(Debug, Clone, Default)]
pub enum Mood {
    /// Takes them.
    #[default]
    Willing,
    /// Answers each recipient with this line, such as `450 4.2.1 busy`.
    Refusing(String),
    /// Takes the whole message and then answers with this line.
    RefusingAtTheEnd(String),
    /// Accepts connections and says nothing.
    Silent,
    /// Takes the whole message and never says that it did.
    SilentAtTheEnd,
}

/// A message that was taken.
#[derive(Debug, Clone)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// Headers and body as they came.
    pub data: String,
}

impl Mail {
    /// The value of a header, unfolded.
    pub fn header(&self, name: &str) -> String {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default();
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    }

    /// The text, decoded.
    pub fn text(&self) -> String {
        let body = self.data.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let decoded = match self.header("Content-Transfer-Encoding").as_str() {
            "base64" => {
                let packed: String = body.split_whitespace().collect();
                base64::engine::general_purpose::STANDARD.decode(packed).expect("it is base64")
            }
            "quoted-printable" => unquote(body),
            _ => body.as_bytes().to_vec(),
        };
        String::from_utf8(decoded).expect("the text is UTF-8").replace("\r\n", "\n")
    }
}

fn unquote(body: &str) -> Vec<u8> {
    let body = body.replace("=\r\n", "");
    let mut bytes = body.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'=' {
            plain.push(byte);
            continue;
        }
        let digits = [bytes.next().expect("a digit"), bytes.next().expect("a digit")];
        let digits = std::str::from_utf8(&digits).expect("ASCII");
        plain.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
    }
    plain
}

impl SmtpSink {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("the port is known");
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.connections.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let shared = Arc::clone(&accepting);
                // A client that hangs up in the middle is nobody's fault.
                tokio::spawn(async move { shared.talk(stream).await.ok() });
            }
        });
        Self { address, shared, task }
    }

    /// For `SMTP_URL`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// From now on it does this.
    pub fn is_now(&self, mood: Mood) {
        *self.shared.mood.lock().expect("nobody panicked") = mood;
    }

    /// What it took so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.mails.lock().expect("nobody panicked").clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn mood(&self) -> Mood {
        self.mood.lock().expect("nobody panicked").clone()
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        if matches!(self.mood(), Mood::Silent) {
            std::future::pending::<()>().await;
        }
        stream.write_all(b"220 sink ready\r\n").await?;
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            let inside = |line: &str| {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                address.to_owned()
            };
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let answer = match (verb.as_str(), self.mood()) {
                ("EHLO", _) => "250-sink\r\n250 8BITMIME".to_owned(),
                ("MAIL", _) => {
                    (from, to) = (inside(line), Vec::new());
                    "250 ok".to_owned()
                }
                ("RCPT", Mood::Refusing(answer)) => answer,
                ("RCPT", _) => {
                    to.push(inside(line));
                    "250 ok".to_owned()
                }
                ("DATA", mood) => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let data = read_data(&mut stream).await?;
                    if matches!(mood, Mood::SilentAtTheEnd) {
                        std::future::pending::<()>().await;
                    }
                    if let Mood::RefusingAtTheEnd(answer) = mood {
                        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
                        continue;
                    }
                    let mail = Mail { from: from.clone(), to: to.clone(), data };
                    self.mails.lock().expect("nobody panicked").push(mail);
                    "250 taken".to_owned()
                }
                ("QUIT", _) => "221 bye".to_owned(),
                _ => "250 ok".to_owned(),
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }
}

/// The lines up to a lone dot; one of two dots at the start of a line is the sender's.
async fn read_data(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
