//! Invented people: always the same ones, as different from each other as those of a real address book.

use std::fmt::Write as _;

const GIVEN: &[&str] = &[
    "Ada", "Grace", "Alan", "Barbara", "Donald", "Margaret", "Zoë", "Jürgen", "Søren", "Mei-Lin", "Kofi", "Nadia", "Rosa", "Jonas",
    "Amadou", "Hanna", "Ingrid", "Eleanor", "Yusuf", "Priya", "Tomás", "Łukasz", "Chiara", "Olena",
];
const FAMILY: &[&str] = &[
    "Whitcombe",
    "Lindqvist",
    "Brandt",
    "Müller",
    "Mensah",
    "Chen",
    "Haddad",
    "Alvarez",
    "Kjær",
    "Öztürk",
    "Diallo",
    "Sørlie",
    "Okafor",
    "Nakamura",
    "Kowalski",
    "Rossi",
    "Silva",
    "Novák",
    "Papadopoulos",
    "Fernández",
    "Ivanenko",
    "Sharma",
];
const STREETS: &[&str] = &["High Street", "Lindenweg", "Rue des Lilas", "Storgata", "Via Roma", "Calle Mayor"];
const CITIES: &[&str] = &["London", "Leipzig", "Lyon", "Bergen", "Torino", "Sevilla"];
const COMPANIES: &[&str] = &["Nordljus Förlag", "Whitcombe & Sons", "Harbour Logistics", "Atelier Bleu", "Kite Instruments"];
const NOTES: &[&str] = &["Prefers letters. Never call before noon.", "Met at the conference.", "Allergic to nuts; likes Assam tea."];

/// One invented person. Whatever is empty is not known.
pub(crate) struct Person {
    number: usize,
    uid: String,
    given: String,
    family: String,
    mobile: String,
    home: String,
    work: String,
    email: String,
    company: String,
    birthday: String,
    address: Option<(String, &'static str, String)>,
    note: &'static str,
}

/// A small generator of numbers (SplitMix64): the same data everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit.max(1)
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let at = usize::try_from(self.below(from.len() as u64)).unwrap_or_default();
        from.get(at).copied().unwrap_or_default()
    }

    fn sometimes(&mut self, percent: u64, value: impl FnOnce(&mut Self) -> String) -> String {
        if self.below(100) < percent { value(self) } else { String::new() }
    }
}

impl Person {
    /// Invents the person of this number.
    pub(crate) fn new(number: usize) -> Self {
        let mut dice = Dice(number as u64);
        let given = dice.pick(GIVEN).to_owned();
        let mut family = dice.pick(FAMILY).to_owned();
        if dice.below(3) == 0 {
            family = format!("{family}-{}", dice.pick(FAMILY));
        }
        let number_in = |dice: &mut Dice, code: &str| format!("+{code} {:03} {:07}", dice.below(900) + 100, dice.below(10_000_000));
        Self {
            number,
            uid: format!("{:016x}-{:016x}", dice.roll(), dice.roll()),
            mobile: number_in(&mut dice, "44"),
            home: dice.sometimes(40, |dice| number_in(dice, "49")),
            work: dice.sometimes(50, |dice| number_in(dice, "46")),
            email: format!("contact{number}@{}.example", dice.pick(&["post", "mail", "office", "studio"])),
            company: dice.sometimes(60, |dice| dice.pick(COMPANIES).to_owned()),
            birthday: dice
                .sometimes(40, |dice| format!("19{:02}-{:02}-{:02}", dice.below(60) + 40, dice.below(12) + 1, dice.below(28) + 1)),
            address: (dice.below(100) < 45).then(|| {
                (format!("{} {}", dice.below(200) + 1, dice.pick(STREETS)), dice.pick(CITIES), format!("{:05}", dice.below(99_999)))
            }),
            note: if dice.below(100) < 20 { dice.pick(NOTES) } else { "" },
            given,
            family,
        }
    }

    /// Returns the name of the person's file.
    pub(crate) fn file_name(&self) -> String {
        format!("{}.vcf", self.uid)
    }

    /// Returns the person as a card; every other one is in version 4.0 (RFC 6350), the rest in 3.0 (RFC 2426).
    pub(crate) fn card(&self) -> String {
        let new = self.number.is_multiple_of(2);
        let mut card = format!("BEGIN:VCARD\r\nVERSION:{}\r\nUID:{}\r\n", if new { "4.0" } else { "3.0" }, self.uid);
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                let _ = write!(card, "{name}:{}\r\n", value.replace(';', "\\;").replace(',', "\\,"));
            }
        };
        line("FN", &format!("{} {}", self.given, self.family));
        line("TEL;TYPE=cell", &self.mobile);
        line("TEL;TYPE=home", &self.home);
        line("TEL;TYPE=work", &self.work);
        line("EMAIL;TYPE=home", &self.email);
        line("ORG", &self.company);
        line("BDAY", &if new { self.birthday.replace('-', "") } else { self.birthday.clone() });
        line("NOTE", self.note);
        let _ = write!(card, "N:{};{};;;\r\n", self.family, self.given);
        if let Some((street, city, code)) = &self.address {
            let _ = write!(card, "ADR;TYPE=home:;;{street};{city};;{code};\r\n");
        }
        card.push_str("X-ANOTHER-APPLICATION:kept as it is\r\nREV:20240501T093000Z\r\nEND:VCARD\r\n");
        card
    }

    /// Returns the person as a row of [`HEADER`].
    pub(crate) fn row(&self) -> String {
        let cells = [&self.mobile, &self.home, &self.work, &self.email, &self.company, &self.birthday];
        let mut row = format!("{} {}", self.given, self.family);
        for cell in cells {
            let _ = write!(row, ",{cell}");
        }
        row.push_str("\r\n");
        row
    }
}

/// The header of the sheet.
pub(crate) const HEADER: &str = "Name,Mobile,Home phone,Work phone,Email,Company,Birthday\r\n";
