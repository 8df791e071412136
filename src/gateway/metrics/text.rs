//! The text that Prometheus reads, format 0.0.4.

use std::fmt::Write as _;

/// `Content-Type` of the format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What sort of number a family holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Labels of a sample: names are ours, values may be anything.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

/// A page of metrics, family by family.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// Begins a family; its samples follow.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {}", kind.name());
        Family { text: &mut self.0, name }
    }

    pub fn finish(self) -> String {
        self.0
    }
}

/// Samples under one name.
#[derive(Debug)]
pub struct Family<'p> {
    text: &'p mut String,
    name: &'static str,
}

impl Family<'_> {
    pub fn sample(&mut self, labels: Labels<'_>, value: f64) {
        self.line("", labels, value);
    }

    /// The samples of a histogram: `buckets` are upper bounds with how many values do not exceed
    /// them.
    pub fn histogram(&mut self, buckets: &[(f64, u64)], sum: f64, count: u64) {
        for (bound, n) in buckets {
            self.line("_bucket", &[("le", &bound.to_string())], *n as f64);
        }
        self.line("_bucket", &[("le", "+Inf")], count as f64);
        self.line("_sum", &[], sum);
        self.line("_count", &[], count as f64);
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, value: f64) {
        let _ = write!(self.text, "{}{suffix}", self.name);
        for (n, (label, text)) in labels.iter().enumerate() {
            let before = if n == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{label}=\"{}\"", escaped(text));
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{after} {value}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_as_the_format_wants_it() {
        let mut page = Page::default();
        page.family("al_x_total", Kind::Counter, "a \\ b\nc").sample(&[], 3.0);
        let mut gauge = page.family("al_y", Kind::Gauge, "y");
        gauge.sample(&[("agent", "a\"b\\c\nd"), ("state", "q")], 0.25);
        page.family("al_z", Kind::Histogram, "z").histogram(&[(0.5, 1), (1.0, 2)], 1.75, 3);
        let expected = r#"# HELP al_x_total a \\ b\nc
# TYPE al_x_total counter
al_x_total 3
# HELP al_y y
# TYPE al_y gauge
al_y{agent="a\"b\\c\nd",state="q"} 0.25
# HELP al_z z
# TYPE al_z histogram
al_z_bucket{le="0.5"} 1
al_z_bucket{le="1"} 2
al_z_bucket{le="+Inf"} 3
al_z_sum 1.75
al_z_count 3
"#;
        assert_eq!(page.finish(), expected);
    }
}
