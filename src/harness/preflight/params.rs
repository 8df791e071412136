//! The params of a step, with environment variables in the place of their names.

use serde_json::{Map, Value};

use super::Lookup;
use crate::shell::{self, variable};

pub(super) struct Params<'a> {
    pub map: &'a Map<String, Value>,
    pub env: Lookup<'a>,
}

impl Params<'_> {
    /// A text that has to be there.
    pub fn text(&self, name: &str) -> Result<String, String> {
        self.optional(name)?.ok_or_else(|| format!("`{name}` is missing in its params"))
    }

    pub fn optional(&self, name: &str) -> Result<Option<String>, String> {
        self.map.get(name).map(|value| self.value(name, value)).transpose()
    }

    /// A line for a shell, which knows the variables itself: so their values are in no process's
    /// arguments.
    pub fn command(&self, name: &str) -> Result<String, String> {
        let text = self.map.get(name).and_then(Value::as_str);
        let text = text.ok_or_else(|| format!("`{name}` is missing in its params"))?;
        Ok(open_quotes(text, self.env))
    }

    /// Names and values of a table.
    pub fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, String> {
        match self.map.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Object(table)) => table
                .iter()
                .map(|(key, value)| Ok((key.clone(), self.value(name, value)?)))
                .collect(),
            Some(_) => Err(format!("`{name}` must be a table")),
        }
    }

    fn value(&self, name: &str, value: &Value) -> Result<String, String> {
        match value {
            Value::String(text) => self.filled(text),
            Value::Number(number) => Ok(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                Err(format!("`{name}` must be a text"))
            }
        }
    }

    fn filled(&self, text: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = variable(rest) {
            filled.push_str(before);
            let value = (self.env)(name);
            filled.push_str(&value.ok_or_else(|| format!("${{{name}}} is not set"))?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// These steps never left a variable alone between single quotes, as a shell does.
fn open_quotes(line: &str, env: Lookup<'_>) -> String {
    shell::open_quotes(line, |name| env(name).map(|_| format!("${{{name}}}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn env(name: &str) -> Option<String> {
        (name == "WHO").then(|| "it's me".to_owned())
    }

    #[test]
    fn variables_stand_for_their_values() {
        let check = |text: &str, want: Result<&str, &str>| {
            let map = json!({"x": text});
            let params = Params { map: map.as_object().unwrap(), env: &env };
            let want = want.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(params.text("x"), want, "{text}");
        };
        check("a ${WHO} b${WHO}", Ok("a it's me bit's me"));
        check("$WHO ${WHO:-x} ${} ${1A} ${", Ok("$WHO ${WHO:-x} ${} ${1A} ${"));
        check("${NOBODY}", Err("${NOBODY} is not set"));
    }

    #[test]
    fn a_shell_fills_in_variables_itself_also_between_single_quotes() {
        let check = |line: &str, want: &str| assert_eq!(open_quotes(line, &env), want);
        check("echo ${WHO}", "echo ${WHO}");
        check("echo 'a ${WHO} b'", "echo 'a '\"${WHO}\"' b'");
        check("echo \"it's ${WHO}\"", "echo \"it's ${WHO}\"");
        check("echo \\'${WHO} 'é${i}'", "echo \\'${WHO} 'é${i}'");
    }
}
