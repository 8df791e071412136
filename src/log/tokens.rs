//! Kinds of tokens that are recognised by their looks.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;

#[expect(clippy::expect_used, reason = "constant, and used by every test of this room")]
/// Cheap test: without one of these there is no token to look for.
pub(super) static HINTS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let hints = [
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "sk-",
        "sk_live_",
        "rk_live_",
        "sk_test_",
        "whsec_",
        "gsk_",
        "xai-",
        "xoxa-",
        "xoxb-",
        "xoxp-",
        "xoxr-",
        "xoxs-",
        "xapp-",
        "AKIA",
        "ASIA",
        "AIza",
        "hf_",
        "npm_",
        "pypi-",
        "lin_api_",
        "sntrys_",
        "sntryu_",
        "dop_v1_",
        "eyJ",
        "earer ",
        "EARER ",
        "PRIVATE KEY",
    ];
    AhoCorasick::new(hints).expect("a constant list")
});

#[expect(clippy::expect_used, reason = "constant, and used by every test of this room")]
/// What follows `keep` is the token. No word boundary in front of what is distinctive enough: the
/// text may hold an escaped newline, `\\nghp_`.
pub(super) static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    let kinds = [
        r"gh[pousr]_[A-Za-z0-9]{16,}",
        r"github_pat_[A-Za-z0-9_]{16,}",
        r"glpat-[\w-]{16,}",
        r"sk-(?:ant|proj|or|svcacct|admin)-[\w-]{10,}", // Anthropic, OpenAI, OpenRouter
        r"\bsk-[A-Za-z0-9]{16,}",
        r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",
        r"whsec_[A-Za-z0-9+/=]{16,}",
        r"gsk_[A-Za-z0-9]{16,}",
        r"\bxai-[\w-]{16,}",
        r"xox[abprs]-[\w-]{10,}",
        r"xapp-[\w-]{10,}",
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        r"AIza[\w-]{30,}",
        r"\bhf_[A-Za-z0-9]{20,}",
        r"\bnpm_[A-Za-z0-9]{30,}",
        r"\bpypi-[\w-]{30,}",
        r"lin_api_[A-Za-z0-9]{16,}",
        r"\bsntry[su]_[\w+/=-]{20,}",
        r"dop_v1_[a-f0-9]{32,}",
        r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}", // JSON web token
        r"(?P<keep>\b(?i:bearer)\s+)[\w.~+/=-]{12,}",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?su:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    ];
    // ASCII classes: the automaton stays small.
    Regex::new(&format!("(?-u){}", kinds.join("|"))).expect("a constant pattern")
});
