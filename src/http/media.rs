//! Media types of GraphQL over HTTP: which one the client wants, and whether we read what it sends.

use http::{HeaderMap, HeaderValue, StatusCode, header};

/// The media type of a GraphQL answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/json`, as the first clients knew it: errors of the request come with 200.
    Json,
    /// `application/graphql-response+json`: the status tells of errors of the request.
    GraphqlResponse,
}

impl Media {
    /// Both, the one to prefer first.
    const ALL: [Self; 2] = [Self::Json, Self::GraphqlResponse];

    /// The media type the client likes best; ours if it has no wish. None: nothing that we have.
    pub fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let wishes: Vec<&str> = headers
            .get_all(header::ACCEPT)
            .iter()
            .map(|value| value.to_str().unwrap_or(""))
            .collect();
        if wishes.iter().all(|wish| wish.trim().is_empty()) {
            return Some(Self::Json);
        }
        let wishes: Vec<Wish> =
            wishes.iter().flat_map(|wish| wish.split(',')).filter_map(Wish::read).collect();
        let mut best: Option<(Self, u16)> = None;
        for media in Self::ALL {
            // Of all wishes that cover a type, the most exact one speaks for it.
            let wish =
                wishes.iter().filter_map(|wish| Some((wish.exactness(media)?, wish.quality)));
            let quality = wish.max().map_or(0, |(_, quality)| quality);
            if quality > best.map_or(0, |(_, quality)| quality) {
                best = Some((media, quality));
            }
        }
        best.map(|(media, _)| media)
    }

    /// The value of `Content-Type`.
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        })
    }

    /// The status for a well-formed request that GraphQL refuses before it executes anything.
    pub fn refusal_status(self) -> StatusCode {
        match self {
            Self::Json => StatusCode::OK,
            Self::GraphqlResponse => StatusCode::BAD_REQUEST,
        }
    }

    fn essence(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::GraphqlResponse => "application/graphql-response+json",
        }
    }
}

/// One entry of `Accept`, with its quality in thousandths.
struct Wish {
    essence: String,
    quality: u16,
}

impl Wish {
    fn read(entry: &str) -> Option<Self> {
        let mut parts = entry.split(';').map(str::trim);
        let essence = parts.next().filter(|essence| !essence.is_empty())?.to_ascii_lowercase();
        let mut quality = 1_000;
        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("q") {
                quality = read_quality(value)?;
            } else if name.eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8") {
                return None;
            }
        }
        Some(Self { essence, quality })
    }

    fn exactness(&self, media: Media) -> Option<u8> {
        match self.essence.as_str() {
            "*/*" => Some(0),
            "application/*" => Some(1),
            exact => (exact == media.essence()).then_some(2),
        }
    }
}

/// `0`, `1`, `0.25`: at most three decimals, in thousandths.
fn read_quality(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1_000),
        _ => None,
    }
}

/// Whether the body is JSON in UTF-8, by its `Content-Type`. Anything else that a browser sends
/// without asking first (`text/plain`, forms) is how one page forges requests of another.
pub fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let mut parts = value.to_str().unwrap_or("").split(';').map(str::trim);
    let is_json =
        parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    is_json
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, charset)) if name.trim().eq_ignore_ascii_case("charset") => {
                charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

/// Whether the client takes brotli.
pub fn accepts_brotli(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let entries = values.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    entries.filter_map(Wish::read).any(|wish| wish.essence == "br" && wish.quality > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(values: &[&'static str]) -> Option<Media> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ACCEPT, HeaderValue::from_static(value));
        }
        Media::negotiate(&headers)
    }

    #[test]
    fn no_wish_and_any_wish_get_json() {
        for wish in [&[][..], &[""], &["*/*"], &["application/*"], &["text/html, */*;q=0.1"]] {
            assert_eq!(accept(wish), Some(Media::Json), "{wish:?}");
        }
    }

    #[test]
    fn the_higher_quality_wins() {
        let both = "application/json;q=0.9, application/graphql-response+json";
        assert_eq!(accept(&[both]), Some(Media::GraphqlResponse));
        let both = "application/graphql-response+json;q=0.2, application/json;q=0.25";
        assert_eq!(accept(&[both]), Some(Media::Json));
        let apart = ["application/json;q=0.5", "application/graphql-response+json;q=0.6"];
        assert_eq!(accept(&apart), Some(Media::GraphqlResponse));
    }

    #[test]
    fn the_most_exact_entry_speaks_for_a_type() {
        assert_eq!(accept(&["*/*, application/json;q=0"]), Some(Media::GraphqlResponse));
        assert_eq!(accept(&["*/*;q=0, application/json;q=0.1"]), Some(Media::Json));
    }

    #[test]
    fn nothing_that_we_have_is_refused() {
        for wish in ["text/html", "application/json;q=0", "application/json; charset=utf-16"] {
            assert_eq!(accept(&[wish]), None, "{wish}");
        }
    }

    #[test]
    fn only_json_in_utf_8_is_read() {
        let read = |value: &'static str| {
            let value = HeaderValue::from_static(value);
            is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, value)]))
        };
        assert!(read("application/json"));
        assert!(read("Application/JSON; charset=\"UTF-8\""));
        for other in [
            "text/plain",
            "application/json; charset=latin1",
            "application/jsonp",
            "",
            "application/graphql",
        ] {
            assert!(!read(other), "{other}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
