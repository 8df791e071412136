//! A router that knows its routes: axum's own cannot list them, and the description of the API is
//! held against them.

use std::convert::Infallible;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::IntoResponse;
use axum::routing::{self, MethodRouter, Route};
use tower::{Layer, Service};

/// A route: its method in capitals, and its path with the variable parts in braces.
pub type Row = (&'static str, String);

/// Used like [`axum::Router`].
#[derive(Debug)]
pub struct Table<S> {
    router: axum::Router<S>,
    rows: Vec<Row>,
}

/// What answers at one path, by method.
#[derive(Debug)]
pub struct Methods<S> {
    router: MethodRouter<S>,
    names: Vec<&'static str>,
}

/// What answers a `GET`.
pub fn get<H, T, S>(handler: H) -> Methods<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    Methods { router: routing::get(handler), names: vec!["GET"] }
}

/// What answers a `POST`.
pub fn post<H, T, S>(handler: H) -> Methods<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    Methods { router: routing::post(handler), names: vec!["POST"] }
}

impl<S: Clone + Send + Sync + 'static> Methods<S> {
    /// A `GET` beside what there is.
    pub fn get<H: Handler<T, S>, T: 'static>(mut self, handler: H) -> Self {
        self.names.push("GET");
        Self { router: self.router.get(handler), ..self }
    }
}

impl<S: Clone + Send + Sync + 'static> Table<S> {
    pub fn new() -> Self {
        Self { router: axum::Router::new(), rows: Vec::new() }
    }

    pub fn route(mut self, path: &str, methods: Methods<S>) -> Self {
        self.rows.extend(methods.names.into_iter().map(|name| (name, path.to_owned())));
        Self { router: self.router.route(path, methods.router), ..self }
    }

    pub fn nest(mut self, under: &str, other: Self) -> Self {
        self.rows
            .extend(other.rows.into_iter().map(|(name, path)| (name, under.to_owned() + &path)));
        Self { router: self.router.nest(under, other.router), ..self }
    }

    pub fn merge(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        Self { router: self.router.merge(other.router), ..self }
    }

    pub fn fallback<H: Handler<T, S>, T: 'static>(self, handler: H) -> Self {
        Self { router: self.router.fallback(handler), ..self }
    }

    pub fn method_not_allowed_fallback<H: Handler<T, S>, T: 'static>(self, handler: H) -> Self {
        Self { router: self.router.method_not_allowed_fallback(handler), ..self }
    }

    pub fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        Self { router: self.router.layer(layer), ..self }
    }

    pub fn route_layer<L>(self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        Self { router: self.router.route_layer(layer), ..self }
    }

    /// The router, and nothing more to list.
    pub fn with_state(self, state: S) -> axum::Router {
        self.router.with_state(state)
    }

    /// Every route.
    pub fn rows(self) -> Vec<Row> {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lists_what_its_parts_route() {
        let answer = async || "";
        let inner = Table::<()>::new().route("/b/{id}", post(answer));
        let table = Table::new()
            .route("/", get(answer))
            .nest("/a", inner)
            .merge(Table::new().route("/c", post(answer).get(answer)));
        let rows = [("GET", "/"), ("POST", "/a/b/{id}"), ("POST", "/c"), ("GET", "/c")];
        assert_eq!(table.rows(), rows.map(|(name, path)| (name, path.to_owned())));
    }
}
