//! Whom a request came from, and who says to have sent it.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};

use super::proxy::{self, Client};
use super::reply::Problem;
use crate::scheduler::{Door, Who};

/// The longest name in `X-AL-By`, in characters.
const BY_MAX: usize = 64;

/// Where a request came from; none when that is not known, and then nobody is let in.
pub fn client_addr(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<Client>().map(|client| client.0)
}

/// Whether a cookie for this client may only come back over TLS. On this machine a browser has none.
pub fn wants_secure_cookie(headers: &HeaderMap, extensions: &Extensions) -> bool {
    let outside = proxy::is_outside(extensions.get().copied(), headers);
    outside || proto(headers).is_some_and(|proto| proto.eq_ignore_ascii_case("https"))
}

fn proto(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-forwarded-proto")?.to_str().ok()
}

/// The person as the client names it, or else `default`.
pub fn by(headers: &HeaderMap, default: &str) -> String {
    let name = headers.get("x-al-by").and_then(|name| std::str::from_utf8(name.as_bytes()).ok());
    // It is shown on terminals: letters, digits, and what a keyboard has besides.
    let plain = |c: &char| c.is_alphanumeric() || c.is_ascii_punctuation() || *c == ' ';
    let name: String = name.unwrap_or_default().chars().filter(plain).take(BY_MAX).collect();
    let name = name.trim();
    if name.is_empty() { default.to_owned() } else { name.to_owned() }
}

/// The door of a request with the key: our own commands on this machine say that they are, and a
/// proxy here does not speak for them.
pub fn door_of_key(headers: &HeaderMap, extensions: &Extensions) -> Door {
    let ours = headers.get("x-al-via").is_some_and(|via| via == "shell");
    let outside = proxy::is_outside(extensions.get().copied(), headers);
    if ours && !outside { Door::Shell } else { Door::Key }
}

/// An operator who was let in, and what they said around their order.
#[derive(Debug)]
pub struct Caller {
    pub who: Who,
    pub headers: HeaderMap,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Nobody gets here who was not let in before.
        let who = parts.extensions.get::<Who>().cloned().ok_or_else(Problem::internal)?;
        Ok(Self { who, headers: parts.headers.clone() })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::gateway::serve::Peer;

    #[track_caller]
    fn check_by(header: Option<&[u8]>, expected: &str) {
        let value = header.map(|bytes| HeaderValue::from_bytes(bytes).unwrap());
        let headers = value.into_iter().map(|value| ("x-al-by".parse().unwrap(), value)).collect();
        assert_eq!(by(&headers, "api"), expected, "{header:?}");
    }

    #[test]
    fn the_client_may_say_who_gives_an_order() {
        check_by(None, "api");
        check_by(Some(b""), "api");
        check_by(Some(b"ana@desk-2"), "ana@desk-2");
        check_by(Some("J\u{fc}rg M\u{202e}ax\t".as_bytes()), "J\u{fc}rg Max");
        check_by(Some(b"\xff"), "api");
        check_by(Some(&[b'x'; 500]), &"x".repeat(64));
    }

    #[track_caller]
    fn check_cookie(peer: [u8; 4], headers: &[(&'static str, &'static str)], secure: bool) {
        let named = |(name, value): &(&'static str, &'static str)| {
            (name.parse().unwrap(), HeaderValue::from_static(value))
        };
        let map: HeaderMap = headers.iter().map(named).collect();
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.into()));
        assert_eq!(wants_secure_cookie(&map, &extensions), secure, "{peer:?} {headers:?}");
    }

    #[test]
    fn only_on_this_machine_a_cookie_goes_without_tls() {
        check_cookie([127, 0, 0, 1], &[], false);
        check_cookie([127, 0, 0, 1], &[("x-forwarded-proto", "http")], false);
        check_cookie([127, 0, 0, 1], &[("x-forwarded-proto", "HTTPS")], true);
        check_cookie([127, 0, 0, 1], &[("x-forwarded-for", "192.0.2.1")], true);
        check_cookie([192, 0, 2, 1], &[], true);
        check_cookie([192, 0, 2, 1], &[("x-forwarded-proto", "http")], true);
    }

    #[track_caller]
    fn check_door(headers: &[(&'static str, &'static str)], from: [u8; 4], door: Door) {
        let named = |(name, value): &(&'static str, &'static str)| {
            (name.parse().unwrap(), HeaderValue::from_static(value))
        };
        let map: HeaderMap = headers.iter().map(named).collect();
        let mut extensions = Extensions::new();
        extensions.insert(Peer(from.into()));
        assert_eq!(door_of_key(&map, &extensions), door, "{headers:?} {from:?}");
    }

    #[test]
    fn commands_of_this_machine_come_through_a_door_of_their_own() {
        let shell = ("x-al-via", "shell");
        check_door(&[shell], [127, 0, 0, 1], Door::Shell);
        check_door(&[shell], [192, 0, 2, 1], Door::Key);
        check_door(&[shell, ("x-forwarded-for", "192.0.2.1")], [127, 0, 0, 1], Door::Key);
        check_door(&[("x-al-via", "console")], [127, 0, 0, 1], Door::Key);
        check_door(&[], [127, 0, 0, 1], Door::Key);
    }
}
