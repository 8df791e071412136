//! What a request asks for besides its path.

use axum::extract::FromRequestParts;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;

use crate::gateway::reply::Problem;

/// The query of a request. What is not known in it is ignored, as existing clients expect.
#[derive(Debug, Clone, Default)]
pub struct Asked(Vec<(String, String)>);

impl Asked {
    pub fn of(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The first value under a name; one that is empty is none.
    pub fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// A whole number.
    ///
    /// # Errors
    /// 400 when it is something else.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Problem::bad_request(format!("{name} must be a whole number")));
        }
        // More digits than fit are beyond every limit.
        let beyond = if text.starts_with('-') { i64::MIN } else { i64::MAX };
        Ok(Some(text.parse().unwrap_or(beyond)))
    }

    /// How many are wanted; what is beyond `1..=most` is taken as the nearest.
    ///
    /// # Errors
    /// 400 when it is no whole number.
    pub fn count(&self, name: &str, usual: u32, most: u32) -> Result<u32, Problem> {
        let wanted = self.number(name)?.unwrap_or(usual.into());
        Ok(u32::try_from(wanted.clamp(1, most.into())).unwrap_or(most))
    }

    /// How many are passed over.
    ///
    /// # Errors
    /// 400 when it is no whole number, or a negative one.
    pub fn offset(&self) -> Result<u32, Problem> {
        let wanted = self.number("offset")?.unwrap_or(0);
        if wanted < 0 {
            return Err(Problem::bad_request("offset must not be negative"));
        }
        Ok(u32::try_from(wanted).unwrap_or(u32::MAX))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::of(parts.uri.query().unwrap_or_default()))
    }
}

/// The two variable parts of a path.
pub struct Names(pub String, pub String);

impl<S: Send + Sync> FromRequestParts<S> for Names {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        type Both = axum::extract::Path<(String, String)>;
        let path: Result<Both, PathRejection> = Both::from_request_parts(parts, state).await;
        let both = path.map(|axum::extract::Path((first, second))| Self(first, second));
        both.map_err(|_| Problem::not_found("not found"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_count(query: &str, expected: Option<u32>) {
        assert_eq!(Asked::of(query).count("limit", 50, 100).ok(), expected, "{query}");
    }

    #[test]
    fn a_count_is_kept_within_its_limits_and_nonsense_is_refused() {
        check_count("", Some(50));
        check_count("limit=", Some(50));
        check_count("limit=7&limit=8", Some(7));
        check_count("limit=0", Some(1));
        check_count("limit=-3", Some(1));
        check_count("limit=101", Some(100));
        check_count("limit=99999999999999999999999", Some(100));
        check_count("limit=-99999999999999999999999", Some(1));
        for query in ["limit=x", "limit=1.5", "limit=-", "limit=%2B1", "limit=1e3"] {
            check_count(query, None);
        }
    }

    #[test]
    fn an_offset_is_not_negative() {
        let offset = |query: &str| Asked::of(query).offset().ok();
        assert_eq!(
            (offset(""), offset("offset=12"), offset("offset=-1")),
            (Some(0), Some(12), None)
        );
        assert_eq!(offset("offset=99999999999"), Some(u32::MAX));
    }
}
