//! The ten products of the demo catalogue that a visitor sees first. Some are low, some sold out.

use crate::seed::product::{Draft, Flash, Stock, VariantDraft};

/// How many products are in the showcase.
pub const SIZE: u64 = 10;

/// A product of the showcase.
struct Exhibit {
    category: &'static str,
    name: &'static str,
    slug: &'static str,
    description: &'static str,
    in_dinars: bool,
    variants: &'static [Piece],
}

/// A variant of an exhibit.
struct Piece {
    code: &'static str,
    options: &'static [(&'static str, &'static str)],
    euro_cents: i64,
    main: Stock,
    east: Option<Stock>,
    flash: Option<Flash>,
}

const fn stock(received: i64, sold: i64, reorder_point: i64) -> Stock {
    Stock { received, sold, reorder_point }
}

const fn piece(
    code: &'static str,
    options: &'static [(&'static str, &'static str)],
    euro_cents: i64,
    main: Stock,
    east: Option<Stock>,
) -> Piece {
    Piece { code, options, euro_cents, main, east, flash: None }
}

impl Piece {
    /// In a flash sale at this price: so many pieces, so many a customer.
    const fn flash(self, euro_cents: i64, pieces: i64, limit_per_customer: Option<i64>) -> Self {
        Self { flash: Some(Flash { euro_cents, pieces, limit_per_customer }), ..self }
    }
}

/// The product with this index, if it is one of the showcase.
pub fn draft(index: u64) -> Option<Draft> {
    let exhibit = EXHIBITS.get(usize::try_from(index).ok()?)?;
    let variants = exhibit.variants.iter().map(|piece| VariantDraft {
        code: piece.code.to_owned(),
        options: piece.options.to_vec(),
        euro_cents: piece.euro_cents,
        main: piece.main,
        east: piece.east,
        flash: piece.flash,
    });
    Some(Draft {
        category: exhibit.category,
        name: exhibit.name.to_owned(),
        slug: Some(exhibit.slug.to_owned()),
        description: exhibit.description.to_owned(),
        in_dinars: exhibit.in_dinars,
        variants: variants.collect(),
    })
}

