//! The table of providers in the README is the one in the code.

use std::fs;
use std::path::Path;

use action_llama::triggers::{
    Algorithm, DeliveryId, Digits, Handshake, PROVIDERS, Provider, Scheme, Signed,
};

const HEAD: &str = "| Type | Credential | Signature | Handshake | Events with fields of their own | Filters | Repeated deliveries are known by |\n\
                    |---|---|---|---|---|---|---|\n";

fn row(provider: &'static Provider) -> String {
    let secret = provider.table.secret;
    let credential = secret.map_or_else(
        || "none".to_owned(),
        |secret| format!("`{}`, `{}`", secret.credential, secret.field),
    );
    let cells = [
        format!("`{}`", provider.kind()),
        credential,
        signatures(provider),
        handshake(provider.handshake).to_owned(),
        words(provider.events.iter().copied()),
        words(provider.table.names()),
        duplicates(provider),
    ];
    format!("| {} |\n", cells.join(" | "))
}

fn words<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    if all.is_empty() { "any".to_owned() } else { all.join(" ") }
}

fn signatures(provider: &'static Provider) -> String {
    let all: Vec<String> = provider.schemes().map(signature).collect();
    match (all.is_empty(), provider.table.secret) {
        (false, _) => all.join("; or "),
        (true, Some(_)) => "as the source says".to_owned(),
        (true, None) => "**none**".to_owned(),
    }
}

fn signature(scheme: &Scheme) -> String {
    let headers: Vec<String> = scheme.headers.iter().map(|name| format!("`{name}`")).collect();
    let algorithm = match scheme.algorithm {
        Algorithm::Token => return format!("`{}`: the secret itself", scheme.headers[0]),
        Algorithm::HmacSha256 => "HMAC-SHA256",
        Algorithm::StandardWebhooks => "HMAC-SHA256 (`whsec_` secret)",
        Algorithm::Ed25519 => "Ed25519",
    };
    let digits = match scheme.digits {
        Digits::Hex => "hex",
        Digits::Base64 => "base64",
        Digits::Base64List => "base64, several between blanks,",
        Digits::Plain => "plain",
    };
    let prefix = match scheme.prefix {
        "" => String::new(),
        prefix => format!(" after `{prefix}`"),
    };
    let signed = match scheme.signed {
        Signed::Body => "the body".to_owned(),
        Signed::Timestamped { header, before, after, window_s } => {
            let window = window_s.map_or(String::new(), |s| format!(", at most {s} s apart"));
            format!("`{before}<time>{after}<body>`, time in `{header}`{window}")
        }
        Signed::Identified { id, header, window_s } => format!(
            "`<id>.<time>.<body>`, id in `{id}`, time in `{header}`, at most {window_s} s apart"
        ),
    };
    format!("{}: {algorithm} in {digits}{prefix}, of {signed}", headers.join(" or "))
}

fn handshake(handshake: Handshake) -> &'static str {
    match handshake {
        Handshake::Nothing => "",
        Handshake::UrlVerification => "`url_verification`",
        Handshake::Ping => {
            "PING; interactions get a deferred reply, or at once that no agent takes them"
        }
        Handshake::Crc => "CRC by GET",
    }
}

fn duplicates(provider: &Provider) -> String {
    match provider.delivery_id {
        DeliveryId::Header(name) => format!("header `{name}`"),
        DeliveryId::FirstOf(names) => format!("header `{}`", names.join("`, else `")),
        DeliveryId::Body(name) => format!("`{name}` of the body"),
        DeliveryId::Nowhere if provider.kind() == "generic" => "`deliveryId`".to_owned(),
        DeliveryId::Nowhere => "nothing".to_owned(),
    }
}

#[test]
fn the_readme_has_a_row_for_each_provider() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(path).unwrap();
    let rows: String = PROVIDERS.iter().map(|provider| row(provider)).collect();
    let table = format!("{HEAD}{rows}\n");
    assert!(readme.contains(&table), "this has to stand in the README:\n\n{table}");
}
