//! Reading JSON of others: a value has the expected shape, or it counts as absent.
//!
//! A `null` or a number where a text belongs must not cost the delivery, and texts that nobody
//! asks for are skipped without a copy.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::context::cut;

/// A value in the expected shape.
pub(super) struct Maybe<S>(pub Option<S>);

pub(super) type Text<'a> = Maybe<Cow<'a, str>>;
pub(super) type Number = Maybe<u64>;
/// A text, a number or a truth value, as text.
pub(super) type Scalar = Maybe<Word>;
pub(super) type Node<T> = Maybe<Object<T>>;
/// Elements of another shape are left out.
pub(super) type List<S> = Maybe<Vec<S>>;

pub(super) struct Object<T>(T);

pub(super) struct Word(String);

impl<S> Default for Maybe<S> {
    fn default() -> Self {
        Self(None)
    }
}

impl Text<'_> {
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    pub fn owned(&self) -> Option<String> {
        self.get().map(str::to_owned)
    }

    /// The text of a person, at a length that an agent can read.
    pub fn cut(&self) -> Option<String> {
        self.get().and_then(cut)
    }
}

impl Scalar {
    pub fn text(&self) -> Option<String> {
        self.0.as_ref().map(|word| word.0.clone())
    }
}

impl<T> Node<T> {
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|object| &object.0)
    }
}

impl<T> List<Object<T>> {
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten().map(|object| &object.0)
    }
}

/// What a shape makes of the kinds of JSON values; of those it does not want, nothing.
pub(super) trait Shape<'de>: Sized {
    fn from_text(_: Cow<'de, str>) -> Option<Self> {
        None
    }

    fn from_number(_: u64) -> Option<Self> {
        None
    }

    /// A number below zero or with a fraction, or a truth value, as it is written.
    fn from_other(_: &dyn fmt::Display) -> Option<Self> {
        None
    }

    fn from_map<A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl<'de: 'a, 'a> Shape<'de> for Cow<'a, str> {
    fn from_text(text: Cow<'de, str>) -> Option<Self> {
        Some(text)
    }
}

impl<'de> Shape<'de> for u64 {
    fn from_number(number: u64) -> Option<Self> {
        Some(number)
    }
}

impl<'de> Shape<'de> for Word {
    fn from_text(text: Cow<'de, str>) -> Option<Self> {
        Some(Self(text.into_owned()))
    }

    fn from_number(number: u64) -> Option<Self> {
        Some(Self(number.to_string()))
    }

    fn from_other(value: &dyn fmt::Display) -> Option<Self> {
        Some(Self(value.to_string()))
    }
}

impl<'de, T: Deserialize<'de>> Shape<'de> for Object<T> {
    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|node| Some(Self(node)))
    }
}

impl<'de, S: Shape<'de>> Shape<'de> for Vec<S> {
    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut elements = Self::new();
        while let Some(Maybe(element)) = list.next_element()? {
            elements.extend(element);
        }
        Ok(Some(elements))
    }
}

impl<'de, S: Shape<'de>> Deserialize<'de> for Maybe<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue(PhantomData)).map(Self)
    }
}

struct AnyValue<S>(PhantomData<S>);

impl<'de, S: Shape<'de>> Visitor<'de> for AnyValue<S> {
    type Value = Option<S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(S::from_other(&value))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(S::from_other(&number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(S::from_number(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(S::from_other(&number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(S::from_text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(S::from_text(Cow::Borrowed(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        S::from_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        S::from_list(list)
    }
}
