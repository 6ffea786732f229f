//! The two ways that the README walks through, taken step by step as they are written there.

use crate::app::{Caller, Socket, TestApp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use stockroom::seed::{DEFAULT_SCALE, Seed};

/// A document of the README, and the name of its operation.
struct Step {
    name: String,
    document: String,
}

/// The documents of a section of the README, in their order.
fn steps(heading: &str) -> Vec<Step> {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once(heading).unwrap_or_else(|| panic!("no {heading}"));
    let section = section.split("\n## ").next().expect("a section has a text");
    let blocks = section.split("```graphql\n").skip(1);
    let step = |block: &str| {
        let document = block.split("```").next().expect("a block ends").to_owned();
        let mut words = document.split([' ', '(', '{', '\n']).filter(|word| !word.is_empty());
        let name = words.nth(1).expect("an operation has a name").to_owned();
        Step { name, document }
    };
    blocks.map(step).collect()
}

/// Words in capitals of the README, and what stands for them.
#[derive(Default)]
struct Words(BTreeMap<&'static str, String>);

impl Words {
    fn put(&mut self, word: &'static str, value: &Value) {
        let text = value.as_str().unwrap_or_else(|| panic!("{word} is {value}"));
        self.0.insert(word, text.to_owned());
    }

    fn fill(&self, document: &str) -> String {
        self.0.iter().fold(document.to_owned(), |text, (word, value)| text.replace(word, value))
    }
}

impl Caller {
    /// Takes a step: what its one field answers, which has to be what was asked for.
    async fn takes(&self, step: &Step, words: &Words) -> Value {
        let answer = self.query(words.fill(&step.document)).await;
        let data = answer.data().as_object().expect("an object");
        let [(field, value)] = data.iter().collect::<Vec<_>>()[..] else {
            panic!("{}: {}", step.name, answer.text)
        };
        assert!(!value.is_null(), "{} {field}: {}", step.name, answer.text);
        if let Some(errors) = value.get("userErrors") {
            assert_eq!(*errors, json!([]), "{}: {}", step.name, answer.text);
        }
        value.clone()
    }
}

/// The demo shop of a first start.
async fn demo() -> TestApp {
    let app = TestApp::start().await;
    let seed = Seed::new(app.app.db.clone(), app.app.settings.shop_currency);
    seed.run(DEFAULT_SCALE, |_| ()).await.expect("the demo catalogue is written");
    app
}

#[tokio::test]
async fn a_shoppers_way_leads_where_the_readme_says() {
    let app = demo().await;
    let address = app.listen().await;
    let (mut words, mut caller, mut socket) = (Words::default(), app.guest(), None);
    let mut taken = Vec::new();

    for step in steps("## A shopper's way\n") {
        if step.name == "Watch" {
            let mut watching = Socket::ready(address, caller.token()).await;
            watching.subscribe("1", &words.fill(&step.document)).await;
            let first = watching.next_of("1").await;
            assert_eq!(first["data"]["orderChanged"]["status"], "PAID");
            socket = Some(watching);
            continue;
        }
        let answer = caller.takes(&step, &words).await;
        match step.name.as_str() {
            "Browse" => assert_ne!(answer["nodes"], json!([])),
            "Fill" | "Merge" => words.put("CART", &answer["cart"]["id"]),
            "SignIn" => {
                caller = app.with_token(answer["accessToken"].as_str().expect("a token"));
            }
            "Deliver" => {
                assert_eq!(answer["cart"]["totalIsFinal"], true);
                words.put("TOTAL", &answer["cart"]["total"]["amount"]);
            }
            "CheckOut" => {
                assert_eq!(answer["order"]["status"], "PAID");
                words.put("ORDER", &answer["order"]["id"]);
            }
            "CallOff" => {
                assert_eq!(answer["order"]["status"], "CANCELLED");
                let back = answer["order"]["refundedTotal"]["amount"].clone();
                assert_eq!(back, words.0["TOTAL"]);
            }
            _ => {}
        }
        taken.push(step.name);
    }

    let mut watching = socket.expect("the order is watched");
    let refunded = async {
        loop {
            let next = watching.next_of("1").await["data"]["orderChanged"].clone();
            if next["refundedTotal"]["amount"] == words.0["TOTAL"] {
                break next;
            }
        }
    };
    assert_eq!(refunded.await["status"], "CANCELLED");
    let way = [
        "Browse", "Fill", "Register", "SignIn", "Merge", "Deliver", "CheckOut", "CallOff",
        "MyOrders",
    ];
    assert_eq!(taken, way);
}

/// The SKUs of a product that cost less than their list price.
fn on_sale(product: &Value) -> Vec<&str> {
    let variants = product["variants"]["nodes"].as_array().expect("variants");
    let is_cheaper =
        |variant: &&Value| variant["price"]["amount"] != variant["listPrice"]["amount"];
    variants.iter().filter(is_cheaper).filter_map(|variant| variant["sku"].as_str()).collect()
}

#[tokio::test]
async fn the_staffs_way_leads_where_the_readme_says() {
    let app = demo().await;
    let mut words = Words::default();
    let shopper = app.customer().await;
    for step in steps("## A shopper's way\n") {
        match step.name.as_str() {
            "Fill" => words.put("CART", &shopper.takes(&step, &words).await["cart"]["id"]),
            "Deliver" => {
                let answer = shopper.takes(&step, &words).await;
                words.put("TOTAL", &answer["cart"]["total"]["amount"]);
            }
            "CheckOut" => drop(shopper.takes(&step, &words).await),
            _ => {}
        }
    }
    let staff = app.admin().await;
    let mut stood = Vec::new();

    for step in steps("## The staff's way\n") {
        let answer = staff.takes(&step, &words).await;
        match step.name.as_str() {
            "ToSend" => {
                words.put("ORDER", &answer["nodes"][0]["id"]);
                words.put("LINE", &answer["nodes"][0]["lines"][0]["id"]);
            }
            "TakeBack" => words.put("PAYMENT", &answer["order"]["payments"][0]["id"]),
            "GiveBack" => assert_eq!(answer["payment"]["status"], "PARTIALLY_REFUNDED"),
            "Buy" => words.put("PURCHASE", &answer["order"]["id"]),
            "PutOnSale" => words.put("SALE", &answer["flashSale"]["id"]),
            "OnSale" => assert_eq!(on_sale(&answer), ["ELEC-001-BLK"]),
            "HowDidItGo" => {
                assert_eq!(answer["total"]["ordersPaid"], 1);
                assert_eq!(answer["total"]["refunds"], 2);
            }
            _ => {}
        }
        let stands =
            ["order", "flashSale"].into_iter().find_map(|it| answer[it]["status"].as_str());
        if let Some(status) = stands {
            stood.push((step.name, status.to_owned()));
        }
    }

    let stood: Vec<(&str, &str)> =
        stood.iter().map(|(name, status)| (name.as_str(), status.as_str())).collect();
    let way = [
        ("SendOne", "PAID"),
        ("SendTheRest", "FULFILLED"),
        ("TakeBack", "FULFILLED"),
        ("Through", "COMPLETED"),
        ("Buy", "ORDERED"),
        ("Receive", "RECEIVED"),
        ("PutOnSale", "RUNNING"),
        ("EndSale", "OVER"),
    ];
    assert_eq!(stood, way);
}
