//! `[[preflight]]` as hooks: shell lines with the same effect.
//!
//! `${NAME}` in a text of a step is the variable of that name, and a step with one that is not set
//! fails. Values of variables may be secrets, so they are never arguments of a program: headers,
//! bodies and addresses with variables go to curl on other ways.

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, TableLike, Value};

use super::{Plan, toml};
use crate::shell;

/// Takes the steps out and puts hooks before those that there are, because steps came before hooks.
/// A step that no hook can stand for stays, with a note.
pub fn to_hooks(
    document: &mut DocumentMut,
    credentials: &[String],
    file: &str,
    what: &mut Vec<String>,
    plan: &mut Plan,
) {
    let Some(Item::ArrayOfTables(steps)) = document.get("preflight") else {
        if document.contains_key("preflight") {
            let why = "`preflight` is no list of tables, so its steps cannot become hooks";
            plan.note(file, why, "write its commands as `hooks.pre`");
        }
        return;
    };
    let mut hooks: Vec<Value> = Vec::new();
    let mut left = ArrayOfTables::new();
    for (index, step) in steps.iter().enumerate() {
        match hook(step, credentials) {
            Ok(line) => hooks.push(with_comments(line, step)),
            Err(why) => {
                let which = format!("preflight step {} stays as it is: {why}", index + 1);
                plan.note(file, which, "write what it does as a line of `hooks.pre`");
                left.push(step.clone());
            }
        }
    }
    if hooks.is_empty() {
        return;
    }
    let Some(list) = pre(document) else {
        plan.note(file, "`hooks.pre` is no list, so `[[preflight]]` stays as it is", "");
        return;
    };
    let count = hooks.len();
    for (index, hook) in hooks.into_iter().enumerate() {
        list.insert_formatted(index, hook);
    }
    for hook in list.iter_mut().skip(count) {
        hook.decor_mut().set_prefix("\n  ");
    }
    list.set_trailing("\n");
    list.set_trailing_comma(true);
    match left.is_empty() {
        true => drop(document.remove("preflight")),
        false => drop(document.insert("preflight", Item::ArrayOfTables(left))),
    }
    let (steps, hooks) = if count == 1 { ("step is", "a hook") } else { ("steps are", "hooks") };
    what.push(format!("{count} `[[preflight]]` {steps} now {hooks} in `hooks.pre`"));
}

fn with_comments(line: String, step: &Table) -> Value {
    let mut value = Value::from(line);
    let comments = toml::comments(step.decor());
    let above: String = comments.iter().map(|comment| format!("\n  {comment}")).collect();
    value.decor_mut().set_prefix(format!("{above}\n  "));
    value
}

fn pre(document: &mut DocumentMut) -> Option<&mut Array> {
    let hooks = toml::table_of(document.as_table_mut(), "hooks", false)?;
    hooks.entry("pre").or_insert(Item::Value(Value::Array(Array::new()))).as_array_mut()
}

/// The shell line for one step.
///
/// # Errors
/// Why there is none.
fn hook(step: &Table, credentials: &[String]) -> Result<String, String> {
    let provider = step.get("provider").and_then(Item::as_str).unwrap_or_default();
    let empty = Table::new();
    let params: &dyn TableLike = match step.get("params") {
        None => &empty,
        Some(params) => params.as_table_like().ok_or("its `params` are no table")?,
    };
    let params = Params { table: params };
    let required = step.get("required").and_then(Item::as_bool).unwrap_or(true);
    let (line, output) = match provider {
        "shell" => shell(&params)?,
        "http" => (http(&params)?, None),
        "git-clone" => (clone(&params, credentials)?, None),
        "" => return Err("it has no `provider`".to_owned()),
        other => return Err(format!("there is no provider {other:?}")),
    };
    if required {
        return Ok(line);
    }
    let clear = output.map(|file| format!("rm -f -- {file}; ")).unwrap_or_default();
    let said = format!("{provider} step failed; it is not required");
    Ok(format!("( {line}\n) || {{ {clear}echo '{said}' >&2; }}"))
}

/// The params of a step.
struct Params<'a> {
    table: &'a dyn TableLike,
}

impl Params<'_> {
    fn text(&self, name: &str) -> Result<String, String> {
        self.optional(name)?.ok_or_else(|| format!("`{name}` is missing in its params"))
    }

    fn optional(&self, name: &str) -> Result<Option<String>, String> {
        self.table.get(name).map(|item| plain(name, item)).transpose()
    }

    fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, String> {
        let Some(item) = self.table.get(name) else { return Ok(Vec::new()) };
        let table = item.as_table_like().ok_or_else(|| format!("`{name}` must be a table"))?;
        table.iter().map(|(key, item)| Ok((key.to_owned(), plain(name, item)?))).collect()
    }
}

fn plain(name: &str, item: &Item) -> Result<String, String> {
    match item.as_value() {
        Some(Value::String(text)) => Ok(text.value().clone()),
        Some(Value::Integer(number)) => Ok(number.value().to_string()),
        Some(Value::Float(number)) => Ok(number.value().to_string()),
        _ => Err(format!("`{name}` must be a text")),
    }
}

/// The line, and the file that its output goes to.
fn shell(params: &Params<'_>) -> Result<(String, Option<String>), String> {
    let line = open_quotes(&params.text("command")?);
    let Some(output) = params.optional("output")? else { return Ok((line, None)) };
    let folder = match output.rsplit_once('/') {
        None if pieces(&output).iter().any(is_variable) => {
            format!("mkdir -p -- \"$(dirname -- {})\" && ", word(&output))
        }
        None | Some(("", _)) => String::new(),
        Some((folder, _)) => format!("mkdir -p -- {} && ", word(folder)),
    };
    let file = word(&output);
    Ok((format!("{folder}{{ {line}\n}} > {file}"), Some(file)))
}

