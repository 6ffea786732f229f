//! The words that products beyond the showcase are made of. All names are made up.

/// One kind of product, with the words of its name and what can be said of it.
pub struct Line {
    /// The slug of its category.
    pub category: &'static str,
    /// The name is one of each: brand, series and thing; of a book, two parts of its title. Here
    /// and below a bar parts one from the next.
    pub first: &'static str,
    pub second: &'static str,
    pub third: &'static str,
    /// The cheapest and the dearest, in whole euros.
    pub euros: (i64, i64),
    /// What its variants differ in.
    pub along: &'static Choice,
    /// What they have in common, and say.
    pub fixed: Option<&'static Choice>,
    /// Sentences of its description.
    pub facts: &'static str,
    /// Books have authors instead of brands.
    pub by_author: bool,
}

/// Something a buyer chooses.
pub struct Choice {
    pub name: &'static str,
    /// Each with what it adds to the SKU.
    pub values: &'static [(&'static str, &'static str)],
    /// How much dearer each further value is.
    pub dearer_percent: i64,
    /// Whether the values have an order that a shop keeps.
    pub in_order: bool,
}

const COLOUR: Choice = Choice {
    name: "Colour",
    values: &[
        ("Black", "BLK"),
        ("White", "WHT"),
        ("Silver", "SLV"),
        ("Navy", "NVY"),
        ("Red", "RED"),
        ("Forest green", "GRN"),
        ("Sand", "SND"),
        ("Slate", "SLT"),
    ],
    dearer_percent: 0,
    in_order: false,
};
const SIZE: Choice = Choice {
    name: "Size",
    values: &[("XS", "XS"), ("S", "S"), ("M", "M"), ("L", "L"), ("XL", "XL"), ("XXL", "XXL")],
    dearer_percent: 0,
    in_order: true,
};
const SHOE_SIZE: Choice = Choice {
    name: "Size",
    values: &[
        ("37", "37"),
        ("38", "38"),
        ("39", "39"),
        ("40", "40"),
        ("41", "41"),
        ("42", "42"),
        ("43", "43"),
        ("44", "44"),
    ],
    dearer_percent: 0,
    in_order: true,
};
const FORMAT: Choice = Choice {
    name: "Format",
    values: &[("Paperback", "PB"), ("Hardcover", "HC"), ("Large print", "LP"), ("Audio CD", "CD")],
    dearer_percent: 30,
    in_order: true,
};
const CAPACITY: Choice = Choice {
    name: "Capacity",
    values: &[("256 GB", "256"), ("512 GB", "512"), ("1 TB", "1T"), ("2 TB", "2T")],
    dearer_percent: 60,
    in_order: true,
};
const LENGTH: Choice = Choice {
    name: "Length",
    values: &[("0.5 m", "05"), ("1 m", "10"), ("2 m", "20"), ("3 m", "30")],
    dearer_percent: 20,
    in_order: true,
};
const BED: Choice = Choice {
    name: "Size",
    values: &[("Single", "SGL"), ("Double", "DBL"), ("King", "KNG")],
    dearer_percent: 35,
    in_order: true,
};
const DIAMETER: Choice = Choice {
    name: "Diameter",
    values: &[("16 cm", "16"), ("20 cm", "20"), ("24 cm", "24"), ("28 cm", "28")],
    dearer_percent: 18,
    in_order: true,
};

const TECH_BRANDS: &str = "Norvik|Halden|Pixelwerk|Ostara|Lumen & Lark|Kestrel|Volta|Fathom|\
    Mirador|Quill|Tessel|Arcadia";
const TECH_SERIES: &str = "Alto|Drift|Echo Bay|Meridian|Pulse|Nimbus|Vector|Solo|Atlas|Orbit|\
    Tempo|Zephyr|Cobalt|Summit|Halo|Prism";
const WEAR_BRANDS: &str = "Fjellby|Marlow|Tidewater|Oak & Loom|Northfold|Sorrel|Calder|Wren|\
    Bramble|Haven|Lindqvist|Moss";
