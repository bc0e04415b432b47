//! Hands the versions that `/meta` reports from the compiler and the lock file to the program.

use std::{env, fs, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.lock");

    let lock = fs::read_to_string("Cargo.lock").expect("Cargo.lock is readable");
    for (variable, package) in [
        ("AXUM_VERSION", "axum"),
        ("TOKIO_POSTGRES_VERSION", "tokio-postgres"),
    ] {
        let version = locked_version(&lock, package);
        println!("cargo::rustc-env={variable}={version}");
    }

    let compiler = Command::new(env::var_os("RUSTC").expect("cargo sets RUSTC"))
        .arg("--version")
        .output()
        .expect("the compiler runs");
    let compiler = String::from_utf8(compiler.stdout).expect("its version is text");
    // "rustc 1.96.1 (31fca3adb 2026-06-26)": name and version are enough.
    let words: Vec<_> = compiler.split_whitespace().take(2).collect();
    println!("cargo::rustc-env=RUSTC_VERSION={}", words.join(" "));
}

fn locked_version<'a>(lock: &'a str, package: &str) -> &'a str {
    lock.split_once(&format!("name = \"{package}\"\nversion = \""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(version, _)| version)
        .expect("the package is in Cargo.lock")
}
