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

/// What is signed for.
struct Scope<'a> {
    region: &'a str,
    service: &'a str,
    /// `20150830T123600Z`
    date: &'a str,
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
    let date = at.format("%Y%m%dT%H%M%SZ").to_string();
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let signed: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .chain([("host".to_owned(), host.to_owned()), ("x-amz-date".to_owned(), date.clone())])
        .chain(key.session.map(|token| ("x-amz-security-token".to_owned(), token.to_owned())))
        .collect();
    let scope = Scope { region: REGION, service: SERVICE, date: &date };
    let header = authorization(key, &scope, "POST", signed, body);
    let mut added =
        vec![("x-amz-date".to_owned(), date.clone()), ("authorization".to_owned(), header)];
    added.extend(key.session.map(|token| ("x-amz-security-token".to_owned(), token.to_owned())));
    added
}

/// The header of a request to `/` that signs these headers and this body.
fn authorization(
    key: &Key<'_>,
    scope: &Scope<'_>,
    method: &str,
    mut headers: Vec<(String, String)>,
    body: &str,
) -> String {
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let body = hex::encode(Sha256::digest(body));
    let request = format!("{method}\n/\n\n{lines}\n{names}\n{body}");
    let Scope { region, service, date } = scope;
    let place = format!("{}/{region}/{service}/aws4_request", scope.day());
    let digest = hex::encode(Sha256::digest(request));
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{place}\n{digest}");
    let signature = hex::encode(mac(&scope.key(key.secret), &text));
    let id = key.id;
    format!(
        "AWS4-HMAC-SHA256 Credential={id}/{place}, SignedHeaders={names}, Signature={signature}"
    )
}

impl Scope<'_> {
    /// `20150830`
    fn day(&self) -> &str {
        self.date.split('T').next().unwrap_or_default()
    }

    /// What signs in this scope, made from the secret of a person.
    fn key(&self, secret: &str) -> Vec<u8> {
        let first = format!("AWS4{secret}").into_bytes();
        let steps = [self.day(), self.region, self.service, "aws4_request"];
        steps.iter().fold(first, |key, step| mac(&key, step))
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// The example of the documentation, "deriving the signing key".
    #[test]
    fn the_key_of_a_scope_is_that_of_the_documentation() {
        let scope = Scope { region: "us-east-1", service: "iam", date: "20150830T123600Z" };
        let key = hex::encode(scope.key(SECRET));
        assert_eq!(key, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    }

    /// Cases of the test suite that AWS publishes for version 4, by their names there.
    #[test]
    fn requests_are_signed_as_in_the_suite_of_aws() {
        let check = |case: &str,
                     method: &str,
                     more: &[(&str, &str)],
                     body: &str,
                     names: &str,
                     signature: &str| {
            let key = Key { id: "AKIDEXAMPLE", secret: SECRET, session: None };
            let date = "20150830T123600Z";
            let scope = Scope { region: "us-east-1", service: "service", date };
            let own = [("host", "example.amazonaws.com"), ("x-amz-date", date)];
            let headers = own.iter().chain(more);
            let headers = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let header = authorization(&key, &scope, method, headers.collect(), body);
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders={names}, Signature={signature}"
            );
            assert_eq!(header, expected, "{case}");
        };
        let plain = "host;x-amz-date";
        let form = [("content-type", "application/x-www-form-urlencoded")];
        check(
            "get-vanilla",
            "GET",
            &[],
            "",
            plain,
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        );
        check(
            "post-vanilla",
            "POST",
            &[],
            "",
            plain,
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        );
        check(
            "post-x-www-form-urlencoded",
            "POST",
            &form,
            "Param1=value1",
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        );
    }
}
