//! HTTP/1.1 on one connection, by hand: what breaks in the middle, and after which byte, is up to
//! the script, and no server library lets it be.

use std::collections::BTreeSet;
use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{End, Gate, Pieces, Reply};

/// A request's head and body.
#[derive(Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer before it travels.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// One for each event of a stream, else one.
    pub body: Vec<Vec<u8>>,
}

/// Why nothing more is said on a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Left {
    /// The script ended it.
    Ended,
    /// The other side went away.
    HungUp,
}

/// Reads the next request; none at the end of the connection.
pub async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Asked>> {
    loop {
        if let Some((asked, length)) = parse(buffer)? {
            buffer.drain(..length);
            return Ok(Some(asked));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse(buffer: &[u8]) -> io::Result<Option<(Asked, usize)>> {
    let invalid = |error: String| io::Error::new(io::ErrorKind::InvalidData, error);
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut head = httparse::Request::new(&mut headers);
    let status = head.parse(buffer).map_err(|error| invalid(error.to_string()))?;
    let httparse::Status::Complete(start) = status else { return Ok(None) };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers: Vec<(String, String)> =
        head.headers.iter().map(|h| (h.name.to_ascii_lowercase(), text(h.value))).collect();
    if headers.iter().any(|(name, _)| name == "transfer-encoding") {
        return Err(invalid("a request in chunks, which no client of a provider sends".to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(Ok(0), |(_, value)| value.parse::<usize>());
    let end = start + length.map_err(|error| invalid(error.to_string()))?;
    if buffer.len() < end {
        return Ok(None);
    }
    let word = |word: Option<&str>| word.unwrap_or_default().to_owned();
    let body = buffer[start..end].to_vec();
    let asked = Asked { method: word(head.method), path: word(head.path), headers, body };
    Ok(Some((asked, end)))
}

/// Sends the answer the way the reply says. The connection can be used again unless it says how it
/// was left.
pub async fn write(
    stream: &mut TcpStream,
    answer: &Answer,
    reply: &Reply,
) -> io::Result<Option<Left>> {
    if let Some(gate) = &reply.before
        && !hold(stream, gate).await
    {
        return Ok(Some(Left::HungUp));
    }
    if reply.end == End::HungUp {
        return Ok(Some(Left::Ended));
    }
    stream.write_all(head(answer).as_bytes()).await?;
    let body = answer.body.concat();
    let mut start = 0;
    for end in boundaries(answer, reply, body.len()) {
        let at_start = reply.holds.iter().filter(|(at, _)| (*at).min(body.len()) == start);
        for gate in at_start.map(|(_, gate)| gate).chain(&reply.each) {
            if !hold(stream, gate).await {
                return Ok(Some(Left::HungUp));
            }
        }
        if let Some(left) = stop(stream, reply, start, body.len()).await? {
            return Ok(left);
        }
        if end > start {
            let size = format!("{:x}\r\n", end - start);
            let chunk = [size.as_bytes(), &body[start..end], b"\r\n"].concat();
            stream.write_all(&chunk).await?;
        }
        start = end;
    }
    stream.write_all(b"0\r\n\r\n").await?;
    Ok(None)
}

/// Ends the body here, when this is the place: inside is whether the connection goes on.
async fn stop(
    stream: &mut TcpStream,
    reply: &Reply,
    at: usize,
    length: usize,
) -> io::Result<Option<Option<Left>>> {
    Ok(match reply.end {
        End::Reset(place) if place.min(length) == at => {
            stream.set_zero_linger()?;
            Some(Some(Left::Ended))
        }
        End::Closed(place) if place.min(length) == at => Some(Some(Left::Ended)),
        End::Short(place) if place.min(length) == at => {
            stream.write_all(b"0\r\n\r\n").await?;
            Some(None)
        }
        End::Complete | End::Reset(_) | End::Closed(_) | End::Short(_) | End::HungUp => None,
    })
}

/// Where the pieces end; the end itself comes twice, so that something can happen there.
fn boundaries(answer: &Answer, reply: &Reply, length: usize) -> Vec<usize> {
    let mut ends: BTreeSet<usize> = match reply.pieces {
        Pieces::Whole => BTreeSet::new(),
        Pieces::Every(bytes) => (0..length).step_by(bytes).collect(),
        Pieces::Events => answer
            .body
            .iter()
            .scan(0, |end, event| {
                *end += event.len();
                Some(*end)
            })
            .collect(),
    };
    ends.extend(reply.holds.iter().map(|(at, _)| (*at).min(length)));
    if let End::Reset(at) | End::Closed(at) | End::Short(at) = reply.end {
        ends.insert(at.min(length));
    }
    ends.remove(&0);
    ends.insert(length);
    let mut ends: Vec<usize> = ends.into_iter().collect();
    let at_the_end = reply.holds.iter().any(|(at, _)| *at >= length);
    if at_the_end || matches!(reply.end, End::Reset(_) | End::Closed(_) | End::Short(_)) {
        ends.push(length);
    }
    ends
}

fn head(answer: &Answer) -> String {
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status));
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "transfer-encoding: chunked\r\n\r\n"
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Payload Too Large",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

/// Waits at the gate; false when the other side leaves meanwhile.
async fn hold(stream: &TcpStream, gate: &Gate) -> bool {
    let gone = async {
        loop {
            let mut byte = [0];
            match stream.peek(&mut byte).await {
                Ok(0) | Err(_) => return,
                // The next request already: it waits, and nobody can tell any more.
                Ok(_) => std::future::pending().await,
            }
        }
    };
    tokio::select! {
        () = gate.pass() => true,
        () = gone => false,
    }
}
