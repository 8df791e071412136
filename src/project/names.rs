//! Names of agents and environments.

/// The longest name of an agent.
pub const AGENT_MAX: usize = 64;
const ENVIRONMENT_MAX: usize = 50;

/// Checks an agent's name: 1 to 64 characters, lowercase letters, digits and single hyphens
/// inside, and not one that the product uses itself.
///
/// # Errors
/// The reason in words that follow "the name".
pub fn check_agent(name: &str) -> Result<(), String> {
    match name {
        "default" => return Err("is reserved for credentials".to_owned()),
        "scheduler" => return Err("is reserved: the scheduler's own log has it".to_owned()),
        _ => {}
    }
    check_shape(name, AGENT_MAX)?;
    if name.contains("--") {
        return Err("has two hyphens in a row".to_owned());
    }
    Ok(())
}

/// Checks an environment's name: 1 to 50 characters, otherwise like an agent's.
///
/// # Errors
/// The reason in words that follow "the name".
pub fn check_environment(name: &str) -> Result<(), String> {
    check_shape(name, ENVIRONMENT_MAX)
}

fn check_shape(name: &str, longest: usize) -> Result<(), String> {
    let length = name.chars().count();
    if length == 0 {
        return Err("is empty".to_owned());
    }
    if let Some(c) = name.chars().find(|c| !is_plain(*c) && *c != '-') {
        return Err(match c {
            'A'..='Z' => format!("has the capital letter `{c}`"),
            ' ' => "has a space".to_owned(),
            c if c.is_control() => "has a control character".to_owned(),
            c => format!("has `{c}`; letters a to z, digits and hyphens are allowed"),
        });
    }
    if name.starts_with('-') || name.ends_with('-') {
        let side = if name.starts_with('-') { "starts" } else { "ends" };
        return Err(format!("{side} with a hyphen"));
    }
    if length > longest {
        return Err(format!("has {length} characters; {longest} are allowed"));
    }
    Ok(())
}

fn is_plain(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// A valid agent name near a refused one, when there is one.
pub fn suggest_agent(name: &str) -> Option<String> {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if is_plain(c) {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        if out.len() == AGENT_MAX {
            break;
        }
    }
    let mut out = out.trim_end_matches('-').to_owned();
    if out == "default" || out == "scheduler" {
        out.push_str("-agent");
    }
    check_agent(&out).is_ok().then_some(out)
}
