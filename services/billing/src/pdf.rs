//! Lays an invoice out as a PDF of A4 pages. The fonts are two of those that every reader has (ISO 32000-1, 9.6.2.2),
//! so that none is shipped: Helvetica for words, and Courier for amounts, whose characters are all of one width and so
//! can be set flush right. Both are encoded as WinAnsi (Windows-1252), which has the letters of the languages that
//! invoices are written in; a letter that it has not becomes a question mark.

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use crate::domain::paper::Paper;

const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const LEFT: f32 = 56.0;
const RIGHT: f32 = 539.0;
const TOP: f32 = 780.0;
const BOTTOM: f32 = 64.0;
/// From one line to the next.
const STEP: f32 = 15.0;
const SIZE: f32 = 10.0;
/// The width of a Courier character, as a part of its size.
const COURIER: f32 = 0.6;
/// Where the columns of quantity and tax end.
const QUANTITY: f32 = 370.0;
const TAX: f32 = 425.0;
/// The most characters of a description in one line.
const WRAP: usize = 46;

const WORDS: Name<'static> = Name(b"W");
const BOLD: Name<'static> = Name(b"B");
const FIGURES: Name<'static> = Name(b"F");

/// The pages as they are filled.
struct Pages {
    done: Vec<Content>,
    page: Content,
    y: f32,
}

/// The PDF of an invoice.
pub fn of(paper: &Paper) -> Vec<u8> {
    let mut pages = Pages { done: Vec::new(), page: Content::new(), y: TOP };
    pages.words(BOLD, 12.0, LEFT, &paper.organisation);
    pages.down(2.0);
    pages.words(BOLD, 16.0, LEFT, &paper.title);
    pages.down(2.0);
    for (word, text) in &paper.head {
        pages.words(WORDS, SIZE, LEFT, word);
        pages.words(WORDS, SIZE, LEFT + 110.0, text);
        pages.down(1.0);
    }
    pages.down(1.0);
    columns(&mut pages, paper);
    for [description, quantity, tax, amount] in &paper.lines {
        for (index, part) in wrapped(description).iter().enumerate() {
            if pages.down(1.0) {
                columns(&mut pages, paper);
                pages.down(1.0);
            }
            pages.words(WORDS, SIZE, LEFT, part);
            if index == 0 {
                pages.figures(QUANTITY, quantity);
                pages.figures(TAX, tax);
                pages.figures(RIGHT, amount);
            }
        }
    }
    pages.rule();
    for (word, sum) in &paper.sums {
        pages.down(1.0);
        pages.words(BOLD, SIZE, 280.0, word);
        pages.figures(RIGHT, sum);
    }
    pages.down(1.0);
    for part in paper.note.iter().flat_map(|note| wrapped(note)) {
        pages.down(1.0);
        pages.words(WORDS, SIZE, LEFT, &part);
    }
    pages.done.push(pages.page);
    write(pages.done, &paper.title)
}

fn columns(pages: &mut Pages, paper: &Paper) {
    let [service, quantity, tax, amount] = &paper.columns;
    pages.words(BOLD, SIZE, LEFT, service);
    pages.figures(QUANTITY, quantity);
    pages.figures(TAX, tax);
    pages.figures(RIGHT, amount);
    pages.rule();
}

impl Pages {
    /// Goes down by so many lines; true when that began another page.
    fn down(&mut self, lines: f32) -> bool {
        self.y -= STEP * lines;
        if self.y >= BOTTOM {
            return false;
        }
        self.done.push(std::mem::replace(&mut self.page, Content::new()));
        self.y = TOP;
        true
    }

    fn rule(&mut self) {
        self.page.move_to(LEFT, self.y - 5.0).line_to(RIGHT, self.y - 5.0).stroke();
    }

    fn words(&mut self, font: Name<'_>, size: f32, x: f32, text: &str) {
        self.page.begin_text().set_font(font, size).next_line(x, self.y);
        self.page.show(Str(&win_ansi(text))).end_text();
    }

    /// Figures that end at `right`.
    fn figures(&mut self, right: f32, text: &str) {
        let characters = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
        let x = right - f32::from(characters) * COURIER * SIZE;
        self.words(FIGURES, SIZE, x, text);
    }
}

