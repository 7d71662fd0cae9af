// Golden files in Rust: is |mine - expected| <= allowed, for every element? Needs no crate.
// rustc --edition 2021 golden.rs && ./golden GOLDEN.safetensors MINE.safetensors; or take open and check.
use std::{collections::BTreeMap, env, fs, process::exit};

type Tensors = BTreeMap<String, Vec<f64>>;

/// The tensors of a safetensors file by name: the length of a JSON header, the header, the numbers.
fn open(path: &str) -> Tensors {
    let bytes = fs::read(path).unwrap_or_else(|why| {
        eprintln!("{path}: {why}");
        exit(2)
    });
    let start = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..start]).unwrap();
    let mut found = Tensors::new();
    // "name":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}
    for part in header.split("},") {
        let Some((name, told)) = part.split_once("\":{") else { continue };
        let name = name.rsplit('"').next().unwrap().to_string();
        let Some((_, offsets)) = told.split_once("\"data_offsets\":[") else { continue };
        let ends: Vec<usize> = offsets
            .split(|c: char| !c.is_ascii_digit())
            .filter(|word| !word.is_empty())
            .map(|word| word.parse().unwrap())
            .collect();
        let numbers = &bytes[start + ends[0]..start + ends[1]];
        let values = if told.contains("\"F64\"") {
            numbers.chunks(8).map(|c| f64::from_le_bytes(c.try_into().unwrap())).collect()
        } else if told.contains("\"F32\"") {
            numbers.chunks(4).map(|c| f32::from_le_bytes(c.try_into().unwrap()) as f64).collect()
        } else {
            continue;
        };
        found.insert(name, values);
    }
    found
}

/// How many elements of a tensor are off; tells the first. What is not a number is off.
fn check(golden: &Tensors, name: &str, mine: &[f64]) -> usize {
    let expected = &golden[&format!("expected/{name}")];
    let allowed = &golden[&format!("allowed/{name}")];
    if expected.len() != mine.len() {
        println!("{name}: another size");
        return 1;
    }
    let is_off = |i: &usize| !((mine[*i] - expected[*i]).abs() <= allowed[*i]);
    let off: Vec<usize> = (0..mine.len()).filter(is_off).collect();
    if let Some(&i) = off.first() {
        let (n, all, a, e, r) = (off.len(), mine.len(), mine[i], expected[i], allowed[i]);
        println!("{name}: {n} of {all} elements are off; at {i} {a}, expected {e}, allowed {r:e}");
    }
    off.len()
}

fn main() {
    let given: Vec<String> = env::args().collect();
    let (golden, mine) = (open(&given[1]), open(&given[2]));
    let names = golden.keys().filter_map(|name| name.strip_prefix("expected/"));
    let compared: Vec<&str> = names.filter(|name| mine.contains_key(*name)).collect();
    let off: usize = compared.iter().map(|name| check(&golden, name, &mine[*name])).sum();
    println!("{} tensors compared, {off} elements off", compared.len());
    exit(if off > 0 { 1 } else if compared.is_empty() { 3 } else { 0 }); // nothing is no match
}
