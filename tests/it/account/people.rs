//! Those who have accounts, the mails that they get, and what they ask for.

use crate::app::{Answer, Caller, Mail, SmtpSink, TestApp};
use serde_json::{Value, json};
use stockroom::account::NewUser;
use stockroom::auth::{Role, Viewer};
use stockroom::config::Settings;
use stockroom::graphql::NodeKind;
use uuid::Uuid;

pub const PASSWORD: &str = "four words in a row";
pub const WRONG: &str = "five words in a row, no";
pub const NEW_PASSWORD: &str = "quite another sentence";

/// A shop whose mails arrive.
pub struct Shop {
    pub app: TestApp,
    pub sink: SmtpSink,
}

impl Shop {
    pub async fn open() -> Self {
        Self::open_with(|_| ()).await
    }

    /// One with other settings.
    pub async fn open_with(configure: impl FnOnce(&mut Settings)) -> Self {
        let sink = SmtpSink::start().await;
        let url = sink.url();
        let app = TestApp::with(move |settings| {
            settings.mail.smtp_url = Some(url.into());
            settings.mail.storefront_url = "https://shop.example/en".to_owned();
            configure(settings);
        })
        .await;
        Self { app, sink }
    }

    /// Has the jobs done and gives the mails that went out by that.
    pub async fn mails(&self) -> Vec<Mail> {
        let before = self.sink.mails().len();
        self.app.works().await;
        self.sink.mails().split_off(before)
    }

    /// The only mail that goes out now.
    pub async fn mail(&self) -> Mail {
        let mails = self.mails().await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        mails.into_iter().next().unwrap()
    }

    /// The token of a link to `page` in the only mail that goes out now, to this address.
    pub async fn token_in_mail(&self, to: &str, page: &str) -> String {
        let mail = self.mail().await;
        assert_eq!(mail.to, [to]);
        token_in(&mail, page)
    }
}

/// The token of a link to `page`.
pub fn token_in(mail: &Mail, page: &str) -> String {
    let text = mail.text();
    let before = format!("https://shop.example/en/{page}?token=");
    let after = text.split_once(&before).unwrap_or_else(|| panic!("no link to {page}: {text}")).1;
    let token = after.split_whitespace().next().unwrap().to_owned();
    assert_eq!(token.len(), 43, "256 bits in base64: {token}");
    token
}

/// Makes an account with this address, [`PASSWORD`] and this role.
pub async fn account(app: &TestApp, email: &str, role: Role) -> Uuid {
    let new = NewUser {
        email: email.to_owned(),
        name: "Someone".to_owned(),
        password: PASSWORD.to_owned().into(),
        role,
    };
    let made = app.app.services.accounts.create(&Viewer::System, new).await;
    made.expect("the account is made").id
}

/// Runs the mutation with this input, selecting these fields besides the errors.
pub async fn run(caller: &Caller, mutation: &str, fields: &str, input: Value) -> Answer {
    let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let document = format!(
        "mutation ($input: {kind}!) {{ {mutation}(input: $input) {{
            {fields} userErrors {{ code path message }} warnings {{ code }} }} }}"
    );
    caller.query(document).with_variables(json!({ "input": input })).await
}

/// Runs a mutation that succeeds, and gives its payload.
pub async fn ok(caller: &Caller, mutation: &str, fields: &str, input: Value) -> Value {
    let answer = run(caller, mutation, fields, input).await;
    let payload = answer.data()[mutation].clone();
    assert_eq!(payload["userErrors"], json!([]), "{mutation}");
    payload
}

/// Runs a mutation that is refused: `CODE path.of.the.field` of each error.
pub async fn refused(caller: &Caller, mutation: &str, input: Value) -> Vec<String> {
    let answer = run(caller, mutation, "", input).await;
    let errors = answer.data()[mutation]["userErrors"].as_array().unwrap().clone();
    let told = errors.iter().map(|error| {
        let path: Vec<_> =
            error["path"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
        format!("{} {}", error["code"].as_str().unwrap(), path.join("."))
    });
    told.collect()
}

/// Signs in; what follows is sent as that session.
pub async fn signed_in(app: &TestApp, email: &str, password: &str) -> Caller {
    let input = json!({ "email": email, "password": password });
    let payload = ok(&app.guest(), "tokenCreate", "accessToken", input).await;
    app.with_token(payload["accessToken"].as_str().expect("a token"))
}

/// Whether these sign in.
pub async fn signs_in(app: &TestApp, email: &str, password: &str) -> bool {
    let input = json!({ "email": email, "password": password });
    let answer = run(&app.guest(), "tokenCreate", "accessToken", input).await;
    let user_errors = answer.user_errors("tokenCreate");
    assert!(matches!(user_errors[..], [] | ["INVALID_CREDENTIALS"]), "{}", answer.text);
    user_errors.is_empty()
}

/// Whether the session still is one.
pub async fn is_signed_in(caller: &Caller) -> bool {
    let answer = caller.query("{ me { id } }").await;
    match answer.status.as_u16() {
        200 => answer.data()["me"]["id"].is_string(),
        status => {
            assert_eq!((status, answer.error_codes()), (401, vec!["UNAUTHENTICATED"]));
            false
        }
    }
}

pub fn user_id(key: Uuid) -> String {
    NodeKind::User.id(key).to_string()
}
