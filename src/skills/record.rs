//! What an agent's `config.toml` says about where the agent is from.

use toml_edit::DocumentMut;

use crate::project::edit;

/// Keys of the record, in their order.
const KEYS: [&str; 4] = ["source", "sourcePath", "sourceRef", "sourceCommit"];

/// Where an agent is from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// `author/repo`, a URL or a path.
    pub source: String,
    /// Its folder there; none when nobody wrote it down, as in older projects.
    pub path: Option<String>,
    /// The branch, tag or commit that was asked for; none for the usual one.
    pub reference: Option<String>,
    /// The commit that it is at.
    pub commit: Option<String>,
}

impl Record {
    /// Reads it from the text of a `config.toml`; none when the agent is from nowhere else.
    ///
    /// # Errors
    /// When the text is not TOML.
    pub fn read(text: &str) -> Result<Option<Self>, String> {
        let document: DocumentMut = parsed(text)?;
        let said = |key: &str| document.get(key)?.as_str().map(str::to_owned);
        let [source, path, reference, commit] = KEYS.map(said);
        let Some(source) = source.filter(|source| !source.is_empty()) else { return Ok(None) };
        let path = path.map(|path| if path == "." { String::new() } else { path });
        Ok(Some(Self { source, path, reference, commit }))
    }

    /// The text with this record in it; everything else stays as it is.
    ///
    /// # Errors
    /// When the text is not TOML.
    pub fn write(&self, text: &str) -> Result<String, String> {
        let mut document = parsed(text)?;
        let path = self.path.as_deref().map(|path| if path.is_empty() { "." } else { path });
        let values =
            [Some(self.source.as_str()), path, self.reference.as_deref(), self.commit.as_deref()];
        for (key, said) in KEYS.into_iter().zip(values) {
            edit::put(&mut document, key, said);
        }
        Ok(document.to_string())
    }
}

fn parsed(text: &str) -> Result<DocumentMut, String> {
    text.trim_start_matches('\u{feff}').parse().map_err(|error: toml_edit::TomlError| {
        error.to_string().lines().next().unwrap_or_default().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_written_beside_what_is_there() {
        let record = Record {
            source: "acme/skills".to_owned(),
            path: Some(String::new()),
            reference: None,
            commit: Some("abc".to_owned()),
        };
        let text = "# mine\nmodels = [\"m\"]\nsource = \"x\" # old\nsourceRef = \"v1\"\n\n[params]\na = 1\n";
        let written = record.write(text).unwrap();
        assert_eq!(
            written,
            "# mine\nmodels = [\"m\"]\nsource = \"acme/skills\" # old\nsourcePath = \".\"\n\
             sourceCommit = \"abc\"\n\n[params]\na = 1\n"
        );
        assert_eq!(Record::read(&written).unwrap(), Some(record));
        assert_eq!(Record::read("models = []\n").unwrap(), None);
        assert!(Record::read("models = [\n").is_err());
    }
}