/// In the order of their indexes: Electronics, Clothing, Books, Home & Garden, and so on.
const EXHIBITS: [Exhibit; 10] = [
    Exhibit {
        category: "electronics",
        name: "Aurora Wireless Headphones",
        slug: "aurora-wireless-headphones",
        description: "Over-ear headphones that keep the street outside. 38 hours of music on one \
                      charge, a cable for the rest, and ear pads that can be replaced.",
        in_dinars: true,
        variants: &[
            piece("BLK", &[("Colour", "Black")], 14_900, stock(60, 10, 10), Some(stock(20, 0, 5))),
            piece("SLV", &[("Colour", "Silver")], 14_900, stock(40, 12, 10), None),
            piece("BLU", &[("Colour", "Midnight blue")], 15_900, stock(24, 18, 8), None),
        ],
    },
    Exhibit {
        category: "clothing",
        name: "Organic Cotton T-Shirt",
        slug: "organic-cotton-t-shirt",
        description: "A plain T-shirt of heavy organic cotton that keeps its shape. Cut straight, \
                      washed before it is sewn.",
        in_dinars: false,
        variants: &[
            piece("S", &[("Size", "S")], 2_490, stock(80, 22, 20), Some(stock(40, 0, 10))),
            piece("M", &[("Size", "M")], 2_490, stock(120, 64, 20), Some(stock(60, 0, 10))),
            piece("L", &[("Size", "L")], 2_490, stock(120, 71, 20), Some(stock(60, 0, 10))),
            piece("XL", &[("Size", "XL")], 2_490, stock(60, 60, 20), None),
        ],
    },
    Exhibit {
        category: "books",
        name: "The Cartographer's Daughter",
        slug: "the-cartographers-daughter",
        description: "A novel by Ines Halvorsen. A map drawn from memory, a coast that is not \
                      where it was, and a family that will not speak of it. 412 pages.",
        in_dinars: false,
        variants: &[
            piece("PB", &[("Format", "Paperback")], 1_290, stock(200, 37, 25), None),
            piece("HC", &[("Format", "Hardcover")], 2_490, stock(50, 9, 10), None),
        ],
    },
    Exhibit {
        category: "home-and-garden",
        name: "Stoneware Mugs, Set of Four",
        slug: "stoneware-mugs-set-of-four",
        description: "Four mugs of 350 ml, thrown and glazed by hand, no two quite alike. For the \
                      dishwasher and the microwave.",
        in_dinars: true,
        variants: &[
            piece("SND", &[("Colour", "Sand")], 3_900, stock(45, 12, 10), Some(stock(15, 0, 5))),
            piece("SLT", &[("Colour", "Slate")], 3_900, stock(45, 41, 10), None),
        ],
    },
    Exhibit {
        category: "electronics",
        name: "Pocket Power Bank",
        slug: "pocket-power-bank",
        description: "Charges a phone twice, or a phone and a tablet at the same time. USB-C in \
                      and out, and a small light that says how much is left.",
        in_dinars: true,
        variants: &[
            piece("10K", &[("Capacity", "10,000 mAh")], 2_990, stock(150, 48, 30), None),
            piece(
                "20K",
                &[("Capacity", "20,000 mAh")],
                4_490,
                stock(90, 31, 20),
                Some(stock(30, 0, 10)),
            )
            .flash(3_590, 40, Some(2)),
        ],
    },
    Exhibit {
        category: "clothing",
        name: "Merino Crew Sweater",
        slug: "merino-crew-sweater",
        description: "Fine merino wool, warm without weight. Knitted in one piece at the shoulders \
                      so that nothing rubs.",
        in_dinars: false,
        variants: &[
            piece(
                "NVY-M",
                &[("Colour", "Navy"), ("Size", "M")],
                7_990,
                stock(30, 9, 6),
                Some(stock(12, 0, 4)),
            ),
            piece("NVY-L", &[("Colour", "Navy"), ("Size", "L")], 7_990, stock(30, 11, 6), None),
            piece("CHR-M", &[("Colour", "Charcoal"), ("Size", "M")], 7_990, stock(30, 26, 6), None),
            piece("CHR-L", &[("Colour", "Charcoal"), ("Size", "L")], 7_990, stock(30, 4, 6), None),
        ],
    },
    Exhibit {
        category: "books",
        name: "Bread at Home",
        slug: "bread-at-home",
        description: "A baker's notebook by Tomas Brandt: forty loaves from the first flat bread \
                      to a sourdough that rises, with a page on everything that can go wrong.",
        in_dinars: false,
        variants: &[piece(
            "HC",
            &[("Format", "Hardcover")],
            2_900,
            stock(70, 16, 15),
            Some(stock(25, 0, 5)),
        )],
    },
    Exhibit {
        category: "home-and-garden",
        name: "Adjustable Desk Lamp",
        slug: "adjustable-desk-lamp",
        description: "A lamp that stays where it is put. Warm to cool light in five steps, \
                      flicker-free, with a base heavy enough for the longest reach.",
        in_dinars: false,
        variants: &[
            piece("BLK", &[("Colour", "Black")], 5_490, stock(40, 13, 8), Some(stock(16, 0, 4))),
            piece("WHT", &[("Colour", "White")], 5_490, stock(40, 19, 8), None)
                .flash(4_490, 10, None),
        ],
    },
    Exhibit {
        category: "electronics",
        name: "Studio Wireless Keyboard",
        slug: "studio-wireless-keyboard",
        description: "A low keyboard with quiet keys and an aluminium frame. Three computers by \
                      Bluetooth, a fourth by cable.",
        in_dinars: false,
        variants: &[
            piece("UK", &[("Layout", "UK")], 8_990, stock(35, 14, 8), Some(stock(10, 0, 4))),
            piece("US", &[("Layout", "US")], 8_990, stock(35, 8, 8), None),
            piece("DE", &[("Layout", "German")], 8_990, stock(25, 25, 8), None),
        ],
    },
    Exhibit {
        category: "clothing",
        name: "Trail Rain Jacket",
        slug: "trail-rain-jacket",
        description: "Three layers against the rain, taped at every seam, and folded into its own \
                      pocket. For hills, bicycles and the wait at the bus stop.",
        in_dinars: true,
        variants: &[
            piece("M", &[("Size", "M")], 12_900, stock(20, 17, 5), None),
            piece("L", &[("Size", "L")], 12_900, stock(20, 20, 5), None),
        ],
    },
];
