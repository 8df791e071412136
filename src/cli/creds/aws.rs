//! Signature version 4 of AWS, for one small request.

use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::ambient::Millis;

/// Who signs.
pub struct Key<'a> {
    pub id: &'a str,
    pub secret: &'a str,
    pub session: Option<&'a str>,
}

const REGION: &str = "us-east-1";
const SERVICE: &str = "sts";

/// The headers that a POST of this body to `/` needs besides its own.
pub fn sign(
    key: &Key<'_>,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
    now_ms: Millis,
) -> Vec<(String, String)> {
    let at = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
    let (date, day) = (at.format("%Y%m%dT%H%M%SZ").to_string(), at.format("%Y%m%d").to_string());
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let mut signed: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .chain([("host".to_owned(), host.to_owned()), ("x-amz-date".to_owned(), date.clone())])
        .chain(key.session.map(|token| ("x-amz-security-token".to_owned(), token.to_owned())))
        .collect();
    signed.sort();
    let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let request = format!("POST\n/\n\n{lines}\n{names}\n{}", hex::encode(Sha256::digest(body)));
    let scope = format!("{day}/{REGION}/{SERVICE}/aws4_request");
    let digest = hex::encode(Sha256::digest(request));
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}");
    let first = format!("AWS4{}", key.secret).into_bytes();
    let steps = [&*day, REGION, SERVICE, "aws4_request"];
    let last = steps.iter().fold(first, |key, step| mac(&key, step));
    let signature = hex::encode(mac(&last, &text));
    let id = key.id;
    let header = format!(
        "AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    let mut added = vec![("x-amz-date".to_owned(), date), ("authorization".to_owned(), header)];
    added.extend(key.session.map(|token| ("x-amz-security-token".to_owned(), token.to_owned())));
    added
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
