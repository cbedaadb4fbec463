//! A till whose disk is really full: a small one of its own, mounted for a process of its own.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use softpos_scenarios::{HostPlace, Shop, TillPlace, sale};
use softpos_terminal::{Ending, State};
use softpos_types::{Code, Method, MoneyState, SoftPosError};

const DISK: &str = "SOFTPOS_TILL_DISK";
/// Room for the reserve, which is made with 64 MiB free.
const MOUNT: &str = "mount -t tmpfs -o size=96m,mode=700 disk \"$SOFTPOS_TILL_DISK\"";
const THIS: &str = "full_disk::a_till_on_a_full_disk_takes_nothing_it_cannot_write_and_goes_on_with_room";

#[test]
fn a_till_on_a_full_disk_takes_nothing_it_cannot_write_and_goes_on_with_room() {
    let Some(disk) = std::env::var_os(DISK).map(PathBuf::from) else {
        return on_a_small_disk();
    };
    let mut shop = Shop::unopened_at(TillPlace::on(&disk), HostPlace::start());
    shop.activate();
    let first = shop.tap(100, "visa-approved");
    assert_eq!(first.state, State::Approved);
    shop.come_to_rest();
    shop.reopen_till();
    assert!(shop.place.dir().join("reserve").exists(), "no reserve was kept");

    // The reserve carries the till on for a while.
    fill_up(&disk.join("filler-1"));
    for _ in 0..12 {
        assert_eq!(cash(&mut shop), Ok(()));
    }
    assert!(
        !shop.place.dir().join("reserve").exists(),
        "the reserve was not given up"
    );
    // Then nothing is taken that could not be written.
    fill_up(&disk.join("filler-2"));
    let (mut taken, mut refused) = (13, Vec::new());
    while refused.len() < 3 {
        match cash(&mut shop) {
            Ok(()) => taken += 1,
            Err(why) => refused.push(why),
        }
        assert!(taken < 100, "the disk never was full");
    }
    let card = shop.try_tap(100, "visa-approved");
    let not_recorded = |why: &String| why.contains("NotRecorded");
    assert!(refused.iter().all(not_recorded), "{refused:?}");
    assert!(not_recorded(&format!("{card:?}")), "{card:?}");
    assert!(shop.till().queue_policy().unwrap().unwrap().storage_low);

    // Opened again on the full disk it has everything, and stores nothing that waits for the host.
    shop.reopen_till();
    assert_eq!(approved(&shop), taken);
    assert!(not_recorded(&format!("{:?}", shop.try_tap(100, "visa-approved"))));
    shop.network(false);
    assert_eq!(
        shop.try_tap(100, "visa-approved").unwrap_err().code(),
        Code::StorageLow
    );
    // With room it goes on by itself, the same program.
    fs::remove_file(disk.join("filler-1")).unwrap();
    fs::remove_file(disk.join("filler-2")).unwrap();
    let noticed = |shop: &Shop| !shop.till().queue_policy().unwrap().unwrap().storage_low;
    for _ in 0..500 {
        if noticed(&shop) {
            break;
        }
        sleep(Duration::from_millis(20));
    }
    assert_eq!(shop.tap(200, "visa-approved").state, State::Stored);
    assert_eq!(cash(&mut shop), Ok(()));
    shop.network(true);
    shop.come_to_rest();
    assert_eq!(approved(&shop), taken + 2);
    shop.assert_reconciled();
}

/// A sale for cash; why not, if it is not taken.
fn cash(shop: &mut Shop) -> Result<(), String> {
    let sold = shop.sell(sale(1_000, Method::Cash));
    if let Err(error) = &sold {
        assert_eq!(error.fault().money, MoneyState::NotMoved);
    }
    if is_approved(&sold) {
        Ok(())
    } else {
        Err(format!("{sold:?}"))
    }
}

fn is_approved(sold: &Result<Ending, SoftPosError>) -> bool {
    matches!(
        sold,
        Ok(Ending::Payment {
            state: State::Approved,
            ..
        })
    )
}

fn approved(shop: &Shop) -> usize {
    let history = shop.history();
    history
        .iter()
        .filter(|payment| payment.state == State::Approved)
        .count()
}

/// Runs the test once more in namespaces of its own, on a disk of its own.
fn on_a_small_disk() {
    let disk = tempfile::tempdir().unwrap();
    let in_namespaces = |script: String| {
        Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
            .arg(std::env::current_exe().unwrap())
            .env(DISK, disk.path())
            .output()
    };
    if !in_namespaces(MOUNT.to_owned()).is_ok_and(|output| output.status.success()) {
        // Past the capture of a test's output: that nothing was tested is to be seen.
        let words = format!("SKIPPED {THIS}: this machine lets nobody mount a disk\n");
        std::io::stderr().write_all(words.as_bytes()).unwrap();
        return;
    }
    let output = in_namespaces(format!("{MOUNT} && exec \"$0\" --exact {THIS} --nocapture")).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn fill_up(path: &Path) {
    let mut file = File::create_new(path).unwrap();
    for length in [1 << 20, 1 << 12, 1] {
        let block = vec![1; length];
        loop {
            match file.write(&block) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}