fn http(params: &Params<'_>) -> Result<String, String> {
    let (url, output) = (params.text("url")?, params.text("output")?);
    let (mut headers, body) = (params.pairs("headers")?, params.optional("body")?);
    let method = params.optional("method")?;
    let mut words = vec!["curl -fsSL --create-dirs".to_owned(), format!("-o {}", word(&output))];
    match method.as_deref().unwrap_or("GET") {
        "GET" if body.is_none() => {}
        "HEAD" => words.push("--head".to_owned()),
        method => words.push(format!("-X {}", word(method))),
    }
    if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
    {
        headers.push(("content-type".to_owned(), "text/plain;charset=UTF-8".to_owned()));
    }
    let (mut open, mut documents) = (Vec::new(), String::new());
    for (name, value) in headers {
        let header = format!("{name}: {value}");
        if header.contains(['\n', '\r']) {
            return Err("a header of it goes over more than one line".to_owned());
        }
        match has_variables(&header) {
            true => open.push(header),
            false => words.push(format!("-H {}", word(&header))),
        }
    }
    let mut redirections = String::new();
    if !open.is_empty() {
        words.push("-H @/dev/fd/3".to_owned());
        redirections.push_str(" 3<<AL_HEADERS");
        let lines: String =
            open.iter().map(|header| format!("{}\n", in_document(header))).collect();
        documents.push_str(&format!("\n{lines}AL_HEADERS"));
    }
    match has_variables(&url) {
        true if url.contains(['"', '\\', '\n']) => {
            return Err("its `url` has a variable and a quotation mark".to_owned());
        }
        true => {
            words.push("-K /dev/fd/4".to_owned());
            redirections.push_str(" 4<<AL_URL");
            documents.push_str(&format!("\nurl = \"{}\"\nAL_URL", in_document(&url)));
        }
        false => words.push(format!("--url {}", word(&url))),
    }
    let piped = match &body {
        Some(body) if has_variables(body) => {
            words.push("--data-binary @-".to_owned());
            format!("printf %s {} | ", word(body))
        }
        Some(body) => {
            words.push(format!("--data-raw {}", word(body)));
            String::new()
        }
        None => String::new(),
    };
    Ok(format!("{piped}{}{redirections}{documents}", words.join(" ")))
}

fn clone(params: &Params<'_>, credentials: &[String]) -> Result<String, String> {
    let (repo, dest) = (params.text("repo")?, params.text("dest")?);
    let mut line = "git clone".to_owned();
    for name in ["branch", "depth"] {
        if let Some(value) = params.optional(name)? {
            line.push_str(&format!(" --{name} {}", word(&value)));
        }
    }
    let has = |kind: &str| {
        credentials.iter().any(|credential| credential.split(':').next() == Some(kind))
    };
    let base = match !has("git_ssh") && has("github_token") {
        true => "https://github.com/",
        false => "git@github.com:",
    };
    let dest = word(&dest);
    Ok(match pieces(&repo).as_slice() {
        // What the variable holds decides, as it did.
        [Piece::Variable(name)] => format!(
            "repo=\"${{{name}?}}\"; case \"$repo\" in *:*|/*|*/*/*) ;; */*) repo=\"{base}$repo.git\";; \
             esac; {line} -- \"$repo\" {dest}"
        ),
        pieces if is_short(pieces) => {
            format!("{line} -- {} {dest}", word(&format!("{base}{repo}.git")))
        }
        _ => format!("{line} -- {} {dest}", word(&repo)),
    })
}

/// Whether a repository is written `owner/name`.
fn is_short(pieces: &[Piece<'_>]) -> bool {
    let text: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Variable(_) => "x",
        })
        .collect();
    let plain = |part: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        !part.is_empty() && !part.starts_with(['.', '-']) && part.bytes().all(fits)
    };
    text.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name))
}

/// A part of a text with variables.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

fn is_variable(piece: &Piece<'_>) -> bool {
    matches!(piece, Piece::Variable(_))
}

fn has_variables(text: &str) -> bool {
    pieces(text).iter().any(is_variable)
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, name, after)) = shell::variable(rest) {
        pieces.extend((!before.is_empty()).then_some(Piece::Text(before)));
        pieces.push(Piece::Variable(name));
        rest = after;
    }
    pieces.extend((!rest.is_empty()).then_some(Piece::Text(rest)));
    pieces
}

/// One word of a shell, with the values of its variables.
fn word(text: &str) -> String {
    if !has_variables(text) {
        return shell::word(text);
    }
    let inside: String = pieces(text)
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => escaped(text, &['\\', '"', '$', '`']),
            Piece::Variable(name) => format!("${{{name}?}}"),
        })
        .collect();
    format!("\"{inside}\"")
}

/// A text inside a here-document.
fn in_document(text: &str) -> String {
    pieces(text)
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => escaped(text, &['\\', '$', '`']),
            Piece::Variable(name) => format!("${{{name}?}}"),
        })
        .collect()
}

fn escaped(text: &str, special: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// As the steps did, which filled variables in between single quotes too, if there were such ones.
fn open_quotes(line: &str) -> String {
    shell::open_quotes(line, |name| Some(format!("${{{name}-\\${{{name}\\}}}}")))
}
