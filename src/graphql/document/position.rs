//! Lines and columns of a document's text.

use apollo_compiler::parser::SourceSpan;
use async_graphql::Pos;

use crate::graphql::document::refusal::Location;

/// The beginnings of a text's lines, so that an offset becomes a line and a column quickly.
pub struct Positions<'a> {
    text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Positions<'a> {
    /// Finds the lines of `text`, which end in `\n`, `\r\n` or `\r`.
    pub fn new(text: &'a str) -> Self {
        let mut line_starts = vec![0];
        let mut bytes = text.bytes().enumerate().peekable();
        while let Some((at, byte)) = bytes.next() {
            let crlf = byte == b'\r' && bytes.peek().is_some_and(|(_, next)| *next == b'\n');
            if byte == b'\n' || (byte == b'\r' && !crlf) {
                line_starts.push(at.saturating_add(1));
            }
        }
        Self { text, line_starts }
    }

    /// The place of the byte at `offset`. An offset beyond the text is its end.
    pub fn locate(&self, offset: usize) -> Location {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.as_bytes().get(start..offset).unwrap_or_default();
        // Every byte of UTF-8 that is no continuation begins a character.
        let characters = before.iter().filter(|byte| (**byte & 0xC0) != 0x80).count();
        Location { line, column: characters.saturating_add(1) }
    }

    /// The place where a span begins, as the engine writes it. No span is the text's beginning.
    pub fn pos(&self, span: Option<SourceSpan>) -> Pos {
        let Location { line, column } = self.locate(span.map_or(0, |span| span.offset()));
        Pos { line, column }
    }
}
