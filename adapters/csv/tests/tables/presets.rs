//! Exports of Google and Outlook, read and edited.

use record::{Kind, Record, Value};

use crate::sheet::{Sheet, lines};

fn text(text: &str) -> Value {
    Value::text(text)
}

const LEGACY: &str = "Name,Given Name,Family Name,Nickname,Birthday,Notes,Group Membership,E-mail 1 - Type,E-mail 1 - Value,E-mail 2 - Type,E-mail 2 - Value,Phone 1 - Type,Phone 1 - Value,Address 1 - Type,Address 1 - Street,Address 1 - City,Organization 1 - Name,Organization 1 - Title,Website 1 - Type,Website 1 - Value\n";
const CURRENT: &str =
    "First Name,Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value\n";
const OUTLOOK: &str = "First Name,Last Name,Title,Web Page,Birthday,E-mail Address,E-mail 2 Address,Home Phone,Home Fax,Business Phone,Business Phone 2,Mobile Phone,Company,Job Title,Home Street,Home City,Business Country/Region,User 1,Categories\n";

#[test]
fn a_legacy_google_export_is_understood() {
    let row = "Ada Lovelace,Ada,Lovelace,Countess, --12-10,,* myContacts ::: Maths,* Home,a@b.c,Work,w@b.c,Work Fax,1 ::: 2,Home,Main St 1,London,Engine Ltd,Analyst,Profile,https://a.example\n";
    let expected = [
        "addresses/@Address 1 - City/contexts/private = true",
        "addresses/@Address 1 - City/locality = London",
        "addresses/@Address 1 - City/street = Main St 1",
        "anniversaries/@Birthday/date = --12-10",
        "anniversaries/@Birthday/kind = birth",
        "emails/@E-mail 1 - Value/address = a@b.c",
        "emails/@E-mail 1 - Value/contexts/private = true",
        "emails/@E-mail 1 - Value/pref = 1",
        "emails/@E-mail 2 - Value/address = w@b.c",
        "emails/@E-mail 2 - Value/contexts/work = true",
        "keywords/Maths = true",
        "keywords/myContacts = true",
        "links/@Website 1 - Value/label = Profile",
        "links/@Website 1 - Value/uri = https://a.example",
        "name/full = Ada Lovelace",
        "name/given = Ada",
        "name/surname = Lovelace",
        "nicknames/Countess = true",
        "organizations/@Organization 1 - Name/name = Engine Ltd",
        "phones/@Phone 1 - Value ::: 2/contexts/work = true",
        "phones/@Phone 1 - Value ::: 2/features/fax = true",
        "phones/@Phone 1 - Value ::: 2/number = 2",
        "phones/@Phone 1 - Value/contexts/work = true",
        "phones/@Phone 1 - Value/features/fax = true",
        "phones/@Phone 1 - Value/number = 1",
        "titles/@Organization 1 - Title/name = Analyst",
    ];
    let sheet = Sheet::new(format!("{LEGACY}{row}"));
    assert_eq!(lines(&sheet.record()), expected);
    let item = sheet.scan().items.remove(0);
    sheet.put(&item, &item.record);
    assert_eq!(sheet.text(), format!("{LEGACY}{row}"));
}

#[test]
fn values_in_one_cell_are_edited_each() {
    let row = |phones: &str| format!("{CURRENT}Ada,L,,,,Mobile,{phones},,\n");
    let sheet = Sheet::new(row("1 ::: 2 ::: 3"));
    sheet.set(0, "phones/@Phone 1 - Value ::: 2/number", Some(text("22")));
    assert_eq!(sheet.text(), row("1 ::: 22 ::: 3"));
    let item = sheet.scan().items.remove(0);
    let mut record = item.record.clone();
    record.fields.retain(|pointer, _| pointer.below("phones/@Phone 1 - Value").is_none());
    sheet.put(&item, &record);
    assert_eq!(sheet.text(), row("22 ::: 3"));
}

