//! A store that went back in time: what it lost, the devices put back.

use crate::network::pair;

#[test]
fn a_server_restored_from_a_backup_gets_back_what_it_lost() {
    let (mut server, laptop, desktop) = pair(60);
    laptop.sync(0);
    desktop.sync(0);
    let backup = server.path("backup");
    let backed_up = server.store(&["backup", backup.to_str().unwrap()]);
    assert_eq!(backed_up.code, 0, "{backed_up:?}");
    // Fifty transactions, half of them each device's, none of which the other device need have seen.
    for number in 0..25 {
        laptop.edit("contacts.csv", &format!(",tea {number}\n"), &format!(",coffee {number}\n"));
        laptop.sync(0);
        let card = desktop.card_with(&format!("person{}@mail.example", number + 30));
        desktop.edit(&card, &format!("person{}@mail.example", number + 30), &format!("person{}@work.example", number + 30));
        desktop.sync(0);
    }
    let head = |desk: &crate::harness::Desk| desk.run(&["status", "--format", "json"]).json()["jobs"][0]["head"].as_u64().unwrap();
    assert_eq!(head(&laptop), 51);
    server.stop();
    let restored = server.store(&["restore", backup.to_str().unwrap()]);
    assert_eq!(restored.code, 0, "{restored:?}");
    server.again();
    let status = laptop.run(&["status"]);
    status.says(&["the store went back from v", "will be put back as they were"]);
    laptop.sync(0).says(&["were put back as they were"]);
    desktop.sync(0);
    assert!(head(&laptop) >= 51);
    laptop.settle();
    desktop.settle();
    let rows = laptop.rows();
    assert_eq!((rows.len(), desktop.cards().len()), (60, 60));
    for number in 0..25 {
        assert!(rows.iter().any(|row| row.ends_with(&format!(",coffee {number}"))), "coffee {number}: {rows:?}");
        let email = format!("person{}@work.example", number + 30);
        assert!(rows.iter().any(|row| row.contains(&email)), "{email}: {rows:?}");
        desktop.card_with(&email);
    }
}
