//! Server-sent events, taken apart however the bytes were cut.

use memchr::memchr2;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// What `event:` said; providers that have one kind of event say nothing.
    pub name: String,
    pub data: String,
}

/// Bytes in, events out. Lines are put together as bytes and only then read as text, so a
/// character may arrive in two chunks.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    /// The last byte was a carriage return; a line feed now belongs to it.
    returned: bool,
    event: Event,
    any_data: bool,
}

impl Decoder {
    /// The events that these bytes complete.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        if self.returned && bytes.first() == Some(&b'\n') {
            bytes = &bytes[1..];
        }
        self.returned = self.returned && bytes.is_empty();
        while let Some(end) = memchr2(b'\n', b'\r', bytes) {
            self.line.extend_from_slice(&bytes[..end]);
            events.extend(self.take_line());
            let returned = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if returned && bytes.first() == Some(&b'\n') {
                bytes = &bytes[1..];
            }
            self.returned = returned && bytes.is_empty();
        }
        self.line.extend_from_slice(bytes);
        events
    }

    /// The event that the stream ended in, for servers that leave out the last empty line.
    pub fn finish(mut self) -> Option<Event> {
        let complete = if self.line.is_empty() { None } else { self.take_line() };
        complete.or_else(|| self.take_line())
    }

    /// Bytes that are held until their event is complete.
    pub fn held(&self) -> usize {
        self.line.len() + self.event.data.len()
    }

    fn take_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.any_data).then_some(event);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.strip_prefix('\u{feff}').unwrap_or(&line);
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if std::mem::replace(&mut self.any_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // Comments keep a connection alive; ids are for those who resume.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let stream = "\u{feff}: hello\n\nevent: delta\r\ndata: {\"a\":\r\ndata:\"zażółć 🦀\"}\r\n\r\n\
                      data: two\r\rid: 7\ndata:  three \n\ndata: [DONE]\n";
        let expected = [
            event("delta", "{\"a\":\n\"zażółć 🦀\"}"),
            event("", "two"),
            event("", " three "),
            event("", "[DONE]"),
        ];
        for size in 1..stream.len() {
            let mut decoder = Decoder::default();
            let mut events: Vec<Event> =
                stream.as_bytes().chunks(size).flat_map(|chunk| decoder.feed(chunk)).collect();
            events.extend(decoder.finish());
            assert_eq!(events, expected, "in chunks of {size}");
        }
    }

    #[test]
    fn a_stream_that_ends_in_the_middle_of_a_line_gives_what_is_there() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"data: a"), []);
        assert_eq!(decoder.held(), 7);
        assert_eq!(decoder.finish(), Some(event("", "a")));
        assert_eq!(Decoder::default().finish(), None);
    }
}