#[test]
fn one_of_several_values_that_becomes_something_else_moves_out() {
    let sheet = Sheet::new(format!("{CURRENT}Ada,L,,,,Mobile,1 ::: 2,,\n"));
    let item = sheet.scan().items.remove(0);
    let mut record = item.record.clone().with("phones/@Phone 1 - Value ::: 2/contexts/work", Value::Boolean(true));
    record.fields.remove("phones/@Phone 1 - Value ::: 2/features/mobile");
    sheet.put(&item, &record);
    assert_eq!(sheet.text(), format!("{CURRENT}Ada,L,,,,Mobile,1,Work,2\n"));
}

#[test]
fn types_are_written_as_google_writes_them() {
    let record = Record::new(Kind::CONTACT)
        .with("name/given", text("Ada"))
        .with("keywords/Maths", Value::Boolean(true))
        .with("phones/a/number", text("1"))
        .with("phones/a/contexts/work", Value::Boolean(true))
        .with("phones/a/features/fax", Value::Boolean(true))
        .with("phones/a/features/voice", Value::Boolean(true))
        .with("phones/b/number", text("2"))
        .with("phones/b/label", text("Lake house"))
        .with("phones/b/pref", Value::Integer(1));
    let sheet = Sheet::new(CURRENT);
    sheet.add(&record);
    assert_eq!(sheet.text(), format!("{CURRENT}Ada,,Maths,,,* Lake house,2,Work Fax,1\n"));
}

#[test]
fn a_phone_that_goes_takes_its_type_along() {
    let sheet = Sheet::new(format!("{CURRENT}Ada,L,,,,Mobile,1,Other,2\n"));
    let item = sheet.scan().items.remove(0);
    let mut record = item.record.clone();
    record.fields.retain(|pointer, _| pointer.below("phones/@Phone 1 - Value").is_none());
    sheet.put(&item, &record);
    assert_eq!(sheet.text(), format!("{CURRENT}Ada,L,,,,,,Other,2\n"));
}

#[test]
fn a_type_without_its_value_is_carried_as_it_stands() {
    let sheet = Sheet::new("First Name,Labels,E-mail 1 - Value,Phone 1 - Label\nAda,,a@b.c,Mobile\n");
    let expected = ["emails/@E-mail 1 - Value/address = a@b.c", "ext/csv/cells/Phone 1 - Label = Mobile", "name/given = Ada"];
    assert_eq!(lines(&sheet.record()), expected);
}

#[test]
fn an_outlook_export_is_understood() {
    let sheet = Sheet::new(format!(
        "{OUTLOOK}Ada,L,Dr,https://a.example,0/0/00,a@b.c,b@b.c,1,2,3,4,5,Engine Ltd,Analyst,Main St,London,France,u,Red;Blue\n"
    ));
    let expected = [
        "addresses/@Business Country~1Region/contexts/work = true",
        "addresses/@Business Country~1Region/country = France",
        "addresses/@Home City/contexts/private = true",
        "addresses/@Home City/locality = London",
        "addresses/@Home City/street = Main St",
        "emails/@E-mail 2 Address/address = b@b.c",
        "emails/@E-mail Address/address = a@b.c",
        "ext/csv/cells/User 1 = u",
        "keywords/Blue = true",
        "keywords/Red = true",
        "links/@Web Page/uri = https://a.example",
        "name/given = Ada",
        "name/surname = L",
        "name/title = Dr",
        "organizations/@Company/name = Engine Ltd",
        "phones/@Business Phone 2/contexts/work = true",
        "phones/@Business Phone 2/number = 4",
        "phones/@Business Phone/contexts/work = true",
        "phones/@Business Phone/number = 3",
        "phones/@Home Fax/contexts/private = true",
        "phones/@Home Fax/features/fax = true",
        "phones/@Home Fax/number = 2",
        "phones/@Home Phone/contexts/private = true",
        "phones/@Home Phone/number = 1",
        "phones/@Mobile Phone/features/mobile = true",
        "phones/@Mobile Phone/number = 5",
        "titles/@Job Title/name = Analyst",
    ];
    assert_eq!(lines(&sheet.record()), expected);
    let before = sheet.text();
    sheet.set(0, "keywords/Green", Some(Value::Boolean(true)));
    assert_eq!(sheet.text(), before.replace("Red;Blue", "Red;Blue;Green"));
}
