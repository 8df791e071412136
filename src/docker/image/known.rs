//! The images of ours that the engine has.

use std::collections::{BTreeMap, HashMap};

use bollard::models::ImageSummary;

use super::context::{Digest, Parts};
use super::recipe::Layer;
use crate::docker::label;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub id: String,
    pub bytes: u64,
    pub tags: Vec<String>,
    layer: String,
}

/// By what they were made from.
#[derive(Debug, Default)]
pub struct Shelf(BTreeMap<String, Known>);

impl Shelf {
    /// Takes what the engine lists. What the steps of a build leave on the way has the labels of the
    /// image that they stand on, and is none.
    pub fn of(images: &[ImageSummary]) -> Self {
        let inputs = |image: &ImageSummary| image.labels.get(label::INPUTS).cloned();
        let by_id: HashMap<&str, Option<String>> =
            images.iter().map(|image| (image.id.as_str(), inputs(image))).collect();
        let mut shelf = BTreeMap::new();
        for image in images {
            let Some(inputs) = inputs(image) else { continue };
            if by_id.get(image.parent_id.as_str()).is_some_and(|of| of.as_ref() == Some(&inputs)) {
                continue;
            }
            let known = Known {
                id: image.id.clone(),
                bytes: u64::try_from(image.size).unwrap_or(0),
                tags: image.repo_tags.clone(),
                layer: image.labels.get(label::LAYER).cloned().unwrap_or_default(),
            };
            shelf.insert(inputs, known);
        }
        Self(shelf)
    }

    pub fn get(&self, inputs: &str) -> Option<&Known> {
        self.0.get(inputs)
    }

    /// What an image of this layer was made from, whatever it stands on.
    pub fn inputs_of(&self, layer: &Layer) -> Option<String> {
        let layer = hex::encode(layer.inputs);
        self.0.iter().find(|(_, known)| known.layer == layer).map(|(inputs, _)| inputs.clone())
    }
}

/// What an image is made from: its own layer, and everything that it stands on.
pub fn inputs(below: &str, layer: &Digest) -> String {
    let mut parts = Parts::default();
    parts.add(below.as_bytes()).add(layer);
    hex::encode(parts.digest())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(id: &str, parent: &str, inputs: &str) -> ImageSummary {
        ImageSummary {
            id: id.to_owned(),
            parent_id: parent.to_owned(),
            labels: HashMap::from([(label::INPUTS.to_owned(), inputs.to_owned())]),
            ..ImageSummary::default()
        }
    }

    #[test]
    fn steps_on_the_way_are_not_taken_for_images() {
        let all = [
            image("step-of-b", "a", "A"),
            image("b", "step-of-b", "B"),
            image("a", "debian", "A"),
            image("next-step", "step-of-b", "A"),
            ImageSummary { id: "debian".to_owned(), ..ImageSummary::default() },
        ];
        let shelf = Shelf::of(&all);
        let id = |inputs: &str| shelf.get(inputs).map(|known| known.id.as_str());
        assert_eq!((id("A"), id("B"), id("C")), (Some("a"), Some("b"), None));
    }
}
