//! Where in each provider's settings the URL goes.

/// A provider as a person sees it.
#[derive(Debug)]
pub struct Place {
    /// The provider's type.
    pub kind: &'static str,
    /// The way through its settings.
    pub settings: &'static str,
    /// What else has to be right there.
    pub then: &'static str,
}

pub static PLACES: &[Place] = &[
    place(
        "github",
        "repository or organisation: Settings > Webhooks > Add webhook",
        "content type application/json; the secret is the one stored here",
    ),
    place(
        "gitlab",
        "project or group: Settings > Webhooks > Add new webhook",
        "the secret token is the one stored here",
    ),
    place(
        "gitea",
        "repository: Settings > Webhooks > Add Webhook > Gitea",
        "POST, application/json; the secret is the one stored here",
    ),
    place(
        "forgejo",
        "repository: Settings > Webhooks > Add webhook > Forgejo",
        "POST, application/json; the secret is the one stored here",
    ),
    place(
        "sentry",
        "Settings > Developer Settings > your integration > Webhook URL",
        "store its client secret here, and turn on the resources and alerts",
    ),
    place(
        "linear",
        "Settings > API > Webhooks > New webhook",
        "store the signing secret that it shows here",
    ),
    place("mintlify", "the dashboard's webhook settings", "store its secret here"),
    place(
        "slack",
        "api.slack.com/apps > your app > Event Subscriptions > Request URL",
        "first store the signing secret of Basic Information here; it is asked for",
    ),
    place(
        "discord",
        "discord.com/developers > your app > Interactions Endpoint URL",
        "first store the public key of General Information here; it is asked for",
    ),
    place(
        "twitter",
        "POST https://api.x.com/2/webhooks with the URL",
        "first store the consumer secret here; X asks for it at once",
    ),
    place("generic", "wherever the sender takes a URL", "both sides know the secret stored here"),
    place("test", "no provider: `al webhook send` posts to it", "nothing is signed"),
];

const fn place(kind: &'static str, settings: &'static str, then: &'static str) -> Place {
    Place { kind, settings, then }
}

/// The place of a provider.
pub fn of(kind: &str) -> Option<&'static Place> {
    PLACES.iter().find(|place| place.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::providers::PROVIDERS;

    #[test]
    fn every_provider_has_a_place_that_fits_80_columns() {
        let kinds: Vec<&str> = PROVIDERS.iter().map(|provider| provider.kind).collect();
        for kind in &kinds {
            assert!(of(kind).is_some(), "{kind}");
        }
        for place in PLACES {
            assert!(kinds.contains(&place.kind), "{}", place.kind);
            assert!(place.settings.len() <= 74 && place.then.len() <= 74, "{}", place.kind);
        }
    }
}
