//! What a request must look like before anybody looks at its path.
//!
//! Requests are read strictly, because something in front of the gateway may read them otherwise:
//! where the two disagree about the end of a request, the rest of it is a request of its own that
//! nobody checked. What the reader of HTTP refuses (two lengths that differ, sizes of chunks that are
//! no number, folded lines, control characters) does not get here.

use axum::http::{HeaderMap, Method, Request, StatusCode, Version, header};

use super::reply::Problem;

/// The longest path with its query, in bytes.
const TARGET_MAX: usize = 8 * 1024;

/// Refuses what no client of ours sends.
///
/// # Errors
/// 414 for a target that is too long, 400 for everything else.
pub fn check<B>(request: &Request<B>) -> Result<(), Problem> {
    let (target, headers) = (request.uri(), request.headers());
    let length = target.path_and_query().map_or(0, |target| target.as_str().len());
    if length > TARGET_MAX {
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "the path is too long"));
    }
    // `GET http://elsewhere/`, `CONNECT elsewhere:443` and `OPTIONS *` are for proxies.
    let is_path = target.authority().is_none() && target.path().starts_with('/');
    if !is_path || request.method() == Method::CONNECT {
        return Err(Problem::bad_request("a request has to name a path: this is no proxy"));
    }
    let hosts = headers.get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Err(Problem::bad_request("a request has to have one Host header"));
    }
    if is_chunked(headers) && !is_chunked_alone(headers) {
        return Err(Problem::bad_request("the only transfer encoding here is chunked"));
    }
    Ok(())
}

/// The end of such a request is told by its chunks. A length beside them is not believed, and was
/// taken away by the reader; so that it cannot matter what somebody else believed, no other request
/// is read from the same connection.
pub fn is_chunked(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
}

fn is_chunked_alone(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let first = codings.next().is_some_and(|c| c.as_bytes().eq_ignore_ascii_case(b"chunked"));
    first && codings.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_shape(request: axum::http::request::Builder, expected: Option<u16>) {
        let request = request.body(()).unwrap();
        let status = check(&request).err().map(|problem| problem.status.as_u16());
        assert_eq!(status, expected, "{request:?}");
    }

    #[test]
    fn what_is_for_proxies_or_unclear_is_refused() {
        let get = |target: &str| Request::get(target).header("host", "al");
        check_shape(get("/health"), None);
        check_shape(get("/"), None);
        check_shape(get(&format!("/{}", "x".repeat(TARGET_MAX - 1))), None);
        check_shape(get(&format!("/{}", "x".repeat(TARGET_MAX))), Some(414));
        check_shape(get("http://elsewhere/health"), Some(400));
        check_shape(get("*"), Some(400));
        check_shape(Request::builder().method("CONNECT").uri("al:443"), Some(400));
        check_shape(Request::get("/health"), Some(400));
        check_shape(Request::get("/health").version(Version::HTTP_10), None);
        check_shape(get("/health").header("host", "al"), Some(400));
        check_shape(get("/health").header("transfer-encoding", "Chunked"), None);
        for coding in ["gzip, chunked", "chunked, chunked", "gzip", "xchunked"] {
            check_shape(get("/health").header("transfer-encoding", coding), Some(400));
        }
        let twice = get("/health").header("transfer-encoding", "chunked");
        check_shape(twice.header("transfer-encoding", "chunked"), Some(400));
    }
}
