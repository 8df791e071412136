//! The Secret Service of freedesktop.org, over the session bus.
//!
//! Entries are found by their attributes, which are no secret. Secrets cross the bus as they are: it is
//! a socket of this person alone, and whoever can listen there can ask the keyring as well.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zbus::{
    Connection, DynamicType, Message, ObjectPath, OwnedObjectPath, OwnedVariant, Type, Variant,
};

use super::{APPLICATION, Entry, Trouble};

const WHO: &str = "org.freedesktop.secrets";
const WHERE: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// What `secret-tool` writes, so that it and al replace the same entries.
const SCHEMA: (&str, &str) = ("xdg:schema", "org.freedesktop.Secret.Generic");

type Attributes<'a> = HashMap<&'a str, &'a str>;

/// `(oayays)`: a session, parameters of its encryption, the value, its type.
#[derive(Serialize, Deserialize, Type)]
struct Carried {
    session: OwnedObjectPath,
    parameters: Vec<u8>,
    value: Vec<u8>,
    content_type: String,
}

/// Entries that fit, by whether they can be read now.
struct Found {
    open: Vec<OwnedObjectPath>,
    locked: Vec<OwnedObjectPath>,
}

impl Found {
    /// Those that can be read. A locked one is not passed over: it may be the one that is meant.
    fn open(self) -> Result<Vec<OwnedObjectPath>, Trouble> {
        if self.locked.is_empty() { Ok(self.open) } else { Err(Trouble::Locked) }
    }
}

pub fn check(limit: Duration) -> Result<(), Trouble> {
    within(limit, async |bus| match bus.default_collection().await {
        // It may have secrets elsewhere.
        Ok(_) | Err(Trouble::NoDefault) => Ok(()),
        Err(trouble) => Err(trouble),
    })
}

pub fn has(limit: Duration, wanted: &Entry) -> Result<bool, Trouble> {
    within(limit, async |bus| {
        let found = bus.search(&attributes(wanted)).await?;
        Ok(!found.open()?.is_empty())
    })
}

pub fn get(limit: Duration, wanted: &Entry) -> Result<Option<String>, Trouble> {
    within(limit, async |bus| {
        let found = bus.search(&attributes(wanted)).await?.open()?;
        let Some(item) = found.first() else { return Ok(None) };
        let session = bus.session().await?;
        let answer = bus.call(item, ITEM, "GetSecret", &(session,)).await?;
        let (carried,): (Carried,) = body(&answer)?;
        let text = String::from_utf8(carried.value);
        text.map(Some).map_err(|_| {
            Trouble::Other(format!("{}/{} is not UTF-8 text there", wanted.kind, wanted.instance))
        })
    })
}

pub fn list(limit: Duration, kind: Option<&str>) -> Result<Vec<Entry>, Trouble> {
    within(limit, async |bus| {
        let mut wanted = Attributes::from([("application", APPLICATION)]);
        wanted.extend(kind.map(|kind| ("type", kind)));
        let mut all = Vec::new();
        for item in bus.search(&wanted).await?.open()? {
            let value = bus.property(&item, ITEM, "Attributes").await?;
            let said: HashMap<String, String> = value
                .try_into()
                .map_err(|_| Trouble::Other("an answer without sense".to_owned()))?;
            let part = |name: &str| said.get(name).cloned();
            let parts = part("type").zip(part("instance"));
            all.extend(parts.map(|(kind, instance)| Entry { kind, instance }));
        }
        Ok(all)
    })
}

pub fn put(limit: Duration, of: &Entry, secret: String) -> Result<(), Trouble> {
    within(limit, async |bus| {
        let old = bus.search(&attributes(of)).await?.open()?;
        let collection = bus.default_collection().await?;
        let carried = Carried {
            session: bus.session().await?,
            parameters: Vec::new(),
            value: secret.into_bytes(),
            // What a person sees of it elsewhere: KeePassXC keeps anything else as an attachment.
            content_type: "text/plain".to_owned(),
        };
        let mut attributes = attributes(of);
        attributes.extend([SCHEMA]);
        let properties = HashMap::from([
            (
                "org.freedesktop.Secret.Item.Label",
                Variant::from(format!("Action Llama: {}:{}", of.kind, of.instance)),
            ),
            ("org.freedesktop.Secret.Item.Attributes", Variant::from(attributes)),
        ]);
        let body_of = (properties, carried, true);
        let answer = bus.call(&collection, COLLECTION, "CreateItem", &body_of).await?;
        let (new, prompt): (OwnedObjectPath, OwnedObjectPath) = body(&answer)?;
        bus.nobody_answers(&prompt).await?;
        // Those that somebody else made are not replaced by it, and would be found first.
        for other in old.iter().filter(|other| **other != new) {
            bus.delete(other).await.map_err(|_| Trouble::Older)?;
        }
        Ok(())
    })
}

