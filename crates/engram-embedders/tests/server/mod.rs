//! An embedding server on a loopback address, which does as a test tells it. Its model counts the letters of a text.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers as it should.
    Vectors,
    /// Answers with a status, a header line or none, and a body.
    Status(u16, &'static str, String),
    /// Answers as it should, too late.
    Slow(Duration),
    /// Promises the whole answer, and hangs up in the middle of it.
    CutOff,
    /// Hangs up without a word.
    HangUp,
    /// Answers 200 with this body.
    Body(String),
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub authorization: Option<String>,
    pub model: Option<String>,
    pub texts: Vec<String>,
}

/// What the server does with the request of each number.
type Manner = dyn Fn(usize) -> Reply + Send + Sync;

/// The server. It ends with the process.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    manner: Arc<Mutex<Arc<Manner>>>,
}

pub const DIMENSIONS: usize = 26;

pub fn letters(text: &str) -> Vec<f32> {
    (b'a'..=b'z').map(|letter| text.bytes().filter(|byte| *byte == letter).count() as f32).collect()
}

impl Server {
    pub fn start(manner: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let manner: Arc<Mutex<Arc<Manner>>> = Arc::new(Mutex::new(Arc::new(manner)));
        let (log, way) = (Arc::clone(&requests), Arc::clone(&manner));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, way) = (Arc::clone(&log), Arc::clone(&way));
                thread::spawn(move || serve(stream, &log, &way));
            }
        });
        Self { address, requests, manner }
    }

    pub fn now(&self, manner: impl Fn(usize) -> Reply + Send + Sync + 'static) {
        *self.manner.lock().unwrap() = Arc::new(manner);
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that came since this was last asked.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Request>>, manner: &Mutex<Arc<Manner>>) {
    let Some((request, texts)) = read(&stream) else { return };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(request);
        log.len() - 1
    };
    let manner = Arc::clone(&*manner.lock().unwrap());
    let reply = manner(number);
    let items: Vec<serde_json::Value> = (texts.iter().enumerate())
        .map(|(index, text)| serde_json::json!({ "index": index, "embedding": letters(text) }))
        .collect();
    let whole = serde_json::json!({ "object": "list", "data": items }).to_string();
    let head = |status: u16, header: &str, bytes: usize| {
        format!("HTTP/1.1 {status} X\r\ncontent-length: {bytes}\r\nconnection: close\r\n{header}\r\n")
    };
    let (head, body) = match reply {
        Reply::Vectors => (head(200, "", whole.len()), whole),
        Reply::Slow(time) => {
            thread::sleep(time);
            (head(200, "", whole.len()), whole)
        }
        Reply::Status(status, header, body) => (head(status, header, body.len()), body),
        Reply::CutOff => (head(200, "", whole.len()), whole[..whole.len() / 2].to_owned()),
        Reply::Body(body) => (head(200, "", body.len()), body),
        Reply::HangUp => return,
    };
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

fn read(stream: &TcpStream) -> Option<(Request, Vec<String>)> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut bytes, mut authorization) = (String::new(), 0, None);
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => bytes = value.trim().parse().ok()?,
            "authorization" => authorization = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; bytes];
    reader.read_exact(&mut body).ok()?;
    let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
    let texts: Vec<String> =
        body["input"].as_array()?.iter().map(|t| t.as_str().unwrap().to_owned()).collect();
    let model = body["model"].as_str().map(str::to_owned);
    Some((Request { path, authorization, model, texts: texts.clone() }, texts))
}