const WEAR_SERIES: &str = "Harbour|Field|Everyday|Ridge|Studio|Weekend|Heritage|Coast|Birch|\
    Trail|Market|Avenue|Orchard|Granite";
const HOME_BRANDS: &str = "Hearth & Hill|Kastell|Olea|Brunnen|Morrow|Fern House|Stilla|\
    Terravo|Linnea|Cobble|Almond Row|Vester";
const HOME_SERIES: &str = "Dawn|Grove|Quarry|Linen|Alder|Hazel|Ember|Meadow|Shore|Clay|\
    Juniper|Loft|Saffron|Willow";
const NOVEL_STARTS: &str = "The Silent|The Last|A Winter|The Glass|An Unfinished|The Salt|\
    A Borrowed|The Northern|The Paper|Her Second|The Hollow|A Quiet|The Midnight|The Orange";
const NOVEL_ENDS: &str = "Harbour|Garden|Lighthouse|Letter|Orchard|Season|Inheritance|Station|\
    Winter|Village|River|Portrait|Summer|House|Crossing|Promise";
const CRIME_STARTS: &str = "Murder at the|Death on the|The Case of the|Secrets of the|\
    A Shadow over the|Nobody Leaves the|Cold Nights at the|The Witness from the";
const CRIME_ENDS: &str = "Grand Hotel|Night Ferry|Old Mill|Opera|Vineyard|Customs House|\
    Reading Room|Quarry|Boathouse|Clock Tower|Glacier|Auction";
const BOOK_STARTS: &str = "The Complete|Simple|Everyday|A Short History of|The Art of|\
    The Science of|A Field Guide to|Understanding|The Little Book of|First Steps in|\
    The Joy of|Letters on";
const COOKING_ENDS: &str = "Vegetables|Bread|Soup|Noodles|Pickles|Spices|Pastry|Rice|Beans|\
    Cheese|Chocolate|Tea|Mushrooms|Citrus";
const SCIENCE_ENDS: &str = "Tides|Numbers|Weather|Insects|Light|Sleep|Volcanoes|Maps|Memory|\
    Bridges|Moss|Sound|Glaciers|Probability";
const TRAVEL_ENDS: &str = "Night Trains|Mountain Huts|Islands|Small Harbours|Desert Roads|\
    Old Towns|Canals|Lighthouses|Border Towns|Pilgrim Paths|Hot Springs|Ferries";

/// Given names of authors.
pub const GIVEN_NAMES: &str = "Ines|Tomas|Amara|Yuki|Leon|Freya|Mateo|Nadia|Owen|Priya|Saskia|\
    Emil|Chiara|Dario|Hana|Ruth";
/// Family names of authors.
pub const FAMILY_NAMES: &str = "Halvorsen|Brandt|Okafor|Tanaka|Moreau|Lindgren|Vargas|Haddad|\
    Pryce|Raman|de Wit|Novak|Bianchi|Costa|Sato|Whitlock";

const fn goods(
    category: &'static str,
    [first, second, third]: [&'static str; 3],
    euros: (i64, i64),
    (along, fixed): (&'static Choice, Option<&'static Choice>),
    facts: &'static str,
) -> Line {
    Line { category, first, second, third, euros, along, fixed, facts, by_author: false }
}

const fn book(
    category: &'static str,
    first: &'static str,
    second: &'static str,
    facts: &'static str,
) -> Line {
    let (third, euros): (&str, _) = ("", (9, 36));
    let (along, fixed) = (&FORMAT, None);
    Line { category, first, second, third, euros, along, fixed, facts, by_author: true }
}

/// The kinds of products whose SKUs begin with this prefix.
pub fn lines(prefix: &str) -> &'static [Line] {
    match prefix {
        "ELEC" => ELECTRONICS,
        "CLTH" => CLOTHING,
        "BOOK" => BOOKS,
        _ => HOME_AND_GARDEN,
    }
}

