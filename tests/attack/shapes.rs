//! Requests that are none, or two, or too large.

use crate::report::{Attack, Report};
use crate::wire::talk;

/// What an attacker would like to have answered, too.
const NEXT: &str = "GET /health HTTP/1.1\r\nHost: al\r\nConnection: close\r\n\r\n";

pub async fn no_request_hides_another_one(report: &mut Report<'_>) {
    let mut attack = Attack::new("smuggled requests");
    let post = |headers: &str, body: &str| {
        format!("POST /webhooks/github HTTP/1.1\r\nHost: al\r\n{headers}\r\n\r\n{body}")
    };
    let chunked = "Transfer-Encoding: chunked";
    let unclear = [
        post("Content-Length: 5\r\nContent-Length: 6", "hello"),
        post("Content-Length: +5", "hello"),
        post("Content-Length: 5, 5", "hello"),
        post("Content-Length: 0x5", "hello"),
        post("Transfer-Encoding: xchunked", "0\r\n\r\n"),
        post("Transfer-Encoding: chunked, identity", "0\r\n\r\n"),
        post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"),
        post("Transfer-Encoding : chunked", "0\r\n\r\n"),
        post(&format!("{chunked}\r\n{chunked}"), "0\r\n\r\n"),
        post(chunked, "xyz\r\n"),
        post(chunked, "FFFFFFFFFFFFFFFFF\r\n"),
        post(chunked, "-1\r\n"),
        post(chunked, "5\r\nhelloworld\r\n0\r\n\r\n"),
        post("X-A: 1\r\n folded", ""),
        post("X-A: a\0b", ""),
        post("X-A: a\rTransfer-Encoding: chunked", ""),
        post("Host: elsewhere", ""),
        "GET http://elsewhere/control/status HTTP/1.1\r\nHost: al\r\n\r\n".to_owned(),
        "CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\n\r\n".to_owned(),
    ];
    for request in unclear {
        let heard = talk(report.target.addr, format!("{request}{NEXT}").as_bytes()).await;
        attack.heard(&format!("{request:?}"), &heard, &[400]);
    }
    for both in [
        format!("Content-Length: 70\r\n{chunked}"),
        format!("{chunked}\r\nContent-Length: 70"),
        format!("{chunked}\r\nContent-Length: 0"),
    ] {
        let request = post(&both, "0\r\n\r\n");
        let heard = talk(report.target.addr, format!("{request}{NEXT}").as_bytes()).await;
        attack.heard(&format!("{request:?}"), &heard, &[400, 401]);
    }
    report.add(attack);
}

pub async fn heads_have_a_size(report: &mut Report<'_>) {
    let mut attack = Attack::new("large heads");
    let line = |name: &str| format!("{name}: x\r\n");
    let many = (0..10_000).map(|n| line(&format!("X-{n}"))).collect::<String>();
    for (what, head) in [
        ("101 headers", (0..101).map(|n| line(&format!("X-{n}"))).collect()),
        ("10,000 headers", many),
        ("a header of a megabyte", format!("X-A: {}\r\n", "x".repeat(1024 * 1024))),
        ("a name of a megabyte", line(&"x".repeat(1024 * 1024))),
        ("cookies of a megabyte", "Cookie: a=b\r\n".repeat(80_000)),
    ] {
        let request = format!("GET /health HTTP/1.1\r\nHost: al\r\n{head}\r\n");
        // Who is still sending when the other side hangs up may not see the answer.
        let heard = talk(report.target.addr, request.as_bytes()).await;
        attack.heard(what, &heard, &[431, 400, 0]);
    }
    for (length, allowed) in [(10_000, [414, 414, 414]), (1_000_000, [414, 431, 0])] {
        let request = format!("GET /{} HTTP/1.1\r\nHost: al\r\n\r\n", "x".repeat(length));
        let heard = talk(report.target.addr, request.as_bytes()).await;
        attack.heard(&format!("a path of {length} bytes"), &heard, &allowed);
    }
    report.add(attack);
}

pub async fn rubbish_is_refused(report: &mut Report<'_>) {
    let mut attack = Attack::new("rubbish");
    let mut dice = 0x9E37_79B9_7F4A_7C15_u64;
    let mut byte = || {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice.to_le_bytes()[3]
    };
    for n in 0..300_usize {
        let mut bytes: Vec<u8> = (0..n * 7 % 2000 + 1).map(|_| byte()).collect();
        if n % 3 == 0 {
            bytes.splice(0..0, *b"POST /webhooks/github HTTP/1.1\r\nHost: al\r\n");
        }
        bytes.extend_from_slice(b"\r\n\r\n");
        let heard = talk(report.target.addr, &bytes).await;
        attack.heard(&format!("rubbish {n}"), &heard, &[400, 401, 431, 0]);
    }
    for hello in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let heard = talk(report.target.addr, hello).await;
        attack.heard("another protocol", &heard, &[400, 0]);
    }
    report.add(attack);
}
