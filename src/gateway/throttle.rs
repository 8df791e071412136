//! Who tries keys has to wait longer each time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::proxy::network;
use crate::ambient::Millis;

/// Wrong keys that cost nothing: people mistype.
const FREE: u32 = 5;
/// The first wait; each wrong key after it doubles it.
const FIRST_MS: Millis = 1000;
const LONGEST_MS: Millis = 5 * 60_000;
/// Wrong keys are forgotten when none has come for so long.
const FORGOTTEN_MS: Millis = 15 * 60_000;
/// How long this machine waits for an answer at most.
const SLOWEST: Duration = Duration::from_millis(500);
/// Addresses that are remembered; beyond it all others count as one.
const ADDRESSES: usize = 1024;

/// Wrong keys, by the address that tried them.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<Option<IpAddr>, Tries>>);

#[derive(Debug, Clone, Copy)]
struct Tries {
    wrong: u32,
    last: Millis,
}

impl Tries {
    /// How long nothing is looked at after the last one.
    fn wait_ms(self) -> Millis {
        match self.wrong.checked_sub(FREE) {
            None | Some(0) => 0,
            Some(over) => FIRST_MS.saturating_mul(1 << (over - 1).min(20)).min(LONGEST_MS),
        }
    }

    fn is_over(self, now: Millis) -> bool {
        now - self.last >= FORGOTTEN_MS
    }
}

/// What a wrong key costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Price {
    Nothing,
    /// The next try is looked at after this many seconds.
    Wait {
        seconds: u32,
    },
}

impl Throttle {
    /// Counts a wrong key.
    pub fn note(&self, from: IpAddr, now: Millis) -> Price {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let network = Some(network(from));
        if all.len() >= ADDRESSES && !all.contains_key(&network) {
            all.retain(|_, tries| !tries.is_over(now));
        }
        let key = if all.len() < ADDRESSES || all.contains_key(&network) { network } else { None };
        let tries = all.entry(key).or_insert(Tries { wrong: 0, last: now });
        if tries.is_over(now) {
            tries.wrong = 0;
        }
        *tries = Tries { wrong: tries.wrong.saturating_add(1), last: now };
        price(tries.wait_ms())
    }

    /// What is left of the wait of an address. This machine has none: a run of an agent could
    /// otherwise lock the operator out.
    pub fn wait(&self, from: IpAddr, now: Millis) -> Price {
        if from.is_loopback() {
            return Price::Nothing;
        }
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Who is not remembered is one of the others, but only when there are too many.
        let tries = all.get(&Some(network(from))).or_else(|| {
            let crowded = all.len() >= ADDRESSES;
            all.get(&None).filter(|_| crowded)
        });
        tries.map_or(Price::Nothing, |tries| price(tries.last + tries.wait_ms() - now))
    }

    /// The address knows the key.
    pub fn forgive(&self, from: IpAddr) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&Some(network(from)));
    }
}

/// How long the answer to a wrong key is held back. Who is not shut out is slowed.
pub fn hold_back(from: IpAddr, price: Price) -> Duration {
    match price {
        Price::Wait { seconds } if from.is_loopback() => {
            Duration::from_millis(100).saturating_mul(seconds).min(SLOWEST)
        }
        Price::Wait { .. } | Price::Nothing => Duration::ZERO,
    }
}

fn price(wait_ms: Millis) -> Price {
    match u32::try_from(wait_ms) {
        Ok(1..) => Price::Wait { seconds: u32::try_from((wait_ms + 999) / 1000).unwrap_or(1) },
        Ok(0) | Err(_) => Price::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn seconds(price: Price) -> u32 {
        match price {
            Price::Nothing => 0,
            Price::Wait { seconds } => seconds,
        }
    }

    #[test]
    fn each_wrong_key_doubles_the_wait() {
        let throttle = Throttle::default();
        let waits: Vec<u32> = (0..16).map(|_| seconds(throttle.note(FAR, 0))).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(seconds(throttle.wait(FAR, 299_500)), 1);
        assert_eq!(seconds(throttle.wait(FAR, 300_000)), 0);
        assert_eq!(seconds(throttle.note(FAR, 300_000)), 300, "it goes on where it was");
        assert_eq!(seconds(throttle.note(FAR, 300_000 + FORGOTTEN_MS)), 0, "until it is forgotten");
    }

    #[test]
    fn who_knows_the_key_starts_anew() {
        let throttle = Throttle::default();
        for _ in 0..8 {
            throttle.note(FAR, 0);
        }
        throttle.forgive(FAR);
        assert_eq!(
            (throttle.wait(FAR, 0), throttle.note(FAR, 0)),
            (Price::Nothing, Price::Nothing)
        );
    }

    #[test]
    fn this_machine_is_slowed_and_never_shut_out() {
        let throttle = Throttle::default();
        let last = (0..50).map(|_| throttle.note(HERE, 0)).last().unwrap();
        assert_eq!((seconds(last), throttle.wait(HERE, 0)), (300, Price::Nothing));
        assert_eq!(hold_back(HERE, last), SLOWEST);
        assert_eq!(hold_back(HERE, Price::Wait { seconds: 1 }), Duration::from_millis(100));
        assert_eq!(hold_back(FAR, last), Duration::ZERO, "it is not even looked at");
    }

    #[test]
    fn a_network_counts_as_one_address() {
        let throttle = Throttle::default();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        for last in 1..=6 {
            throttle.note(address(&format!("2001:db8::{last}")), 0);
        }
        assert_eq!(seconds(throttle.wait(address("2001:db8::ffff"), 0)), 1);
        assert_eq!(throttle.wait(address("2001:db8:0:1::1"), 0), Price::Nothing);
        assert_eq!(throttle.wait(address("192.0.2.2"), 0), Price::Nothing);
    }

    #[test]
    fn more_addresses_than_are_remembered_count_as_one() {
        let throttle = Throttle::default();
        let address = |i: u32| IpAddr::from(i.to_be_bytes());
        assert!((0..1024).all(|i| throttle.note(address(i), 0) == Price::Nothing));
        assert!((2000..2005).all(|i| throttle.note(address(i), 1) == Price::Nothing));
        assert_eq!(seconds(throttle.note(address(3000), 2)), 1);
        assert_eq!(seconds(throttle.wait(address(4000), 2)), 1);
        assert_eq!(throttle.0.lock().unwrap().len(), ADDRESSES + 1);
        assert_eq!(throttle.note(address(5000), FORGOTTEN_MS + 1), Price::Nothing);
        assert_eq!(throttle.0.lock().unwrap().len(), 2, "room is made again");
    }
}