const ELECTRONICS: &[Line] = &[
    goods(
        "headphones",
        [
            TECH_BRANDS,
            TECH_SERIES,
            "Over-Ear Headphones|Wireless Earbuds|\
            Noise-Cancelling Headphones|Studio Headphones|Sport Earbuds",
        ],
        (39, 399),
        (&COLOUR, None),
        "Plays for 30 hours on one charge.|Folds flat into its case.|\
            Two devices at the same time by Bluetooth.|The ear pads can be replaced.",
    ),
    goods(
        "speakers",
        [
            TECH_BRANDS,
            TECH_SERIES,
            "Portable Speaker|Bookshelf Speakers|Soundbar|\
            Shower Speaker",
        ],
        (29, 499),
        (&COLOUR, None),
        "Fills a large room without shouting.|Safe in the rain.|\
            Two of them make a stereo pair.|Charges by USB-C.",
    ),
    goods(
        "keyboards-and-mice",
        [
            TECH_BRANDS,
            TECH_SERIES,
            "Mechanical Keyboard|Wireless Mouse|Trackball|\
            Compact Keyboard|Number Pad",
        ],
        (19, 189),
        (&COLOUR, None),
        "Quiet enough for a shared room.|Three computers at the press of a key.|\
            The battery lasts for months.|Works without a driver.",
    ),
    goods(
        "storage",
        [TECH_BRANDS, TECH_SERIES, "Portable SSD|USB-C Stick|Memory Card|Internal SSD"],
        (19, 129),
        (&CAPACITY, None),
        "Up to 1,000 megabytes a second.|Survives a fall from the desk.|\
            Encrypts what it holds.|Five years of guarantee.",
    ),
    goods(
        "cables-and-chargers",
        [
            TECH_BRANDS,
            TECH_SERIES,
            "USB-C Cable|HDMI Cable|Network Cable|\
            Magnetic Charging Cable",
        ],
        (6, 39),
        (&LENGTH, Some(&COLOUR)),
        "Braided, and bent ten thousand times in the test.|Carries 100 watts.|\
            Plugs of solid aluminium.|Comes with a strap of its own.",
    ),
    goods(
        "smart-home",
        [TECH_BRANDS, TECH_SERIES, "Motion Sensor|Thermostat|Door Lock|Smart Plug|Doorbell"],
        (15, 249),
        (&COLOUR, None),
        "Works without an account.|Speaks Matter and Thread.|\
            Keeps working when the internet does not.|Set up in two minutes.",
    ),
];

const CLOTHING: &[Line] = &[
    goods(
        "tops",
        [
            WEAR_BRANDS,
            WEAR_SERIES,
            "T-Shirt|Oxford Shirt|Linen Shirt|Polo Shirt|Sweatshirt|\
            Cardigan",
        ],
        (15, 99),
        (&SIZE, Some(&COLOUR)),
        "Of organic cotton.|Cut straight and a little long.|Washed before it is sewn.|\
            Buttons of corozo nut.",
    ),
    goods(
        "outerwear",
        [
            WEAR_BRANDS,
            WEAR_SERIES,
            "Rain Jacket|Wool Coat|Down Vest|Parka|Fleece Jacket|\
            Windbreaker",
        ],
        (49, 349),
        (&SIZE, Some(&COLOUR)),
        "Keeps the rain out for a whole day.|A hood that turns with the head.|\
            Folds into its own pocket.|Recycled on the outside, warm on the inside.",
    ),
    goods(
        "trousers",
        [
            WEAR_BRANDS,
            WEAR_SERIES,
            "Chinos|Jeans|Corduroy Trousers|Hiking Trousers|\
            Linen Shorts",
        ],
        (29, 139),
        (&SIZE, Some(&COLOUR)),
        "With a little stretch.|Pockets deep enough for a phone.|Dries overnight on the line.|\
            Sewn with double seams.",
    ),
    goods(
        "shoes",
        [WEAR_BRANDS, WEAR_SERIES, "Sneakers|Trail Shoes|Chelsea Boots|Sandals|Loafers"],
        (39, 229),
        (&SHOE_SIZE, Some(&COLOUR)),
        "The sole can be replaced.|Tanned without chrome.|Light enough to forget.|\
            Holds on wet stone.",
    ),
    goods(
        "accessories",
        [WEAR_BRANDS, WEAR_SERIES, "Wool Scarf|Leather Belt|Beanie|Backpack|Gloves|Umbrella"],
        (12, 159),
        (&COLOUR, None),
        "Made in small batches.|Repaired for free, for ever.|Goes with everything.|\
            Soft from the first day.",
    ),
];

