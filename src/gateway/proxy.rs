//! Proxies: who comes through one is outside, and who it is that asks.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;

use super::serve::Peer;

/// Headers that proxies add: who comes through one is not on this machine.
const FORWARDED: [&str; 5] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "cf-connecting-ip"];

/// A request that a proxy passed on, or one from another machine.
pub fn is_outside(peer: Option<Peer>, headers: &HeaderMap) -> bool {
    let here = peer.is_some_and(|peer| peer.0.is_loopback());
    !here || FORWARDED.iter().any(|name| headers.contains_key(*name))
}

/// Who asks: the peer, unless that is a proxy on this machine and `gateway.trustProxy` is set. Then
/// it is the last address in `X-Forwarded-For`, which the proxy itself has written; what stands
/// before that may be invented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client(pub IpAddr);

impl Client {
    pub fn of(peer: Peer, headers: &HeaderMap, trust_proxy: bool) -> Self {
        let asked_for = || forwarded_for(headers);
        let trusted = (trust_proxy && peer.0.is_loopback()).then(asked_for).flatten();
        Self(trusted.unwrap_or(peer.0))
    }
}

fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    let last = last.to_str().ok()?.rsplit(',').next()?.trim();
    let bare = last.strip_prefix('[').and_then(|last| last.strip_suffix(']')).unwrap_or(last);
    let with_port = || last.parse::<SocketAddr>().ok().map(|addr| addr.ip());
    Some(bare.parse().ok().or_else(with_port)?.to_canonical())
}

/// What counts as one sender: an address, or the network that one customer has in IPv6.
pub fn network(addr: IpAddr) -> IpAddr {
    match addr {
        IpAddr::V4(_) => addr,
        IpAddr::V6(addr) if addr.is_loopback() => addr.into(),
        IpAddr::V6(addr) => {
            let [a, b, c, d, ..] = addr.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[track_caller]
    fn check_forwarded(lines: &[&str], expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let found = forwarded_for(&headers).map(|addr| addr.to_string());
        assert_eq!(found.as_deref(), expected, "{lines:?}");
    }

    #[test]
    fn the_last_address_is_the_one_that_the_proxy_wrote() {
        check_forwarded(&[], None);
        check_forwarded(&["192.0.2.7"], Some("192.0.2.7"));
        check_forwarded(&["127.0.0.1, 192.0.2.7"], Some("192.0.2.7"));
        check_forwarded(&["10.0.0.1", "1.2.3.4,192.0.2.7"], Some("192.0.2.7"));
        check_forwarded(&["192.0.2.7:4711"], Some("192.0.2.7"));
        check_forwarded(&["2001:db8::7"], Some("2001:db8::7"));
        check_forwarded(&["[2001:db8::7]"], Some("2001:db8::7"));
        check_forwarded(&["[2001:db8::7]:80"], Some("2001:db8::7"));
        check_forwarded(&["::ffff:192.0.2.7"], Some("192.0.2.7"));
        check_forwarded(&["192.0.2.7, unknown"], None);
        check_forwarded(&[""], None);
    }

    #[test]
    fn only_a_proxy_on_this_machine_that_is_trusted_is_believed() {
        let headers = headers(&[("x-forwarded-for", "192.0.2.7")]);
        let (here, far) = (Peer([127, 0, 0, 1].into()), Peer([198, 51, 100, 1].into()));
        let client = |peer, trust| Client::of(peer, &headers, trust).0.to_string();
        assert_eq!(client(here, true), "192.0.2.7");
        assert_eq!(client(here, false), "127.0.0.1");
        assert_eq!(client(far, true), "198.51.100.1");
    }

    #[test]
    fn whoever_comes_through_a_proxy_is_outside() {
        let here = Some(Peer([127, 0, 0, 1].into()));
        assert!(!is_outside(here, &headers(&[("host", "localhost")])));
        assert!(!is_outside(Some(Peer(Ipv6Addr::LOCALHOST.into())), &headers(&[])));
        for name in FORWARDED {
            assert!(is_outside(here, &headers(&[(name, "127.0.0.1")])), "{name}");
        }
        assert!(is_outside(Some(Peer([192, 0, 2, 1].into())), &headers(&[])));
        assert!(is_outside(None, &headers(&[])), "nobody knows");
    }

    #[test]
    fn a_network_of_ipv6_is_one_sender() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::1"), "::1");
    }
}