fn write(pages: Vec<Content>, title: &str) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let mut next = Ref::new(1);
    let (catalog, tree, info) = (next.bump(), next.bump(), next.bump());
    let fonts = [(WORDS, "Helvetica"), (BOLD, "Helvetica-Bold"), (FIGURES, "Courier")]
        .map(|(name, base)| (name, base, next.bump()));
    let places: Vec<_> = pages.iter().map(|_| (next.bump(), next.bump())).collect();
    pdf.catalog(catalog).pages(tree);
    pdf.document_info(info).title(TextStr(title)).producer(TextStr("HMS"));
    let count = i32::try_from(places.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(places.iter().map(|(page, _)| *page)).count(count);
    for (_, base, place) in fonts {
        let mut font = pdf.type1_font(place);
        font.base_font(Name(base.as_bytes())).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    for ((place, stream), content) in places.into_iter().zip(pages) {
        let mut page = pdf.page(place);
        page.parent(tree).media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).contents(stream);
        let mut resources = page.resources();
        let mut known = resources.fonts();
        for (name, _, font) in fonts {
            known.pair(name, font);
        }
        known.finish();
        resources.finish();
        page.finish();
        pdf.stream(stream, &content.finish());
    }
    pdf.finish()
}

/// A text in lines of at most [`WRAP`] characters, broken between words, and within one that is longer.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split_whitespace() {
        for (index, letter) in word.chars().enumerate() {
            let starts = index == 0 && length > 0;
            let left = if starts { word.chars().count().min(WRAP) + 1 } else { 1 };
            if length + left > WRAP {
                lines.push(String::new());
                length = 0;
            } else if starts {
                push(&mut lines, ' ', &mut length);
            }
            push(&mut lines, letter, &mut length);
        }
    }
    lines
}

fn push(lines: &mut [String], letter: char, length: &mut usize) {
    if let Some(line) = lines.last_mut() {
        line.push(letter);
        *length += 1;
    }
}

/// Windows-1252: Latin-1, and what it has in the place of the control characters.
fn win_ansi(text: &str) -> Vec<u8> {
    const OTHERS: [(char, u8); 27] = [
        ('€', 0x80),
        ('‚', 0x82),
        ('ƒ', 0x83),
        ('„', 0x84),
        ('…', 0x85),
        ('†', 0x86),
        ('‡', 0x87),
        ('ˆ', 0x88),
        ('‰', 0x89),
        ('Š', 0x8A),
        ('‹', 0x8B),
        ('Œ', 0x8C),
        ('Ž', 0x8E),
        ('‘', 0x91),
        ('’', 0x92),
        ('“', 0x93),
        ('”', 0x94),
        ('•', 0x95),
        ('–', 0x96),
        ('—', 0x97),
        ('˜', 0x98),
        ('™', 0x99),
        ('š', 0x9A),
        ('›', 0x9B),
        ('œ', 0x9C),
        ('ž', 0x9E),
        ('Ÿ', 0x9F),
    ];
    let byte = |letter: char| match letter {
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(letter).unwrap_or(b'?'),
        _ => OTHERS.iter().find(|(other, _)| *other == letter).map_or(b'?', |(_, byte)| *byte),
    };
    text.chars().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_encoded_and_what_has_no_place_is_a_question_mark() {
        assert_eq!(win_ansi("Aé€œ\u{a0}Ж\n"), [b'A', 0xE9, 0x80, 0x9C, 0xA0, b'?', b'?']);
    }

    #[test]
    fn long_texts_are_wrapped_between_words() {
        let text = "A consultation of twenty minutes, with a referral to somebody else who knows more";
        let lines = wrapped(text);
        assert!(lines.len() == 2 && lines.iter().all(|line| line.chars().count() <= WRAP), "{lines:?}");
        assert_eq!(lines.join(" "), text);
        assert_eq!(wrapped(&"x".repeat(100)).iter().map(String::len).collect::<Vec<_>>(), [46, 46, 8]);
        assert_eq!(wrapped(""), [""]);
    }

    #[test]
    fn many_lines_take_several_pages() {
        let line = ["A visit", "1", "0 %", "1.00 EUR"].map(str::to_owned);
        let paper = Paper {
            organisation: "A (small) hospital".into(),
            title: "Invoice INV-000001".into(),
            head: Vec::new(),
            columns: ["Service", "Quantity", "Tax", "Amount"].map(str::to_owned),
            lines: vec![line; 120],
            sums: vec![("Total".into(), "120.00 EUR".into())],
            note: None,
        };
        let pdf = of(&paper);
        assert!(pdf.starts_with(b"%PDF-1.7"));
        let text = String::from_utf8_lossy(&pdf);
        assert_eq!(text.matches("/Type /Page\n").count(), 3);
        assert_eq!(text.matches("(A visit)").count(), 120);
        assert_eq!(text.matches("(Service)").count(), 3, "each page has its columns");
    }
}