pub fn remove(limit: Duration, of: &Entry) -> Result<bool, Trouble> {
    within(limit, async |bus| {
        let found = bus.search(&attributes(of)).await?.open()?;
        for item in &found {
            bus.delete(item).await?;
        }
        Ok(!found.is_empty())
    })
}

fn attributes(of: &Entry) -> Attributes<'_> {
    Attributes::from([("application", APPLICATION), ("type", &of.kind), ("instance", &of.instance)])
}

/// Connects and asks, and gives up when all of it takes too long.
fn within<T>(
    limit: Duration,
    question: impl AsyncFnOnce(&Bus) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::Other(format!("no runtime to ask it in: {error}")))?;
    let asked = async {
        let bus = Connection::session().await.map_err(|error| Trouble::NoBus(error.to_string()))?;
        question(&Bus(bus)).await
    };
    runtime.block_on(async {
        tokio::time::timeout(limit, asked).await.unwrap_or(Err(Trouble::Late(limit)))
    })
}

struct Bus(Connection);

impl Bus {
    async fn call<B: Serialize + DynamicType>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<Message, Trouble> {
        let answer = self.0.call_method(Some(WHO), path, Some(interface), method, body).await;
        answer.map_err(|error| trouble(&error))
    }

    async fn property(
        &self,
        path: &str,
        interface: &str,
        name: &str,
    ) -> Result<OwnedVariant, Trouble> {
        let answer = self.call(path, PROPERTIES, "Get", &(interface, name)).await?;
        Ok(body::<(OwnedVariant,)>(&answer)?.0)
    }

    async fn search(&self, wanted: &Attributes<'_>) -> Result<Found, Trouble> {
        let answer = self.call(WHERE, SERVICE, "SearchItems", &(wanted,)).await?;
        let (open, locked) = body(&answer)?;
        Ok(Found { open, locked })
    }

    /// A session in which secrets are sent as they are.
    async fn session(&self) -> Result<OwnedObjectPath, Trouble> {
        let how = ("plain", Variant::from(""));
        let answer = self.call(WHERE, SERVICE, "OpenSession", &how).await?;
        let (_, session): (OwnedVariant, OwnedObjectPath) = body(&answer)?;
        Ok(session)
    }

    /// Where new entries go, when it is open.
    async fn default_collection(&self) -> Result<OwnedObjectPath, Trouble> {
        let answer = self.call(WHERE, SERVICE, "ReadAlias", &("default",)).await?;
        let (collection,): (OwnedObjectPath,) = body(&answer)?;
        if is_none(&collection) {
            return Err(Trouble::NoDefault);
        }
        let locked = self.property(&collection, COLLECTION, "Locked").await?;
        match bool::try_from(locked) {
            Ok(false) => Ok(collection),
            _ => Err(Trouble::Locked),
        }
    }

    async fn delete(&self, item: &OwnedObjectPath) -> Result<(), Trouble> {
        let answer = self.call(item, ITEM, "Delete", &()).await?;
        let (prompt,): (OwnedObjectPath,) = body(&answer)?;
        self.nobody_answers(&prompt).await
    }

    /// A keyring that wants to ask a person is told that there is none.
    async fn nobody_answers(&self, prompt: &OwnedObjectPath) -> Result<(), Trouble> {
        if is_none(prompt) {
            return Ok(());
        }
        // It may be gone by itself.
        let _ = self.call(prompt, PROMPT, "Dismiss", &()).await;
        Err(Trouble::Locked)
    }
}

/// How this interface says that there is no object.
fn is_none(path: &ObjectPath<'_>) -> bool {
    path.as_str() == "/"
}

fn body<T: serde::de::DeserializeOwned + Type>(answer: &Message) -> Result<T, Trouble> {
    answer.body().deserialize().map_err(|error| Trouble::Other(error.to_string()))
}

/// What an error means. What its sender says in words may repeat what it was sent, and stays out.
fn trouble(error: &zbus::Error) -> Trouble {
    use zbus::fdo::Error as Bus;
    match error {
        zbus::Error::MethodError(name, _, _) => match name.as_str() {
            "org.freedesktop.Secret.Error.IsLocked" => Trouble::Locked,
            name if name.starts_with("org.freedesktop.DBus.Error.Spawn") => Trouble::Nobody,
            name => Trouble::Other(name.to_owned()),
        },
        zbus::Error::FDO(error) => match &**error {
            Bus::ServiceUnknown(_) | Bus::NameHasNoOwner(_) => Trouble::Nobody,
            Bus::SpawnExecFailed(_) | Bus::SpawnServiceNotFound(_) => Trouble::Nobody,
            Bus::NoReply(_) | Bus::Timeout(_) | Bus::TimedOut(_) => {
                Trouble::Other("whoever keeps secrets on the session bus went away".to_owned())
            }
            other => Trouble::Other(zbus::DBusError::name(other).to_string()),
        },
        other => Trouble::Other(other.to_string()),
    }
}
