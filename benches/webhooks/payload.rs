//! Bodies like those of GitHub: much of them says the same again in other words.

use serde_json::{Value, json};

use crate::world;

/// An opened issue whose JSON has about so many bytes: with comments, each with its links, people and
/// prose, until it is long enough.
pub fn issue(bytes: usize) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&world::issue()).unwrap();
    let mut words = Words(7);
    let mut comments: Vec<Value> = Vec::new();
    let mut length = body.to_string().len() + r#","comments":[]"#.len();
    while length < bytes {
        let comment = comment(comments.len(), &mut words, (bytes - length).min(900));
        length += comment.to_string().len() + 1;
        comments.push(comment);
    }
    body["comments"] = comments.into();
    body.to_string().into_bytes()
}

fn comment(n: usize, words: &mut Words, prose: usize) -> Value {
    let (id, login) = (1_400_000_000 + words.next() % 90_000_000, words.word());
    let api = "https://api.example.com/repos/acme/rocket";
    json!({
        "id": id,
        "node_id": format!("IC_{:016x}{:016x}", words.next(), words.next()),
        "url": format!("{api}/issues/comments/{id}"),
        "issue_url": format!("{api}/issues/{}", 1000 + n),
        "user": {
            "login": login,
            "avatar_url": format!("https://avatars.example.com/u/{}?v=4", words.next() % 100_000),
            "followers_url": format!("https://api.example.com/users/{login}/followers"),
            "type": "User",
            "site_admin": false,
        },
        "author_association": "CONTRIBUTOR",
        "body": words.prose(prose),
    })
}

/// Words of a fixed sequence, the same in every run.
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn word(&mut self) -> String {
        let letters = 3 + self.next() % 8;
        // Vowels and common letters come more often, as they do in prose.
        let letter = |n: u64| b"eeetaoinshrdlucmfwypvbgkqjxz"[n as usize % 28] as char;
        (0..letters).map(|_| letter(self.next())).collect()
    }

    fn prose(&mut self, bytes: usize) -> String {
        let mut text = String::new();
        while text.len() < bytes {
            text.push_str(&self.word());
            text.push(' ');
        }
        text
    }
}
