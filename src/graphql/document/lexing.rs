//! A scan of a document's bytes before any parser sees them. Parsers recurse; the scan does not,
//! so it is what keeps a small text with deep nesting from exhausting the stack.

use crate::graphql::document::limits::Limits;
use crate::graphql::document::position::Positions;
use crate::graphql::document::refusal::{RefusalKind, Refused};

/// Refuses a text that is too long.
pub fn check_length(text: &str, limits: &Limits) -> Result<(), Refused> {
    // Counting characters costs as much as the text is long: bytes decide first.
    let longest = limits.characters.saturating_mul(4);
    if text.len() > longest
        || (text.len() > limits.characters && text.chars().count() > limits.characters)
    {
        let message = format!("The document has more than {} characters.", limits.characters);
        return Err(Refused::new(RefusalKind::TooComplex, message));
    }
    Ok(())
}

/// Refuses a text that has too many tokens or nests too deep. Text that is no GraphQL passes:
/// telling what is wrong with it is the parser's work.
pub fn check_tokens(text: &str, limits: &Limits) -> Result<(), Refused> {
    let mut tokens = 0_usize;
    let mut nesting = 0_usize;
    let mut rest = text.as_bytes();
    while let Some((token, after)) = next_token(rest) {
        let refuse = |message: String| {
            let offset = text.len().saturating_sub(rest.len());
            let location = Positions::new(text).locate(offset);
            Err(Refused::at(RefusalKind::TooComplex, message, location))
        };
        match token {
            Token::Ignored => {}
            Token::Opening => nesting = nesting.saturating_add(1),
            Token::Closing => nesting = nesting.saturating_sub(1),
            Token::Other => {}
        }
        if !matches!(token, Token::Ignored) {
            tokens = tokens.saturating_add(1);
        }
        if tokens > limits.tokens {
            return refuse(format!("The document has more than {} tokens.", limits.tokens));
        }
        if nesting > limits.nesting {
            return refuse(format!("The document nests deeper than {} levels.", limits.nesting));
        }
        rest = after;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Token {
    /// White space, commas, a comment.
    Ignored,
    /// `{`, `(` or `[`.
    Opening,
    /// `}`, `)` or `]`.
    Closing,
    /// A name, number, string or any other byte.
    Other,
}

fn next_token(bytes: &[u8]) -> Option<(Token, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    Some(match first {
        b' ' | b'\t' | b',' | b'\n' | b'\r' => (Token::Ignored, rest),
        // The three bytes of a byte order mark.
        0xEF if rest.starts_with(&[0xBB, 0xBF]) => (Token::Ignored, after(bytes, 3)),
        b'#' => (Token::Ignored, after(bytes, length_while(bytes, |b| b != b'\n' && b != b'\r'))),
        b'{' | b'(' | b'[' => (Token::Opening, rest),
        b'}' | b')' | b']' => (Token::Closing, rest),
        b'"' => (Token::Other, after_string(bytes)),
        b'.' if rest.starts_with(b"..") => (Token::Other, after(bytes, 3)),
        b'_' | b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' => {
            let in_word = |b: u8| b == b'_' || b.is_ascii_alphanumeric();
            (Token::Other, after(rest, length_while(rest, in_word)))
        }
        _ => (Token::Other, rest),
    })
}

fn after_string(bytes: &[u8]) -> &[u8] {
    if bytes.starts_with(b"\"\"\"") {
        return after_block_string(after(bytes, 3));
    }
    let mut rest = after(bytes, 1);
    loop {
        match rest {
            [] => return rest,
            [b'\\', escaped, tail @ ..] if !matches!(escaped, b'\n' | b'\r') => rest = tail,
            [b'"', tail @ ..] => return tail,
            // A string ends with its line: what follows is code again, for the parser too.
            [b'\n' | b'\r', ..] => return rest,
            [_, tail @ ..] => rest = tail,
        }
    }
}

fn after_block_string(mut rest: &[u8]) -> &[u8] {
    loop {
        match rest {
            [] => return rest,
            [b'\\', b'"', b'"', b'"', tail @ ..] => rest = tail,
            [b'"', b'"', b'"', tail @ ..] => return tail,
            [_, tail @ ..] => rest = tail,
        }
    }
}

fn length_while(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !belongs(*byte)).unwrap_or(bytes.len())
}

fn after(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(length..).unwrap_or_default()
}