const BOOKS: &[Line] = &[
    book(
        "novels",
        NOVEL_STARTS,
        NOVEL_ENDS,
        "A family, a house by the water, and a summer that decides everything.|\
            Told by three voices that do not agree.|\
            Funny on one page and heartbreaking on the next.|\
            A debut that reads like a tenth book.",
    ),
    book(
        "crime",
        CRIME_STARTS,
        CRIME_ENDS,
        "An inspector close to retirement and a witness who lies about everything.|\
            Eleven guests, one storm, no telephone.|The first case of a new series.|\
            You will not guess it.",
    ),
    book(
        "cooking",
        BOOK_STARTS,
        COOKING_ENDS,
        "Eighty recipes for a small kitchen.|With a chapter on what to do with the rest.|\
            Most of it on the table in half an hour.|Photographed at the author's own stove.",
    ),
    book(
        "science",
        BOOK_STARTS,
        SCIENCE_ENDS,
        "For readers who left school long ago.|With forty drawings.|\
            Explains it without a single formula.|What is known, and what is not.",
    ),
    book(
        "travel",
        BOOK_STARTS,
        TRAVEL_ENDS,
        "Twenty journeys without an aeroplane.|With maps, timetables and good advice.|\
            Written on the way, in third class.|For the armchair and for the backpack.",
    ),
];

const HOME_AND_GARDEN: &[Line] = &[
    goods(
        "cookware",
        [HOME_BRANDS, HOME_SERIES, "Frying Pan|Saucepan|Cast-Iron Pot|Sauté Pan"],
        (24, 189),
        (&DIAMETER, None),
        "For every stove, induction included.|The handle stays cool.|\
            Goes into the oven up to 240 °C.|Gets better with the years.",
    ),
    goods(
        "tableware",
        [
            HOME_BRANDS,
            HOME_SERIES,
            "Dinner Plate|Soup Bowl|Mug|Carafe|Serving Dish|\
            Espresso Cups",
        ],
        (6, 79),
        (&COLOUR, None),
        "Stoneware, glazed by hand.|For the dishwasher and the microwave.|\
            Stacks without wobbling.|No two are quite alike.",
    ),
    goods(
        "lighting",
        [HOME_BRANDS, HOME_SERIES, "Desk Lamp|Floor Lamp|Pendant Light|Reading Light|Lantern"],
        (19, 299),
        (&COLOUR, None),
        "Dims from noon to candlelight.|The bulb can be changed.|Free of flicker.|\
            Two metres of textile cable.",
    ),
    goods(
        "bedding",
        [
            HOME_BRANDS,
            HOME_SERIES,
            "Duvet Cover|Fitted Sheet|Wool Blanket|Mattress Topper|\
            Quilt",
        ],
        (25, 189),
        (&BED, Some(&COLOUR)),
        "Washed linen, soft at once.|Breathes in summer, warms in winter.|\
            Closes with coconut buttons.|Washable at 60 °C.",
    ),
    goods(
        "planters",
        [HOME_BRANDS, HOME_SERIES, "Planter|Herb Pot|Hanging Basket|Window Box"],
        (8, 69),
        (&DIAMETER, None),
        "Frost-proof.|Drains through the foot.|Waters itself for two weeks.|Fired at 1,200 °C.",
    ),
    goods(
        "garden",
        [
            HOME_BRANDS,
            HOME_SERIES,
            "Watering Can|Pruning Shears|Hand Trowel|Garden Hose|\
            Bird Feeder|Folding Chair",
        ],
        (9, 119),
        (&COLOUR, None),
        "Ash wood and forged steel.|Every part can be replaced.|Stays outside all year.|\
            Light in the hand.",
    ),
];
