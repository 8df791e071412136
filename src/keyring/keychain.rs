//! The Keychain of a Mac: generic passwords of the service `action-llama`, by `type/instance`.
//!
//! It may ask the person whether al may read an entry. Whoever waits for that gives up in time; the
//! question stays, and its answer counts for the next time.

use std::time::Duration;

use security_framework::base::Error;
use security_framework::item::{ItemClass, ItemSearchOptions, Limit};
use security_framework::passwords::{
    PasswordOptions, delete_generic_password, generic_password, set_generic_password,
};

use super::{APPLICATION, Entry, Trouble};

/// `errSecItemNotFound`
const NOT_FOUND: i32 = -25300;
/// `errSecAuthFailed`, `errSecInteractionNotAllowed`
const LOCKED: [i32; 2] = [-25293, -25308];
/// `errSecNoDefaultKeychain`
const NO_DEFAULT: i32 = -25307;

pub fn check(limit: Duration) -> Result<(), Trouble> {
    list(limit, None).map(drop)
}

pub fn has(limit: Duration, wanted: &Entry) -> Result<bool, Trouble> {
    Ok(list(limit, Some(&wanted.kind))?.contains(wanted))
}

pub fn get(_: Duration, wanted: &Entry) -> Result<Option<String>, Trouble> {
    let options = PasswordOptions::new_generic_password(APPLICATION, &account(wanted));
    let Some(bytes) = there(generic_password(options))? else { return Ok(None) };
    let text = String::from_utf8(bytes);
    text.map(Some)
        .map_err(|_| Trouble::Other(format!("{} is not UTF-8 text there", account(wanted))))
}

pub fn list(_: Duration, kind: Option<&str>) -> Result<Vec<Entry>, Trouble> {
    let found = ItemSearchOptions::new()
        .class(ItemClass::generic_password())
        .service(APPLICATION)
        .load_attributes(true)
        .limit(Limit::All)
        .search();
    let found = there(found)?.unwrap_or_default();
    let accounts = found.iter().filter_map(|item| item.simplify_dict()?.remove("acct"));
    let of = |account: String| {
        let (kind, instance) = account.split_once('/')?;
        Some(Entry { kind: kind.to_owned(), instance: instance.to_owned() })
    };
    Ok(accounts.filter_map(of).filter(|of| kind.is_none_or(|kind| of.kind == kind)).collect())
}

pub fn put(_: Duration, of: &Entry, secret: String) -> Result<(), Trouble> {
    set_generic_password(APPLICATION, &account(of), secret.as_bytes()).map_err(|e| trouble(&e))
}

pub fn remove(_: Duration, of: &Entry) -> Result<bool, Trouble> {
    Ok(there(delete_generic_password(APPLICATION, &account(of)))?.is_some())
}

/// Neither part has a slash.
fn account(of: &Entry) -> String {
    format!("{}/{}", of.kind, of.instance)
}

fn there<T>(answer: Result<T, Error>) -> Result<Option<T>, Trouble> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == NOT_FOUND => Ok(None),
        Err(error) => Err(trouble(&error)),
    }
}

fn trouble(error: &Error) -> Trouble {
    match error.code() {
        code if LOCKED.contains(&code) => Trouble::Locked,
        NO_DEFAULT => Trouble::NoDefault,
        _ => Trouble::Other(error.to_string()),
    }
}
